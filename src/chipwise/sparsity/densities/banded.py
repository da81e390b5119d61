"""A banded matrix: non-zeros near the diagonal only, as in recurrences and local attention."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.density import DensityModel, Floats

MAX_VALUES = 2**26
"""Largest matrix: its places are written out, so that every statistic is a count."""


@final
@dataclass(frozen=True, slots=True)
class Banded(DensityModel):
    """Value (i, j) is not zero where |i − j| <= `half_width`; nothing is random, so counts are exact.

    >>> round(Banded(4, 4, 1).density, 4)
    0.625
    """

    rows: int
    columns: int
    half_width: int

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 1 or self.half_width < 0 or self.rows * self.columns > MAX_VALUES:
            raise InputError(
                f"a banded matrix of {self.rows} x {self.columns} with half width {self.half_width} must have from 1 "
                f"to {MAX_VALUES} values and a half width of at least 0"
            )

    def actual(self) -> Actual:
        """The matrix, written out row by row."""
        i, j = np.ogrid[: self.rows, : self.columns]
        return Actual(np.abs(i - j) <= self.half_width)

    @property
    def density(self) -> float:
        """Fraction of values within the band."""
        i = np.arange(self.rows)
        ends = np.minimum(i + self.half_width, self.columns - 1)
        inside = np.maximum(ends - np.maximum(i - self.half_width, 0) + 1, 0)
        return int(inside.sum()) / (self.rows * self.columns)

    def distribution(self, length: int) -> Floats:
        """Of tiles cut row by row."""
        return self.actual().distribution(length)

    def p_zeros(self, length: int) -> float:
        """Share of all windows of that length, row by row."""
        return self.actual().p_zeros(length)
