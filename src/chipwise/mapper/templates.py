"""Classes of loop orders, each with a lower bound that is a sum of products.

A template says of every block which kind of loop runs innermost in it: loops over dimensions that are
irrelevant to the same tensors form a kind, and these tensors rest while they run. docs/mapper.md argues
that the templates cover all orders and that each bound holds.
"""

from dataclasses import dataclass
from itertools import pairwise, product
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.lowering import Lowered
from chipwise.mapper.problem import Distinct, Flow, Problem, Quantity
from chipwise.mapper.tree import TemplateArrays, grow, least_of, refinements, sorted_entries
from chipwise.model.kernels.search import FULL, OWN, lower_bound

Kind = frozenset[str]
"""The tensors that rest while a loop of this kind runs."""


@final
@dataclass(frozen=True, slots=True)
class BlockClass:
    """`innermost` kind of a block; `pure`: the block has no loop that moves these tensors; `empty`: no loop."""

    innermost: Kind = frozenset()
    pure: bool = False
    empty: bool = False


def kind_of(problem: Problem, dim: str) -> Kind:
    """Tensors to which `dim` is irrelevant."""
    return frozenset(t.name for t in problem.layer.tensors if dim not in t.dims)


def block_classes(problem: Problem) -> list[tuple[BlockClass, ...]]:
    """All combinations of block classes, one class per block in which the order matters."""
    active = [d for d, extent in problem.layer.dims.items() if extent > 1]
    kinds = sorted({kind_of(problem, d) for d in active}, key=sorted)
    outer = [BlockClass(k) for k in kinds] or [BlockClass()]
    inner = [
        BlockClass(empty=True),
        *(BlockClass(k, pure) for k in kinds for pure in (True, False) if k or not pure),
    ]
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


def rest_of(problem: Problem, classes: tuple[BlockClass, ...], flow: Flow) -> Rest:
    """What a template says of a flow."""
    name = problem.layer.tensors[flow.tensor].name
    free_from = min(flow.child, problem.n_stages - 1)
    for block in range(free_from - 1, -1, -1):
        found = classes[block]
        if found.empty:
            free_from = block
            continue
        if name not in found.innermost:
            return Rest(free_from, found.innermost, block)
        free_from = block
        # A kind of one tensor that is not pure holds a loop that moves it: further out, everything costs.
        if len(found.innermost) == 1 and not found.pure:
            break
    return Rest(free_from)


class Columns:
    """Bound columns of a problem, computed once and shared by all templates."""

    def __init__(self, problem: Problem, lowered: Lowered) -> None:
        self.problem, self.lowered = problem, lowered
        arrays = lowered.arrays
        self.kinds = {d: kind_of(problem, d) for d in problem.layer.dims}
        self.units = {
            int(u): [int(arrays.component_dims[c, k]) for k in arrays.unit_local[u, : arrays.unit_size[u]]]
            for t in range(arrays.unit_start.shape[0])
            for c in range(arrays.unit_start.shape[1] - 1)
            for u in range(arrays.unit_start[t, c], arrays.unit_start[t, c + 1])
        }
        self.sorted = sorted_entries(problem)
        self.sliding = {u for u, dims in self.units.items() if len(dims) > 1}
        self._found: dict[tuple[Flow | Distinct, Rest, int], NDArray[np.float64]] = {}
        self._variants: dict[tuple[Flow, Rest], list[NDArray[np.float64]]] = {}

    def get(self, term: Flow | Distinct, rest: Rest, slide: int = FULL) -> NDArray[np.float64]:
        """The column of a flow that rests so and slides along a unit, or of distinct values."""
        if isinstance(term, Distinct):
            rest = Rest(-1)
        elif slide == FULL or slide not in self.sliding:
            rest = Rest(rest.charged)
        key = (term, rest, slide)
        if key not in self._found:
            if isinstance(term, Distinct):
                self._found[key] = self.lowered.fixed(term)
            else:
                movers = self._movers(rest.mover)
                self._found[key] = self.lowered.bound(term, rest.charged, slide, movers, rest.block)
        return self._found[key]

    def _movers(self, kind: Kind | None) -> NDArray[np.bool_]:
        return np.array([kind is None or k == kind for k in self.kinds.values()], np.bool_)

    def of(self, flow: Flow) -> list[int]:
        """The relevant units of a flow's tensor."""
        arrays = self.lowered.arrays
        units = range(arrays.unit_start[flow.tensor, 0], arrays.unit_start[flow.tensor, -1])
        return [u for u in units if arrays.unit_relevant[u]]

    def slides(self, flow: Flow) -> bool:
        """Whether several dimensions move one rank of the flow's tensor."""
        return not self.sliding.isdisjoint(self.of(flow))

    def once(self, flow: Flow) -> NDArray[np.float64]:
        """Column of every value moving once, which no order undercuts."""
        if not self.slides(flow):
            return self.get(flow, Rest(0))
        return self.get(Distinct(flow, (OWN,) * len(self.problem.frame.positions)), Rest(0))

    def variants(self, flow: Flow, rest: Rest) -> list[NDArray[np.float64]]:
        """Columns for every unit of the tensor whose loop may be the innermost one that moves it, and for none."""
        if (flow, rest) not in self._variants:
            self._variants[flow, rest] = self._make_variants(flow, rest)
        return self._variants[flow, rest]

    def _make_variants(self, flow: Flow, rest: Rest) -> list[NDArray[np.float64]]:
        arrays, movers = self.lowered.arrays, self._movers(rest.mover)
        full = self.get(flow, rest)
        found: dict[bytes, NDArray[np.float64]] = {full.tobytes(): full}
        for unit in self.of(flow):
            if any(movers[d] and arrays.extents[d] > 1 for d in self.units[unit]):
                column = self.get(flow, rest, unit)
                if np.isfinite(column).any():
                    found.setdefault(column.tobytes(), column)
        return list(found.values())


@final
@dataclass
class Template:
    """One class of loop orders of a problem: its entries, bound columns and, once searched, its tree."""

    columns: Columns
    masks: list[NDArray[np.bool_]]
    """Per component, which of its entries have no loop that the class excludes."""
    table: NDArray[np.float64]
    """Bound columns per entry, and behind them one difference per pair."""
    pairs: list[tuple[int, int]]
    variants: NDArray[np.int64]
    floor: NDArray[np.int64]
    minus: NDArray[np.int64]
    weight: NDArray[np.float64]

    def root_bound(self) -> float:
        """Lower bound of every mapping in the class."""
        starts = self.columns.problem.entry_start
        product = np.ones(self.table.shape[1] - len(self.pairs))
        for (a, b), mask in zip(pairwise(starts), self.masks, strict=True):
            rows = self.table[a:b][mask]
            product *= least_of(rows, np.zeros(1, np.int64), self.pairs)[0]
        values = np.empty(self.weight.shape[0])
        kind = self.columns.lowered.arrays.kind
        low, _ = lower_bound(kind, self.variants, self.floor, self.minus, self.weight, 0, product, values)
        return float(low)

    def lower(self) -> TemplateArrays:
        """The kernel's arrays, with the tree grown."""
        arrays = self.columns.lowered.arrays
        tree = grow(self.columns.sorted, self.masks, self.table, self.pairs, arrays.lanes, arrays.volumes)
        # Most choices first: the bound is tightest where most of the choice is made.
        sizes = [int(mask.sum()) for mask in self.masks]
        sequence = sorted(range(len(sizes)), key=lambda c: (-sizes[c], c))
        return TemplateArrays(
            sequence=np.array(sequence, np.int64),
            levels=len(refinements(self.columns.problem)) + 1,
            widest=int(np.diff(tree.child_start).max()),
            child_start=tree.child_start,
            entry=tree.entry,
            columns=tree.columns,
            lanes=tree.lanes,
            volumes=tree.volumes,
            variants=self.variants,
            floor=self.floor,
            minus=self.minus,
            weight=self.weight,
            cycles=0,
        )


def make_template(columns: Columns, classes: tuple[BlockClass, ...]) -> Template | None:
    """Bound columns of a class of loop orders; None where some component has no entry in it."""
    problem, arrays = columns.problem, columns.lowered.arrays
    allowed = _allowed(columns, classes)
    starts = problem.entry_start
    masks = [allowed[a:b] for a, b in pairwise(starts)]
    if not all(mask.any() for mask in masks):
        return None
    table = [arrays.cycles]
    variants, floor, minus, weight = [], [], [], []
    for q in problem.quantities:
        row = _rows(columns, classes, q)
        if row is None:
            continue
        variants.append([len(table) + i for i in range(len(row[0]))])
        table.extend(row[0])
        least = columns.once(q.flow) if q.minus is None and len(row[0]) > 1 else None
        floor.append(-1 if least is None else len(table))
        if least is not None:
            table.append(least)
        minus.append(-1 if row[1] is None else len(table))
        if row[1] is not None:
            table.append(row[1])
        weight.append(q.weight)
    # Energy of the MACs is the last fixed column.
    variants.append([len(table)])
    table.append(arrays.fixed[:, -1])
    floor.append(-1)
    minus.append(-1)
    weight.append(tuple(arrays.fixed_weight[:, -1]))
    pairs = [(v[0], m) for v, m in zip(variants, minus, strict=True) if m >= 0]
    table.extend([table[a] - table[b] for a, b in pairs])
    objectives = arrays.flow_weight.shape[0]
    widest = max(len(v) for v in variants)
    return Template(
        columns,
        masks,
        np.array(table).T.copy(),
        pairs,
        np.array([v + [-1] * (widest - len(v)) for v in variants], np.int64),
        np.array(floor, np.int64),
        np.array(minus, np.int64),
        np.array([w[:objectives] for w in weight]).T.copy(),
    )


def _allowed(columns: Columns, classes: tuple[BlockClass, ...]) -> NDArray[np.bool_]:
    """Entries without a loop that a pure or empty block excludes."""
    problem, bound = columns.problem, columns.lowered.arrays.bound
    allowed = np.ones(len(problem.entries), np.bool_)
    for block, found in enumerate(classes):
        if not (found.pure or found.empty):
            continue
        for c, component in enumerate(problem.components):
            rows = slice(problem.entry_start[c], problem.entry_start[c + 1])
            for local, dim in enumerate(component):
                if found.empty or not columns.kinds[dim] >= found.innermost:
                    allowed[rows] &= bound[rows, local, block] == 1
    return allowed


def _rows(
    columns: Columns, classes: tuple[BlockClass, ...], q: Quantity
) -> tuple[list[NDArray[np.float64]], NDArray[np.float64] | None] | None:
    """Columns of the variants of a quantity and of what is taken off; None where nothing is known of it."""
    problem = columns.problem
    if q.flow.child == problem.n_stages:
        rest = Rest(q.flow.child)
        variants = [columns.get(q.flow, rest)]
    else:
        rest = rest_of(problem, classes, q.flow)
        variants = columns.variants(q.flow, rest)
        if q.minus is not None:
            if columns.slides(q.flow):
                return None
            # The least factor of each entry: weaker than the least product, but a single column.
            variants = [np.minimum.reduce(variants)]
    if q.minus is None:
        return variants, None
    return variants, columns.get(q.minus, rest)
