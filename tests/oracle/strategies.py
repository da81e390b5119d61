"""Random small legal cases: a layer, a chip and a mapping of one onto the other.

`random_case(random.Random(seed))` is the quick way to thousands of cases; `cases()` is the same generator
driven by hypothesis, which shrinks it: every choice is made so that its smallest outcome is the simplest.
"""

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from chipwise.hardware.accelerator import (
    Accelerator,
    Array,
    Axis,
    Compute,
    Level,
    Loops,
    Memory,
    Parallel,
    Route,
)
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.layer import Layer, Rank, Tensor

MAX_MACS = 2000
MAX_EXTENT = 9


@dataclass(frozen=True)
class Case:
    """What `walk` and `count` take."""

    layer: Layer
    chip: Accelerator
    mapping: Mapping


def random_case(rng: Random, max_macs: int = MAX_MACS) -> Case:
    """A case with at most `max_macs` multiply-accumulates."""
    layer = random_layer(rng, max_macs)
    chip = random_chip(rng, layer)
    return Case(layer, chip, random_mapping(rng, layer, chip))


def cases(max_macs: int = MAX_MACS) -> st.SearchStrategy[Case]:
    """`random_case` with its choices drawn, and shrunk, by hypothesis."""
    return st.randoms(use_true_random=False).map(lambda rng: random_case(rng, max_macs))


def _chance(rng: Random, probability: float) -> bool:
    return rng.random() >= 1 - probability


def _subset(rng: Random, items: tuple[str, ...], probability: float) -> tuple[str, ...]:
    return tuple(i for i in items if _chance(rng, probability))


# Layers


def random_layer(rng: Random, max_macs: int = MAX_MACS) -> Layer:
    """A fully-connected layer, matmul, convolution (strided, dilated, grouped, depthwise) or any einsum."""
    budget = min(max_macs, rng.choice([30, 120, 500, MAX_MACS]))
    kind = rng.choice(["fc", "matmul", "conv", "conv", "depthwise", "einsum", "einsum"])
    if kind == "fc":
        return fully_connected("fc", **_extents(rng, "MCN", budget))
    if kind == "matmul":
        e = _extents(rng, "MKNB", budget)
        return matmul("matmul", M=e["M"], K=e["K"], N=e["N"], batch=e["B"])
    if kind == "einsum":
        return _einsum(rng, budget)
    e = _extents(rng, "GPRQSMCN", budget)
    groups = e.pop("G") if kind == "depthwise" or _chance(rng, 0.3) else 1
    e |= {"M": groups, "C": groups} if kind == "depthwise" else {"M": e["M"] * groups, "C": e["C"] * groups}
    stride, dilation = (rng.choice([1, 2, 3]), rng.choice([1, 2])), (rng.choice([1, 2]), rng.choice([1, 3]))
    e.pop("G", None)
    return conv(kind, **e, stride=stride, dilation=dilation, groups=groups, kind=kind)


def _extents(rng: Random, dims: str, budget: int) -> dict[str, int]:
    """Extents with a product of at most `budget`, the largest ones on random dimensions."""
    extents = {}
    for d in rng.sample(dims, len(dims)):
        extents[d] = rng.randint(1, max(1, min(MAX_EXTENT, budget)))
        budget //= extents[d]
    return extents


def _einsum(rng: Random, budget: int) -> Layer:
    """One to three inputs and an output, each over random dimensions, in ranks of up to three of them."""
    dims = _extents(rng, "ABCDEFG"[: rng.randint(2, 7)], budget)
    names = ["X", "Y", "Z"][: rng.randint(1, 3)]
    touched = {name: {d for d in dims if _chance(rng, 0.5)} for name in names}
    touched["O"] = {d for d in dims if _chance(rng, 0.5)}
    for d in dims:
        if not any(d in t for t in touched.values()):
            touched[rng.choice(names)].add(d)
    tensors = tuple(
        Tensor(name, _ranks(rng, sorted(over), 0.15 if name == "O" else 0.4), is_output=name == "O")
        for name, over in touched.items()
    )
    return Layer("einsum", "einsum", dict(sorted(dims.items())), tensors)


def _ranks(rng: Random, dims: list[str], together: float) -> tuple[Rank, ...]:
    """`dims` in random order, neighbours joined into one rank of at most three with that probability."""
    ranks: list[list[tuple[str, int]]] = []
    for d in rng.sample(dims, len(dims)):
        if ranks and len(ranks[-1]) < 3 and _chance(rng, together):
            ranks[-1].append((d, rng.choice([1, 2, 3])))
        else:
            ranks.append([(d, rng.choice([1, 1, 1, 2]))])
    return tuple(Rank("r" + "".join(d for d, _ in terms), tuple(terms)) for terms in ranks)


# Chips


def random_chip(rng: Random, layer: Layer) -> Accelerator:
    """One to four memory levels, some of them scratchpads side by side, and up to two arrays."""
    tensors = tuple(t.name for t in layer.tensors)
    inner: list[Level] = [_memory_level(rng, f"m{k}", tensors) for k in range(1, rng.randint(1, 4))]
    for k in range(rng.choice([0, 1, 1, 1, 2, 2])):
        place = rng.randint(0, len(inner))
        inner.insert(place, _array(rng, f"a{k}", tuple(layer.dims), tensors))
    levels = (Memory("m0", "dram", keeps=tensors), *inner, Compute("mac", "int_mac"))
    return Accelerator("random", levels, clock_hz=1e9, tensors=tensors)


def _memory_level(rng: Random, name: str, tensors: tuple[str, ...]) -> Level:
    if _chance(rng, 0.25):
        pads = [
            Memory(f"{name}_{t}", "register_file", keeps=(t,))
            if _chance(rng, 0.7)
            else Memory(f"{name}_{t}", "register_file", keeps=(), may_keep=(t,))
            for t in tensors
            if not _chance(rng, 0.2)
        ]
        if pads:
            return Parallel(tuple(pads))
    keeps = _subset(rng, tensors, 0.6)
    may_keep = _subset(rng, tuple(t for t in tensors if t not in keeps), 0.5)
    return Memory(name, "sram", keeps or (may_keep or tensors)[:1], may_keep if keeps else may_keep[1:])


def _array(rng: Random, name: str, dims: tuple[str, ...], tensors: tuple[str, ...]) -> Array:
    axes = tuple(
        Axis(
            f"{name}{direction}",
            rng.randint(2, 6),
            Loops(_subset(rng, dims, 0.7)) if _chance(rng, 0.2) else Loops(),
        )
        for direction in ("x", "y")[: rng.randint(1, 2)]
    )
    names = tuple(axis.name for axis in axes)
    routes = {
        t: Route(frozenset(_subset(rng, names, 0.7)), overlapping=_chance(rng, 0.4))
        for t in tensors
        if _chance(rng, 0.8)
    }
    return Array(name, axes, routes)


# Mappings


def random_mapping(rng: Random, layer: Layer, chip: Accelerator) -> Mapping:
    """A legal mapping, built from the innermost node outwards so that the innermost tiles are 1.

    Temporal loops stand where the chip has a memory since the last array above: a loop below an array
    belongs to a memory below it.
    """
    growth = _Growth(rng, layer, divides=_chance(rng, 0.3))
    uneven = _chance(rng, 0.5)
    inside_out: list[Node] = []
    memories: list[tuple[Memory, ...]] = []  # of the stretch between two arrays, innermost first
    for level in reversed(chip.levels[1:-1]):
        if isinstance(level, Array):
            inside_out += _stretch(rng, growth, layer, memories, uneven=uneven)
            inside_out += _spatial_loops(rng, growth, level)
            memories = []
        else:
            memories.append(level.memories if isinstance(level, Parallel) else (level,))
    inside_out += _stretch(rng, growth, layer, memories, uneven=uneven, outermost=True)
    inside_out += [Storage(chip.levels[0].name, t.name) for t in layer.tensors]
    return Mapping(tuple(reversed(inside_out)))


class _Growth:
    """The tile above the nodes placed so far; each loop makes it larger."""

    def __init__(self, rng: Random, layer: Layer, *, divides: bool) -> None:
        self.rng, self.extents, self.divides = rng, layer.dims, divides
        self.tile = dict.fromkeys(layer.dims, 1)

    def open(self) -> list[str]:
        return [d for d, extent in self.extents.items() if self.tile[d] < extent]

    def grow(self, dim: str, most: int) -> tuple[int, int]:
        """The tile below a loop of at most `most` iterations, and the iterations of the full tile."""
        below, extent = self.tile[dim], self.extents[dim]
        above = range(below, min(extent, below * most) + 1)
        if self.divides:
            above = [t for t in above if t % below == 0 and extent % t == 0]
        self.tile[dim] = self.rng.choice(above)
        return below, -(-self.tile[dim] // below)


def _stretch(
    rng: Random,
    growth: _Growth,
    layer: Layer,
    memories: list[tuple[Memory, ...]],
    *,
    uneven: bool,
    outermost: bool = False,
) -> list[Node]:
    """Temporal loops and storage nodes between two arrays, innermost first."""
    loops: list[Node] = []
    if memories or outermost:
        for _ in range(rng.randint(0, 1 + 2 * len(memories))):
            dim = rng.choice(growth.open() or list(layer.dims))
            below, iterations = growth.grow(dim, rng.choice([2, 3, MAX_EXTENT]))
            if iterations > 1 or _chance(rng, 0.1):
                loops.append(Temporal(dim, below))
    if outermost:
        rest = growth.open()
        loops += [Temporal(d, growth.tile[d]) for d in rng.sample(rest, len(rest))]

    def kept(memory: Memory) -> list[Node]:
        return [
            Storage(memory.name, t.name)
            for t in layer.tensors
            if t.name in memory.keeps or (t.name in memory.may_keep and _chance(rng, 0.5))
        ]

    together = [[node for memory in level for node in kept(memory)] for level in memories]
    if uneven:
        groups = _shuffle_tensors(rng, [node for group in together for node in group])
    else:
        groups = [rng.sample(group, len(group)) for group in together]
    cuts = sorted(rng.randint(0, len(loops)) for _ in groups)
    for cut, group in reversed(list(zip(cuts, groups, strict=True))):
        loops[cut:cut] = group
    return loops


def _shuffle_tensors(rng: Random, nodes: list[Node]) -> list[list[Node]]:
    """Each node by itself, in random order, but those of one tensor in the order given."""
    queues = {n.tensor: [m for m in nodes if m.tensor == n.tensor] for n in nodes}
    turns = rng.sample([n.tensor for n in nodes], len(nodes))
    return [[queues[t].pop(0)] for t in turns]


def _spatial_loops(rng: Random, growth: _Growth, array: Array) -> list[Node]:
    """Loops on the axes, innermost first, several to an axis where they fit."""
    left = {axis.name: axis.size for axis in array.axes}
    loops: list[Node] = []
    for _ in range(rng.choice([0, 1, 2, 2, 3, 4])):
        axis = rng.choice(array.axes)
        dims = [d for d in growth.open() if axis.loops.allows(d)]
        if dims:
            dim = rng.choice(dims)
            below, iterations = growth.grow(dim, left[axis.name])
            left[axis.name] //= iterations
            if iterations > 1 or _chance(rng, 0.1):
                loops.append(Spatial(axis.name, dim, below))
    return loops
