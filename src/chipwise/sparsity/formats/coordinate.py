"""Every non-zero with its coordinate in each rank (COO)."""

from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np

from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream, index_bits


@final
@dataclass(frozen=True, slots=True)
class Coordinate(Format):
    """bits = non-zeros x (Σ over ranks of ceil(log2 extent) + value bits)."""

    @property
    def text(self) -> str:
        """`coordinate`."""
        return "coordinate"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """One stream of coordinates per rank, and the non-zeros."""
        places = np.nonzero(codes)
        ranks = (
            Stream(f"rank {i}", index_bits(extent), at.astype(np.uint64))
            for i, (extent, at) in enumerate(zip(codes.shape, places, strict=True))
        )
        return (*ranks, Stream(VALUES, value_bits, codes[places])), 0

    def codes(self, encoded: Encoded) -> Codes:
        """Non-zeros at their coordinates."""
        found = np.zeros(encoded.shape, np.uint64)
        places = tuple(encoded.stream(f"rank {i}").astype(np.int64) for i in range(len(encoded.shape)))
        found[places] = encoded.stream(VALUES)
        return found

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Proportional to the density."""
        nonzeros = density.expected(prod(shape))
        return Bits(nonzeros * value_bits, nonzeros * sum(index_bits(extent) for extent in shape))
