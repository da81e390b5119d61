"""What narrow values save in all: bit operations and bits of weights of a network, each layer with its own widths."""

from chipwise.workload.network import Network

WORD_BITS = 16
"""Of tensors that do not say."""


def bit_operations(network: Network, word_bits: int = WORD_BITS) -> int:
    """Sum over layers of MACs x bits of one operand x bits of the other.

    Source: as reported in the model zoo of HAWQ-V3 (Yao et al., ICML 2021).

    >>> from chipwise.workload.zoo import alexnet
    >>> network = alexnet.build()
    >>> bit_operations(network, 8) == 64 * network.macs
    True
    """
    total = 0
    for layer in network.layers:
        left, right = layer.inputs
        total += layer.macs * (left.bits or word_bits) * (right.bits or word_bits)
    return total


def weight_bits(network: Network, word_bits: int = WORD_BITS) -> int:
    """Bits of all weights, uncompressed.

    >>> from chipwise.workload.zoo import alexnet
    >>> weight_bits(alexnet.build(), 32) / 8e6  # MB
    243.8...
    """
    return sum(
        layer.volume(tensor.name) * (tensor.bits or word_bits)
        for layer in network.layers
        for tensor in layer.inputs
        if tensor.name == "weight"
    )
