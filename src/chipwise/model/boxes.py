"""One dimension's part of a step: where tiles lie before and after, over all instances.

The closed form of `counts` needs, for a kind of step, only what each dimension contributes by itself.
This module gives it: for every combination of the loop indices that are free, the interval a tile covers
(`new`) and the one it covered when the instance was last active (`old`), as a multiset.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import final


@final
class Role(Enum):
    """What a loop does in one kind of step."""

    OUTER = "temporal, outside of the loop that advances: any index, the same before and after"
    STEP = "the temporal loop that advances: from index i − 1 to i"
    INNER = "temporal, inside of it: wraps from its last index to its first"
    SUM = "spatial, every instance counts"
    FIRST = "spatial, the first instance stands for all (they hold the same data)"
    UNION = "spatial, what several instances touch counts once"


TEMPORAL_FREE = (Role.OUTER, Role.STEP)

Loop = tuple[int, Role]
"""(tile left below the loop, role)."""

Interval = tuple[int, int]
"""(first coordinate, length)."""


@final
@dataclass(frozen=True, slots=True)
class Move:
    """A tile's extent in one dimension after and before a step; `old` None: nothing was held."""

    new: Interval
    old: Interval | None


Entry = tuple[Move, ...]
"""The moves of the instances whose data are united, positions relative to the first one's `new`."""


def _new(loops: Sequence[Loop], index: Sequence[int], extent: int) -> Interval | None:
    """Where the tile lies after the step; None where the instance has no work."""
    first, size = 0, extent
    for (tile, role), i in zip(loops, index, strict=True):
        i_now = 0 if role is Role.INNER else i
        if i_now * tile >= size:
            return None
        first += i_now * tile
        size = min(tile, size - i_now * tile)
    return first, size


def _old(loops: Sequence[Loop], index: Sequence[int], at: int, first: int, size: int) -> Interval | None:
    """Where it lay when last active: loops inside the advancing one at the last index that has work."""
    if at == len(loops):
        return first, size
    tile, role = loops[at]
    last = -(-size // tile) - 1
    if role is Role.INNER:
        # The last tile may be a residual in which this instance is idle; the one before it is whole.
        candidates: Iterable[int] = range(last, max(last - 2, -1), -1)
    else:
        candidates = (index[at] - 1,) if role is Role.STEP else (index[at],)
    for i in candidates:
        if 0 <= i <= last:
            found = _old(loops, index, at + 1, first + i * tile, min(tile, size - i * tile))
            if found is not None:
                return found
    return None


def _is_perfect(loops: Sequence[Loop], extent: int) -> bool:
    size = extent
    for tile, _ in loops:
        if size % tile:
            return False
        size = tile
    return True


def _bounds(loops: Sequence[Loop], extent: int) -> list[int]:
    bounds, size = [], extent
    for tile, _ in loops:
        bounds.append(-(-size // tile))
        size = min(tile, size)
    return bounds


def _free(loops: Sequence[Loop], bounds: Sequence[int], roles: tuple[Role, ...]) -> Iterator[tuple[int, ...]]:
    """Index vectors over the loops in `roles`, 0 elsewhere; a step loop starts at 1."""
    ranges = [
        range(1 if role is Role.STEP else 0, bound) if role in roles else range(1)
        for (_, role), bound in zip(loops, bounds, strict=True)
    ]
    return product(*ranges)


def _relative(moves: Sequence[Move]) -> Entry:
    base = moves[0].new[0]
    return tuple(
        Move((m.new[0] - base, m.new[1]), None if m.old is None else (m.old[0] - base, m.old[1]))
        for m in moves
    )


def entries(extent: int, loops: Sequence[Loop], *, with_old: bool) -> Counter[Entry]:
    """All moves of one dimension in one kind of step, with how often each occurs.

    `loops` are the dimension's loops above the node, outermost first. Equal up to translation is equal:
    sizes and overlaps do not depend on where a tile lies. Where every loop divides, all free indices
    give the same entry, so one is looked at.

    >>> [(n, e[0].new[1]) for e, n in entries(27, [(14, Role.OUTER)], with_old=False).items()]
    [(1, 14), (1, 13)]
    """
    bounds = _bounds(loops, extent)
    counted: Counter[Entry] = Counter()
    times = _free(loops, bounds, TEMPORAL_FREE)
    instances = list(_free(loops, bounds, (Role.SUM,)))
    united = list(_free(loops, bounds, (Role.UNION,)))
    repeat = 1
    if _is_perfect(loops, extent):
        for (_, role), bound in zip(loops, bounds, strict=True):
            repeat *= {Role.OUTER: bound, Role.STEP: bound - 1, Role.SUM: bound}.get(role, 1)
        if repeat == 0:
            return counted
        times, instances = iter([next(times)]), instances[:1]
    for time in times:
        for instance in instances:
            moves = []
            for together in united:
                index = tuple(map(sum, zip(time, instance, together, strict=True)))
                new = _new(loops, index, extent)
                if new is not None:
                    moves.append(Move(new, _old(loops, index, 0, 0, extent) if with_old else None))
            if moves:
                counted[_relative(moves)] += repeat
    return counted


def united_length(intervals: Iterable[Interval]) -> int:
    """Coordinates covered by at least one interval.

    >>> united_length([(0, 3), (2, 3), (10, 1)])
    6
    """
    covered, end = 0, -(2**62)
    for first, length in sorted(intervals):
        covered += max(0, first + length - max(first, end))
        end = max(end, first + length)
    return covered


def minus(new: Interval, old: Interval | None) -> list[Interval]:
    """Parts of `new` outside `old`.

    >>> minus((0, 10), (2, 3))
    [(0, 2), (5, 5)]
    """
    if old is None:
        return [new]
    start, end = new[0], new[0] + new[1]
    left = (start, min(end, old[0]) - start)
    right_start = max(start, old[0] + old[1])
    right = (right_start, end - right_start)
    return [part for part in (left, right) if part[1] > 0]


def combine(parts: Sequence[tuple[int, Counter[Entry]]]) -> tuple[int, int]:
    """Add up one rank over all its dimensions: (values touched, values that were held already).

    `parts` are (coefficient, entries) per dimension of the rank. For united instances the first number is
    |∪ new| and the second |∪ new| − |∪ (new − old)|.
    """
    touched = held = 0
    for combination in product(*(counter.items() for _, counter in parts)):
        times = 1
        for _, n in combination:
            times *= n
        news, fresh = [], []
        for moves in product(*(entry for entry, _ in combination)):
            new = _affine([m.new for m in moves], parts)
            olds = [m.old for m in moves if m.old is not None]
            old = _affine(olds, parts) if len(olds) == len(moves) else None
            news.append(new)
            fresh.extend(minus(new, old))
        union = united_length(news)
        touched += times * union
        held += times * (union - united_length(fresh))
    return touched, held


def _affine(intervals: Sequence[Interval], parts: Sequence[tuple[int, Counter[Entry]]]) -> Interval:
    first = sum(c * start for (c, _), (start, _) in zip(parts, intervals, strict=True))
    length = 1 + sum(c * (size - 1) for (c, _), (_, size) in zip(parts, intervals, strict=True))
    return first, length
