"""One layer on one chip with one choice of what is kept, as arrays: what the kernel needs to know of all nests.

A *component* is a set of dimensions that share a rank ((P, R) and (Q, S) of a convolution). A *unit* is a factor
of a tensor: a rank, or a dimension alone that the tensor does not depend on.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.flows import FlowArrays, Flows, moving_terms
from chipwise.mapper.mapspace import Nest
from chipwise.mapper.objectives import Objective
from chipwise.mapping.storage import stored
from chipwise.workload.layer import Layer, Tensor

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Dims = tuple[str, ...]


class Arrays(NamedTuple):
    """The kernel's view of the problem; field by field as used in `model.kernels.search`."""

    n_blocks: int
    tiles: Ints
    bound: Ints
    cycles: Floats
    position_block: Ints
    position_axis: Ints
    component_dims: Ints
    dim_component: Ints
    dim_local: Ints
    unit_start: Ints
    unit_size: Ints
    unit_local: Ints
    unit_extent: Ints
    unit_coefficient: Ints
    unit_relevant: Ints
    flow_tensor: Ints
    flow_child: Ints
    flow_end: Ints
    flow_kind: Ints
    flow_role: Ints
    flow_united: Ints
    axis_size: Ints
    capacity: Floats
    held_bits: Floats
    memo: Ints
    memo_row: Ints


def components_of(layer: Layer) -> tuple[Dims, ...]:
    """Dimensions with iterations, joined by ranks that several of them move, in the order of the layer."""
    active = [d for d, extent in layer.dims.items() if extent > 1] or list(layer.dims)[:1]
    group = {d: {d} for d in active}
    for tensor in layer.tensors:
        for rank in tensor.ranks:
            joined = set().union(*(group[d] for d, _ in moving_terms(layer, rank)))
            for d in joined:
                group[d] = joined
    found: list[Dims] = []
    for dim in active:
        members = tuple(d for d in active if d in group[dim])
        if members not in found:
            found.append(members)
    return tuple(found)


def twins(layer: Layer, components: tuple[Dims, ...]) -> dict[int, int]:
    """Components that can change places with an earlier one, as (Q, S) with (P, R): {component: the earlier one}.

    Their extents agree, and exchanging their dimensions maps every tensor onto itself.
    """
    found: dict[int, int] = {}
    for j, later in enumerate(components):
        for i, earlier in enumerate(components[:j]):
            if len(earlier) != len(later) or i in found.values():
                continue
            swap = dict(zip(earlier, later, strict=True)) | dict(zip(later, earlier, strict=True))
            same = all(layer.dims[a] == layer.dims[b] for a, b in swap.items()) and all(
                _ranks(layer, tensor) == _ranks(layer, tensor, swap) for tensor in layer.tensors
            )
            if same:
                found[j] = i
                break
    return found


def _ranks(layer: Layer, tensor: Tensor, swap: dict[str, str] | None = None) -> list[list[tuple[str, int]]]:
    """The moving terms of every rank in a fixed order, dimensions exchanged."""
    names = swap or {}
    return sorted(sorted((names.get(d, d), c) for d, c in moving_terms(layer, rank)) for rank in tensor.ranks)


@final
@dataclass
class Problem:
    """One layer on one chip with one choice of what is kept: what all its nests have in common."""

    layer: Layer
    chip: Accelerator
    objective: Objective
    factors: str
    nest: Nest
    """Any of them: they differ in heads and owners only."""
    flows: FlowArrays
    components: tuple[Dims, ...]
    dims: tuple[str, ...]
    """Those of the components, in the order of the layer: the ones with iterations."""
    static: Arrays
    pace: float
    """Cycles that one of the busiest PE takes, on average with its zeros."""
    units: dict[int, list[int]]
    """Dimensions (numbers) of every factor of a tensor: a rank, or an irrelevant dimension alone."""

    @cached_property
    def twins(self) -> dict[int, int]:
        """See `twins`."""
        return twins(self.layer, self.components)

    @cached_property
    def sliding(self) -> set[int]:
        """Units that several dimensions move."""
        return {u for u, dims in self.units.items() if len(dims) > 1}

    def units_of(self, tensor: int) -> list[int]:
        """The relevant units of a tensor."""
        start = self.static.unit_start[tensor]
        return [u for u in range(start[0], start[-1]) if self.static.unit_relevant[u]]

    def slides(self, tensor: int) -> bool:
        """Whether several dimensions move one rank of the tensor."""
        return not self.sliding.isdisjoint(self.units_of(tensor))


def make_problem(flows: Flows, factors: str, nest: Nest) -> Problem:
    """The static arrays, once all terms have a number; entries come with the tables."""
    layer, chip, objective = flows.layer, flows.chip, flows.objective
    numbered = flows.arrays(len(nest.positions))
    components = components_of(layer)
    widest = max(len(c) for c in components)
    dims = sorted({d for c in components for d in c}, key=list(layer.dims).index)
    index = {d: i for i, d in enumerate(dims)}
    limited = [m for m in chip.memories if m.usable_bits is not None]
    axis_numbers = np.cumsum([p.axis is not None for p in nest.positions]) - 1
    units = _units(layer, components, widest)
    none = np.empty(0, np.int64)
    static = Arrays(
        n_blocks=len(nest.heads) - 1,
        tiles=none.reshape(0, widest, 0),
        bound=none.reshape(0, widest, 0),
        cycles=np.empty(0),
        position_block=np.array([p.block for p in nest.positions], np.int64),
        position_axis=np.where([p.axis is not None for p in nest.positions], axis_numbers, -1).astype(
            np.int64
        ),
        component_dims=_padded([[index[d] for d in c] for c in components], widest),
        dim_component=np.array([next(i for i, c in enumerate(components) if d in c) for d in dims], np.int64),
        dim_local=np.array([next(c.index(d) for c in components if d in c) for d in dims], np.int64),
        **units,
        **{f"flow_{name}": array for name, array in numbered._asdict().items()},
        axis_size=np.array([p.axis.size for p in nest.positions if p.axis is not None], np.int64),
        capacity=np.array([m.usable_bits for m in limited], np.float64),
        held_bits=np.array(
            [[float(stored(layer, chip, m, t).held_bits) for t in layer.tensors] for m in limited], np.float64
        ).reshape(len(limited), len(layer.tensors)),
        memo=none.reshape(0, 0, 0, 0, 0),
        memo_row=none,
    )
    of_units = {
        u: [int(static.component_dims[c, k]) for k in static.unit_local[u, : static.unit_size[u]]]
        for t in range(static.unit_start.shape[0])
        for c in range(len(components))
        for u in range(static.unit_start[t, c], static.unit_start[t, c + 1])
    }
    return Problem(
        layer,
        chip,
        objective,
        factors,
        nest,
        numbered,
        components,
        tuple(dims),
        static,
        flows.sparse.compute.time,
        of_units,
    )


def _padded(rows: list[list[int]], width: int) -> Ints:
    out = np.zeros((len(rows), width), np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _units(layer: Layer, components: tuple[Dims, ...], widest: int) -> dict[str, Ints]:
    """Factors of each tensor per component: its ranks there, and each irrelevant dimension alone."""
    start: list[list[int]] = []
    size: list[int] = []
    relevant: list[int] = []
    local, extent, coefficient = [], [], []
    for tensor in layer.tensors:
        row = []
        for component in components:
            row.append(len(size))
            ranks = [moving_terms(layer, rank) for rank in tensor.ranks]
            found = [(terms, 1) for terms in ranks if terms and terms[0][0] in component]
            found += [(((d, 0),), 0) for d in component if d not in tensor.dims]
            for terms, is_relevant in found:
                size.append(len(terms))
                local.append([component.index(d) for d, _ in terms])
                extent.append([layer.dims[d] for d, _ in terms])
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
