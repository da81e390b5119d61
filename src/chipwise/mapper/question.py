"""A question to the mapper: a layer, a chip, an objective and a mapspace, with all classes and their bounds."""

from threading import Timer
from time import monotonic
from typing import final

import numpy as np

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.bounds import Columns
from chipwise.mapper.classes import all_codes
from chipwise.mapper.flows import Flows
from chipwise.mapper.mapspace import Keeping, Mapspace, Nest, axis_sizes, count_chains, keepings, no_chains
from chipwise.mapper.objectives import Objective
from chipwise.mapper.problem import Arrays, Problem, make_problem
from chipwise.mapper.space import classes_of, nests_of, size_of
from chipwise.mapper.tables import Tables, Work
from chipwise.mapper.templates import Template, make_template
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.sparse import sparse_of
from chipwise.workload.layer import Layer

NODES, OVERFLOWED, LIMIT, STOPPED = 0, 4, 5, 6
"""Places in the kernel's statistics: see `kernels.search.search`."""

NO_LIMIT = np.iinfo(np.int64).max


@final
class Clock:
    """Stops kernels at a deadline: they look at a number of nodes not to exceed, which a timer sets to −1.

    The kernel's statistics are `stats`; used in a `with`, which ends the timer.
    """

    def __init__(self, limit_s: float | None) -> None:
        self.stats = np.zeros(7, np.int64)
        self.stats[LIMIT] = NO_LIMIT
        self.end = None if limit_s is None else monotonic() + limit_s
        self._timer = None if limit_s is None else Timer(limit_s, self._stop)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> "Clock":
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.end is not None and monotonic() >= self.end

    def start(self) -> None:
        """Count nodes from 0, as for a new search."""
        self.stats[:LIMIT] = 0
        self.stats[STOPPED] = 0

    def allow(self, nodes: int | None) -> None:
        """Let the kernel look at so many nodes more, or at any number, until the time is up."""
        self.stats[LIMIT] = NO_LIMIT if nodes is None else self.stats[NODES] + nodes
        # The timer may have run out just before, and does not come again.
        if self.is_over():
            self._stop()

    def _stop(self) -> None:
        self.stats[LIMIT] = -1


@final
class Question:
    """A layer, a chip, an objective and a mapspace, with all classes of mappings and their bounds."""

    def __init__(
        self, layer: Layer, chip: Accelerator, objective: Objective, space: Mapspace, clock: Clock
    ) -> None:
        self.layer, self.chip, self.objective, self.space = layer, chip, objective, space
        runs = [Run(layer, chip, objective, space, keeping, clock) for keeping in keepings(layer, chip)]
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


@final
class Run:
    """One choice of what is kept, with its classes of mappings and their bounds."""

    def __init__(
        self,
        layer: Layer,
        chip: Accelerator,
        objective: Objective,
        space: Mapspace,
        keeping: Keeping,
        clock: Clock,
    ) -> None:
        self.templates: list[Template] = []
        self.cut_short = clock.is_over()
        self.blocked: str | None = None
        nests = nests_of(chip, keeping, space)
        nest = nests[0]
        flows = Flows(layer, chip, objective, len(nest.heads), sparse_of(layer, chip))
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
