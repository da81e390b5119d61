"""Steps 1 to 4 of Eyexam in closed form: how many cycles shape, dataflow, PEs and array leave possible.

The least passes of `mapper.passes` are exact for each step, and no mapping of the chip, in any mapspace, is below the
bound of step 4.

Source of the steps: Chen et al., Eyeriss v2, arXiv:1807.07928, section IV (Eyexam).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Array, Axis
from chipwise.mapper.classes import all_codes
from chipwise.mapper.mapspace import even_nest, keepings
from chipwise.mapper.passes import Spread, least_passes, spread_of
from chipwise.workload.layer import Layer


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
        spread = spread_of(layer, nest, codes, numbers)
        if spread is not None:
            found[spread] = None
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
