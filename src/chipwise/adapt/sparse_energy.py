"""What zeros save of a dense layer's energy: the one place that knows, for `resource.Energy`."""

from chipwise.adapt.shapes import LayerShape
from chipwise.analysis.results import LayerResult

RUN_BITS = 5
"""Bits that tell how many zeros stand before a value."""


def compressed(density: float, bits: int = 16) -> float:
    """Bits of run-length coded data over bits of raw data; never above 1, as then it is stored raw.

    A pair holds up to 31 zeros and a value, and three pairs share 64 bits if values have 16:
    (d + (1 − d)/32) · (3·(b + 5) + 1)/(3·b). Source: Eyeriss (Chen et al., JSSC 2017, IV-E).

    >>> compressed(0.5), compressed(0.9)
    (0.6875, 1.0)
    """
    pairs = density + (1 - density) / (1 << RUN_BITS)
    return min(1.0, pairs * (3 * (bits + RUN_BITS) + 1) / (3 * bits))


def sparse_energy_pj(result: LayerResult, shape: LayerShape) -> float:
    """Energy of the layer with its densities, pJ, on the mapping that is best for the dense layer.

    Estimated after Yang, Chen and Sze (CVPR 2017): only MACs of two non-zeros are done, and only they read their
    operands from the innermost memory and write there; what moves further out moves run-length coded, outputs
    off-chip only, since partial sums are rarely zero. Densities are taken as independent of each other.

    Args:
        result: the dense layer on a chip.
        shape: gives the densities of input, weight and output.
    """
    chip = result.accelerator
    operations = shape.input_density * shape.weight_density
    innermost = {tensor: memory.name for memory in chip.memories for tensor in _kept(result, memory.name)}
    moved = {
        "input": compressed(shape.input_density, chip.bits(shape.input_bits)),
        "weight": compressed(shape.weight_density, chip.bits(shape.weight_bits)),
    }
    written = compressed(shape.output_density, chip.bits(shape.output_bits))
    total = result.static_energy_pj
    for item in result.cost.energy:
        by_macs = item.action == "read" or item.tensor == "output"
        if item.component == chip.compute.name or (item.component == innermost.get(item.tensor) and by_macs):
            share = operations
        elif item.tensor == "output":
            share = written if item.component == chip.memories[0].name else 1.0
        else:
            share = moved.get(item.tensor, 1.0)
        total += item.energy_pj * share
    return total


def _kept(result: LayerResult, memory: str) -> list[str]:
    """Tensors that the mapping keeps in a memory."""
    return [tensor for kept, tensor in result.cost.counts.actions if kept == memory]
