"""Step 7 of Eyexam: what a mapping waits for although the average bandwidth is enough.

The waits are those of `model.latency`: configuration, the first tiles, the last ones, single buffers. Between them,
transfers do not spread evenly. Levels of memory work as a pipeline of tiles: while the level inside works on a tile (c
cycles), the next one comes in and the one before goes out. Per level and kind of step j (the temporal loop that
advances; n_j of them)

    x_j    = max over channels of (bits of one step / bits per cycle)                          [cycles]
    step_j = max(c, x_j), or c + x_j with a single buffer
    level  = c + Σ_j n_j step_j;   c = cycles of the level inside it, or of compute, / tiles

    latency = ends + max( outermost level, max over channels of what is left for them )

Bits are those of `model.cost`, shared out over kinds of steps as the tile of one instance moves; steps of a kind count
as their mean. The result is at least the latency of `model.latency`, which has no bursts.
"""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Memory
from chipwise.hardware.buffering import Buffering
from chipwise.mapping.mapping import Mapping, Storage, Temporal
from chipwise.model.actions import Actions, Counts
from chipwise.model.latency import COMPUTE, DRAIN, EXPOSED, RAMP_UP, timing
from chipwise.model.sparse import sparse_of
from chipwise.workload.layer import Layer, Tensor

FIRST, LAST = -1, -2
"""Kinds of steps beside the loops: the first tile comes in, the last output tile goes out."""


@final
@dataclass(frozen=True, slots=True)
class Instant:
    """Cycles of a mapping with what does not overlap."""

    waits: MappingType[str, float]
    """Of `model.latency`: configuration, ramp-up, drain, exposed transfers by memory."""
    steady_cycles: float
    """From the first MAC to the last."""
    bursts: MappingType[str, float]
    """Per memory level below the outermost, innermost first: cycles that it adds to the steady part."""
    slowest: str
    """The memory level that adds most to the steady part, or the channel that decides it; `compute` where none does."""

    @property
    def ramp_up_cycles(self) -> float:
        """Of the first tiles, one level after the other."""
        return self.waits.get(RAMP_UP, 0.0)

    @property
    def drain_cycles(self) -> float:
        """Of the last output tile on its way out."""
        return self.waits.get(DRAIN, 0.0)

    @property
    def cycles(self) -> float:
        """Configuration, ramp-up, the steady part and drain."""
        ends = sum(cycles for name, cycles in self.waits.items() if not name.startswith(EXPOSED))
        return ends + self.steady_cycles


@final
@dataclass(frozen=True, slots=True)
class _Loop:
    index: int
    dim: str
    tile: int
    trips: int


@final
@dataclass(frozen=True, slots=True)
class _Edge:
    """Transfers of a tensor into a memory and back, in values by kind of step."""

    tensor: Tensor
    parent: Memory
    child: Memory
    moves: MappingType[int, float]
    """Values that come to one instance of the child, over all steps of a kind."""
    refills: MappingType[int, float]
    """Of an output: those of them that had been there before and must be fetched."""


def instant(layer: Layer, chip: Accelerator, mapping: Mapping, counts: Counts) -> Instant:
    """Latency of a mapping with waits, and steps of uneven size.

    Args:
        layer: what is computed.
        chip: memories with their ports and buffers.
        mapping: a legal mapping.
        counts: of that mapping.
    """
    even = timing(sparse_of(layer, chip), counts)
    bursts: dict[str, float] = {}
    below = float(counts.cycles)
    for level in reversed(_levels(chip, mapping)):
        loops = _loops_above(layer, mapping, max(i for _, i in level))
        edges = [_edge(layer, chip, mapping, loops, i) for _, i in level]
        exposed = sum(even.waits.get(EXPOSED + name, 0.0) for name in {m.name for m, _ in level})
        with_level = _level_cycles(chip, counts, loops, edges, below) + exposed
        name = " + ".join(dict.fromkeys(memory.name for memory, _ in level))
        bursts[name], below = with_level - below, with_level
    slowest, steady = COMPUTE, below
    if bursts and max(bursts.values()) > 1e-9 * below:
        slowest = max(bursts, key=lambda name: bursts[name])
    for name, cycles in even.steady.items():
        if cycles > steady * (1 + 1e-12):
            slowest, steady = name, cycles
    return Instant(even.waits, steady, bursts, slowest)


def _levels(chip: Accelerator, mapping: Mapping) -> list[list[tuple[Memory, int]]]:
    """(memory, index of node) of every level below the outermost that stores, outermost first."""
    found: dict[int, list[tuple[Memory, int]]] = {}
    for i, node in enumerate(mapping.nodes):
        if isinstance(node, Storage) and chip.depth(node.memory):
            found.setdefault(chip.depth(node.memory), []).append((chip.memory(node.memory), i))
    return [found[depth] for depth in sorted(found)]


def _loops_above(layer: Layer, mapping: Mapping, index: int) -> list[_Loop]:
    """Temporal loops above a node that iterate."""
    trips = mapping.bounds(layer.dims)
    return [
        _Loop(i, node.dim, node.tile, trips[i])
        for i, node in enumerate(mapping.nodes[:index])
        if isinstance(node, Temporal) and trips[i] > 1
    ]


def _edge(layer: Layer, chip: Accelerator, mapping: Mapping, loops: list[_Loop], index: int) -> _Edge:
    """How much of the tile at a node each kind of step brings, were every tile whole."""
    node = mapping.nodes[index]
    assert isinstance(node, Storage)
    tensor = layer.tensor(node.tensor)
    above = [n.memory for n in mapping.nodes[:index] if isinstance(n, Storage) and n.tensor == tensor.name]
    tile = mapping.tile_at(index, layer.dims)
    own = [loop for loop in loops if loop.index < index]
    moves: dict[int, float] = {FIRST: float(tensor.volume(tile))}
    refills: dict[int, float] = {}
    for at, loop in enumerate(own):
        shift = {loop.dim: loop.tile}
        for inner in own[at + 1 :]:
            shift[inner.dim] = shift.get(inner.dim, 0) - inner.tile * (inner.trips - 1)
        held = prod(
            max(0, rank.extent(tile) - abs(sum(c * shift.get(d, 0) for d, c in rank.terms)))
            for rank in tensor.ranks
        )
        times = (loop.trips - 1) * prod(outer.trips for outer in own[:at])
        moves[loop.index] = float(times * (tensor.volume(tile) - held))
        outside = prod(outer.trips for outer in own[:at] if outer.dim not in tensor.dims)
        refills[loop.index] = moves[loop.index] * (1 - (loop.dim in tensor.dims) / outside)
    return _Edge(tensor, chip.memory(above[-1]), chip.memory(node.memory), moves, refills)


def _port_times(chip: Accelerator, counts: Counts, edges: list[_Edge]) -> dict[tuple[str, int], float]:
    """Cycles of each port by kind of step, for the transfers into one level and back."""
    found: dict[tuple[str, int], float] = {}
    for edge in edges:
        name, width = edge.tensor.name, chip.bits(edge.tensor.bits)
        parent = counts.busiest.get((edge.parent.name, name), Actions())
        child = counts.busiest.get((edge.child.name, name), Actions())
        for memory, reads, writes in (
            (edge.parent, parent.reads, parent.updates),
            (edge.child, child.drains, child.fills),
        ):
            inward, outward = (reads, writes) if memory is edge.parent else (writes, reads)
            for port in memory.ports:
                if port.tensors is not None and name not in port.tensors:
                    continue
                into = port.reads if memory is edge.parent else port.writes
                back = port.writes if memory is edge.parent else port.reads
                for kind, share in _shares(edge, inward=True).items() if into else ():
                    key = (port.name, kind)
                    found[key] = found.get(key, 0.0) + share * inward * width / port.bits_per_cycle
                for kind, share in _shares(edge, inward=False).items() if back else ():
                    key = (port.name, kind)
                    found[key] = found.get(key, 0.0) + share * outward * width / port.bits_per_cycle
    return found


def _shares(edge: _Edge, *, inward: bool) -> dict[int, float]:
    """Share of each kind of step in what comes in, or in what goes out."""
    if inward:
        values = dict(edge.refills if edge.tensor.is_output else edge.moves)
    elif edge.tensor.is_output:
        values = {LAST if kind == FIRST else kind: moved for kind, moved in edge.moves.items()}
    else:
        return {}
    total = sum(values.values())
    return {kind: moved / total for kind, moved in values.items()} if total else {}


def _level_cycles(
    chip: Accelerator, counts: Counts, loops: list[_Loop], edges: list[_Edge], below: float
) -> float:
    """Cycles from the first MAC to the last as far as one level decides: c + Σ n_j step_j."""
    each = below / prod(loop.trips for loop in loops)
    times = _port_times(chip, counts, [e for e in edges if e.child.buffering is not Buffering.SINGLE])
    total, outside = each, 1
    for loop in loops:
        steps = (loop.trips - 1) * outside
        outside *= loop.trips
        moving = [cycles / steps for (_, kind), cycles in times.items() if kind == loop.index]
        total += steps * max([each, *moving])
    return total
