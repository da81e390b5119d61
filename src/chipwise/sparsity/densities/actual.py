"""Actual data: statistics counted in an array or a mask."""

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel, Floats


@final
@dataclass(frozen=True, eq=False)
class Actual(DensityModel):
    """The places of an array's non-zeros; tiles are cut from it in the order in which it is stored.

    The last tile may be a part of one, and holds what is there.

    >>> Actual(np.array([0, 3, 0, 0, 5, 6])).distribution(2).round(4).tolist()
    [0.3333, 0.3333, 0.3333]
    """

    values: NDArray[Any]
    mask: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        if self.values.size == 0:
            raise InputError("actual data: the array is empty")
        object.__setattr__(self, "mask", np.asarray(self.values) != 0)

    @property
    def density(self) -> float:
        """Non-zeros / values, counted."""
        return int(self.mask.sum()) / self.mask.size

    def counts(self, length: int) -> NDArray[np.int64]:
        """Non-zeros of every tile of `length` values."""
        if length < 1:
            raise InputError(f"a tile of {length} values must have at least 1")
        flat = self.mask.ravel()
        return np.add.reduceat(flat.astype(np.int64), np.arange(0, flat.size, length))

    def distribution(self, length: int) -> Floats:
        """Share of the tiles with each number of non-zeros."""
        counts = self.counts(length)
        return np.bincount(counts, minlength=length + 1) / counts.size

    def p_zeros(self, length: int) -> float:
        """Share of all windows of that length that are zero."""
        flat = self.mask.ravel()
        if length > flat.size:
            return 0.0
        total = np.concatenate(([0], np.cumsum(flat)))
        return float(np.mean(total[length:] == total[: total.size - length]))
