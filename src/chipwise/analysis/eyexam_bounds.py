"""Steps 1 to 4 of Eyexam in closed form: how many cycles shape, dataflow, PEs and array leave possible.

A dimension of extent e cut into a pieces that run side by side takes at least ceil(e / a) passes, whatever the other
loops and their residuals: every pass covers at most a of its indices. One temporal loop of ceil(e / a) passes above
one spatial loop attains it, so the least product of passes over all choices of the a is exact for each step, and
no mapping of the chip, in any mapspace, is below the bound of step 4.

Source of the steps: Chen et al., Eyeriss v2, arXiv:1807.07928, section IV (Eyexam).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf, prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Array, Axis
from chipwise.mapper.classes import all_codes
from chipwise.mapper.mapspace import SPATIAL, TEMPORAL, WHOLE, even_nest, keepings
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


@final
@dataclass(frozen=True, slots=True)
class Bounds:
    """Cycles after steps 1 to 4; inf where the step leaves no mapping."""

    shape: float
    dataflow: float
    pes: float
    array: float
    spatial: tuple[str, ...]
    """Dimensions that may run side by side."""


def spreads_of(layer: Layer, chip: Accelerator) -> list[tuple[Spread, ...]]:
    """For every choice of what is kept, where each dimension may run side by side; axes are those of the chip.

    Which loops an axis takes depends on what is kept only where a memory that asks for whole dimensions
    may be passed by.
    """
    found: dict[tuple[Spread, ...], None] = {}
    numbers = {axis.name: i for i, axis in enumerate(_axes(chip))}
    endless = _with_endless_axes(chip)
    for keeping in keepings(layer, endless):
        nest = even_nest(endless, keeping)
        codes = all_codes(layer, nest)
        if isinstance(codes, str):
            continue
        spread = []
        for dim, of_dim in codes.items():
            at = [
                (numbers[position.axis.name], code)
                for position, code in zip(nest.positions, of_dim, strict=True)
                if position.axis is not None and code in (SPATIAL, WHOLE)
            ]
            whole = [axis for axis, code in at if code == WHOLE]
            if len(whole) < 2:
                axes = whole or [axis for axis, _ in at]
                spread.append(Spread(dim, layer.dims[dim], tuple(axes), bool(whole), TEMPORAL in of_dim))
        if len(spread) == len(codes):
            found[tuple(spread)] = None
    return list(found)


def bounds_of(layer: Layer, chip: Accelerator) -> Bounds:
    """The least cycles after each of the first four steps.

    Args:
        layer: what is computed.
        chip: of which the axes count: what may lie on them, how many PEs, how long each axis is.
    """
    choices = spreads_of(layer, chip)
    sizes = tuple(axis.size for axis in _axes(chip))
    return Bounds(
        shape=1.0,
        dataflow=min((_in_time(spread) for spread in choices), default=inf),
        pes=min((_merged(spread, prod(sizes)) for spread in choices), default=inf),
        array=min((least_passes(spread, sizes) for spread in choices), default=inf),
        spatial=tuple(dict.fromkeys(s.dim for spread in choices for s in spread if s.axes)),
    )


def _in_time(spread: Sequence[Spread]) -> float:
    return prod(float(s.extent) for s in spread if not s.axes)


def _merged(spread: Sequence[Spread], pes: int) -> float:
    """Passes on `pes` PEs in any shape: all axes as one."""
    one = tuple(Spread(s.dim, s.extent, (0,) if s.axes else (), s.whole, s.in_time) for s in spread)
    return least_passes(one, (pes,))


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


def best_shape(layers: Sequence[tuple[Layer, int]], chip: Accelerator) -> tuple[tuple[int, ...], float]:
    """The lengths of two axes with as many PEs that need the fewest cycles in step 4, and these cycles.

    Args:
        layers: each with how often it occurs.
        chip: with two axes; with any other number its own shape comes back.
    """
    sizes = tuple(axis.size for axis in _axes(chip))
    pes = prod(sizes)
    spreads = [(spreads_of(layer, chip), times) for layer, times in layers]

    def cycles(shape: tuple[int, ...]) -> float:
        return sum(n * min((least_passes(s, shape) for s in of), default=inf) for of, n in spreads)

    shapes = [sizes]
    if len(sizes) == 2:
        shapes += [(rows, pes // rows) for rows in range(1, pes + 1) if pes % rows == 0]
    best = min(shapes, key=cycles)
    return best, cycles(best)


def _axes(chip: Accelerator) -> list[Axis]:
    return [axis for array in chip.arrays for axis in array.axes]


def _with_endless_axes(chip: Accelerator) -> Accelerator:
    """The same dataflow on axes that are never too short: a whole dimension is refused by its size only later."""
    levels = tuple(
        replace(level, axes=tuple(replace(axis, size=2**62) for axis in level.axes))
        if isinstance(level, Array)
        else level
        for level in chip.levels
    )
    return replace(chip, levels=levels)
