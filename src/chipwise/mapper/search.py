"""Search the mapspace of one layer on one chip: all choices of what is kept, all classes, one incumbent."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.infeasible import explain
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import objective_for
from chipwise.mapper.question import NODES, OVERFLOWED, STOPPED, Clock, Question, Run, mapping_of
from chipwise.mapper.templates import Template, TemplateArrays
from chipwise.mapping.mapping import Mapping
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from chipwise.workload.layer import Layer

PROBE = 500
"""Nodes of a first look into each class: enough for one dive to a good mapping."""

SLACK = kernel.SLACK


@final
@dataclass(frozen=True, slots=True)
class Certificate:
    """How the optimum is known: where it was looked for, what was looked at, and what was cut off by a bound.

    No mapping is better than `bound`; `gap` = 1 − bound / value. `proven`: the gap is 0, as everything else was cut
    off by bounds that are not below the result.
    """

    objective: str
    value: float
    """Of the first name in the objective."""
    bound: float
    gap: float
    proven: bool
    nodes: int
    pruned_by_bound: int
    pruned_by_fit: int
    leaves: int
    templates: int
    placement: str
    factors: str
    mapspace: float
    """Orders of nodes x tile sizes x bypass, before capacities are looked at; each has all its loop orders."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """The best mapping of a layer and its certificate."""

    mapping: Mapping
    certificate: Certificate


def search(
    layer: Layer,
    chip: Accelerator,
    objective: str = "energy",
    time_limit_s: float | None = None,
    space: Mapspace | None = None,
) -> Found:
    """The best mapping of `layer` on `chip`.

    Args:
        layer: what is computed.
        chip: what it runs on.
        objective: "energy" (pJ), "latency" (cycles), "edp" (pJ x cycles), "traffic" (off-chip bits), or several
            in the order in which they decide ("energy,latency"). Latency and traffic alone break ties by energy.
        time_limit_s: stop then, with the best mapping so far and its proven gap; None: search to the end.
        space: which mappings; by default even, with residuals on the axes.

    Raises:
        InputError: an unknown objective, or tensors that the chip does not know.
        NoMappingError: nothing legal fits (the message names the constraint), or nothing was found in time.
    """
    wanted = objective_for(chip, objective)
    with _checked(layer, chip, time_limit_s) as clock:
        question = Question(layer, chip, wanted, space or Mapspace(), clock)
        found = best_of(question, clock)
    if found is None:
        raise _nothing(question, time_limit_s, clock)
    return found


def front(
    layer: Layer, chip: Accelerator, time_limit_s: float | None = None, space: Mapspace | None = None
) -> list[Found]:
    """The exact Pareto front of energy against latency: from the least energy to the least latency.

    Every point is the mapping of least energy, then latency, among those faster than the point before; when none is
    left, the front is complete.

    Args:
        layer: what is computed.
        chip: what it runs on.
        space: which mappings, as for `search`.
        time_limit_s: stop then; the last point's certificate is not proven, and points behind it may be missing.

    Raises:
        InputError, NoMappingError: as for `search`.
    """
    wanted = objective_for(chip, "energy,latency")
    points: list[Found] = []
    faster_than = np.inf
    with _checked(layer, chip, time_limit_s) as clock:
        question = Question(layer, chip, wanted, space or Mapspace(), clock)
        while (found := best_of(question, clock, faster_than)) is not None:
            points.append(found)
            if not found.certificate.proven:
                return points
            faster_than = cost(layer, chip, found.mapping).latency_cycles * (1 - SLACK)
    if points and clock.is_over():
        # Nothing faster was found, in time: the last point stands, but not that it is the last.
        points[-1] = replace(points[-1], certificate=replace(points[-1].certificate, proven=False))
    if not points:
        raise _nothing(question, time_limit_s, clock)
    return points


def _nothing(question: Question, time_limit_s: float | None, clock: Clock) -> NoMappingError:
    layer, chip = question.layer, question.chip
    if clock.is_over():
        return NoMappingError(
            f"no mapping of {layer.name!r} on {chip.name!r} was found in {time_limit_s} s; allow more time",
            "time",
        )
    return explain(layer, chip, lambda a, b: _find_any(a, b, question.space))


def _checked(layer: Layer, chip: Accelerator, time_limit_s: float | None) -> Clock:
    _check_tensors(layer, chip)
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(f"time limit = {time_limit_s} s must be above 0")
    if time_limit_s is not None:
        compile_kernels(layer, chip)
    return Clock(time_limit_s)


def compile_kernels(layer: Layer, chip: Accelerator) -> None:
    """Have the kernels compiled before a time limit starts: the first time, that takes longer than many limits."""
    if not kernel.search.signatures:
        _find_any(replace(layer, dims=dict.fromkeys(layer.dims, 1)), chip, Mapspace())


def _check_tensors(layer: Layer, chip: Accelerator) -> None:
    for tensor in layer.tensors:
        if tensor.name not in chip.tensors:
            raise InputError(
                f"layer {layer.name!r} has a tensor {tensor.name!r} that chip {chip.name!r} does not know; "
                f"it knows {', '.join(chip.tensors)}"
            )


def _find_any(layer: Layer, chip: Accelerator, space: Mapspace) -> Mapping | None:
    clock = Clock(None)
    found = best_of(Question(layer, chip, objective_for(chip, "energy"), space, clock), clock)
    return None if found is None else found.mapping


@final
class Incumbent:
    """The best mapping so far, and what of the search is still open."""

    def __init__(self, question: Question, clock: Clock, faster_than: float) -> None:
        self.question, self.clock, self.faster_than = question, clock, faster_than
        self.keys = np.full(len(question.objective.names), np.inf)
        self.found: tuple[Run, Template, np.ndarray, np.ndarray] | None = None
        self.lowered: dict[tuple[int, int], TemplateArrays] = {}
        self.open: list[tuple[float, ...]] = []
        clock.start()

    def may_yield_to(self, low: tuple[float, ...]) -> bool:
        """Whether something with these bounds may be better: the first key that differs decides."""
        for a, b in zip(low, self.keys, strict=True):
            if a < b * (1 - SLACK) or a > b * (1 + SLACK):
                return bool(a < b)
        return False

    def search(self, r: int, i: int, most_nodes: int | None = None) -> bool:
        """Search a template; False where it was stopped, by time or after a number of nodes."""
        stats, run = self.clock.stats, self.question.runs[r]
        template = run.templates[i]
        if (r, i) not in self.lowered:
            self.lowered[r, i] = template.lower()
        chosen = np.zeros(len(run.problem.components), np.int64)
        order = np.full((run.arrays.n_blocks, len(run.problem.dims)), -1, np.int64)
        before, overflowed = self.keys.copy(), stats[OVERFLOWED]
        run.arrays.memo_row[:-1] = -1
        run.arrays.memo_row[-1] = 0
        self.clock.allow(most_nodes)
        kernel.search(
            run.arrays, self.lowered[r, i], run.work, self.faster_than, self.keys, chosen, order, stats
        )
        if (self.keys != before).any():
            self.found = (run, template, chosen, order)
        finished = not stats[STOPPED] and stats[OVERFLOWED] == overflowed
        stats[STOPPED] = 0
        return bool(finished)


def best_of(question: Question, clock: Clock, faster_than: float = np.inf) -> Found | None:
    """The best mapping with a latency below `faster_than` cycles; None where there is none, or no time.

    All classes of all runs are searched: a look into each for a good incumbent, then the most promising ones first.
    """
    best = Incumbent(question, clock, faster_than)
    searched, finished = 0, set()
    for low, r, i in question.ordered if len(question.ordered) > 1 else []:
        if best.may_yield_to(low) and not clock.is_over() and best.search(r, i, PROBE):
            finished.add((r, i))
    for low, r, i in question.ordered:
        if (r, i) in finished or not best.may_yield_to(low):
            searched += (r, i) in finished
            continue
        searched += 1
        if clock.is_over() or not best.search(r, i):
            best.open.append(low)
    if best.found is None:
        return None
    run, template, chosen, order = best.found
    nest = template.of.nest
    return Found(mapping_of(run.problem, nest, run.arrays, chosen, order), _certificate(best, searched))


def _certificate(best: Incumbent, searched: int) -> Certificate:
    question, stats = best.question, best.clock.stats
    value = float(best.keys[0])
    still_open = [low for low in best.open if best.may_yield_to(low)]
    bound = min([value, *(low[0] for low in still_open)]) if question.complete else 0.0
    return Certificate(
        objective=question.objective.text,
        value=value,
        bound=bound,
        gap=1 - bound / value if value else 0.0,
        proven=question.complete and not still_open,
        nodes=int(stats[NODES]),
        pruned_by_bound=int(stats[1]),
        pruned_by_fit=int(stats[2]),
        leaves=int(stats[3]),
        templates=searched,
        placement=question.space.placement,
        factors=question.space.factors,
        mapspace=question.size,
    )
