"""What costs in a nest: flows of tensors between nodes, weighted by energy, cycles and off-chip bits.

A *flow* is a transfer seen at one point: a tensor on its way to a head (or the MAC), with one role per axis. All
objectives are weighted sums of flows and of numbers of distinct values. Weights never depend on tile sizes. Rows of
time are those of `model.latency`: per channel its busy cycles, less those during waits, and all waits; so that with
`compute + waits` their largest is the latency.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.hardware.buffering import Buffering
from chipwise.mapper.mapspace import Nest, Position
from chipwise.mapper.objectives import Objective
from chipwise.model.boxes import Role
from chipwise.model.counts import spatial_role
from chipwise.model.kernels.search import DISTINCT, FIRST, FIRST_TILE, MAC, OWN, SUM, TRANSFER, UNION
from chipwise.model.latency import LINK, NETWORK, SENT, cycles_of_value, pace, sees_what_is_sent, stops, uses
from chipwise.model.sparse import Sparse
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
    only_first: bool = False
    """Just what fills the first tile."""


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

    `weight` per row (energy, then those of time, then off-chip bits) is never negative.
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
    sparse: Sparse
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
            row = (self.sparse.mac_pj, *(0.0 for _ in range(self.objective.n_rows - 1)))
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
            DISTINCT
            if isinstance(t, Distinct)
            else MAC
            if t.child == self.n_heads
            else FIRST_TILE
            if t.only_first
            else TRANSFER
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

    def _role(self, at: int, tensor: Tensor, *, relevant: bool, seen: int, first: bool) -> int:
        position = self.positions[at]
        if position.axis is None or position.array is None or at >= self.above[1]:
            return -1
        found = spatial_role(
            position.array, position.axis.name, tensor, relevant=relevant, each=at < seen, first=first
        )
        return CODES[found]

    def _flow(self, seen: int, *, first: bool, only_first: bool = False) -> Flow:
        """The transfer as it is seen at a position between parent and child."""
        tensor = self.flows.layer.tensors[self.tensor]
        rows = [
            tuple(
                self._role(at, tensor, relevant=relevant, seen=seen, first=first)
                for at in range(len(self.positions))
            )
            for relevant in (False, True)
        ]
        return Flow(self.tensor, self.child, self.above[1], (rows[0], rows[1]), only_first)

    def _distinct(self, flow: Flow, seen: int, *, first: bool) -> Distinct:
        spatial = tuple(
            -1 if p.axis is None or at >= self.above[1] else (FIRST if first else SUM) if at < seen else UNION
            for at, p in enumerate(self.positions)
        )
        return Distinct(flow, spatial)

    def _arrays(self) -> tuple[Array, ...]:
        """Between parent and child, outermost first."""
        arrays = (p.array for p in self.positions[slice(*self.above)] if p.array is not None)
        return tuple({array.name: array for array in arrays}.values())

    def quantities(self, parent: Memory, child_name: str | None) -> list[Quantity]:
        """Per docs/counts.md, in energy and off-chip bits (all instances) and cycles (busiest ones)."""
        chip = self.flows.chip
        child = None if child_name is None else chip.memory(child_name)
        found = self._of_all(parent, child)
        if self.flows.objective.channels:
            found += self._timed(parent, child)
        return _merged([q for q in found if any(w > 0 for w in q.weight)])

    def _of_all(self, parent: Memory, child: Memory | None) -> list[Quantity]:
        """Energy and off-chip bits of all instances."""
        arrays, tensor = self._arrays(), self.flows.layer.tensors[self.tensor]
        sent, visits = (self._flow(seen, first=False) for seen in self.above)
        row = _Weigher(self.flows.sparse, self.flows.objective, tensor)
        hop = row.sparse.access_pj(arrays[-1], "transfers", tensor) if arrays else 0.0
        if not tensor.is_output:
            found = [Quantity(sent, row.access(parent, "reads")), Quantity(visits, row.energy(hop))]
            if child is not None:
                found.append(Quantity(visits, row.access(child, "fills")))
            return found
        again = self._distinct(sent, self.above[0], first=False)
        found = [
            Quantity(sent, row.access(parent, "updates")),
            Quantity(sent, row.access(parent, "reads"), again),
        ]
        if child is not None:
            again = self._distinct(visits, self.above[1], first=False)
            found.append(Quantity(visits, row.access(child, "drains")))
            found.append(Quantity(visits, row.access(child, "fills"), again))
        if arrays:
            hop += row.sparse.access_pj(arrays[-1], "reductions", tensor)
            found.append(Quantity(visits, row.energy(hop), sent))
        return found

    def _timed(self, parent: Memory, child: Memory | None) -> list[Quantity]:
        """Cycles of every channel on the way, and of what waits for it, as `model.latency` has them."""
        chip, arrays = self.flows.chip, self._arrays()
        tensor = self.flows.layer.tensors[self.tensor]
        sparse = self.flows.sparse
        stopped: set[str] = set()
        single = child is not None and chip.waits and child.buffering is Buffering.SINGLE
        if child is not None and single:
            stopped = {c.name for c in self.flows.objective.channels if stops(chip, child, c)}
        found = []
        for inward in (True, False) if tensor.is_output else (True,):
            path = list(uses(chip, tensor.name, (parent, child), arrays, inward=inward))
            slowest = (
                pace(sparse, tensor.name, path, len(arrays)) if child is not None and chip.waits else 0.0
            )
            moving: dict[str, float] = {}
            for use in path:
                name, own = use.channel.name, cycles_of_value(sparse, tensor.name, use)
                if sees_what_is_sent(use, len(arrays)):
                    moving[name] = own
                if name not in moving or name not in stopped:
                    found.append(self._part(use.at, self._row({name: own}), inward=inward))
            if single:
                # All of it stops compute and what is further in.
                cycles = dict.fromkeys(stopped, slowest)
                found.append(self._part(SENT, self._row(cycles, waits=slowest), inward=inward))
            if inward != tensor.is_output and slowest:
                # For the first tile or the last one all wait, at the slowest one's pace; those that move it do so then.
                cycles = {
                    c.name: slowest - moving.get(c.name, 0.0)
                    for c in self.flows.objective.channels
                    if c.name not in stopped
                }
                first = self._flow(self.above[0], first=True, only_first=True)
                found.append(Quantity(first, self._row(cycles, waits=0.0 if single else slowest)))
        return found

    def _part(self, at: str, row: tuple[float, ...], *, inward: bool) -> Quantity:
        """What moves at one point, towards compute or back; outputs come in only where they were before."""
        seen = {SENT: self.above[0], NETWORK: self._entrance(), LINK: self.above[1]}[at]
        flow = self._flow(seen, first=True)
        if inward and self.flows.layer.tensors[self.tensor].is_output:
            return Quantity(flow, row, self._distinct(flow, seen, first=True))
        return Quantity(flow, row)

    def _entrance(self) -> int:
        """Position of the innermost array between parent and child; the parent's where there is but one."""
        arrays = self._arrays()
        if len(arrays) < 2:
            return self.above[0]
        return next(at for at, p in enumerate(self.positions) if p.array is arrays[-1])

    def _row(self, cycles: dict[str, float], *, waits: float = 0.0) -> tuple[float, ...]:
        """Rows of cost: cycles of channels by name, and those for which compute waits."""
        objective = self.flows.objective
        timed = (cycles.get(channel.name, 0.0) for channel in objective.channels)
        return (0.0, waits, *timed, *((0.0,) if objective.traffic else ()))


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
    """Turns accesses of all instances into rows of the objective: energy and off-chip bits."""

    sparse: Sparse
    objective: Objective
    tensor: Tensor

    def energy(self, energy_pj: float, off_chip_bits: float = 0.0) -> tuple[float, ...]:
        timed = (0.0,) * self.objective.n_timed
        return (energy_pj, *timed, *((off_chip_bits,) if self.objective.traffic else ()))

    def access(self, memory: Memory, count: str) -> tuple[float, ...]:
        outermost = memory is self.sparse.chip.memories[0]
        off_chip = float(self.sparse.moved_bits(memory.name, count, self.tensor.name)) if outermost else 0.0
        return self.energy(self.sparse.access_pj(memory, count, self.tensor), off_chip)
