"""N:M sparsity: among every M values in a row exactly N are not zero, as sparse tensor cores want it."""

from dataclasses import dataclass
from math import comb
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel, Floats


@final
@dataclass(frozen=True, slots=True)
class Structured(DensityModel):
    """Exactly `n` non-zeros in every aligned group of `m`, all placings within it equally likely.

    A tile starts with a group: its whole groups hold n each, and what is left of one is hypergeometric.

    >>> Structured(2, 4).distribution(6).round(4).tolist()
    [0.0, 0.0, 0.1667, 0.6667, 0.1667, 0.0, 0.0]
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        if not 0 <= self.n <= self.m or self.m < 1:
            raise InputError(f"{self.n}:{self.m} sparsity must have 0 <= n <= m values, as 2:4")

    @property
    def density(self) -> float:
        """N / M."""
        return self.n / self.m

    def distribution(self, length: int) -> Floats:
        """Whole groups for certain, plus a part of one."""
        whole, rest = divmod(length, self.m)
        found = np.zeros(length + 1)
        for k in range(rest + 1):
            ways = comb(rest, k) * comb(self.m - rest, self.n - k) if k <= self.n else 0
            found[whole * self.n + k] += ways / comb(self.m, self.n) if ways else 0.0
        return found

    def expected(self, length: int) -> float:
        """Mean non-zeros of a tile: density x length."""
        return self.n * length / self.m

    def p_zeros(self, length: int) -> float:
        """Mean over all starts within a group of P(the tail of one and the head of the next are zeros)."""
        total = 0.0
        for start in range(self.m):
            p, left, at = 1.0, length, start
            while left > 0 and p > 0:
                here = min(left, self.m - at)
                p *= comb(self.m - here, self.n) / comb(self.m, self.n)
                left, at = left - here, 0
                if self.n == 0:
                    break
            total += p
        return total / self.m
