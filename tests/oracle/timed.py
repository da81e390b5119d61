"""A small event-driven simulator: tiles come in and go out through ports while compute works, step by step.

Written from docs/eyexam.md alone. Loops are walked with sets (`walk`), a tile is loaded when what it needs is there
and a buffer is free, ports serve one request after the other, and a MAC takes a cycle. For chips without arrays, of
which the innermost memory has no port.
"""

import heapq
from collections import defaultdict
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator, Memory
from chipwise.mapping.mapping import Mapping, Storage, Temporal
from chipwise.workload.layer import Layer
from tests.oracle.walk import _arrivals, _values


class Step(NamedTuple):
    """What one step of a level moves, in cycles of each port, and which MACs it covers."""

    load: dict[str, float]
    drain: dict[str, float]
    first_mac: int
    last_mac: int


def simulated_cycles(layer: Layer, chip: Accelerator, mapping: Mapping) -> float:
    """Cycles from the first request to the last."""
    levels = [_steps(layer, chip, mapping, memory) for memory in chip.memories[1:]]
    depth = [memory.buffering.tiles for memory in chip.memories[1:]]
    needs: dict[tuple, set[tuple]] = defaultdict(set)
    for k, steps in enumerate(levels):
        for s, step in enumerate(steps):
            load, drain = ("load", k, s), ("drain", k, s)
            if s:
                needs[load].add(("load", k, s - 1))
                needs[drain].add(("drain", k, s - 1))
            if s >= depth[k]:
                # A single buffer is emptied before it is filled.
                before = ("drain", k, s - 1) if depth[k] == 1 else ("mac", steps[s - depth[k]].last_mac)
                needs[load].add(before)
            if k:
                parent = next(p for p, of in enumerate(levels[k - 1]) if of.last_mac >= step.first_mac)
                needs[load].add(("load", k - 1, parent))
                if step.last_mac == levels[k - 1][parent].last_mac:
                    needs["drain", k - 1, parent].add(drain)
            needs[drain].add(("mac", step.last_mac))
            for mac in range(step.first_mac, step.last_mac + 1):
                needs["mac", mac] |= {load} | ({("mac", mac - 1)} if mac else set())
    return _run(levels, needs)


def _run(levels: list[list[Step]], needs: dict[tuple, set[tuple]]) -> float:
    serves = defaultdict(list)
    for task, before in needs.items():
        for other in before:
            serves[other].append(task)
    missing = {task: len(needs.get(task, ())) for task in set(needs) | set(serves)}
    ready = dict.fromkeys(missing, 0.0)
    queue = [(0.0, task) for task, n in missing.items() if n == 0]
    heapq.heapify(queue)
    free: dict[str, float] = defaultdict(float)
    end = 0.0
    while queue:
        now, task = heapq.heappop(queue)
        done = now + 1 if task[0] == "mac" else now
        if task[0] != "mac":
            step = levels[task[1]][task[2]]
            for port, cycles in (step.load if task[0] == "load" else step.drain).items():
                if cycles:
                    free[port] = max(free[port], now) + cycles
                    done = max(done, free[port])
        end = max(end, done)
        for other in serves[task]:
            ready[other] = max(ready[other], done)
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(queue, (ready[other], other))
    assert not any(missing.values())
    return end


def _steps(layer: Layer, chip: Accelerator, mapping: Mapping, memory: Memory) -> list[Step]:
    """The steps of a level, as its nodes are moved by the loops above the last of them."""
    nodes = [i for i, n in enumerate(mapping.nodes) if isinstance(n, Storage) and n.memory == memory.name]
    end = max(nodes)
    total = sum(1 for _ in _arrivals(layer, mapping, layer.output, len(mapping.nodes)))
    per_tensor = {}
    for i in nodes:
        node = mapping.nodes[i]
        tensor = layer.tensor(node.tensor)
        above = [n.memory for n in mapping.nodes[:i] if isinstance(n, Storage) and n.tensor == tensor.name]
        steps = list(_arrivals(layer, mapping, tensor, end))
        per_tensor[tensor.name] = (tensor, chip.memory(above[-1]), steps)
    count = len(next(iter(per_tensor.values()))[2])
    each = total // count
    assert each * count == total
    seen, held = set(), {}
    found = []
    for s in range(count):
        load: dict[str, float] = defaultdict(float)
        drain: dict[str, float] = defaultdict(float)
        for name, (tensor, parent, steps) in per_tensor.items():
            arrival, bits = steps[s][()], chip.bits(tensor.bits)
            moved = arrival.moved
            if tensor.is_output:
                new = _values(arrival.new)
                gone = held.get(name, frozenset()) - new
                if s:
                    _through(found[-1].drain, memory, parent, name, len(gone) * bits)
                moved, seen, held[name] = moved & seen, seen | new, new
                if s == count - 1:
                    _through(drain, memory, parent, name, len(new) * bits)
            _through(load, parent, memory, name, len(moved) * bits)
        found.append(Step(load, drain, s * each, (s + 1) * each - 1))
    return found


def _through(into: dict[str, float], source: Memory, sink: Memory, tensor: str, bits: int) -> None:
    for memory, reads in ((source, True), (sink, False)):
        for port in memory.ports:
            if (port.tensors is None or tensor in port.tensors) and (port.reads if reads else port.writes):
                into[port.name] += bits / port.bits_per_cycle


def has_whole_tiles(layer: Layer, mapping: Mapping) -> bool:
    """Whether every loop divides what stands above it."""
    left = dict(layer.dims)
    for node in mapping.nodes:
        if isinstance(node, Temporal):
            if left[node.dim] % node.tile:
                return False
            left[node.dim] = node.tile
    return True
