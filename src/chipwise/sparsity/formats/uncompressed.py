"""Every value, zero or not, and no metadata."""

from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream


@final
@dataclass(frozen=True, slots=True)
class Uncompressed(Format):
    """bits = values x value bits."""

    @property
    def text(self) -> str:
        """`raw`."""
        return "raw"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """The values."""
        return (Stream(VALUES, value_bits, codes.ravel()),), 0

    def codes(self, encoded: Encoded) -> Codes:
        """The values."""
        return encoded.stream(VALUES)

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Whatever the density."""
        del density
        return Bits(prod(shape) * value_bits, 0)
