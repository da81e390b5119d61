"""Arrays that count the additions and multiplications done with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@final
@dataclass(slots=True)
class Tally:
    """Operations on real numbers, counted as they are done."""

    multiplications: int = 0
    additions: int = 0


@final
@dataclass(slots=True)
class Tallies:
    """One tally for each stage of an algorithm."""

    filters: Tally = field(default_factory=Tally)
    input: Tally = field(default_factory=Tally)
    product: Tally = field(default_factory=Tally)
    output: Tally = field(default_factory=Tally)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """An array whose sums, differences and products are counted in `tally`, one per element.

    >>> tally = Tally()
    >>> (Counted(np.ones(3), tally) + Counted(np.ones(3), tally)).values, tally.additions
    (array([2., 2., 2.]), 3)
    """

    values: Array
    tally: Tally

    def __add__(self, other: "Counted") -> "Counted":
        return self._added(self.values + other.values)

    def __sub__(self, other: "Counted") -> "Counted":
        return self._added(self.values - other.values)

    def __mul__(self, other: "Counted | float | Array") -> "Counted":
        result = self.values * (other.values if isinstance(other, Counted) else other)
        # A factor of Python's must not widen float32, nor count less than an array's.
        result = result.astype(self.values.dtype, copy=False)
        self.tally.multiplications += result.size
        return Counted(result, self.tally)

    def __getitem__(self, index: Any) -> "Counted":
        return Counted(self.values[index], self.tally)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.values.shape

    def _added(self, result: Array) -> "Counted":
        self.tally.additions += result.size
        return Counted(result, self.tally)

    def into(self, tally: Tally) -> "Counted":
        """The same values, counted elsewhere from here on."""
        return Counted(self.values, tally)


def stack(parts: Sequence[Counted], axis: int) -> Counted:
    """The parts side by side along a new axis."""
    return Counted(np.stack([p.values for p in parts], axis), parts[0].tally)


def join(parts: Sequence[Counted], axis: int) -> Counted:
    """The parts one after another along an axis that they have."""
    return Counted(np.concatenate([p.values for p in parts], axis), parts[0].tally)


def dot(a: Counted, b: Counted, axis_a: int, axis_b: int) -> Counted:
    """Σ over an axis of the product of the rest, which broadcasts: K products and K − 1 sums each."""
    terms = a.shape[axis_a]
    total = _at(a, 0, axis_a) * _at(b, 0, axis_b)
    for k in range(1, terms):
        total = total + _at(a, k, axis_a) * _at(b, k, axis_b)
    return total


def _at(x: Counted, k: int, axis: int) -> Counted:
    return Counted(np.take(x.values, k, axis), x.tally)
