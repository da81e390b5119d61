"""Where the non-zeros of a tensor lie: what a fibre or a tile of it holds, in expectation and at worst.

A *fibre* is a row of `length` consecutive values; a *tile* is as many values as it holds, in that order.
"""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class DensityModel(ABC):
    """Statistics of non-zeros, exact for the model that the subclass states."""

    __slots__ = ()

    @property
    @abstractmethod
    def density(self) -> float:
        """Fraction of values that are not zero."""

    @abstractmethod
    def distribution(self, length: int) -> Floats:
        """P(a tile of `length` values holds k non-zeros), for k = 0 ... length."""

    @abstractmethod
    def p_zeros(self, length: int) -> float:
        """P(`length` consecutive values, starting anywhere, are all zero)."""

    def p_empty(self, length: int) -> float:
        """P(a tile of `length` values holds no non-zero)."""
        return float(self.distribution(length)[0])

    def expected(self, length: int) -> float:
        """Mean non-zeros of a tile: density x length."""
        return self.density * length

    def maximum(self, length: int) -> int:
        """Most non-zeros that a tile can hold."""
        return int(np.flatnonzero(self.distribution(length) > 0)[-1])

    def quantile(self, length: int, probability: float) -> int:
        """Least number of non-zeros that a tile does not exceed with that probability."""
        below = np.cumsum(self.distribution(length))
        return min(int(np.searchsorted(below, probability - 1e-12)), length)

    def expected_maximum(self, length: int, tiles: int) -> float:
        """Mean of the largest number of non-zeros among `tiles` tiles that are drawn on their own.

        E[max] = Σ over k of (1 − P(X <= k)^tiles). A PE that skips zeros waits for the fullest of the others.
        """
        below = np.clip(np.cumsum(self.distribution(length)), 0.0, 1.0)
        return float(np.sum(1.0 - below[:-1] ** tiles))
