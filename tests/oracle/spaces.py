"""The mapspaces of the mapper, written down a second time: every mapping of each, one by one.

A mapping is drawn in three steps. A *frame* says which tensors each memory keeps, in which order the storage
nodes stand, and where loops may stand between them: at temporal *slots* and at the axes of arrays. A *tiling*
cuts every dimension at those places. An *order* is chosen for the loops of each slot.

Placement (`Space.placement`), what a frame looks like:

- `even`: the nodes of a stage (a level of memories) stand together and one slot follows every stage, one that keeps
  nothing too unless `Space.empty_slots` is false; the axes of an array follow the slot of the stage above it.
- `uneven`: the outermost memory's nodes stand together and one slot follows them. Arrays cut the other levels into
  *sides*. On its side every node stands where it likes, as long as the nodes of one tensor go down the chip, and one
  slot follows each. The axes of an array follow the last slot above it, so no temporal loop stands between an array
  and the first node below it; a side without nodes has no slot.

A slot takes one temporal loop per dimension, in every order; an axis one spatial loop per dimension, in the
order of the layer's dimensions. Only loops of more than one iteration are written down.

Factors (`Space.factors`): see `tests.oracle.chains`.

Constraints of chips, for both placements: a place is *inside* the deepest level that keeps something and whose nodes
stand above it together with those of all levels further out that keep something. A temporal loop must be allowed by
each memory there that keeps something. A dimension that is `full` in a memory that keeps something has no
loop at places that are not inside its level or a deeper one. Axes allow and want whole dimensions on their own account.

`Space.canonical` leaves out uneven nests in which a loop stands right above a node that it does not move, though it
could stand below: see `is_canonical`.
"""

from collections.abc import Iterator
from itertools import permutations, product
from math import factorial, prod
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator, Array, Axis, Loops, Memory, Parallel
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.workload.layer import Layer
from tests.oracle.chains import Chain, Spot, chains

Loop = Temporal | Spatial
Blocks = tuple[tuple[Loop, ...], ...]
"""The loops of more than one iteration at each place of a frame, outermost first."""


class Space(NamedTuple):
    """A mapspace; the default is that of the even mapper."""

    placement: str = "even"
    factors: str = "spatial"
    canonical: bool = True
    """Of uneven ones: only canonical nests."""
    empty_slots: bool = True
    """Of even ones: whether a stage that keeps nothing leaves its slot, so that two may stand in a row."""


EVEN = Space()


class Place(NamedTuple):
    """Where each dimension may have one loop: on an axis, or in a temporal slot (no axis)."""

    axis: Axis | None
    takers: tuple[Loops, ...]
    """All of them must allow a loop here."""
    barred: frozenset[str]
    """Dimensions that must be whole further in."""


Frame = tuple[Storage | Place, ...]


class Tiling(NamedTuple):
    """A frame with all of its loops, of which the order is still open."""

    frame: Frame
    blocks: Blocks

    def ordered(self) -> list[bool]:
        """Of each place, whether the orders of its loops are told apart.

        Those of slots below the last node are not. They stand above nothing but the MAC, which holds nothing: what
        it touches in a step does not depend on the step before, and no sum over all steps on their order.
        """
        last = max(i for i, item in enumerate(self.frame) if isinstance(item, Storage))
        return [i < last and p.axis is None for i, p in enumerate(self.frame) if isinstance(p, Place)]

    def orders(self) -> list[list[tuple[Loop, ...]]]:
        """At each place the orders of its loops."""
        return [
            list(permutations(block)) if ordered else [block]
            for block, ordered in zip(self.blocks, self.ordered(), strict=True)
        ]

    def count(self) -> int:
        """Number of mappings that differ in the order of loops only."""
        return prod(
            factorial(len(b)) for b, ordered in zip(self.blocks, self.ordered(), strict=True) if ordered
        )

    def mapping(self, blocks: Blocks) -> Mapping:
        """The loop tree with the loops of each place in this order."""
        left = iter(blocks)
        nodes: list[Storage | Loop] = []
        for item in self.frame:
            nodes += [item] if isinstance(item, Storage) else next(left)
        return Mapping(tuple(nodes))

    def mappings(self) -> Iterator[Mapping]:
        """One for each order."""
        yield from (self.mapping(blocks) for blocks in product(*self.orders()))


def tilings(layer: Layer, chip: Accelerator, space: Space) -> Iterator[Tiling]:
    """Every legal choice of what is kept where and of all loops."""
    for frame in frames(layer, chip, space):
        for tiling in _tilings_of(layer, chip, frame, space.factors):
            if space.placement == "even" or not space.canonical or is_canonical(layer, tiling):
                yield tiling


def size(layer: Layer, chip: Accelerator, most: int, space: Space) -> int:
    """Number of mappings, more than `most` counted as `most` + 1, and so is what would take long to count.

    That is where constraints and capacities leave less than one of `TRIED` combinations of tiles.
    """
    n = tried = 0
    for frame in frames(layer, chip, space):
        tried += 1 + prod(len(each) for each in _chains_of(layer, frame, space.factors))
        if tried > TRIED * most:
            return most + 1
        for tiling in _tilings_of(layer, chip, frame, space.factors):
            if space.placement == "even" or not space.canonical or is_canonical(layer, tiling):
                n += tiling.count()
                if n > most:
                    return most + 1
    return n


TRIED = 10


def is_canonical(layer: Layer, tiling: Tiling) -> bool:
    """Whether no loop stands above a node that it could as well stand below.

    Take a temporal loop in a slot that a node follows directly (no array of the chip between them). If the loop does
    not move the node, it may stand in the slot below it: the node's tile stays as it is, and comes as often or
    less. If that slot takes no such loop, it stays. It may harm a node further in that the loop moves, and that no
    temporal loop between the slot and that node moves: this one rests while the other loops of the slot run, as long
    as they are inside the loop. Where no array keeps it down, such a node can be moved up as well, between the two.
    Where an array does, the loop may stay.
    """
    moves = {t.name: t.dims for t in layer.tensors}
    left = iter(tiling.blocks)
    items = [item if isinstance(item, Storage) else (item, next(left)) for item in tiling.frame]
    for i, item in enumerate(items[:-1]):
        if isinstance(item, Storage) or item[0].axis or not isinstance(items[i + 1], Storage):
            continue
        for loop in item[1]:
            moved = loop.dim in moves[items[i + 1].tensor]
            if not moved and _taken(loop.dim, items[i + 2]) and not _needed(loop.dim, items[i + 1 :], moves):
                return False
    return True


def _taken(dim: str, item: Storage | tuple[Place, tuple[Loop, ...]]) -> bool:
    """Whether a loop over a dimension may stand at a place."""
    assert not isinstance(item, Storage)
    return dim not in item[0].barred and all(taker.allows(dim) for taker in item[0].takers)


def _needed(
    dim: str,
    below: list[Storage | tuple[Place, tuple[Loop, ...]]],
    moves: dict[str, frozenset[str]],
) -> bool:
    """Whether a node below an array is moved by `dim`, and by no temporal loop above it."""
    stepped: set[str] = set()
    array = False
    for item in below:
        if not isinstance(item, Storage):
            array = array or item[0].axis is not None
            stepped |= {loop.dim for loop in item[1] if isinstance(loop, Temporal)}
        elif array and dim in moves[item.tensor] and not stepped & moves[item.tensor]:
            return True
    return False


# Frames


def frames(layer: Layer, chip: Accelerator, space: Space) -> Iterator[Frame]:
    """Every choice of what is kept, and of the order of the nodes."""
    for kept in _keepings(layer, chip):
        if space.placement == "even":
            yield _constrained(chip, _even(chip, kept, empty_slots=space.empty_slots))
        else:
            yield from (_constrained(chip, items) for items in _uneven(chip, kept))


Kept = list[list[Storage]]
"""What each level of the chip keeps."""
Items = list[Storage | Axis | None]
"""A frame before constraints are looked up: None is a slot."""


def _members(chip: Accelerator) -> list[tuple[Memory, ...]]:
    """The memories of each level, none for arrays and the compute."""
    return [
        level.memories if isinstance(level, Parallel) else (level,) if isinstance(level, Memory) else ()
        for level in chip.levels
    ]


def _keepings(layer: Layer, chip: Accelerator) -> Iterator[Kept]:
    """A tensor is kept once at most in a level."""
    names = [t.name for t in layer.tensors]
    levels = _members(chip)
    pairs = [(i, m, t) for i, memories in enumerate(levels) for m in memories for t in names if m.holds(t)]
    for chosen in product(*([True] if t in m.keeps else [True, False] for _, m, t in pairs)):
        kept = [pair for pair, yes in zip(pairs, chosen, strict=True) if yes]
        if len({(i, t) for i, _, t in kept}) == len(kept):
            yield [[Storage(m.name, t) for at, m, t in kept if at == i] for i in range(len(levels))]


def _even(chip: Accelerator, kept: Kept, *, empty_slots: bool) -> Items:
    items: Items = []
    for level, nodes in zip(chip.levels, kept, strict=True):
        if isinstance(level, Array):
            items += level.axes
        elif isinstance(level, Memory | Parallel) and (nodes or empty_slots):
            items += [*nodes, None]
    return items


def _uneven(chip: Accelerator, kept: Kept) -> Iterator[Items]:
    sides: list[list[list[Storage]]] = [[]]
    arrays: list[list[Axis]] = []
    for level, nodes in zip(chip.levels[1:], kept[1:], strict=True):
        if isinstance(level, Array):
            sides.append([])
            arrays.append(list(level.axes))
        else:
            sides[-1].append(nodes)
    for chosen in product(*(_descents(side) for side in sides)):
        items: Items = [*kept[0], None]
        for axes, side in zip([[], *arrays], chosen, strict=True):
            items += axes
            for node in side:
                items += [node, None]
        yield items


def _descents(levels: list[list[Storage]]) -> list[tuple[Storage, ...]]:
    """All orders of the nodes of one side in which each tensor goes down its levels."""
    nodes = [node for level in levels for node in level]
    depth = {node: i for i, level in enumerate(levels) for node in level}

    def extend(order: tuple[Storage, ...]) -> Iterator[tuple[Storage, ...]]:
        left = [node for node in nodes if node not in order]
        if not left:
            yield order
        for node in left:
            if all(other.tensor != node.tensor or depth[other] >= depth[node] for other in left):
                yield from extend((*order, node))

    return list(extend(()))


def _constrained(chip: Accelerator, items: Items) -> Frame:
    """With the constraints that each place answers to."""
    stored = {node.memory for node in items if isinstance(node, Storage)}
    levels = [[m for m in members if m.name in stored] for members in _members(chip)]
    levels = [members for members in levels if members]
    last = [
        max(
            i for i, n in enumerate(items) if isinstance(n, Storage) and n.memory in {m.name for m in members}
        )
        for members in levels
    ]
    frame: list[Storage | Place] = []
    for i, item in enumerate(items):
        if isinstance(item, Storage):
            frame.append(item)
            continue
        inside = next((k for k, at in enumerate(last) if at > i), len(levels))
        takers = [m.inner_loops for m in levels[inside - 1]] if item is None else [item.loops]
        barred = frozenset(dim for members in levels[inside:] for m in members for dim in m.inner_loops.full)
        frame.append(Place(item, tuple(takers), barred))
    return tuple(frame)


# Tilings


def _tilings_of(layer: Layer, chip: Accelerator, frame: Frame, factors: str) -> Iterator[Tiling]:
    """Tilings of one frame that fit the axes and the capacities."""
    places = [item for item in frame if isinstance(item, Place)]
    sizes = tuple(place.axis.size if place.axis else 0 for place in places)
    held = _held(layer, chip, frame)
    room = {
        m.name: m.capacity_bits // m.buffering.tiles for m in chip.memories if m.capacity_bits is not None
    }
    for cut in _together(_chains_of(layer, frame, factors), tuple(layer.dims.values()), sizes):
        if not _fits(held, room, cut):
            continue
        blocks = tuple(
            tuple(
                Spatial(place.axis.name, dim, chain[i]) if place.axis else Temporal(dim, chain[i])
                for (dim, extent), chain in zip(layer.dims.items(), cut, strict=True)
                if chain[i] < (chain[i - 1] if i else extent)
            )
            for i, place in enumerate(places)
        )
        yield Tiling(frame, blocks)


def _together(
    per_dim: list[tuple[Chain, ...]], extents: tuple[int, ...], room: tuple[int, ...]
) -> Iterator[tuple[Chain, ...]]:
    """One chain of each dimension, such that no axis has more iterations than instances."""
    if not per_dim:
        yield ()
        return
    for chain in per_dim[0]:
        trips = [-(-above // tile) for above, tile in zip((extents[0], *chain), chain, strict=False)]
        left = tuple(n // k if n else 0 for n, k in zip(room, trips, strict=True))
        if all(after or not before for before, after in zip(room, left, strict=True)):
            yield from ((chain, *rest) for rest in _together(per_dim[1:], extents[1:], left))


class Held(NamedTuple):
    """A tile that shares the capacity of its memory."""

    memory: str
    bits: int
    ranks: list[list[tuple[int, int]]]
    """Per rank (dimension by its number, coefficient)."""
    places: int
    """Above the node."""


def _held(layer: Layer, chip: Accelerator, frame: Frame) -> list[Held]:
    """What has to fit."""
    number = {dim: i for i, dim in enumerate(layer.dims)}
    limited = {m.name for m in chip.memories if m.capacity_bits is not None}
    found = []
    for i, item in enumerate(frame):
        if isinstance(item, Storage) and item.memory in limited:
            tensor = layer.tensor(item.tensor)
            bits = chip.word_bits if tensor.bits is None else tensor.bits
            ranks = [[(number[dim], c) for dim, c in rank.terms] for rank in tensor.ranks]
            found.append(Held(item.memory, bits, ranks, sum(isinstance(p, Place) for p in frame[:i])))
    return found


def _fits(held: list[Held], room: dict[str, int], cut: tuple[Chain, ...]) -> bool:
    """Whether all tiles of each memory fit in it together."""
    left = dict(room)
    for memory, bits, ranks, places in held:
        lengths = (1 + sum(c * (cut[d][places - 1] - 1) for d, c in terms) for terms in ranks)
        left[memory] -= bits * prod(lengths)
        if left[memory] < 0:
            return False
    return True


def _chains_of(layer: Layer, frame: Frame, factors: str) -> list[tuple[Chain, ...]]:
    """Per dimension every chain that the places take."""
    places = [item for item in frame if isinstance(item, Place)]
    return [
        chains(
            extent,
            tuple(
                Spot(
                    place.axis.size if place.axis else 0,
                    dim not in place.barred and all(taker.allows(dim) for taker in place.takers),
                    place.axis is not None and dim in place.axis.loops.full,
                )
                for place in places
            ),
            factors,
        )
        for dim, extent in layer.dims.items()
    ]
