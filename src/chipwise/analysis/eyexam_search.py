"""The fastest mapping of a layer, stopped where a bound from elsewhere is reached, and chips with constraints off."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import final

from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Array, Level, Memory, Parallel
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import objective_for
from chipwise.mapper.question import Clock, Question, mapping_of
from chipwise.mapper.search import Incumbent, compile_kernels
from chipwise.mapping.mapping import Mapping
from chipwise.workload.layer import Layer

FREE = ActionEnergy(0.0, "only time counts")

BUDGETS = (500, 5_000, 50_000, 500_000, 5_000_000, None)
"""Nodes for each class, round by round: the bound is often met by a class that is not the most promising."""


@final
@dataclass(frozen=True, slots=True)
class Fastest:
    """A mapping, its cycles, and whether no mapping of the mapspace takes fewer."""

    mapping: Mapping
    cycles: float
    proven: bool


def without(
    chip: Accelerator, *, ports: bool = False, capacity: str | None = None, waits: bool = False
) -> Accelerator:
    """The chip without some of its constraints.

    Args:
        chip: the chip.
        ports: all bandwidths unlimited, of networks as well; then nothing waits either.
        capacity: name of a memory that becomes unlimited.
        waits: first tiles, last ones and configuration take no time, and all transfers overlap.
    """

    def change(memory: Memory) -> Memory:
        found = replace(memory, ports=()) if ports else memory
        return replace(found, capacity_bits=None) if memory.name == capacity else found

    found = _map_memories(chip, change)
    if ports:
        levels = (_unlimited(level) if isinstance(level, Array) else level for level in found.levels)
        found = replace(found, levels=tuple(levels))
    return replace(found, waits=chip.waits and not (ports or waits))


def _unlimited(array: Array) -> Array:
    routes = {
        tensor: replace(route, bits_per_cycle=None, link_bits_per_cycle=None)
        for tensor, route in array.routes.items()
    }
    return replace(array, routes=routes)


def fastest(
    layer: Layer, chip: Accelerator, space: Mapspace, *, target: float, limit_s: float | None = None
) -> Fastest | None:
    """The mapping of least latency; None where nothing legal fits, or no time was left to find it.

    Energy decides no ties, and the search ends at `target`, below which no mapping is.

    Args:
        layer: what is computed.
        chip: what it runs on.
        space: which mappings.
        target: cycles that no mapping is below, or that are few enough.
        limit_s: stop then.

    Raises:
        NoMappingError: constraints on loops leave nothing.
    """
    free = _free(chip)
    if limit_s is not None:
        compile_kernels(layer, free)
    with Clock(limit_s) as clock:
        question = Question(layer, free, objective_for(free, "latency"), space, clock)
        best = Incumbent(question, clock, inf)
        finished: set[tuple[int, int]] = set()
        enough = target * (1 + 1e-12)
        for budget in BUDGETS:
            for low, r, i in question.ordered:
                if best.keys[0] <= enough or clock.is_over():
                    break
                if (r, i) not in finished and best.may_yield_to(low) and best.search(r, i, budget):
                    finished.add((r, i))
    if best.found is None:
        return None
    still_open = any((r, i) not in finished and best.may_yield_to(low) for low, r, i in question.ordered)
    run, template, chosen, order = best.found
    mapping = mapping_of(run.problem, template.of.nest, run.arrays, chosen, order)
    proven = bool(best.keys[0] <= enough) or (question.complete and not still_open)
    return Fastest(mapping, float(best.keys[0]), proven)


def _map_memories(chip: Accelerator, change: Callable[[Memory], Memory]) -> Accelerator:
    levels: list[Level] = []
    for level in chip.levels:
        if isinstance(level, Memory):
            levels.append(change(level))
        elif isinstance(level, Parallel):
            levels.append(Parallel(tuple(change(m) for m in level.memories)))
        else:
            levels.append(level)
    return replace(chip, levels=tuple(levels))


def _free(chip: Accelerator) -> Accelerator:
    """The chip with every action free, so that the first of the fastest mappings ends the search."""
    free = _map_memories(chip, lambda m: replace(m, energy={"read": FREE, "write": FREE}))
    levels: list[Level] = []
    for level in free.levels:
        if isinstance(level, Array):
            levels.append(replace(level, energy={}))
        elif isinstance(level, Memory | Parallel):
            levels.append(level)
        else:
            levels.append(replace(level, energy={"mac": FREE}))
    return replace(free, levels=tuple(levels))
