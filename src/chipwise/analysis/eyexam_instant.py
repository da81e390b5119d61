"""Step 7 of Eyexam: what a mapping waits for although the average bandwidth is enough.

Levels of memory work as a pipeline of tiles. While the level inside works on a tile (c cycles), the next one comes in
and the one before goes out, as far as there is room. Per level and kind of step j (the temporal loop that advances;
n_j of them)

    x_j    = max over ports of (bits of one step / bits per cycle)                              [cycles]
    o_j    = 1 with double buffering, else min(1, free bits / bits that come in)
    step_j = max(c, o_j x_j) + (1 - o_j) x_j
    level  = c + Σ_j n_j step_j;   c = cycles of the level inside it, or of compute, / tiles

    latency = ramp-up + drain + max( outermost level, max over ports of steady bits / (bits per cycle) )

ramp-up: the first tile of one level after that of the other, outermost first; drain: the last output tile, back the
same way; steady bits: all bits of a port but these. Bits are those of `model.cost`, shared out over kinds of steps as
the tile of one instance moves; steps of a kind count as their mean. The result is at least max(compute, bits /
bandwidth), the latency of step 6: a port's first and last tiles are in ramp-up and drain, and what is left is its
steady part.
"""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Memory
from chipwise.mapping.legality import utilisation
from chipwise.mapping.mapping import Mapping, Storage, Temporal
from chipwise.model.actions import Actions, Counts
from chipwise.workload.layer import Layer, Tensor

FIRST, LAST = -1, -2
"""Kinds of steps beside the loops: the first tile comes in, the last output tile goes out."""


@final
@dataclass(frozen=True, slots=True)
class Instant:
    """Cycles of a mapping with what does not overlap."""

    ramp_up_cycles: float
    steady_cycles: float
    """From the first MAC to the last."""
    drain_cycles: float
    waits: MappingType[str, float]
    """Per memory level below the outermost, innermost first: cycles that it adds to the steady part."""
    slowest: str
    """The memory level that adds most to the steady part, or the port that decides it; `compute` where none waits."""

    @property
    def cycles(self) -> float:
        """Ramp-up, steady part and drain."""
        return self.ramp_up_cycles + self.steady_cycles + self.drain_cycles


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
    """Latency of a mapping with ramp-up, drain, uneven steps and what single buffers cannot overlap.

    Args:
        layer: what is computed.
        chip: memories with their ports and buffers.
        mapping: a legal mapping.
        counts: of that mapping.
    """
    bits: dict[tuple[str, int], float] = {}
    ramp_up = drain = 0.0
    waits: dict[str, float] = {}
    below = float(counts.cycles)
    for level in reversed(_levels(chip, mapping)):
        loops = _loops_above(layer, mapping, max(i for _, i in level))
        edges = [_edge(layer, chip, mapping, loops, i) for _, i in level]
        times = _port_times(chip, counts, edges)
        for (port, kind), cycles in times.items():
            bits[port, kind] = bits.get((port, kind), 0.0) + cycles
        ramp_up += max((c for (_, kind), c in times.items() if kind == FIRST), default=0.0)
        drain += max((c for (_, kind), c in times.items() if kind == LAST), default=0.0)
        name = " + ".join(dict.fromkeys(memory.name for memory, _ in level))
        with_level = _level_cycles(layer, chip, mapping, counts, loops, edges, below)
        waits[name], below = with_level - below, with_level
    slowest, steady = "compute", below
    if waits and max(waits.values()) > 1e-9 * below:
        slowest = max(waits, key=lambda name: waits[name])
    for name, cycles in _steady_ports(layer, chip, counts, bits).items():
        if cycles > steady * (1 + 1e-12):
            slowest, steady = name, cycles
    return Instant(ramp_up, steady, drain, waits, slowest)


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
    layer: Layer,
    chip: Accelerator,
    mapping: Mapping,
    counts: Counts,
    loops: list[_Loop],
    edges: list[_Edge],
    below: float,
) -> float:
    """Cycles from the first MAC to the last as far as one level decides: c + Σ n_j step_j."""
    tiles = prod(loop.trips for loop in loops)
    each = below / tiles
    used = utilisation(layer, chip, mapping)
    total, outside = each, 1
    by_memory = {edge.child.name: [e for e in edges if e.child.name == edge.child.name] for edge in edges}
    for loop in loops:
        times = (loop.trips - 1) * outside
        outside *= loop.trips
        overlapped, exposed = each, 0.0
        together: dict[str, float] = {}
        for of_memory in by_memory.values():
            mine = {
                port: cycles / times
                for (port, kind), cycles in _port_times(chip, counts, of_memory).items()
                if kind == loop.index
            }
            share = _overlap(chip, of_memory, sum(used[of_memory[0].child.name].values()), loop.index, times)
            for port, cycles in mine.items():
                together[port] = together.get(port, 0.0) + share * cycles
            exposed = max([exposed, *((1 - share) * cycles for cycles in mine.values())])
        overlapped = max([each, *together.values()])
        total += times * (overlapped + exposed)
    return total


def _overlap(chip: Accelerator, edges: list[_Edge], used_bits: int, kind: int, times: int) -> float:
    """Share of what comes into a memory for the next step that has room beside the working tiles."""
    memory = edges[0].child
    if memory.buffering > 1 or memory.capacity_bits is None:
        return 1.0
    new_bits = sum(e.moves.get(kind, 0.0) * chip.bits(e.tensor.bits) for e in edges) / times
    free_bits = memory.capacity_bits - used_bits
    return 1.0 if new_bits <= free_bits else free_bits / new_bits


def _steady_ports(
    layer: Layer, chip: Accelerator, counts: Counts, cycles: MappingType[tuple[str, int], float]
) -> dict[str, float]:
    """Cycles of each port without the first tiles and the last."""
    found = {}
    for memory in chip.memories:
        for port in memory.ports:
            bits = 0.0
            for tensor in layer.tensors:
                if port.tensors is None or tensor.name in port.tensors:
                    a = counts.busiest.get((memory.name, tensor.name), Actions())
                    values = (a.reads + a.drains) * port.reads + (a.fills + a.updates) * port.writes
                    bits += values * chip.bits(tensor.bits)
            ends = cycles.get((port.name, FIRST), 0.0) + cycles.get((port.name, LAST), 0.0)
            found[port.name] = bits / port.bits_per_cycle - ends
    return found
