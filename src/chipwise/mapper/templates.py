"""Classes of loop orders, each with a lower bound that is a sum of products.

A template says of every block which kind of loop runs innermost in it: loops over dimensions that are
irrelevant to the same tensors form a kind, and these tensors rest while they run. docs/mapper.md argues
that the templates cover all orders and that each bound holds.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.lowering import Lowered, fixed_column
from chipwise.mapper.problem import Distinct, Flow, Problem, Quantity
from chipwise.model.kernels.search import FULL, bound_column

Kind = frozenset[str]
"""The tensors that rest while a loop of this kind runs."""


@final
@dataclass(frozen=True, slots=True)
class BlockClass:
    """`innermost` kind of a block; `pure`: the block has no loop that moves these tensors; `empty`: no loop."""

    innermost: Kind = frozenset()
    pure: bool = False
    empty: bool = False


class TemplateArrays(NamedTuple):
    """The kernel's view of a template; field by field as used in `model.kernels.search`."""

    sequence: NDArray[np.int64]
    entries: NDArray[np.int64]
    entries_start: NDArray[np.int64]
    columns: NDArray[np.float64]
    variants: NDArray[np.int64]
    minus: NDArray[np.int64]
    weight: NDArray[np.float64]
    cycles: int
    rest: NDArray[np.float64]
    rest_minus: NDArray[np.float64]
    rest_lanes: NDArray[np.int64]
    rest_tiles: NDArray[np.float64]


def kind_of(problem: Problem, dim: str) -> Kind:
    """Tensors to which `dim` is irrelevant."""
    return frozenset(t.name for t in problem.layer.tensors if dim not in t.dims)


def templates(problem: Problem) -> list[tuple[BlockClass, ...]]:
    """All combinations of block classes, one class per block in which the order matters."""
    active = [d for d, extent in problem.layer.dims.items() if extent > 1]
    kinds = sorted({kind_of(problem, d) for d in active} - {frozenset()}, key=sorted)
    outer = [BlockClass(k) for k in kinds] or [BlockClass()]
    inner = [BlockClass(empty=True), *(BlockClass(k, pure) for k in kinds for pure in (True, False))]
    blocks = problem.n_stages - 1
    options = [outer if b == 0 else (inner if kinds else outer) for b in range(blocks)]
    return list(product(*options))


@final
@dataclass(frozen=True, slots=True)
class Rest:
    """How a flow fares in a template.

    Loops irrelevant to its tensor cost in blocks before `charged` and are free from it on. The loop that
    moves it innermost is of kind `mover` and stands in block `block`; None and −1 where nothing is known.
    """

    charged: int
    mover: Kind | None = None
    block: int = -1


def rest_of(problem: Problem, template: tuple[BlockClass, ...], flow: Flow) -> Rest:
    """What a template says of a flow."""
    name = problem.layer.tensors[flow.tensor].name
    free_from = min(flow.child, problem.n_stages - 1)
    for block in range(free_from - 1, -1, -1):
        found = template[block]
        if found.empty:
            free_from = block
            continue
        if name not in found.innermost:
            return Rest(free_from, found.innermost if found.innermost else None, block if found.innermost else -1)
        free_from = block
        # A kind of one tensor that is not pure holds a loop that moves it: further out, everything costs.
        if len(found.innermost) == 1 and not found.pure:
            break
    return Rest(free_from)


class Columns:
    """Bound columns of a problem, computed once and shared by all templates."""

    def __init__(self, problem: Problem, lowered: Lowered) -> None:
        self.problem, self.lowered = problem, lowered
        self._found: dict[tuple[Flow | Distinct, Rest, int], NDArray[np.float64]] = {}

    def get(self, term: Flow | Distinct, rest: Rest, slide: int = FULL) -> NDArray[np.float64]:
        """The column of a flow that rests so and slides along a unit, or of distinct values."""
        if isinstance(term, Distinct):
            rest = Rest(-1)
        elif slide == FULL:
            rest = Rest(rest.charged)
        key = (term, rest, slide)
        if key not in self._found:
            arrays, flows, _ = self.lowered
            if isinstance(term, Distinct):
                self._found[key] = fixed_column(arrays, flows, term)
            else:
                movers = self._movers(rest.mover)
                flow = flows.index(term)
                self._found[key] = np.asarray(
                    bound_column(arrays, flow, rest.charged, slide, movers, rest.block)
                )
        return self._found[key]

    def _movers(self, kind: Kind | None) -> NDArray[np.bool_]:
        dims = self.problem.layer.dims
        return np.array([kind is None or kind_of(self.problem, d) == kind for d in dims], np.bool_)

    def variants(self, flow: Flow, rest: Rest) -> list[NDArray[np.float64]]:
        """Columns of every rank that may slide innermost, and of none where another loop may be innermost."""
        layer = self.problem.layer
        tensor = layer.tensors[flow.tensor]
        slides = [u for t, u in self.lowered.slides if t == flow.tensor]
        sliding = {d for rank in tensor.ranks if len(rank.terms) > 1 for d in rank.dims}
        movers = [d for d, m in zip(layer.dims, self._movers(rest.mover), strict=True) if m]
        # An innermost loop that slides nothing: over a dimension that is a rank of its own, or there is none.
        others = rest.mover is None or any(layer.dims[d] > 1 and d not in sliding for d in movers)
        full = [self.get(flow, rest)] if others or not slides else []
        found = [*full, *(self.get(flow, rest, slide) for slide in slides)]
        return [column for column in found if np.isfinite(column).any()] or [self.get(flow, rest)]


def lower_template(columns: Columns, template: tuple[BlockClass, ...]) -> TemplateArrays | None:
    """The kernel's arrays of a template; None where some component has no entry in it."""
    problem, arrays = columns.problem, columns.lowered.arrays
    allowed = _allowed(problem, arrays.bound, template)
    starts = problem.entry_start
    counts = [int(allowed[a:b].sum()) for a, b in zip(starts, starts[1:], strict=False)]
    if min(counts) == 0:
        return None
    # Most entries first: the bound is tightest where most of the choice is made.
    sequence = sorted(range(len(counts)), key=lambda c: (-counts[c], c))
    table = [arrays.cycles]
    variants, minus, weight = [], [], []
    for q in problem.quantities:
        row = _rows(columns, template, q)
        if row is None:
            continue
        variants.append([len(table) + i for i in range(len(row[0]))])
        table.extend(row[0])
        minus.append(-1 if row[1] is None else len(table))
        if row[1] is not None:
            table.append(row[1])
        weight.append(q.weight)
    objectives = arrays.flow_weight.shape[0]
    # Energy of the MACs is the last fixed column.
    variants.append([len(table)])
    table.append(arrays.fixed[:, -1])
    minus.append(-1)
    weight.append(tuple(arrays.fixed_weight[:, -1]))
    widest = max(len(v) for v in variants)
    stacked = np.array(table).T.copy()
    masks = [np.flatnonzero(allowed[a:b]) + a for a, b in zip(starts, starts[1:], strict=False)]
    rest, rest_minus, rest_lanes, rest_tiles = _rests(columns, masks, sequence, stacked, variants, minus)
    return TemplateArrays(
        sequence=np.array(sequence, np.int64),
        entries=np.concatenate([masks[c] for c in sequence]),
        entries_start=np.cumsum([0, *(len(masks[c]) for c in sequence)]),
        columns=stacked,
        variants=np.array([v + [-1] * (widest - len(v)) for v in variants], np.int64),
        minus=np.array(minus, np.int64),
        weight=np.array([w[:objectives] for w in weight]).T.copy(),
        cycles=0,
        rest=rest,
        rest_minus=rest_minus,
        rest_lanes=rest_lanes,
        rest_tiles=rest_tiles,
    )


def _allowed(
    problem: Problem, bound: NDArray[np.int64], template: tuple[BlockClass, ...]
) -> NDArray[np.bool_]:
    """Entries without a loop that a pure or empty block excludes."""
    allowed = np.ones(len(problem.entries), np.bool_)
    for block, found in enumerate(template):
        if not (found.pure or found.empty):
            continue
        for c, component in enumerate(problem.components):
            rows = slice(problem.entry_start[c], problem.entry_start[c + 1])
            for local, dim in enumerate(component):
                if found.empty or not kind_of(problem, dim) >= found.innermost:
                    allowed[rows] &= bound[rows, local, block] == 1
    return allowed


def _rows(
    columns: Columns, template: tuple[BlockClass, ...], q: Quantity
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64] | None] | None:
    """Columns of the variants of a quantity and of what is taken off; None where nothing is known of it."""
    problem = columns.problem
    if q.flow.child == problem.n_stages:
        rest = Rest(q.flow.child)
        variants = [columns.get(q.flow, rest)]
    else:
        rest = rest_of(problem, template, q.flow)
        variants = columns.variants(q.flow, rest)
        if len(variants) > 1 and q.minus is not None:
            return None
    if q.minus is None:
        return variants, None
    return variants, columns.get(q.minus, rest)


def _rests(
    columns: Columns,
    masks: list[NDArray[np.int64]],
    sequence: list[int],
    table: NDArray[np.float64],
    variants: list[list[int]],
    minus: list[int],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Least factor of all components that are still open, per depth."""
    arrays = columns.lowered.arrays
    n = len(sequence)
    rest = np.ones((n + 1, table.shape[1]))
    rest_minus = np.ones((n + 1, len(variants)))
    rest_lanes = np.ones((n + 1, arrays.lanes.shape[1]), np.int64)
    rest_tiles = np.ones((n + 1, arrays.volumes.shape[1]))
    for depth in range(n - 1, -1, -1):
        rows = masks[sequence[depth]]
        rest[depth] = rest[depth + 1] * table[rows].min(axis=0)
        rest_lanes[depth] = rest_lanes[depth + 1] * arrays.lanes[rows].min(axis=0)
        rest_tiles[depth] = rest_tiles[depth + 1] * arrays.volumes[rows].min(axis=0)
        for q, column in enumerate(minus):
            if column >= 0:
                a, b = table[rows, variants[q][0]], table[rows, column]
                # A difference grows with its factors only where the first is never the smaller one.
                rest_minus[depth, q] = rest_minus[depth + 1, q] * (b.min() if (a >= b).all() else 0.0)
    return rest, rest_minus, rest_lanes, rest_tiles
