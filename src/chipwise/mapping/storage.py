"""How a tensor is written in a memory: bits of a value, and what it takes of the capacity."""

from dataclasses import dataclass
from math import ceil, prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.spelling import smallest
from chipwise.sparsity.formats.structured import StructuredFormat
from chipwise.sparsity.formats.uncompressed import Uncompressed
from chipwise.workload.layer import Layer, Tensor

RAW = "raw"

_STEPS = 1024
"""Of a bit: sums of what tiles take stay exact in doubles, however they are added up."""


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor in one place."""

    format: str
    bits: float
    """Of one value on average, metadata included."""
    metadata_bits: float
    held_bits: float
    """That a value takes of the capacity: on average, or without zeros."""


def density_model(tensor: Tensor) -> DensityModel:
    """Where a tensor's non-zeros lie: its pattern, or each value on its own with its density."""
    return tensor.pattern or Uniform(tensor.density)


def stored(layer: Layer, chip: Accelerator, part: Memory | Array, tensor: Tensor) -> Stored:
    """How `part` writes a tensor: in the format that takes the fewest bits of those that it may use.

    Bits of a value are those of the whole tensor / its values, whatever the tile.
    """
    raw = chip.bits(tensor.bits)
    formats = part.sparsity.formats.get(tensor.name)
    if formats is None:
        return Stored(RAW, raw, 0, raw)
    shape = tuple(rank.extent(layer.dims) for rank in tensor.ranks) or (1,)
    n = prod(shape)
    chosen, bits = smallest(formats, shape, density_model(tensor), raw)
    if isinstance(chosen, Uncompressed):
        return Stored(RAW, raw, 0, raw)
    held: float = ceil(bits.total / n * _STEPS) / _STEPS
    if isinstance(part, Memory) and not part.sparsity.expected_occupancy:
        if any(isinstance(f, Uncompressed) for f in formats):
            held = raw
        elif not isinstance(chosen, StructuredFormat):
            held = ceil(smallest(formats, shape, Uniform(1.0), raw)[1].total / n * _STEPS) / _STEPS
    return Stored(chosen.text, bits.total / n, bits.metadata / n, held)
