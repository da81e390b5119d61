"""Search one layer's even mapspace: all choices of what is kept, all templates, one incumbent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Timer
from time import monotonic
from typing import final

import numpy as np

from chipwise.errors import InputError, NoMappingError, did_you_mean
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.infeasible import explain
from chipwise.mapper.lowering import Lowered, lower, work_for
from chipwise.mapper.mapspace import all_chains, keepings, no_chains, skeleton
from chipwise.mapper.problem import KINDS, Problem, make_problem
from chipwise.mapper.templates import Columns, block_classes, make_template
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.kernels import search as kernel
from chipwise.workload.layer import Layer

OVERFLOWED, LIMIT, STOPPED = 4, 5, 6
"""Places in the kernel's statistics: see `kernels.search.search`."""


@final
@dataclass(frozen=True, slots=True)
class Certificate:
    """How the optimum is known: what was looked at, and what was cut off by a bound.

    No mapping is better than `bound`; `gap` = 1 − bound / value. `proven`: the gap is 0, as everything else was cut
    off by bounds that are not below the result.
    """

    objective: str
    value: float
    bound: float
    gap: float
    proven: bool
    nodes: int
    pruned_by_bound: int
    pruned_by_fit: int
    leaves: int
    templates: int
    mapspace: float
    """Combinations of tile sizes and bypass, before capacities are looked at; each has all its loop orders."""


@final
@dataclass(frozen=True, slots=True)
class Found:
    """The best mapping of a layer and its certificate."""

    mapping: Mapping
    certificate: Certificate


def search(
    layer: Layer, chip: Accelerator, objective: str = "energy", time_limit_s: float | None = None
) -> Found:
    """The best even mapping of `layer` on `chip`.

    Args:
        layer: what is computed.
        chip: what it runs on.
        objective: "energy" (pJ), "latency" (cycles, ties by energy) or "edp" (pJ x cycles).
        time_limit_s: stop then, with the best mapping so far and its proven gap; None: search to the end.

    Raises:
        InputError: an unknown objective, or tensors that the chip does not know.
        NoMappingError: nothing legal fits (the message names the constraint), or nothing was found in time.
    """
    if objective not in KINDS:
        raise InputError(f"objective {objective!r} is not known." + did_you_mean(objective, KINDS))
    for tensor in layer.tensors:
        if tensor.name not in chip.tensors:
            raise InputError(
                f"layer {layer.name!r} has a tensor {tensor.name!r} that chip {chip.name!r} does not know; "
                f"it knows {', '.join(chip.tensors)}"
            )
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(f"time limit = {time_limit_s} s must be above 0")
    clock = _Clock(time_limit_s)
    found = _search(layer, chip, objective, clock)
    if found is None and clock.is_over():
        raise NoMappingError(
            f"no mapping of {layer.name!r} on {chip.name!r} was found in {time_limit_s} s; allow more time",
            "time",
        )
    if found is None:
        raise explain(layer, chip, _find_any)
    return found


def _find_any(layer: Layer, chip: Accelerator) -> Mapping | None:
    found = _search(layer, chip, "energy", _Clock(None))
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


def _search(layer: Layer, chip: Accelerator, objective: str, clock: _Clock) -> Found | None:
    frame = skeleton(chip)
    runs = []
    missing = None
    for keeping in keepings(layer, frame):
        chains = all_chains(layer, frame, keeping)
        if not all(chains.values()):
            missing = missing or chains
            continue
        problem = make_problem(layer, chip, frame, keeping, chains, objective)
        if all(b > a for a, b in pairwise(problem.entry_start)):
            runs.append(_Run(problem, lower(problem)))
    if not runs and missing is not None:
        raise no_chains(layer, chip, missing)
    return _best_of(runs, clock)


@final
class _Run:
    """One choice of what is kept, with its classes of loop orders and their bounds."""

    def __init__(self, problem: Problem, lowered: Lowered) -> None:
        self.problem, self.lowered = problem, lowered
        columns = Columns(problem, lowered)
        made = (make_template(columns, classes) for classes in block_classes(problem))
        self.templates = [template for template in made if template is not None]


def _best_of(runs: list["_Run"], clock: _Clock) -> Found | None:
    """Search the classes of all runs, most promising first, with one incumbent."""
    best = np.array([np.inf, np.inf])
    stats = clock.stats
    open_bound = np.inf
    ordered = sorted(
        (template.root_bound(), r, i)
        for r, run in enumerate(runs)
        for i, template in enumerate(run.templates)
    )
    winner: tuple[_Run, np.ndarray, np.ndarray] | None = None
    searched = 0
    for low, r, i in ordered:
        run = runs[r]
        if low >= best[0] * (1 + 1e-13):
            continue
        if clock.is_over():
            open_bound = min(open_bound, low)
            continue
        searched += 1
        problem = run.problem
        chosen = np.zeros(len(problem.components), np.int64)
        order = np.full((problem.n_stages - 1, len(problem.layer.dims)), -1, np.int64)
        before = best.copy()
        arrays = run.templates[i].lower()
        before_overflow = stats[OVERFLOWED]
        with clock.running():
            kernel.search(run.lowered.arrays, arrays, work_for(problem), best, chosen, order, stats)
        if stats[STOPPED] or stats[OVERFLOWED] > before_overflow:
            open_bound = min(open_bound, low)
        if (best != before).any():
            winner = (run, chosen, order)
    if winner is None:
        return None
    run, chosen, order = winner
    value = float(best[0])
    bound = min(value, float(open_bound))
    certificate = Certificate(
        objective=run.problem.objective,
        value=value,
        bound=bound,
        gap=1 - bound / value if value else 0.0,
        proven=bound >= value,
        nodes=int(stats[0]),
        pruned_by_bound=int(stats[1]),
        pruned_by_fit=int(stats[2]),
        leaves=int(stats[3]),
        templates=searched,
        mapspace=float(sum(_size(r.problem) for r in runs)),
    )
    return Found(mapping_of(run.problem, chosen, order), certificate)


def _size(problem: Problem) -> float:
    size = 1.0
    for a, b in pairwise(problem.entry_start):
        size *= b - a
    return size


def mapping_of(problem: Problem, chosen: np.ndarray, order: np.ndarray) -> Mapping:
    """The loop tree of chosen entries and loop orders; loops of one iteration are left out."""
    layer, frame = problem.layer, problem.frame
    chain = {}
    for c, component in enumerate(problem.components):
        for d, i in zip(component, problem.entries[chosen[c]], strict=True):
            chain[d] = problem.chains[d][i]
    dims = list(layer.dims)
    nodes: list[Node] = []
    stage = -1
    tile = dict(layer.dims)
    for at, position in enumerate(frame.positions):
        if position.block > stage:
            stage = position.block
            nodes.extend(Storage(m, t) for m, t in problem.keeping[stage])
        in_order = dims
        if position.axis is None and stage < problem.n_stages - 1:
            inside_out = [dims[d] for d in order[stage] if d >= 0]
            in_order = inside_out[::-1]
        for d in in_order:
            if chain[d][at] < tile[d]:
                loop = chain[d][at]
                nodes.append(
                    Temporal(d, loop) if position.axis is None else Spatial(position.axis.name, d, loop)
                )
        tile = {d: min(tile[d], chain[d][at]) for d in dims}
    return Mapping(tuple(nodes))
