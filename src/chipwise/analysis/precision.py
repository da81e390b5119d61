"""What narrow values save in all: bit operations, bits of weights, widths of accumulators, layer by layer."""

from dataclasses import asdict, dataclass
from typing import Any, final

from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.workload.numbers import accumulator_bits

WORD_BITS = 16
"""Of tensors that do not say."""


@final
@dataclass(frozen=True, slots=True)
class LayerBits:
    """One layer.

    `bit_operations`: MACs x bits of one operand x bits of the other. `weight_bits_total`: of all weights, uncompressed.
    """

    name: str
    input_bits: int
    weight_bits: int
    accumulator_bits: int
    bit_operations: int
    weight_bits_total: int


def bits_of_layer(layer: Layer, word_bits: int = WORD_BITS) -> LayerBits:
    """Widths of a layer and what follows from them; tensors that do not say have `word_bits`.

    >>> from chipwise.workload.kinds import fully_connected
    >>> bits_of_layer(fully_connected("fc", M=10, C=100), 8)
    LayerBits(name='fc', input_bits=8, weight_bits=8, accumulator_bits=23, bit_operations=64000, weight_bits_total=8000)
    """
    left, right = layer.inputs
    widths = left.bits or word_bits, right.bits or word_bits
    weights = layer.volume(right.name) if right.name == "weight" else 0
    return LayerBits(
        layer.name,
        *widths,
        accumulator_bits(layer, word_bits, word_bits),
        layer.macs * widths[0] * widths[1],
        weights * widths[1],
    )


def bits_of_network(network: Network, word_bits: int = WORD_BITS) -> tuple[LayerBits, ...]:
    """All layers."""
    return tuple(bits_of_layer(layer, word_bits) for layer in network.layers)


def bit_operations(network: Network, word_bits: int = WORD_BITS) -> int:
    """Sum over layers of MACs x bits of one operand x bits of the other.

    Source: as reported in the model zoo of HAWQ-V3 (Yao et al., ICML 2021).

    >>> from chipwise.workload.zoo import alexnet
    >>> network = alexnet.build()
    >>> bit_operations(network, 8) == 64 * network.macs
    True
    """
    return sum(layer.bit_operations for layer in bits_of_network(network, word_bits))


def weight_bits(network: Network, word_bits: int = WORD_BITS) -> int:
    """Bits of all weights, uncompressed.

    >>> from chipwise.workload.zoo import alexnet
    >>> round(weight_bits(alexnet.build(), 32) / 8e6, 1)  # MB
    243.8
    """
    return sum(layer.weight_bits_total for layer in bits_of_network(network, word_bits))


def bits_dict(layers: tuple[LayerBits, ...]) -> dict[str, Any]:
    """The JSON form, as part of what `chipwise describe` writes."""
    return {
        "totals": {
            "bit_operations": sum(layer.bit_operations for layer in layers),
            "weight_bits": sum(layer.weight_bits_total for layer in layers),
            "accumulator_bits": max((layer.accumulator_bits for layer in layers), default=0),
        },
        "layers": [asdict(layer) for layer in layers],
    }
