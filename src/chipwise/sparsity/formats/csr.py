"""Compressed sparse rows: where each row starts, and the column of every non-zero."""

from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import Bits, Codes, Encoded, Format, Stream
from chipwise.sparsity.formats.ranked import Ranked

_RANKS = Ranked(("UOP", "CP"))


@final
@dataclass(frozen=True, slots=True)
class Csr(Format):
    """bits = (rows + 1) x pointer bits + non-zeros x (column bits + value bits); a row is the first rank.

    Pointers are wide enough for a dense tensor, since its hardware does not change with the data.
    """

    @property
    def text(self) -> str:
        """`csr`."""
        return "csr"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """Offsets of rows, columns, values."""
        return _RANKS.streams(codes.reshape(matrix(codes.shape)), value_bits)

    def codes(self, encoded: Encoded) -> Codes:
        """Row by row."""
        rows, columns = matrix(encoded.shape)
        return _RANKS.codes(
            Encoded((rows, columns), encoded.value_bits, encoded.dtype, encoded.streams, encoded.spare_bits)
        )

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Pointers whatever the density."""
        return _RANKS.expected(matrix(shape), density, value_bits)


def matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    """The first rank, and all others as one; a vector is one row.

    >>> matrix((64, 3, 5)), matrix((7,))
    ((64, 15), (1, 7))
    """
    return (shape[0], prod(shape[1:])) if len(shape) > 1 else (1, shape[0])
