"""One layer on one chip as arrays: what the search kernel needs to know.

A *component* is a set of dimensions that share a rank ((P, R) and (Q, S) of a convolution); its *entries* are
the combinations of its dimensions' chains. A *flow* is a transfer seen from one side: a tensor between two
stages, with one role per axis. Energies and port cycles are weighted sums of flows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.mapper.mapspace import Chain, Keeping, Position, Skeleton
from chipwise.model.boxes import Role
from chipwise.model.counts import spatial_role
from chipwise.model.energy import value_energy_pj
from chipwise.model.kernels.search import FIRST, SUM, UNION
from chipwise.workload.layer import Layer, Rank, Tensor

KINDS = {"energy": 0, "latency": 1, "edp": 2}


class Arrays(NamedTuple):
    """The kernel's view of the problem; field by field as used in `model.kernels.search`."""

    kind: int
    n_blocks: int
    extents: NDArray[np.int64]
    tiles: NDArray[np.int64]
    position_block: NDArray[np.int64]
    position_axis: NDArray[np.int64]
    component_dims: NDArray[np.int64]
    dim_component: NDArray[np.int64]
    dim_local: NDArray[np.int64]
    entry_component: NDArray[np.int64]
    entry_chain: NDArray[np.int64]
    bound: NDArray[np.int64]
    unit_start: NDArray[np.int64]
    unit_size: NDArray[np.int64]
    unit_local: NDArray[np.int64]
    unit_extent: NDArray[np.int64]
    unit_coefficient: NDArray[np.int64]
    unit_relevant: NDArray[np.int64]
    flow_tensor: NDArray[np.int64]
    flow_stage: NDArray[np.int64]
    flow_end: NDArray[np.int64]
    flow_mac: NDArray[np.bool_]
    flow_role: NDArray[np.int64]
    flow_weight: NDArray[np.float64]
    fixed: NDArray[np.float64]
    fixed_weight: NDArray[np.float64]
    cycles: NDArray[np.float64]
    lanes: NDArray[np.int64]
    axis_size: NDArray[np.int64]
    volumes: NDArray[np.float64]
    held: NDArray[np.int64]
    held_bits: NDArray[np.float64]
    capacity: NDArray[np.float64]
    memo: NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor between the stages `parent` and `child` (the MAC: number of stages), seen with `roles`.

    `roles[relevant][position]` says how instances along an axis add up (kernel codes; −1 elsewhere).
    """

    tensor: int
    parent: int
    child: int
    roles: tuple[tuple[int, ...], tuple[int, ...]]


@final
@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that costs: a flow, or a flow minus (another flow or a number of distinct values).

    `weight` per objective (energy, then one per port) is never negative.
    """

    flow: Flow
    weight: tuple[float, ...]
    minus: "Flow | Distinct | None" = None


@final
@dataclass(frozen=True, slots=True)
class Distinct:
    """Different values of a flow's tensor that the instances with these roles touch over the run."""

    flow: Flow
    spatial: tuple[int, ...]


@final
@dataclass
class Problem:
    """Everything about one layer on one chip with one choice of what is kept."""

    layer: Layer
    chip: Accelerator
    frame: Skeleton
    keeping: Keeping
    objective: str
    components: tuple[tuple[str, ...], ...]
    chains: Mapping[str, list[Chain]]
    trips: Mapping[str, list[list[int]]]
    """Iterations of the loop at each position, per dimension and chain."""
    entries: list[tuple[int, ...]] = field(default_factory=list)
    entry_start: list[int] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)

    @property
    def n_stages(self) -> int:
        """Memory levels."""
        return len(self.frame.stages)

    @property
    def ports(self) -> list[tuple[Memory, int]]:
        """(memory, index of its port) of all ports, in the order of the objectives after energy."""
        return [(m, i) for stage in self.frame.stages for m in stage for i in range(len(m.ports))]


def moving_terms(layer: Layer, rank: Rank) -> tuple[tuple[str, int], ...]:
    """The terms of a rank that move it: a dimension of extent 1 never does (a 1x1 filter has no halo)."""
    return tuple((d, c) for d, c in rank.terms if layer.dims[d] > 1)


def components_of(layer: Layer) -> tuple[tuple[str, ...], ...]:
    """Dimensions joined by ranks that several of them move, in the order of the layer."""
    group = {d: {d} for d in layer.dims}
    for tensor in layer.tensors:
        for rank in tensor.ranks:
            joined = set().union(*(group[d] for d, _ in moving_terms(layer, rank)))
            for d in joined:
                group[d] = joined
    found: list[tuple[str, ...]] = []
    for dim in layer.dims:
        members = tuple(d for d in layer.dims if d in group[dim])
        if members not in found:
            found.append(members)
    return tuple(found)


def make_problem(
    layer: Layer,
    chip: Accelerator,
    frame: Skeleton,
    keeping: Keeping,
    chains: Mapping[str, list[Chain]],
    objective: str,
) -> Problem:
    """Enumerate the entries of every component and write costs as quantities."""
    trips = {d: [trip_counts(layer.dims[d], c) for c in found] for d, found in chains.items()}
    problem = Problem(layer, chip, frame, keeping, objective, components_of(layer), chains, trips)
    for component in problem.components:
        problem.entry_start.append(len(problem.entries))
        sizes = [range(len(chains[d])) for d in component]
        rows = [trips[d] for d in component]
        problem.entries.extend(e for e in product(*sizes) if len(e) == 1 or _lanes_fit(problem, rows, e))
    problem.entry_start.append(len(problem.entries))
    for index, tensor in enumerate(layer.tensors):
        problem.quantities.extend(_quantities(problem, index, tensor))
    return problem


def _lanes_fit(problem: Problem, trips: list[list[list[int]]], entry: tuple[int, ...]) -> bool:
    """Whether the dimensions of a component fit side by side on every axis."""
    lanes = [rows[i] for rows, i in zip(trips, entry, strict=True)]
    for at, position in enumerate(problem.frame.positions):
        if position.axis is not None and prod(row[at] for row in lanes) > position.axis.size:
            return False
    return True


def trip_counts(extent: int, chain: Chain) -> list[int]:
    """Iterations of the loop at each position of a chain."""
    counts, size = [], extent
    for tile in chain:
        counts.append(-(-size // tile))
        size = min(size, tile)
    return counts


CODES = {Role.SUM: SUM, Role.FIRST: FIRST, Role.UNION: UNION}
"""The kernel's numbers for the roles of spatial loops."""


def _role(position: Position, tensor: Tensor, *, relevant: bool, each: bool, first: bool) -> int:
    """How instances along one axis add up, as the kernel writes it; −1 for a temporal block."""
    if position.axis is None or position.array is None:
        return -1
    axis = position.axis.name
    return CODES[spatial_role(position.array, axis, tensor, relevant=relevant, each=each, first=first)]


def _flow(problem: Problem, index: int, ends: tuple[int, int], *, parent: bool, first: bool) -> Flow:
    tensor = problem.layer.tensors[index]
    frame = problem.frame
    above_end = frame.first_position(ends[0])
    roles = tuple(
        tuple(
            _role(p, tensor, relevant=relevant, each=at < above_end or not parent, first=first)
            for at, p in enumerate(frame.positions)
        )
        for relevant in (False, True)
    )
    return Flow(index, ends[0], ends[1], (roles[0], roles[1]))


def _distinct(problem: Problem, flow: Flow, *, parent: bool, first: bool) -> Distinct:
    above_end = problem.frame.first_position(flow.parent)
    spatial = tuple(
        -1 if p.axis is None else (FIRST if first else SUM) if at < above_end or not parent else UNION
        for at, p in enumerate(problem.frame.positions)
    )
    return Distinct(flow, spatial)


def _quantities(problem: Problem, index: int, tensor: Tensor) -> list[Quantity]:
    """Costs of one tensor on its way through the stages that keep it."""
    held = [
        (stage, problem.chip.memory(memory))
        for stage, pairs in enumerate(problem.keeping)
        for memory, name in pairs
        if name == tensor.name
    ]
    found: list[Quantity] = []
    for i, (stage, memory) in enumerate(held):
        child = held[i + 1] if i + 1 < len(held) else None
        ends = (stage, child[0] if child else problem.n_stages)
        array = _array_between(problem.frame, ends)
        found += _edge(problem, index, ends, memory, child[1] if child else None, array)
    return [q for q in found if any(w > 0 for w in q.weight)]


def _array_between(frame: Skeleton, ends: tuple[int, int]) -> Array | None:
    between = frame.positions[frame.first_position(ends[0]) : frame.first_position(ends[1])]
    arrays = [p.array for p in between if p.array is not None]
    return arrays[-1] if arrays else None


def _edge(
    problem: Problem,
    index: int,
    ends: tuple[int, int],
    parent: Memory,
    child: Memory | None,
    array: Array | None,
) -> list[Quantity]:
    """Quantities of one transfer; per docs/counts.md, in energy (all instances) and port cycles (busiest)."""
    chip, tensor = problem.chip, problem.layer.tensors[index]
    found: list[Quantity] = []
    for first in (False, True):
        sent = _flow(problem, index, ends, parent=True, first=first)
        visits = _flow(problem, index, ends, parent=False, first=first)
        weigh = _Weigher(problem, tensor, first)
        read, write = weigh.access(parent, "read"), weigh.access(parent, "write")
        if not tensor.is_output:
            found.append(Quantity(sent, read))
            if child is not None:
                found.append(Quantity(visits, weigh.access(child, "write")))
            if array is not None and not first:
                found.append(Quantity(visits, weigh.energy(value_energy_pj(chip, array, "transfer", tensor))))
            continue
        found.append(Quantity(sent, write))
        found.append(Quantity(sent, read, _distinct(problem, sent, parent=True, first=first)))
        if child is not None:
            found.append(Quantity(visits, weigh.access(child, "read")))
            fills = _distinct(problem, visits, parent=False, first=first)
            found.append(Quantity(visits, weigh.access(child, "write"), fills))
        if array is not None and not first:
            hop = value_energy_pj(chip, array, "transfer", tensor) + value_energy_pj(
                chip, array, "reduce", tensor
            )
            found.append(Quantity(visits, weigh.energy(hop), sent))
    return found


@final
@dataclass(frozen=True, slots=True)
class _Weigher:
    """Turns accesses into objectives: energy of all instances, or port cycles of the busiest one."""

    problem: Problem
    tensor: Tensor
    first: bool

    def energy(self, energy_pj: float) -> tuple[float, ...]:
        return (energy_pj, *(0.0 for _ in self._ports()))

    def _ports(self) -> list[tuple[Memory, int]]:
        return self.problem.ports if self.problem.objective != "energy" else []

    def access(self, memory: Memory, action: str) -> tuple[float, ...]:
        if not self.first:
            return self.energy(value_energy_pj(self.problem.chip, memory, action, self.tensor))
        bits = self.problem.chip.bits(self.tensor.bits)
        weights = [0.0]
        for owner, i in self._ports():
            port = owner.ports[i]
            uses = owner is memory and (port.tensors is None or self.tensor.name in port.tensors)
            uses = uses and (port.reads if action == "read" else port.writes)
            weights.append(bits / port.bits_per_cycle if uses else 0.0)
        return tuple(weights)
