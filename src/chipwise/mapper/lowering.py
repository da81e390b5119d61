"""Lower a problem to the arrays of the search kernel."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.problem import (
    KINDS,
    Arrays,
    Distinct,
    Flow,
    Problem,
    moving_terms,
)
from chipwise.model.energy import mac_energy_pj
from chipwise.model.kernels.search import FULL, bound_column, passes


class Work(NamedTuple):
    """Scratch space of the kernel's shortest paths: labels, their number and predecessors per subset."""

    labels: NDArray[np.float64]
    counts: NDArray[np.int64]
    back: NDArray[np.int64]
    active: NDArray[np.int64]


@final
@dataclass
class Lowered:
    """The kernel's arrays, the flows they number, and columns of factors per entry."""

    arrays: Arrays
    flows: list[Flow]
    _alike: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=dict)

    def bound(
        self, term: Flow, charged: int, slide: int, movers: NDArray[np.bool_], block: int
    ) -> NDArray[np.float64]:
        """Factors of a lower bound on a flow (see `bound_column`)."""
        flow = self.flows.index(term)
        entries, of = self._representatives(int(self.arrays.flow_end[flow]))
        found: NDArray[np.float64] = bound_column(
            self.arrays, entries, flow, charged, slide, movers, block, np.empty(0, np.int64)
        )
        return found[of]

    def fixed(self, term: Flow | Distinct) -> NDArray[np.float64]:
        """Factors of something that no loop order changes: the MAC's accesses, distinct values."""
        nothing = np.zeros(self.arrays.extents.size, np.bool_)
        if isinstance(term, Flow):
            return self.bound(term, term.child, FULL, nothing, -1)
        flow = self.flows.index(term.flow)
        entries, of = self._representatives(int(self.arrays.flow_end[flow]))
        united = np.array(term.spatial, np.int64)
        found: NDArray[np.float64] = bound_column(
            self.arrays, entries, flow, term.flow.child, FULL, nothing, -1, united
        )
        return found[of]

    def _representatives(self, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """One entry for all that agree in the positions before `end`, and which one stands for each."""
        if end not in self._alike:
            arrays = self.arrays
            dims = arrays.component_dims[arrays.entry_component]
            tiles = arrays.tiles[dims, arrays.entry_chain, :end]
            # A dimension that a component does not have repeats its first one; that changes no grouping.
            rows = tiles.reshape(tiles.shape[0], -1)
            keys = np.hstack([arrays.entry_component[:, None], rows])
            _, first, of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
            self._alike[end] = first.astype(np.int64), of.reshape(-1)
        return self._alike[end]


LABELS = 64
"""Non-dominated loop orders kept per subset when several objectives matter."""


def lower(problem: Problem) -> Lowered:
    """All arrays of a problem."""
    layer, frame = problem.layer, problem.frame
    dims = list(layer.dims)
    index = {d: i for i, d in enumerate(dims)}
    flows = _flows(problem)
    n_positions, n_objectives = len(frame.positions), 1 + _n_ports(problem)
    widest = max(len(c) for c in problem.components)
    units = _units(problem, widest)
    entry_component = np.repeat(np.arange(len(problem.components)), np.diff(problem.entry_start))
    arrays = Arrays(
        kind=KINDS[problem.objective],
        n_blocks=problem.n_stages - 1,
        extents=np.array([layer.dims[d] for d in dims], np.int64),
        tiles=_tiles(problem, dims),
        position_block=np.array([p.block for p in frame.positions], np.int64),
        position_axis=np.array(_axis_numbers(problem), np.int64),
        component_dims=_padded([[index[d] for d in c] for c in problem.components], widest),
        dim_component=np.array([next(i for i, c in enumerate(problem.components) if d in c) for d in dims]),
        dim_local=np.array([next(c.index(d) for c in problem.components if d in c) for d in dims]),
        entry_component=entry_component.astype(np.int64),
        entry_chain=_padded([list(e) for e in problem.entries], widest),
        bound=_bounds(problem, widest),
        **units,
        flow_tensor=np.array([f.tensor for f in flows], np.int64),
        flow_stage=np.array([f.child for f in flows], np.int64),
        flow_end=np.array([frame.first_position(f.child) for f in flows], np.int64),
        flow_mac=np.array([f.child == problem.n_stages for f in flows], np.bool_),
        flow_role=np.array([f.roles for f in flows], np.int64).reshape(len(flows), 2, n_positions),
        flow_weight=np.zeros((n_objectives, len(flows))),
        fixed=np.empty((0, 0)),
        fixed_weight=np.empty((0, 0)),
        cycles=_cycles(problem),
        lanes=_lanes(problem),
        axis_size=np.array([p.axis.size for p in frame.positions if p.axis is not None], np.int64),
        **_capacities(problem),
        memo=np.zeros((len(problem.entries), len(flows), problem.n_stages, 3**widest, 2), np.int64),
    )
    fixed, weights = _weigh(problem, Lowered(arrays, flows))
    return Lowered(arrays._replace(fixed=fixed, fixed_weight=weights), flows)


def work_for(problem: Problem) -> Work:
    """Scratch space large enough for a problem."""
    blocks = max(1, problem.n_stages - 1)
    n_dims = sum(e > 1 for e in problem.layer.dims.values())
    objectives = 1 + _n_ports(problem)
    subsets, labels = 2**n_dims, LABELS if objectives > 1 else 1
    return Work(
        np.empty((blocks, subsets, labels + 1, objectives)),
        np.zeros((blocks, subsets), np.int64),
        np.zeros((blocks, subsets, labels + 1, 2), np.int64),
        np.zeros((blocks, len(problem.layer.dims)), np.int64),
    )


def _n_ports(problem: Problem) -> int:
    return len(problem.ports) if problem.objective != "energy" else 0


def _flows(problem: Problem) -> list[Flow]:
    found: dict[Flow, None] = {}
    for q in problem.quantities:
        found.setdefault(q.flow)
        if isinstance(q.minus, Flow):
            found.setdefault(q.minus)
    return list(found)


def _padded(rows: list[list[int]], width: int) -> NDArray[np.int64]:
    out = np.zeros((len(rows), width), np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _tiles(problem: Problem, dims: list[str]) -> NDArray[np.int64]:
    longest = max(len(problem.chains[d]) for d in dims)
    out = np.ones((len(dims), longest, len(problem.frame.positions)), np.int64)
    for i, d in enumerate(dims):
        out[i, : len(problem.chains[d])] = problem.chains[d]
    return out


def _axis_numbers(problem: Problem) -> list[int]:
    numbers, next_axis = [], 0
    for position in problem.frame.positions:
        if position.axis is None:
            numbers.append(-1)
        else:
            numbers.append(next_axis)
            next_axis += 1
    return numbers


def _per_entry(problem: Problem) -> list[list[list[int]]]:
    """Trip counts [entry][local dimension][position]."""
    return [
        [problem.trips[d][i] for d, i in zip(component, entry, strict=True)]
        for component, (a, b) in zip(problem.components, pairwise(problem.entry_start), strict=True)
        for entry in problem.entries[a:b]
    ]


def _bounds(problem: Problem, widest: int) -> NDArray[np.int64]:
    """Trip counts of the temporal loops, [entry, local dimension, block]."""
    temporal = [at for at, p in enumerate(problem.frame.positions) if p.axis is None]
    out = np.ones((len(problem.entries), widest, len(temporal)), np.int64)
    for e, rows in enumerate(_per_entry(problem)):
        for local, row in enumerate(rows):
            out[e, local] = [row[at] for at in temporal]
    return out


def _lanes(problem: Problem) -> NDArray[np.int64]:
    """Places taken on each axis, [entry, axis]."""
    axes = [at for at, p in enumerate(problem.frame.positions) if p.axis is not None]
    out = np.ones((len(problem.entries), len(axes)), np.int64)
    for e, rows in enumerate(_per_entry(problem)):
        for row in rows:
            out[e] *= np.array([row[at] for at in axes], np.int64)
    return out


def _cycles(problem: Problem) -> NDArray[np.float64]:
    """Temporal tiles per entry: the product over components is the cycles of compute."""
    spatial = np.array([p.axis is not None for p in problem.frame.positions])
    of_dim = {
        d: passes(problem.layer.dims[d], np.array(chains, np.int64), spatial)
        for d, chains in problem.chains.items()
    }
    found = []
    for component, (a, b) in zip(problem.components, pairwise(problem.entry_start), strict=True):
        rows = np.array(problem.entries[a:b])
        found.append(np.prod([of_dim[d][rows[:, k]] for k, d in enumerate(component)], axis=0))
    return np.concatenate(found)


def _units(problem: Problem, widest: int) -> dict[str, Any]:
    """Factors of each tensor per component: its ranks there, and each irrelevant dimension alone."""
    start: list[list[int]] = []
    size: list[int] = []
    relevant: list[int] = []
    local, extent, coefficient = [], [], []
    for tensor in problem.layer.tensors:
        row = []
        for component in problem.components:
            row.append(len(size))
            ranks = [moving_terms(problem.layer, rank) for rank in tensor.ranks]
            found = [(terms, 1) for terms in ranks if terms and terms[0][0] in component]
            found += [(((d, 0),), 0) for d in component if d not in tensor.dims]
            for terms, is_relevant in found:
                size.append(len(terms))
                local.append([component.index(d) for d, _ in terms])
                extent.append([problem.layer.dims[d] for d, _ in terms])
                coefficient.append([c for _, c in terms])
                relevant.append(is_relevant)
        row.append(len(size))
        start.append(row)
    return {
        "unit_start": np.array(start, np.int64),
        "unit_size": np.array(size, np.int64),
        "unit_local": _padded(local, widest),
        "unit_extent": _padded(extent, widest),
        "unit_coefficient": _padded(coefficient, widest),
        "unit_relevant": np.array(relevant, np.int64),
    }


def _capacities(problem: Problem) -> dict[str, Any]:
    """Tile volumes per entry, which of them each limited memory holds, bits per value, and the limits."""
    limited = [m for stage in problem.frame.stages for m in stage if m.usable_bits is not None]
    kept = {pair: stage for stage, pairs in enumerate(problem.keeping) for pair in pairs}
    columns: list[tuple[str, int]] = []
    held, bits = [], []
    n_tensors = len(problem.layer.tensors)
    for memory in limited:
        row, widths = [-1] * n_tensors, [0.0] * n_tensors
        for k, tensor in enumerate(problem.layer.tensors):
            stage = kept.get((memory.name, tensor.name))
            if stage is not None:
                if (tensor.name, stage) not in columns:
                    columns.append((tensor.name, stage))
                row[k] = columns.index((tensor.name, stage))
                widths[k] = float(problem.chip.bits(tensor.bits))
        held.append(row)
        bits.append(widths)
    return {
        "volumes": np.array([_volume_column(problem, *c) for c in columns], np.float64)
        .reshape(len(columns), len(problem.entries))
        .T.copy(),
        "held": np.array(held, np.int64).reshape(len(limited), n_tensors),
        "held_bits": np.array(bits, np.float64).reshape(len(limited), n_tensors),
        "capacity": np.array([m.usable_bits for m in limited], np.float64),
    }


def _volume_column(problem: Problem, name: str, stage: int) -> list[float]:
    """Each entry's factor of the volume of a tensor's largest tile at a stage."""
    tensor = problem.layer.tensor(name)
    above = problem.frame.first_position(stage)
    tiles = {
        d: [problem.layer.dims[d] if above == 0 else chain[above - 1] for chain in problem.chains[d]]
        for d in problem.layer.dims
    }
    found = []
    ones = dict.fromkeys(problem.layer.dims, 1)
    for c, component in enumerate(problem.components):
        ranks = [
            rank
            for rank, terms in ((rank, moving_terms(problem.layer, rank)) for rank in tensor.ranks)
            if terms and terms[0][0] in component
        ]
        for entry in problem.entries[problem.entry_start[c] : problem.entry_start[c + 1]]:
            tile = ones | {d: tiles[d][i] for d, i in zip(component, entry, strict=True)}
            volume = 1.0
            for rank in ranks:
                volume *= rank.extent(tile)
            found.append(volume)
    return found


def _weigh(problem: Problem, lowered: Lowered) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fill `flow_weight` and return the columns (and weights) of what no loop order changes."""
    arrays, flows = lowered.arrays, lowered.flows
    fixed: dict[Flow | Distinct, NDArray[np.float64]] = {}
    n_objectives = arrays.flow_weight.shape[0]
    for q in problem.quantities:
        for term, sign in ((q.flow, 1.0), (q.minus, -1.0)):
            if term is None:
                continue
            weight = sign * np.array(q.weight[:n_objectives])
            if isinstance(term, Flow) and term.child < problem.n_stages:
                arrays.flow_weight[:, flows.index(term)] += weight
            else:
                fixed[term] = fixed.get(term, np.zeros(n_objectives)) + weight
    columns = [lowered.fixed(term) for term in fixed]
    constant = np.zeros(n_objectives)
    constant[0] = mac_energy_pj(problem.chip)
    # The MACs' energy as a column: MACs are the product of the extents.
    macs = np.ones(len(problem.entries))
    for c, component in enumerate(problem.components):
        extent = float(np.prod([problem.layer.dims[d] for d in component]))
        macs[problem.entry_start[c] : problem.entry_start[c + 1]] = extent
    columns.append(macs)
    weights = [*fixed.values(), constant]
    return np.array(columns).T.copy(), np.array(weights).T.copy()
