"""Random tiny problems for the mapper: a layer and a chip with few enough even mappings to try them all.

Everything that the mapper may get wrong is in the draw: halos, strides, dilations, residual tiles, outputs
with sliding ranks, capacities that bind, bypass, scratchpads side by side, constraints, networks, ports,
widths and free actions.
"""

from dataclasses import replace
from random import Random
from typing import NamedTuple

from chipwise.hardware.accelerator import (
    Accelerator,
    ActionEnergy,
    Array,
    Axis,
    Compute,
    Level,
    Loops,
    Memory,
    Parallel,
    Port,
    Route,
)
from chipwise.hardware.buffering import Buffering
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.layer import Layer, Rank, Tensor
from tests.oracle.spaces import EVEN, Space, size

MAX_MACS = 100
MAX_EXTENT = 6
FEW_MACS = (4, 8, 16, 32, 100)
"""Most multiply-accumulates, drawn anew for each draw, where a mapspace is larger than the even one."""


class Problem(NamedTuple):
    """What `search` and `optima` take."""

    layer: Layer
    chip: Accelerator


def random_problem(rng: Random, max_macs: int = MAX_MACS) -> Problem:
    """A problem of at most `max_macs` multiply-accumulates and any number of mappings."""
    layer = random_layer(rng, max_macs)
    return Problem(layer, random_chip(rng, layer))


def small_problem(
    seed: int, most: int, space: Space = EVEN, *, least: int = 0, sliding: bool | None = None
) -> Problem:
    """The first of the problems drawn from `seed` that has `least` to `most` mappings to try, and a loop.

    `sliding` tells whether some rank is moved by several dimensions of more than one iteration (None: it may be).
    """
    rng = Random(seed)
    while True:
        problem = random_problem(rng, MAX_MACS if space == EVEN else rng.choice(FEW_MACS))
        if problem.layer.macs == 1 or sliding not in (None, slides(problem.layer)):
            continue
        if least <= size(*problem, most, space) <= most:
            return problem


def slides(layer: Layer) -> bool:
    """Whether several dimensions of more than one iteration move one rank."""
    return any(sum(layer.dims[d] > 1 for d in rank.dims) > 1 for t in layer.tensors for rank in t.ranks)


def _chance(rng: Random, probability: float) -> bool:
    return rng.random() < probability


def _subset(rng: Random, items: tuple[str, ...], probability: float) -> tuple[str, ...]:
    return tuple(i for i in items if _chance(rng, probability))


# Layers


def random_layer(rng: Random, max_macs: int = MAX_MACS) -> Layer:
    """A fully-connected layer, a matmul, a convolution or any einsum, its tensors of different widths."""
    kind = rng.choice(["fc", "matmul", "conv", "conv", "grouped", "einsum", "einsum", "einsum"])
    if kind == "fc":
        layer = fully_connected("fc", **_extents(rng, "MCN", 3, max_macs))
    elif kind == "matmul":
        e = _extents(rng, "MKNB", rng.randint(2, 4), max_macs)
        layer = matmul("matmul", M=e["M"], K=e["K"], N=e["N"], batch=e["B"])
    elif kind == "einsum":
        layer = _einsum(rng, max_macs)
    else:
        e = _extents(rng, "GMCPQRSN", rng.randint(2, 5), max_macs)
        groups = e.pop("G") if kind == "grouped" else e.pop("G") and 1
        e |= {"M": e["M"] * groups, "C": e["C"] * groups}
        stride, dilation = (rng.choice([1, 1, 2, 3]), 1), (rng.choice([1, 1, 2, 3, 4]), 2)
        layer = conv("conv", **e, stride=stride, dilation=dilation, groups=groups)
    if _chance(rng, 0.5):
        return layer
    widths = [replace(t, bits=rng.choice([None, 4, 8, 12, 32])) for t in layer.tensors]
    return replace(layer, tensors=tuple(widths))


def _extents(rng: Random, dims: str, active: int, max_macs: int) -> dict[str, int]:
    """Extents of which `active` may exceed 1, with a product of at most `max_macs`."""
    extents, left = dict.fromkeys(dims, 1), max_macs
    for d in rng.sample(dims, active):
        extents[d] = rng.randint(1, max(1, min(MAX_EXTENT, left)))
        left //= extents[d]
    return extents


def _einsum(rng: Random, max_macs: int) -> Layer:
    """One to three inputs and an output over random dimensions, in ranks of up to three of them."""
    dims = _extents(rng, "ABCDE"[: rng.randint(2, 5)], 2, max_macs)
    dims |= {d: rng.randint(1, 2) for d, extent in dims.items() if extent == 1}
    names = ["X", "Y", "Z"][: rng.randint(1, 3)]
    touched = {name: {d for d in dims if _chance(rng, 0.5)} for name in [*names, "O"]}
    for d in dims:
        if not any(d in t for t in touched.values()):
            touched[rng.choice(names)].add(d)
    tensors = [
        Tensor(name, _ranks(rng, sorted(over)), is_output=name == "O") for name, over in touched.items()
    ]
    rng.shuffle(tensors)
    return Layer("einsum", "einsum", dims, tuple(tensors))


def _ranks(rng: Random, dims: list[str]) -> tuple[Rank, ...]:
    ranks: list[list[tuple[str, int]]] = []
    for d in rng.sample(dims, len(dims)):
        term = d, rng.choice([1, 1, 2, 3])
        if ranks and len(ranks[-1]) < 3 and _chance(rng, 0.5):
            ranks[-1].append(term)
        else:
            ranks.append([term])
    return tuple(Rank("r" + "".join(d for d, _ in terms), tuple(terms)) for terms in ranks)


# Chips


def random_chip(rng: Random, layer: Layer) -> Accelerator:
    """One to three stages of memories, up to two axes in one array or two."""
    dims = (*layer.dims, "unused")
    tensors = (*(t.name for t in layer.tensors), *_subset(rng, ("other",), 0.2))
    free = rng.choice([0.0, 0.0, 0.2, 0.6])
    inner: list[Level] = [
        _stage(rng, f"m{k}", layer, dims, free) for k in range(1, rng.choice([1, 2, 2, 2, 3, 3]))
    ]
    axes = [
        Axis(f"x{k}", rng.randint(1, 4), _loops(rng, dims, 0.25)) for k in range(rng.choice([0, 1, 1, 2, 2]))
    ]
    together = _chance(rng, 0.5)
    for k, part in enumerate([axes] if together else [[axis] for axis in axes]):
        if part:
            array = _array(rng, f"a{k}", tuple(part), tensors, free)
            inner.insert(rng.randint(0, len(inner)), array)
    outermost = Memory(
        "m0",
        "dram",
        keeps=tensors,
        ports=_ports(rng, "m0", tensors),
        inner_loops=_loops(rng, dims, 0.1),
        energy=_energies(rng, ("read", "write"), free, 100),
    )
    compute = Compute("mac", "mac", _energies(rng, ("mac",), free, 1))
    levels = (outermost, *inner, compute)
    return Accelerator(
        "chip",
        levels,
        1e9,
        word_bits=rng.choice([8, 16]),
        tensors=tuple(sorted(tensors, key=lambda t: t == layer.output.name)),  # the output last
        configuration_s=rng.choice([0.0, 0.0, 2.5e-9]),
    )


def _energies(rng: Random, actions: tuple[str, ...], free: float, scale: float) -> dict[str, ActionEnergy]:
    def draw() -> float:
        if _chance(rng, free):
            return 0.0
        return rng.choice([float(rng.randint(1, 6)), scale * rng.random(), scale * rng.randint(1, 4)])

    return {action: ActionEnergy(draw(), "drawn") for action in actions}


def _loops(rng: Random, dims: tuple[str, ...], probability: float) -> Loops:
    """Constraints, with that probability; a dimension that must be whole is an allowed one."""
    if not _chance(rng, probability):
        return Loops()
    allowed = _subset(rng, dims, 0.8) if _chance(rng, 0.7) else None
    full = _subset(rng, dims if allowed is None else allowed, 0.3 if _chance(rng, 0.5) else 0.0)
    return Loops(allowed, full)


def _ports(rng: Random, name: str, tensors: tuple[str, ...]) -> tuple[Port, ...]:
    found = []
    for k in range(rng.choice([0, 0, 1, 1, 2])):
        reads, writes = rng.choice([(True, True), (True, False), (False, True)])
        width = rng.choice([1.0, 4.0, 8.0, 16.0, 64.0, 3.0, 0.1 + 20 * rng.random()])
        uses = None if _chance(rng, 0.5) else _subset(rng, tensors, 0.6)
        found.append(Port(f"{name}p{k}", width, uses, reads, writes))
    return tuple(found)


def _stage(rng: Random, name: str, layer: Layer, dims: tuple[str, ...], free: float) -> Level:
    """A memory, or scratchpads side by side under the same constraint."""
    tensors = tuple(t.name for t in layer.tensors)
    loops = _loops(rng, dims, 0.2)
    if _chance(rng, 0.3):
        pads = []
        for t in tensors:
            keeps, may_keep = ((t,), ()) if _chance(rng, 0.7) else ((), (t,))
            pad = _memory(rng, f"{name}{t}", layer, keeps=keeps, may_keep=may_keep, loops=loops, free=free)
            pads.append(pad)
        return Parallel(tuple(pads))
    keeps = _subset(rng, tensors, 0.6)
    may_keep = _subset(rng, tuple(t for t in tensors if t not in keeps), 0.4)
    if not keeps and not may_keep:
        keeps = tensors[:1]
    return _memory(rng, name, layer, keeps=keeps, may_keep=may_keep, loops=loops, free=free)


def _memory(
    rng: Random,
    name: str,
    layer: Layer,
    *,
    keeps: tuple[str, ...],
    may_keep: tuple[str, ...],
    loops: Loops,
    free: float,
) -> Memory:
    whole = sum(layer.volume(t) * (layer.tensor(t).bits or 16) for t in (*keeps, *may_keep))
    capacity = None if _chance(rng, 0.25) else max(8, int(whole * rng.choice([0.1, 0.2, 0.4, 0.6, 0.9])))
    return Memory(
        name,
        "sram",
        keeps,
        may_keep,
        capacity,
        buffering=rng.choice([Buffering.ROLLING, Buffering.ROLLING, Buffering.SINGLE, Buffering.DOUBLE]),
        ports=_ports(rng, name, (*keeps, *may_keep)),
        inner_loops=loops,
        energy=_energies(rng, ("read", "write"), free, 10),
    )


def _array(rng: Random, name: str, axes: tuple[Axis, ...], tensors: tuple[str, ...], free: float) -> Array:
    names = tuple(axis.name for axis in axes)
    routes = {
        t: Route(
            frozenset(_subset(rng, names, 0.7)),
            overlapping=_chance(rng, 0.4),
            delay_cycles=rng.choice([0, 0, 3]),
            bits_per_cycle=rng.choice([None, None, 8.0, 0.1 + 20 * rng.random()]),
            link_bits_per_cycle=rng.choice([None, None, 4.0]),
        )
        for t in tensors
        if _chance(rng, 0.8)
    }
    actions = _subset(rng, ("transfer", "reduce"), 0.7)
    return Array(name, axes, routes, _energies(rng, actions, free, 5))
