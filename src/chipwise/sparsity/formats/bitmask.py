"""One bit per value says whether it is zero; the others follow."""

from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np

from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream


@final
@dataclass(frozen=True, slots=True)
class Bitmask(Format):
    """bits = values x 1 + non-zeros x value bits."""

    @property
    def text(self) -> str:
        """`bitmask`."""
        return "bitmask"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """The mask, and the non-zeros in order."""
        flat = codes.ravel()
        return (
            Stream("mask", 1, (flat != 0).astype(np.uint64)),
            Stream(VALUES, value_bits, flat[flat != 0]),
        ), 0

    def codes(self, encoded: Encoded) -> Codes:
        """Non-zeros at the places of the mask."""
        mask = encoded.stream("mask")
        found = np.zeros(mask.size, np.uint64)
        found[mask != 0] = encoded.stream(VALUES)
        return found

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """The mask is there whatever the density."""
        n = prod(shape)
        return Bits(density.expected(n) * value_bits, n)
