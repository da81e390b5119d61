"""Run-length coding as Eyeriss does it: the number of zeros before a value, then the value.

Three pairs of a 5-bit run and a 16-bit value, and one bit, fill a word of 64 bits. A run that its bits cannot hold
is cut: the pair's value is then one of the zeros. Source: Chen et al., IEEE JSSC 52(1), 2017, section IV.
"""

from dataclasses import dataclass
from math import ceil, prod
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream

_NEGLIGIBLE = 1e-15


@final
@dataclass(frozen=True, slots=True)
class RunLength(Format):
    """Pairs of (zeros before, value); a pair covers up to 2^run bits values.

    `pairs_per_word` and `word_bits`: how pairs are packed, so that what is left of a word is lost; None: not at all.

    >>> eyeriss = RunLength(5, 16, pairs_per_word=3, word_bits=64)
    >>> eyeriss.bits_of(np.array([0, 0, 12, 0, 0, 0, 0, 53, 0, 0, 22]), 16).total
    64
    """

    run_bits: int = 5
    value_bits: int | None = None
    """Width of a value where the format fixes it; None: the tensor's."""
    pairs_per_word: int | None = None
    word_bits: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.run_bits <= 32:
            raise InputError(f"run-length coding: a run of {self.run_bits} bits must have 1 to 32")
        if (self.pairs_per_word is None) != (self.word_bits is None):
            raise InputError("run-length coding: pairs per word and bits of the word go together")
        if self.pairs_per_word is not None and self.word_bits is not None:
            least = self.pairs_per_word * (self.run_bits + (self.value_bits or 1))
            if self.pairs_per_word < 1 or self.word_bits < least:
                raise InputError(
                    f"run-length coding: {self.pairs_per_word} pairs do not fit a word of {self.word_bits} b"
                )

    @property
    def text(self) -> str:
        """`rle(5)`, `rle(5, 16)` or `rle(5, 16, 3 in 64)`."""
        parts = [str(self.run_bits)]
        if self.value_bits is not None:
            parts.append(str(self.value_bits))
        if self.pairs_per_word is not None:
            parts.append(f"{self.pairs_per_word} in {self.word_bits}")
        return f"rle({', '.join(parts)})"

    @property
    def span(self) -> int:
        """Most values that one pair covers: 2^run bits."""
        return 1 << self.run_bits

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """Runs, values, and what is left of the last word and of each."""
        width = self._width(value_bits)
        flat = codes.ravel()
        ends = self._ends(flat)
        runs = np.diff(ends, prepend=-1) - 1
        streams = (
            Stream("runs", self.run_bits, runs.astype(np.uint64)),
            Stream(VALUES, width, flat[ends]),
        )
        return streams, int(self._packed(ends.size, width)) - ends.size * (self.run_bits + width)

    def codes(self, encoded: Encoded) -> Codes:
        """Zeros by the runs, values after each."""
        ends = np.cumsum(encoded.stream("runs").astype(np.int64) + 1) - 1
        found = np.zeros(prod(encoded.shape), np.uint64)
        found[ends] = encoded.stream(VALUES)
        return found

    def expected_pairs(self, length: int, density: DensityModel) -> float:
        """Mean pairs of `length` values.

        A pair ends at every non-zero, and after every whole span of zeros that follows a pair's end:
        Σ over m of [(n − Wm)·(Z(Wm) − Z(Wm + 1)) + Z(Wm)] + 1 − P(a pair ends at n), with W the span and Z(s) the
        chance of s zeros in a row. Exact where non-zeros are placed uniformly at random.

        >>> from chipwise.sparsity.densities.uniform import Uniform
        >>> RunLength(5).expected_pairs(64, Uniform(0.0)), RunLength(5).expected_pairs(64, Uniform(1.0))
        (2.0, 64.0)
        """
        if density.density == 0:
            return float(ceil(length / self.span))
        found, last = 0.0, 0.0
        for m in range(length // self.span + 1):
            zeros = m * self.span
            p = density.p_zeros(zeros) if zeros else 1.0
            if p < _NEGLIGIBLE:
                break
            if zeros < length:
                then_one = p - density.p_zeros(zeros + 1)
                found += (length - zeros) * then_one
                last += then_one
            elif zeros == length:
                last += p
            found += p if m else 0.0
        return found + max(0.0, 1.0 - last)

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Of the mean number of pairs, in whole words."""
        width = self._width(value_bits)
        pairs = self.expected_pairs(prod(shape), density)
        return Bits(pairs * width, self._packed(pairs, width) - pairs * width)

    def _width(self, value_bits: int) -> int:
        width = self.value_bits or value_bits
        if width < value_bits:
            raise InputError(f"{self.text}: has no room for values of {value_bits} b")
        if (
            self.pairs_per_word
            and self.word_bits
            and self.pairs_per_word * (self.run_bits + width) > self.word_bits
        ):
            raise InputError(f"{self.text}: values of {width} b do not fit its word")
        return width

    def _packed(self, pairs: float, width: int) -> float:
        if self.pairs_per_word is None or self.word_bits is None:
            return pairs * (self.run_bits + width)
        return ceil(pairs / self.pairs_per_word - 1e-9) * self.word_bits

    def _ends(self, flat: Codes) -> NDArray[np.int64]:
        """Places of the pairs' values: non-zeros, every full span of zeros, and the last place."""
        at = np.flatnonzero(flat)
        starts = np.concatenate(([0], at + 1))
        cuts = (np.concatenate((at, [flat.size])) - starts) // self.span
        before = np.concatenate(([0], np.cumsum(cuts)[:-1]))
        number = np.arange(int(cuts.sum())) - np.repeat(before, cuts)
        full = np.repeat(starts, cuts) + (number + 1) * self.span - 1
        ends = np.union1d(at, full)
        if ends.size == 0 or ends[-1] != flat.size - 1:
            ends = np.append(ends, flat.size - 1)
        return ends.astype(np.int64)


EYERISS = RunLength(5, 16, pairs_per_word=3, word_bits=64)
"""The coding of the test chip's DRAM traffic."""
