"""The mapspace, declared in one place: which mappings the mapper chooses from.

**Nest.** Outermost first: the nodes of the outermost memory; a *block* of temporal loops; then, level by level,
nodes each followed by a block, and the axes of an array where the chip has one. `placement` says how nodes stand:

- even: all nodes of a level together, followed by one block. All tensors of a level share its tile boundary.
- uneven: every node has a block of its own below it. Nodes stand in any order that keeps every tensor's own
  hierarchy, but not across an array. A loop directly above a node moves it; if it moved it not, the node would
  stand above the loop at no cost (see docs/mapper.md, where "directly" includes nodes that rest below an array).

**Loops.** One temporal loop per dimension and block, one spatial loop per dimension and axis; all orders of
the loops of a block. `factors` says which tile sizes:

- perfect: every loop divides the tile above it.
- spatial: temporal trip counts divide; on an axis, for every number of passes q that it allows, the least
  count that does it in q, ceil(n/q), with a residual in the last pass (27 rows on 14 columns = 14 + 13).
- imperfect: that rule for every loop, on an axis or not: residuals everywhere.
- any: all tile sizes, residuals of residuals included.

**Bypass.** Every choice that the chip leaves open; a level that keeps nothing is not there.

**Constraints** of the chip: loops allowed, dimensions that must be whole, axis sizes, capacities.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError, NoMappingError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Memory, Parallel
from chipwise.workload.layer import Layer

PLACEMENTS = ("even", "uneven")
FACTORS = ("perfect", "spatial", "imperfect", "any")


@final
@dataclass(frozen=True, slots=True)
class Mapspace:
    """Which mappings are searched; see the module's docstring."""

    placement: str = "even"
    factors: str = "spatial"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("mapspace", self.placement, PLACEMENTS),
            ("factors", self.factors, FACTORS),
        ):
            if value not in known:
                raise InputError(f"{what} {value!r} is not known." + did_you_mean(value, known))


@final
@dataclass(frozen=True, slots=True)
class Position:
    """A place in the nest where each dimension may have one loop: a temporal block, or an axis of an array."""

    block: int
    axis: Axis | None = None
    array: Array | None = None


Node = tuple[str, str]
"""(memory, tensor)."""


@final
@dataclass(frozen=True, slots=True)
class Nest:
    """Storage nodes and the positions between them, outermost first; block k stands below `heads[k]`."""

    heads: tuple[tuple[Node, ...], ...]
    positions: tuple[Position, ...]
    sides: tuple[int, ...]
    """Per head, how many arrays stand above it."""
    owners: tuple[tuple[Memory, ...], ...]
    """Per block, the memories whose `inner_loops` its loops answer to."""
    inside: tuple[tuple[Memory, ...], ...]
    """Per block, the memories of all levels further in than its owner."""

    def first_position(self, head: int) -> int:
        """Index of the first position below a head; len(positions) for the MAC."""
        for i, position in enumerate(self.positions):
            if position.block >= head:
                return i
        return len(self.positions)

    def head_of(self, tensor: str) -> list[tuple[int, str]]:
        """(head, memory) of every node of a tensor, outermost first."""
        return [(k, memory) for k, nodes in enumerate(self.heads) for memory, name in nodes if name == tensor]


Keeping = tuple[tuple[Node, ...], ...]
"""Per memory level of the chip, the nodes that stand there."""


def memory_levels(chip: Accelerator) -> list[tuple[tuple[Memory, ...], int]]:
    """(memories side by side, arrays above them) of every memory level, outermost first."""
    found: list[tuple[tuple[Memory, ...], int]] = []
    side = 0
    for level in chip.levels:
        if isinstance(level, Array):
            side += 1
        elif isinstance(level, Memory | Parallel):
            found.append(((level,) if isinstance(level, Memory) else level.memories, side))
    return found


def keepings(layer: Layer, chip: Accelerator) -> list[Keeping]:
    """Every choice of what is stored where: `keeps` always, `may_keep` both ways, most stored first."""
    tensors = [t.name for t in layer.tensors]
    levels = [memories for memories, _ in memory_levels(chip)]
    optional = [
        (at, m.name, t)
        for at, memories in enumerate(levels)
        for m in memories
        for t in tensors
        if t in m.may_keep and t not in m.keeps
    ]
    found = []
    for chosen in product((True, False), repeat=len(optional)):
        kept = {o for o, yes in zip(optional, chosen, strict=True) if yes}
        nodes = [
            tuple((m.name, t) for m in memories for t in tensors if t in m.keeps or (at, m.name, t) in kept)
            for at, memories in enumerate(levels)
        ]
        # One memory of a parallel group holds a tensor, no two.
        if all(len({t for _, t in pairs}) == len(pairs) for pairs in nodes):
            found.append(tuple(nodes))
    return found


@final
@dataclass(frozen=True, slots=True)
class _Level:
    """A memory level that keeps something."""

    memories: tuple[Memory, ...]
    nodes: tuple[Node, ...]
    side: int


def _levels(chip: Accelerator, keeping: Keeping) -> list[_Level]:
    return [
        _Level(tuple(m for m in memories if any(name == m.name for name, _ in nodes)), nodes, side)
        for (memories, side), nodes in zip(memory_levels(chip), keeping, strict=True)
        if nodes
    ]


def _nest(chip: Accelerator, levels: list[_Level], heads: list[tuple[tuple[Node, ...], int]]) -> Nest:
    """The nest with these heads (nodes, side), in this order."""
    positions: list[Position] = []
    owners, inside = [], []
    placed: set[Node] = set()
    arrays = chip.arrays
    for k, (nodes, side) in enumerate(heads):
        placed |= set(nodes)
        positions.append(Position(k))
        # A loop answers to the deepest level of which, and of all further out, every node stands above it.
        deepest = max(
            i for i in range(len(levels)) if all(placed.issuperset(v.nodes) for v in levels[: i + 1])
        )
        owners.append(levels[deepest].memories)
        inside.append(tuple(m for v in levels[deepest + 1 :] for m in v.memories))
        next_side = heads[k + 1][1] if k + 1 < len(heads) else len(arrays)
        positions.extend(Position(k, axis, array) for array in arrays[side:next_side] for axis in array.axes)
    return Nest(
        tuple(nodes for nodes, _ in heads),
        tuple(positions),
        tuple(side for _, side in heads),
        tuple(owners),
        tuple(inside),
    )


def even_nest(chip: Accelerator, keeping: Keeping) -> Nest:
    """The nest in which all nodes of a level stand together."""
    levels = _levels(chip, keeping)
    return _nest(chip, levels, [(v.nodes, v.side) for v in levels])


def uneven_nests(chip: Accelerator, keeping: Keeping) -> Iterator[Nest]:
    """All nests in which every node, but for the outermost memory's, has a block of its own."""
    levels = _levels(chip, keeping)
    top, inner = levels[0], levels[1:]
    sides = sorted({v.side for v in inner})
    per_side = [_orders([v.nodes for v in inner if v.side == side]) for side in sides]
    for chosen in product(*per_side):
        heads = [(top.nodes, top.side)]
        heads += [((node,), side) for side, nodes in zip(sides, chosen, strict=True) for node in nodes]
        yield _nest(chip, levels, heads)


def _orders(levels: list[tuple[Node, ...]]) -> list[tuple[Node, ...]]:
    """Orders of the nodes of several levels that keep every tensor's hierarchy."""
    depth = {node: i for i, nodes in enumerate(levels) for node in nodes}
    return [
        order
        for order in permutations(depth)
        if all(depth[a] < depth[b] for i, a in enumerate(order) for b in order[i + 1 :] if a[1] == b[1])
    ]


ONE, TEMPORAL, SPATIAL, WHOLE = 0, 1, 2, 3
"""What a position takes of a dimension: one iteration, a temporal loop, a spatial one, all of it."""

Codes = tuple[int, ...]
"""What each position takes of one dimension."""


def codes(nest: Nest, dim: str, extent: int) -> Codes | None:
    """What the chip's constraints allow of `dim` at each position; None where they contradict each other."""
    found = []
    for position in nest.positions:
        whole_further_in = any(dim in m.inner_loops.full for m in nest.inside[position.block])
        axis = position.axis
        if extent == 1:
            found.append(ONE)
        elif axis is not None and dim in axis.loops.full:
            if whole_further_in or extent > axis.size:
                return None
            found.append(WHOLE)
        elif whole_further_in:
            found.append(ONE)
        elif axis is not None:
            found.append(SPATIAL if axis.loops.allows(dim) else ONE)
        else:
            allowed = all(m.inner_loops.allows(dim) for m in nest.owners[position.block])
            found.append(TEMPORAL if allowed else ONE)
    return tuple(found)


def axis_sizes(nest: Nest) -> tuple[int, ...]:
    """Instances at each position; 0 for a block."""
    return tuple(0 if p.axis is None else p.axis.size for p in nest.positions)


@lru_cache(maxsize=4096)
def divisors(n: int) -> tuple[int, ...]:
    """All divisors of n, ascending.

    >>> divisors(12)
    (1, 2, 3, 4, 6, 12)
    """
    small = [i for i in range(1, int(n**0.5) + 1) if n % i == 0]
    return (*small, *(n // i for i in reversed(small) if i * i != n))


@lru_cache(maxsize=4096)
def least_counts(n: int, most: int) -> tuple[tuple[int, int], ...]:
    """(count, passes), with a count of at most `most`: for each number of passes the least count, ceil(n/passes).

    >>> least_counts(27, 14)
    ((1, 27), (2, 14), (3, 9), (4, 7), (5, 6), (6, 5), (7, 4), (9, 3), (14, 2))
    """
    counts = {-(-n // c) for c in range(1, min(n, most) + 1)}
    found = [(-(-n // passes), passes) for passes in counts]
    return tuple(sorted((c, q) for c, q in found if c <= most and -(-n // c) == q))


@lru_cache(maxsize=1 << 14)
def chains(extent: int, codes: Codes, sizes: tuple[int, ...], factors: str) -> NDArray[np.int64]:
    """All chains of tiles of one dimension, [chain, position]: the tile left below each position; the last is 1.

    Args:
        extent: of the dimension.
        codes: what each position takes.
        sizes: instances on the axis of each position.
        factors: as in `Mapspace`.
    """
    if factors == "any":
        found = list(_any_tiles(extent, extent, codes, sizes))
        table = np.array(found, np.int64).reshape(len(found), len(codes))
    else:
        trips = _trips(extent, extent, codes, sizes, factors)
        # Below a position stands what the trips further in make together.
        inner = np.cumprod(trips[:, ::-1], axis=1)[:, ::-1]
        table = np.minimum(np.concatenate([inner[:, 1:], np.ones((len(trips), 1), np.int64)], axis=1), extent)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=1 << 15)
def _trips(extent: int, left: int, codes: Codes, sizes: tuple[int, ...], factors: str) -> NDArray[np.int64]:
    """Trip counts at each position that together run over `left` tiles, [chain, position], chosen from inside out."""
    if not codes:
        return np.empty((int(left == 1), 0), np.int64)
    choices = _choices(extent, left, codes[-1], sizes[-1], factors)
    outer = [_trips(extent, passes, codes[:-1], sizes[:-1], factors) for _, passes in choices]
    found = np.empty((sum(len(rows) for rows in outer), len(codes)), np.int64)
    at = 0
    for (count, _), rows in zip(choices, outer, strict=True):
        found[at : at + len(rows), :-1] = rows
        found[at : at + len(rows), -1] = count
        at += len(rows)
    return found


def _choices(extent: int, left: int, code: int, size: int, factors: str) -> tuple[tuple[int, int], ...]:
    """(trip count, what is left for positions further out) at one position."""
    if code == WHOLE:
        return ((extent, 1),) if left == extent else ()
    if code == ONE:
        return ((1, left),)
    most = size if code == SPATIAL else left
    if factors == "perfect" or (factors == "spatial" and code == TEMPORAL):
        return tuple((d, left // d) for d in divisors(left) if d <= most)
    return least_counts(left, most)


def _any_tiles(extent: int, tile: int, codes: Codes, sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Chains from the outermost position inwards, whatever their residuals: `tile` stands above."""
    if not codes:
        if tile == 1:
            yield ()
        return
    code, size = codes[0], sizes[0]
    if code == ONE:
        choices = range(tile, tile + 1)
    elif code == WHOLE:
        choices = range(1, 2 if tile == extent else 1)
    elif code == SPATIAL:
        choices = range(-(-tile // size), tile + 1)
    else:
        choices = range(1, tile + 1)
    if not any(codes[1:]):  # nothing further in takes a loop, so this one takes all that is left
        choices = range(1, 2) if 1 in choices else range(0)
    for inner in choices:
        for rest in _any_tiles(extent, inner, codes[1:], sizes[1:]):
            yield (inner, *rest)


@lru_cache(maxsize=1 << 16)
def count_chains(extent: int, left: int, codes: Codes, sizes: tuple[int, ...], factors: str) -> int:
    """Number of chains of one dimension, without making them.

    Args:
        extent: of the dimension.
        left: what is still to be cut: the extent, at first.
        codes: what each position takes.
        sizes: instances on the axis of each position.
        factors: as in `Mapspace`.

    >>> count_chains(8, 8, (TEMPORAL, TEMPORAL), (0, 0), "perfect")
    4
    """
    if not codes:
        return int(left == 1)
    code, rest = codes[-1], (codes[:-1], sizes[:-1], factors)
    if factors == "any":
        code, rest = codes[0], (codes[1:], sizes[1:], factors)
        if code == ONE:
            return count_chains(extent, left, *rest)
        if code == WHOLE:
            return count_chains(extent, 1, *rest) if left == extent else 0
        least = 1 if code == TEMPORAL else -(-left // sizes[0])
        if not any(codes[1:]):
            return int(least == 1)
        return sum(count_chains(extent, tile, *rest) for tile in range(least, left + 1))
    choices = _choices(extent, left, code, sizes[-1], factors)
    return sum(count_chains(extent, passes, *rest) for _, passes in choices)


def no_chains(layer: Layer, chip: Accelerator, dim: str) -> NoMappingError:
    """The error for a layer of which a dimension has no chain: names the constraint."""
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
