"""The mapspace, declared in one place: which mappings the mapper chooses from.

Even mapspace: all tensors of a level share its tile boundary. For a chip with stages (memory levels) 0..K−1
the nest is, outermost first,

    stage 0 | temporal block 0 | axes below stage 0 | stage 1 | temporal block 1 | ... | MAC

- temporal: in each block one loop per dimension, its trip count a divisor of what is left (perfect);
- spatial: on each axis one loop per dimension, for every number of passes q the least count that does it
  in q, ceil(n/q), residual in the last pass (27 rows on 14 columns = 14 + 13). Larger counts with as many
  passes are left out, though they can save a little where a PE that idles in the last pass keeps its tile;
- every order of the loops of a block;
- every choice of bypass that the chip leaves open;
- under the chip's constraints (loops allowed, dimensions that must be whole, axis sizes, capacities).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import final

from chipwise.errors import NoMappingError
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Memory, Parallel
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A place in the nest where each dimension may have one loop: a temporal block, or an axis of an array."""

    block: int
    axis: Axis | None = None
    array: Array | None = None


@final
@dataclass(frozen=True, slots=True)
class Skeleton:
    """Stages of memories and the positions between them, outermost first."""

    stages: tuple[tuple[Memory, ...], ...]
    positions: tuple[Position, ...]

    def first_position(self, stage: int) -> int:
        """Index of the first position below the nodes of `stage`; len(positions) for the MAC."""
        for i, position in enumerate(self.positions):
            if position.block >= stage:
                return i
        return len(self.positions)


def skeleton(chip: Accelerator) -> Skeleton:
    """The nest that every even mapping on `chip` has."""
    stages: list[tuple[Memory, ...]] = []
    positions: list[Position] = []
    for level in chip.levels:
        if isinstance(level, Memory | Parallel):
            stages.append((level,) if isinstance(level, Memory) else level.memories)
            positions.append(Position(len(stages) - 1))
        elif isinstance(level, Array):
            positions.extend(Position(len(stages) - 1, axis, level) for axis in level.axes)
    return Skeleton(tuple(stages), tuple(positions))


def divisors(n: int) -> list[int]:
    """All divisors of n, ascending.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    small = [i for i in range(1, int(n**0.5) + 1) if n % i == 0]
    return small + [n // i for i in reversed(small) if i * i != n]


def spatial_counts(n: int, most: int) -> list[tuple[int, int]]:
    """(count, passes) on an axis of size `most`: for each number of passes the least count, ceil(n/passes).

    >>> spatial_counts(27, 14)
    [(1, 27), (2, 14), (3, 9), (4, 7), (5, 6), (6, 5), (7, 4), (9, 3), (14, 2)]
    """
    counts = {-(-n // c) for c in range(1, min(n, most) + 1)}
    found = [(-(-n // passes), passes) for passes in counts]
    return sorted((c, q) for c, q in found if c <= most and -(-n // c) == q)


Chain = tuple[int, ...]
"""Tile of one dimension below each position, outermost first; the last is 1."""

Keeping = tuple[tuple[tuple[str, str], ...], ...]
"""Per stage the (memory, tensor) pairs that are stored."""


def keepings(layer: Layer, frame: Skeleton) -> list[Keeping]:
    """Every choice of what is stored where: `keeps` always, `may_keep` both ways, most stored first."""
    tensors = [t.name for t in layer.tensors]
    optional = [
        (stage, m.name, t)
        for stage, memories in enumerate(frame.stages)
        for m in memories
        for t in tensors
        if t in m.may_keep and t not in m.keeps
    ]
    found = []
    for chosen in product((True, False), repeat=len(optional)):
        kept = {o for o, yes in zip(optional, chosen, strict=True) if yes}
        stages = []
        for stage, memories in enumerate(frame.stages):
            pairs = [
                (m.name, t) for m in memories for t in tensors if t in m.keeps or (stage, m.name, t) in kept
            ]
            stages.append(tuple(pairs))
        # One memory of a parallel group holds a tensor, no two.
        if all(len({t for _, t in pairs}) == len(pairs) for pairs in stages):
            found.append(tuple(stages))
    return found


def chains(layer: Layer, frame: Skeleton, keeping: Keeping, dim: str) -> list[Chain]:
    """All chains of tiles of `dim` that the chip's constraints allow, in a fixed order."""
    extent = layer.dims[dim]
    rules = [_Rule(frame, keeping, at, dim, extent) for at in range(len(frame.positions))]
    found: list[Chain] = []

    def grow(index: int, left: int, tile: int, inner: Chain) -> None:
        # From the innermost position outwards: `tile` stands below, `left` is how many of them are needed.
        if index < 0:
            if left == 1:
                found.append(inner)
            return
        for count, passes in rules[index].choices(left):
            grow(index - 1, passes, tile * count, (tile, *inner))

    grow(len(frame.positions) - 1, extent, 1, ())
    return [tuple(min(t, extent) for t in chain) for chain in found]


@final
class _Rule:
    """What a position allows to loops over one dimension."""

    def __init__(self, frame: Skeleton, keeping: Keeping, at: int, dim: str, extent: int) -> None:
        self.extent, self.position = extent, frame.positions[at]
        kept = [
            [m for m in stage if any(name == m.name for name, _ in pairs)]
            for stage, pairs in zip(frame.stages, keeping, strict=True)
        ]
        # A stage that keeps nothing is not there: its loops belong to the stage above.
        owner = next(memories for memories in reversed(kept[: self.position.block + 1]) if memories)
        self.temporal = all(m.inner_loops.allows(dim) for m in owner)
        inner = [m for stage in kept[self.position.block + 1 :] for m in stage]
        self.whole_further_in = any(dim in m.inner_loops.full for m in inner)
        axis = self.position.axis
        self.full = axis is not None and dim in axis.loops.full
        self.spatial = axis is not None and axis.loops.allows(dim)

    def choices(self, left: int) -> Iterator[tuple[int, int]]:
        """(trip count, what is left for positions further out)."""
        axis = self.position.axis
        if self.full and axis is not None:
            if left == self.extent <= axis.size and (self.extent == 1 or not self.whole_further_in):
                yield self.extent, 1
        elif self.whole_further_in or not (self.spatial if axis is not None else self.temporal):
            yield 1, left
        elif axis is None:
            yield from ((d, left // d) for d in divisors(left))
        else:
            yield from spatial_counts(left, axis.size)


def all_chains(layer: Layer, frame: Skeleton, keeping: Keeping) -> dict[str, list[Chain]]:
    """Chains of every dimension; an empty list where the constraints leave none."""
    return {dim: chains(layer, frame, keeping, dim) for dim in layer.dims}


def no_chains(layer: Layer, chip: Accelerator, found: dict[str, list[Chain]]) -> NoMappingError:
    """The error for a layer of which some dimension has no chain: names the constraint."""
    dim = next(d for d, chains_of_dim in found.items() if not chains_of_dim)
    extent = layer.dims[dim]
    start = f"no mapping of {layer.name!r} fits {chip.name!r}: "
    for array in chip.arrays:
        for axis in array.axes:
            if dim in axis.loops.full and extent > axis.size:
                return NoMappingError(
                    f"{start}axis {axis.name!r} must hold all of {dim}, which is {extent} here, and has "
                    f"{axis.size} places; a size of {extent} would do",
                    f"axis {axis.name}",
                )
    full = [a.name for array in chip.arrays for a in array.axes if dim in a.loops.full]
    full += [m.name for m in chip.memories if dim in m.inner_loops.full]
    if len(full) > 1:
        return NoMappingError(
            f"{start}{' and '.join(map(repr, full))} each must hold all of {dim}; drop it from `full` in all but one",
            f"full {dim}",
        )
    return NoMappingError(
        f"{start}no place in the nest may hold the loops over {dim} ({extent} iterations); allow {dim} in `loops` "
        "of a memory or an axis",
        f"loops over {dim}",
    )
