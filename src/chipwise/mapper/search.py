"""Search the mapspace of one layer on one chip: all choices of what is kept, all classes, one incumbent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from threading import Timer
from time import monotonic
from typing import final

import numpy as np

from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.classes import MappingClass, all_codes
from chipwise.mapper.even import even_classes
from chipwise.mapper.flows import Flows
from chipwise.mapper.infeasible import explain
from chipwise.mapper.mapspace import (
    Keeping,
    Mapspace,
    Nest,
    axis_sizes,
    count_chains,
    even_nest,
    keepings,
    no_chains,
    uneven_nests,
)
from chipwise.mapper.objectives import Objective, objective_for
from chipwise.mapper.problem import Arrays, Problem, make_problem
from chipwise.mapper.tables import Tables, Work
from chipwise.mapper.templates import Columns, Template, TemplateArrays, make_template
from chipwise.mapper.uneven import uneven_classes
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from chipwise.workload.layer import Layer

NODES, OVERFLOWED, LIMIT, STOPPED = 0, 4, 5, 6
"""Places in the kernel's statistics: see `kernels.search.search`."""

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
        space: which mappings; by default uneven and perfect.

    Raises:
        InputError: an unknown objective, or tensors that the chip does not know.
        NoMappingError: nothing legal fits (the message names the constraint), or nothing was found in time.
    """
    wanted = objective_for(chip, objective)
    space, clock = space or Mapspace(), _checked(layer, chip, time_limit_s)
    question = _Question(layer, chip, wanted, space, clock)
    found = question.answer(clock)
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
        time_limit_s: stop then; the certificate of the point being searched is not proven.

    Raises:
        InputError, NoMappingError: as for `search`.
    """
    wanted = objective_for(chip, "energy,latency")
    space, clock = space or Mapspace(), _checked(layer, chip, time_limit_s)
    question = _Question(layer, chip, wanted, space, clock)
    points: list[Found] = []
    faster_than = np.inf
    while (found := question.answer(clock, faster_than)) is not None:
        points.append(found)
        if not found.certificate.proven:
            break
        faster_than = cost(layer, chip, found.mapping).latency_cycles * (1 - SLACK)
    if not points:
        raise _nothing(question, time_limit_s, clock)
    return points


def _nothing(question: "_Question", time_limit_s: float | None, clock: "_Clock") -> NoMappingError:
    layer, chip = question.layer, question.chip
    if clock.is_over():
        return NoMappingError(
            f"no mapping of {layer.name!r} on {chip.name!r} was found in {time_limit_s} s; allow more time",
            "time",
        )
    return explain(layer, chip, lambda a, b: _find_any(a, b, question.space))


def _checked(layer: Layer, chip: Accelerator, time_limit_s: float | None) -> "_Clock":
    _check_tensors(layer, chip)
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(f"time limit = {time_limit_s} s must be above 0")
    return _Clock(time_limit_s)


def _check_tensors(layer: Layer, chip: Accelerator) -> None:
    for tensor in layer.tensors:
        if tensor.name not in chip.tensors:
            raise InputError(
                f"layer {layer.name!r} has a tensor {tensor.name!r} that chip {chip.name!r} does not know; "
                f"it knows {', '.join(chip.tensors)}"
            )


def _find_any(layer: Layer, chip: Accelerator, space: Mapspace) -> Mapping | None:
    clock = _Clock(None)
    found = _Question(layer, chip, objective_for(chip, "energy"), space, clock).answer(clock)
    return None if found is None else found.mapping


@final
class _Clock:
    """Stops kernels at a deadline: they look at a number of nodes not to exceed, which a timer sets to −1."""

    def __init__(self, limit_s: float | None) -> None:
        self.stats = np.zeros(7, np.int64)
        self.stats[LIMIT] = np.iinfo(np.int64).max
        self.end = None if limit_s is None else monotonic() + limit_s

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.end is not None and monotonic() >= self.end

    @contextmanager
    def running(self) -> Iterator[np.ndarray]:
        """The kernel's statistics, with the timer set."""
        timer = None if self.end is None else Timer(max(0.0, self.end - monotonic()), self._stop)
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            yield self.stats
        finally:
            if timer is not None:
                timer.cancel()

    def _stop(self) -> None:
        self.stats[LIMIT] = -1


def nests_of(chip: Accelerator, keeping: Keeping, space: Mapspace) -> list[Nest]:
    """All nests of a mapspace with one choice of what is kept."""
    return [even_nest(chip, keeping)] if space.placement == "even" else list(uneven_nests(chip, keeping))


def classes_of(layer: Layer, chip: Accelerator, keeping: Keeping, space: Mapspace) -> Iterator[MappingClass]:
    """All classes of a mapspace with one choice of what is kept; none where constraints contradict each other."""
    if space.placement == "uneven":
        yield from uneven_classes(layer, chip, keeping, space.factors)
        return
    nest = even_nest(chip, keeping)
    base = all_codes(layer, nest)
    if not isinstance(base, str):
        yield from even_classes(layer, nest, base)


def size_of(layer: Layer, chip: Accelerator, space: Mapspace) -> float:
    """Orders of nodes x tile sizes x bypass; each has all its loop orders."""
    total = 0.0
    for keeping in keepings(layer, chip):
        for nest in nests_of(chip, keeping, space):
            codes = all_codes(layer, nest)
            if not isinstance(codes, str):
                sizes = axis_sizes(nest)
                total += prod(
                    float(count_chains(e, e, codes[d], sizes, space.factors)) for d, e in layer.dims.items()
                )
    return total


@final
class _Question:
    """A layer, a chip, an objective and a mapspace, with all classes of mappings and their bounds."""

    def __init__(
        self, layer: Layer, chip: Accelerator, objective: Objective, space: Mapspace, clock: "_Clock"
    ) -> None:
        self.layer, self.chip, self.objective, self.space = layer, chip, objective, space
        runs = [_Run(layer, chip, objective, space, keeping, clock) for keeping in keepings(layer, chip)]
        self.complete = not any(run.cut_short for run in runs)
        if self.complete and not any(run.templates for run in runs):
            for run in runs:
                if run.blocked is not None:
                    raise no_chains(layer, chip, run.blocked)
        self.runs = [run for run in runs if run.templates]
        self.ordered = sorted(
            (template.root_bound(), r, i)
            for r, run in enumerate(self.runs)
            for i, template in enumerate(run.templates)
        )
        self.size = size_of(layer, chip, space)

    def answer(self, clock: "_Clock", faster_than: float = np.inf) -> Found | None:
        """The best mapping with a latency below `faster_than` cycles; None where there is none, or no time."""
        return _best_of(self, clock, faster_than)


@final
class _Run:
    """One choice of what is kept, with its classes of mappings and their bounds."""

    def __init__(
        self,
        layer: Layer,
        chip: Accelerator,
        objective: Objective,
        space: Mapspace,
        keeping: Keeping,
        clock: _Clock,
    ) -> None:
        self.templates: list[Template] = []
        self.cut_short = clock.is_over()
        self.blocked: str | None = None
        nests = nests_of(chip, keeping, space)
        nest = nests[0]
        flows = Flows(layer, chip, objective, len(nest.heads))
        self.problem = _problem(flows, space, nests)
        self.tables = Tables(self.problem)
        columns = Columns(self.problem, flows)
        for found in [] if self.cut_short else classes_of(layer, chip, keeping, space):
            if clock.is_over():
                self.cut_short = True
                break
            made = make_template(found, self.tables, columns)
            if made is not None:
                self.templates.append(made)
        if not self.templates:
            self.blocked = _blocked(layer, nest, space)
            return
        n_flows = max(len(t.flow_numbers()) for t in self.templates)
        self.arrays: Arrays = self.tables.arrays(n_flows)
        self.work: Work = self.tables.work()


def _problem(flows: Flows, space: Mapspace, nests: list[Nest]) -> Problem:
    """Number all terms of all nests."""
    for nest in nests:
        flows.of(nest)
    return make_problem(flows, space.factors, nests[0])


def _blocked(layer: Layer, nest: Nest, space: Mapspace) -> str | None:
    """A dimension that no chain of tiles covers."""
    codes = all_codes(layer, nest)
    if isinstance(codes, str):
        return codes
    sizes = axis_sizes(nest)
    for d, e in layer.dims.items():
        if count_chains(e, e, codes[d], sizes, space.factors) == 0:
            return d
    return None


@final
class _Incumbent:
    """The best mapping so far, and what of the search is still open."""

    def __init__(self, question: _Question, clock: _Clock, faster_than: float) -> None:
        self.question, self.clock, self.faster_than = question, clock, faster_than
        self.keys = np.full(len(question.objective.names), np.inf)
        self.found: tuple[_Run, Template, np.ndarray, np.ndarray] | None = None
        self.lowered: dict[tuple[int, int], TemplateArrays] = {}
        self.open: list[tuple[float, ...]] = []
        clock.stats[:LIMIT] = 0
        clock.stats[STOPPED] = 0

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
        with self.clock.running():
            if most_nodes is not None:
                stats[LIMIT] = min(stats[LIMIT], stats[NODES] + most_nodes)
            kernel.search(
                run.arrays, self.lowered[r, i], run.work, self.faster_than, self.keys, chosen, order, stats
            )
            if most_nodes is not None and not self.clock.is_over():
                stats[LIMIT] = np.iinfo(np.int64).max
        if (self.keys != before).any():
            self.found = (run, template, chosen, order)
        finished = not stats[STOPPED] and stats[OVERFLOWED] == overflowed
        stats[STOPPED] = 0
        return bool(finished)


def _best_of(question: _Question, clock: _Clock, faster_than: float) -> Found | None:
    """Search the classes of all runs: a look into each for a good incumbent, then the most promising ones first."""
    best = _Incumbent(question, clock, faster_than)
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


def _certificate(best: _Incumbent, searched: int) -> Certificate:
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


def mapping_of(
    problem: Problem, nest: Nest, arrays: Arrays, chosen: np.ndarray, order: np.ndarray
) -> Mapping:
    """The loop tree of chosen entries and loop orders; loops of one iteration are left out."""
    dims = problem.dims
    chain = {
        d: [int(t) for t in arrays.tiles[chosen[c], local]]
        for c, component in enumerate(problem.components)
        for local, d in enumerate(component)
    }
    nodes: list[Node] = []
    head = -1
    tile = {d: problem.layer.dims[d] for d in dims}
    for at, position in enumerate(nest.positions):
        if position.block > head:
            head = position.block
            nodes.extend(Storage(m, t) for m, t in nest.heads[head])
        in_order = list(dims)
        if position.axis is None and head < len(nest.heads) - 1:
            in_order = [dims[d] for d in order[head] if d >= 0][::-1]
        for d in in_order:
            if chain[d][at] < tile[d]:
                loop = chain[d][at]
                nodes.append(
                    Temporal(d, loop) if position.axis is None else Spatial(position.axis.name, d, loop)
                )
        tile = {d: min(tile[d], chain[d][at]) for d in dims}
    return Mapping(tuple(nodes))
