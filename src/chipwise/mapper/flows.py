"""What costs in a nest: flows of tensors between nodes, weighted by energy, port cycles and off-chip bits.

A *flow* is a transfer seen from one side: a tensor on its way to a head (or the MAC), with one role per axis. All
objectives are weighted sums of flows and of numbers of distinct values. Weights never depend on tile sizes.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.mapper.mapspace import Nest, Position
from chipwise.mapper.objectives import Objective
from chipwise.model.boxes import Role
from chipwise.model.counts import spatial_role
from chipwise.model.energy import mac_energy_pj, value_energy_pj
from chipwise.model.kernels.search import DISTINCT, FIRST, MAC, OWN, SUM, TRANSFER, UNION
from chipwise.workload.layer import Layer, Rank, Tensor


@final
@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor on its way to the head `child` (the MAC: number of heads), seen with `roles`.

    `roles[relevant][position]` says how instances along an axis above the child add up (kernel codes; −1 elsewhere).
    """

    tensor: int
    child: int
    end: int
    """Positions above the child."""
    roles: tuple[tuple[int, ...], tuple[int, ...]]


@final
@dataclass(frozen=True, slots=True)
class Distinct:
    """Different values of a flow's tensor that the instances with these roles touch over the run."""

    flow: Flow
    spatial: tuple[int, ...]


Term = Flow | Distinct


@final
@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that costs: a flow, or a flow minus (another flow or a number of distinct values).

    `weight` per row (energy, then one per port, then off-chip bits) is never negative.
    """

    flow: Flow
    weight: tuple[float, ...]
    minus: Term | None = None
    number: int = -1
    """Of the flow, of what is taken off it, and of its every value moving once, among all terms."""
    minus_number: int = -1
    once_number: int = -1


class FlowArrays(NamedTuple):
    """The kernel's view of all terms, by their numbers."""

    tensor: NDArray[np.int64]
    child: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.int64]
    role: NDArray[np.int64]
    united: NDArray[np.int64]


CODES = {Role.SUM: SUM, Role.FIRST: FIRST, Role.UNION: UNION}
"""The kernel's numbers for the roles of spatial loops."""


@final
@dataclass
class Flows:
    """The quantities of all nests of one layer on one chip, and the numbers of their terms."""

    layer: Layer
    chip: Accelerator
    objective: Objective
    n_heads: int
    number: dict[Term, int] = field(default_factory=dict)
    _edges: dict[tuple[object, ...], list[Quantity]] = field(default_factory=dict)

    def of(self, nest: Nest) -> list[Quantity]:
        """Everything that costs in a nest."""
        found: list[Quantity] = []
        for index, tensor in enumerate(self.layer.tensors):
            held = nest.head_of(tensor.name)
            for i, (head, memory) in enumerate(held):
                child = held[i + 1] if i + 1 < len(held) else None
                ends = (head, child[0] if child else len(nest.heads))
                above = (nest.first_position(ends[0]), nest.first_position(ends[1]))
                # Only the arrays above the parent matter of its place, so that many nests share an edge.
                axes = tuple(at for at in range(above[0]) if nest.positions[at].axis is not None)
                key = (index, memory, child[1] if child else None, axes, ends[1])
                if key not in self._edges:
                    edge = _Edge(self, nest.positions, index, ends[1], above)
                    made = edge.quantities(self.chip.memory(memory), child[1] if child else None)
                    self._edges[key] = [self.numbered(q) for q in made]
                found += self._edges[key]
        return [*found, self._macs(nest)]

    def _macs(self, nest: Nest) -> Quantity:
        """Every multiply-accumulate: each instance's accesses to the first tensor, one by one."""
        if ("macs",) not in self._edges:
            roles = tuple(-1 if p.axis is None else SUM for p in nest.positions)
            row = (mac_energy_pj(self.chip), *(0.0 for _ in range(self.objective.n_rows - 1)))
            made = Quantity(Flow(0, self.n_heads, len(roles), (roles, roles)), row)
            self._edges["macs",] = [self.numbered(made)]
        return self._edges["macs",][0]

    def numbered(self, q: Quantity) -> Quantity:
        """A quantity whose terms have numbers."""
        slides = any(len(moving_terms(self.layer, r)) > 1 for r in self.layer.tensors[q.flow.tensor].ranks)
        alone = q.flow.child == self.n_heads or not slides
        return replace(
            q,
            number=self._term(q.flow),
            minus_number=-1 if q.minus is None else self._term(q.minus),
            once_number=self._term(q.flow if alone else once(q.flow)),
        )

    def _term(self, term: Term) -> int:
        return self.number.setdefault(term, len(self.number))

    def arrays(self, n_positions: int) -> FlowArrays:
        """All terms as the kernel sees them."""
        terms = list(self.number)
        flows = [t.flow if isinstance(t, Distinct) else t for t in terms]
        none = (-1,) * n_positions
        kinds = [
            DISTINCT if isinstance(t, Distinct) else MAC if t.child == self.n_heads else TRANSFER
            for t in terms
        ]
        return FlowArrays(
            np.array([f.tensor for f in flows], np.int64),
            np.array([f.child for f in flows], np.int64),
            np.array([f.end for f in flows], np.int64),
            np.array(kinds, np.int64),
            np.array([f.roles for f in flows], np.int64).reshape(len(flows), 2, n_positions),
            np.array([t.spatial if isinstance(t, Distinct) else none for t in terms], np.int64).reshape(
                len(flows), n_positions
            ),
        )


def moving_terms(layer: Layer, rank: Rank) -> tuple[tuple[str, int], ...]:
    """The terms of a rank that move it: a dimension of extent 1 never does (a 1x1 filter has no halo)."""
    return tuple((d, c) for d, c in rank.terms if layer.dims[d] > 1)


def once(flow: Flow) -> Distinct:
    """Every value that each instance of a flow touches, counted once."""
    return Distinct(flow, (OWN,) * len(flow.roles[0]))


@final
@dataclass(frozen=True, slots=True)
class _Edge:
    """One transfer: a tensor from a parent above position `above[0]` to a child above `above[1]`."""

    flows: Flows
    positions: tuple[Position, ...]
    tensor: int
    child: int
    above: tuple[int, int]

    def _role(self, at: int, tensor: Tensor, *, relevant: bool, parent: bool, first: bool) -> int:
        position = self.positions[at]
        if position.axis is None or position.array is None or at >= self.above[1]:
            return -1
        each = at < self.above[0] or not parent
        found = spatial_role(
            position.array, position.axis.name, tensor, relevant=relevant, each=each, first=first
        )
        return CODES[found]

    def _flow(self, *, parent: bool, first: bool) -> Flow:
        tensor = self.flows.layer.tensors[self.tensor]
        rows = [
            tuple(
                self._role(at, tensor, relevant=relevant, parent=parent, first=first)
                for at in range(len(self.positions))
            )
            for relevant in (False, True)
        ]
        return Flow(self.tensor, self.child, self.above[1], (rows[0], rows[1]))

    def _distinct(self, flow: Flow, *, parent: bool, first: bool) -> Distinct:
        spatial = tuple(
            -1
            if p.axis is None or at >= self.above[1]
            else (FIRST if first else SUM)
            if at < self.above[0] or not parent
            else UNION
            for at, p in enumerate(self.positions)
        )
        return Distinct(flow, spatial)

    def _array(self) -> Array | None:
        arrays = [p.array for p in self.positions[slice(*self.above)] if p.array is not None]
        return arrays[-1] if arrays else None

    def quantities(self, parent: Memory, child_name: str | None) -> list[Quantity]:
        """Per docs/counts.md, in energy and off-chip bits (all instances) and port cycles (busiest one)."""
        chip = self.flows.chip
        tensor, array = self.flows.layer.tensors[self.tensor], self._array()
        child = None if child_name is None else chip.memory(child_name)
        found: list[Quantity] = []
        for first in (False, True):
            sent = self._flow(parent=True, first=first)
            visits = self._flow(parent=False, first=first)
            weigh = _Weigher(chip, self.flows.objective, tensor, first)
            read, write = weigh.access(parent, "read"), weigh.access(parent, "write")
            if not tensor.is_output:
                found.append(Quantity(sent, read))
                if child is not None:
                    found.append(Quantity(visits, weigh.access(child, "write")))
                if array is not None and not first:
                    hop = value_energy_pj(chip, array, "transfer", tensor)
                    found.append(Quantity(visits, weigh.energy(hop)))
                continue
            found.append(Quantity(sent, write))
            found.append(Quantity(sent, read, self._distinct(sent, parent=True, first=first)))
            if child is not None:
                found.append(Quantity(visits, weigh.access(child, "read")))
                fills = self._distinct(visits, parent=False, first=first)
                found.append(Quantity(visits, weigh.access(child, "write"), fills))
            if array is not None and not first:
                hop = value_energy_pj(chip, array, "transfer", tensor)
                hop += value_energy_pj(chip, array, "reduce", tensor)
                found.append(Quantity(visits, weigh.energy(hop), sent))
        return _merged([q for q in found if any(w > 0 for w in q.weight)])


def _merged(quantities: list[Quantity]) -> list[Quantity]:
    """Equal terms with their weights added up."""
    sums: dict[tuple[Flow, Term | None], tuple[float, ...]] = {}
    for q in quantities:
        key = (q.flow, q.minus)
        before = sums.get(key, (0.0,) * len(q.weight))
        sums[key] = tuple(a + b for a, b in zip(before, q.weight, strict=True))
    return [Quantity(flow, weight, minus) for (flow, minus), weight in sums.items()]


@final
@dataclass(frozen=True, slots=True)
class _Weigher:
    """Turns accesses into rows of the objective: energy and bits of all instances, cycles of the busiest one."""

    chip: Accelerator
    objective: Objective
    tensor: Tensor
    first: bool

    def energy(self, energy_pj: float) -> tuple[float, ...]:
        return (energy_pj, *(0.0 for _ in range(self.objective.n_rows - 1)))

    def access(self, memory: Memory, action: str) -> tuple[float, ...]:
        bits = float(self.chip.bits(self.tensor.bits))
        ports = [0.0] * len(self.objective.ports)
        if not self.first:
            off_chip = bits if memory is self.chip.memories[0] else 0.0
            energy_pj = value_energy_pj(self.chip, memory, action, self.tensor)
            return (energy_pj, *ports, *((off_chip,) if self.objective.traffic else ()))
        for k, (owner, i) in enumerate(self.objective.ports):
            port = owner.ports[i]
            uses = owner is memory and (port.tensors is None or self.tensor.name in port.tensors)
            if uses and (port.reads if action == "read" else port.writes):
                ports[k] = bits / port.bits_per_cycle
        return (0.0, *ports, *((0.0,) if self.objective.traffic else ()))
