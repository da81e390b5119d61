"""Compressed sparse columns, with row indices or with runs of zeros, as EIE and Eyeriss v2 store weights."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.csr import matrix
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream, index_bits

_NEGLIGIBLE = 1e-15


@final
@dataclass(frozen=True, slots=True)
class Csc(Format):
    """bits = (columns + 1) x pointer bits + entries x (index bits + value bits); a row is the first rank.

    With `run_bits` an entry says how many zeros stand before it in its column, and a zero is stored where they are
    more than the bits can say (EIE: 4). Zeros after a column's last entry cost nothing.

    >>> Csc(run_bits=1).encode(np.array([[1], [0], [0], [0], [5]]), 8).stream("runs").tolist()
    [0, 1, 1]
    """

    run_bits: int | None = None
    pointer_bits: int | None = None
    """None: enough for a dense tensor."""

    def __post_init__(self) -> None:
        for what in (self.run_bits, self.pointer_bits):
            if what is not None and not 1 <= what <= 32:
                raise InputError(f"csc: {what} bits must be from 1 to 32")

    @property
    def text(self) -> str:
        """`csc`, `csc(4)` with runs of 4 bits, `csc(4, 16)` with pointers of 16."""
        widths = [str(w) for w in (self.run_bits, self.pointer_bits) if w is not None]
        return f"csc({', '.join(widths)})" if widths else "csc"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """Pointers to columns, rows or runs, values."""
        rows, columns = matrix(codes.shape)
        by_column = codes.reshape(rows, columns).T
        column, at = np.nonzero(by_column)
        if self.run_bits is not None:
            column, at, runs = self._runs(column, at)
            index = Stream("runs", self.run_bits, runs.astype(np.uint64))
        else:
            index = Stream("rows", index_bits(rows), at.astype(np.uint64))
        pointers = np.searchsorted(column, np.arange(columns + 1)).astype(np.uint64)
        width = self._pointer_bits(rows * columns)
        if int(pointers[-1]) >> width:
            raise InputError(f"{self.text}: pointers of {width} b cannot count {pointers[-1]} entries")
        return (
            Stream("pointers", width, pointers),
            index,
            Stream(VALUES, value_bits, by_column[column, at]),
        ), 0

    def codes(self, encoded: Encoded) -> Codes:
        """Column by column."""
        rows, columns = matrix(encoded.shape)
        pointers = encoded.stream("pointers").astype(np.int64)
        column = np.repeat(np.arange(columns), np.diff(pointers))
        if self.run_bits is None:
            at = encoded.stream("rows").astype(np.int64)
        else:
            ends = np.cumsum(encoded.stream("runs").astype(np.int64) + 1)
            at = ends - np.concatenate(([0], ends))[pointers[:-1]][column] - 1
        found = np.zeros((rows, columns), np.uint64)
        found[at, column] = encoded.stream(VALUES)
        return found

    def expected_entries(self, shape: tuple[int, ...], density: DensityModel) -> float:
        """Mean entries: the non-zeros, and with runs a zero for every span of zeros before one.

        Σ over m >= 1 of (rows − Wm)·(Z(Wm) − Z(Wm + 1)) per column, W = 2^run bits, Z(s) the chance of s zeros.
        """
        rows, columns = matrix(shape)
        padding = 0.0
        if self.run_bits is not None:
            span = 1 << self.run_bits
            for zeros in range(span, rows, span):
                p = density.p_zeros(zeros)
                if p < _NEGLIGIBLE:
                    break
                padding += (rows - zeros) * (p - density.p_zeros(zeros + 1))
        return density.expected(rows * columns) + columns * padding

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Of the mean number of entries."""
        rows, columns = matrix(shape)
        entries = self.expected_entries(shape, density)
        index = index_bits(rows) if self.run_bits is None else self.run_bits
        metadata = (columns + 1) * self._pointer_bits(rows * columns) + entries * index
        return Bits(entries * value_bits, metadata)

    def _pointer_bits(self, most: int) -> int:
        return index_bits(most + 1) if self.pointer_bits is None else self.pointer_bits

    def _runs(
        self,
        column: np.ndarray[tuple[int], np.dtype[np.int64]],
        at: np.ndarray[tuple[int], np.dtype[np.int64]],
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
        """Columns, rows and runs of all entries, stored zeros among them."""
        span = 1 << (self.run_bits or 0)
        same = np.diff(column, prepend=-1) == 0
        before = np.where(same, np.concatenate(([-1], at[:-1])), -1)
        cuts = (at - before - 1) // span
        number = np.arange(int(cuts.sum())) - np.repeat(np.cumsum(cuts) - cuts, cuts)
        columns = np.concatenate((column, np.repeat(column, cuts)))
        places = np.concatenate((at, np.repeat(before, cuts) + (number + 1) * span))
        order = np.lexsort((places, columns))
        columns, places = columns[order], places[order]
        same = np.diff(columns, prepend=-1) == 0
        last = np.where(same, np.concatenate(([-1], places[:-1])), -1)
        return columns, places, places - last - 1
