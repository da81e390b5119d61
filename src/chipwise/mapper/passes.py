"""The fewest cycles that the axes of a chip leave possible, in closed form.

A dimension of extent e cut into a pieces that run side by side takes at least ceil(e / a) passes, whatever the other
loops and their residuals: every pass covers at most a of its indices. One temporal loop of ceil(e / a) passes above
one spatial loop attains it, so the least product of passes over all choices of the a is a bound that is reached.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, prod
from typing import final

from chipwise.mapper.classes import AllCodes
from chipwise.mapper.mapspace import SPATIAL, TEMPORAL, WHOLE, Nest
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class Spread:
    """Where one dimension may run side by side: axes by number, or whole on one of them, or only in time."""

    dim: str
    extent: int
    axes: tuple[int, ...]
    whole: bool = False
    """All of it lies on its only axis."""
    in_time: bool = True
    """Whether a temporal loop over it may stand anywhere."""


def spread_of(
    layer: Layer, nest: Nest, codes: AllCodes, numbers: Mapping[str, int]
) -> tuple[Spread, ...] | None:
    """Where each dimension may run side by side in a nest; None where one is to be whole on two axes.

    Args:
        layer: what is computed.
        nest: with the positions on axes.
        codes: what each position takes of a dimension.
        numbers: of the axes, by name.
    """
    found = []
    for dim, of_dim in codes.items():
        at = [
            (numbers[position.axis.name], code)
            for position, code in zip(nest.positions, of_dim, strict=True)
            if position.axis is not None and code in (SPATIAL, WHOLE)
        ]
        whole = [axis for axis, code in at if code == WHOLE]
        if len(whole) > 1:
            return None
        axes = whole or [axis for axis, _ in at]
        found.append(Spread(dim, layer.dims[dim], tuple(axes), bool(whole), TEMPORAL in of_dim))
    return tuple(found)


def least_passes(spread: Sequence[Spread], sizes: tuple[int, ...]) -> float:
    """The least product over dimensions of ceil(extent / pieces), with the pieces on each axis within its size.

    Exact: dimensions are decided one after the other; what is left of an axis is size // pieces so far, since
    floor(floor(n / a) / b) = floor(n / ab), and of all pieces that leave as much, the most are best.

    Args:
        spread: where each dimension may lie.
        sizes: of the axes.

    >>> least_passes([Spread("P", 27, (0,)), Spread("M", 4, (1,))], (14, 2))  # 2 x 2
    4.0
    >>> least_passes([Spread("P", 27, (0,))], (27,))
    1.0
    """
    in_space = sorted((s for s in spread if s.axes), key=lambda s: (not s.whole, -s.extent))
    outside = prod(float(s.extent) for s in spread if not s.axes)

    @cache
    def least(i: int, left: tuple[int, ...]) -> float:
        if i == len(in_space):
            return 1.0
        best = inf
        for passes, rest in _places(in_space[i], left):
            if passes < best:
                best = min(best, passes * least(i + 1, rest))
        return best

    return outside * least(0, sizes)


def _places(s: Spread, left: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(passes, what is left of the axes) of one dimension: of equal choices one, fewest passes first."""
    if s.whole:
        if s.extent <= left[s.axes[0]]:
            yield 1, _taken(left, s.axes[0], s.extent)
        return
    found: dict[tuple[int, ...], int] = {}
    pieces: list[tuple[int, tuple[int, ...]]] = [(1, left)]
    for axis in s.axes:
        pieces = [
            (so_far * count, _taken(rest, axis, count))
            for so_far, rest in pieces
            for count in _most_pieces(rest[axis], -(-s.extent // so_far))
        ]
    for count, rest in pieces:
        passes = -(-s.extent // count)
        if s.in_time or passes == 1:
            found[rest] = min(passes, found.get(rest, passes))
    yield from sorted(((passes, rest) for rest, passes in found.items()), key=lambda choice: choice[0])


def _most_pieces(left: int, extent: int) -> list[int]:
    """For every number of places that may be left, the most pieces, up to `extent`.

    >>> _most_pieces(14, 27)
    [1, 2, 3, 4, 7, 14]
    """
    found, count = [], 1
    while count <= min(left, extent):
        most = min(left // (left // count), extent)
        found.append(most)
        count = most + 1
    return found


def _taken(left: tuple[int, ...], axis: int, count: int) -> tuple[int, ...]:
    return (*left[:axis], left[axis] // count, *left[axis + 1 :])
