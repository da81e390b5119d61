"""A class of mappings as the search kernel needs it: tables, bound columns and what to do with them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.bounds import Columns, Keys, Variant
from chipwise.mapper.classes import MappingClass, Rest
from chipwise.mapper.flows import Quantity
from chipwise.mapper.passes import Spread, least_passes, spread_of
from chipwise.mapper.problem import Floats, Ints, Problem
from chipwise.mapper.tables import ColumnKey, Table, Tables
from chipwise.model.kernels.search import lower_bound


class TemplateArrays(NamedTuple):
    """The kernel's view of a template; field by field as used in `model.kernels.search`.

    Nodes of all components' trees are numbered together.
    """

    kinds: Ints
    n_timed: int
    fixed: float
    pace: float
    fewest: float
    """Cycles of compute that the axes leave possible."""
    sequence: Ints
    twin: Ints
    levels: int
    widest: int
    roots: Ints
    first_child: Ints
    child_end: Ints
    entry: Ints
    columns: Floats
    lanes: Ints
    volumes: Floats
    held: Ints
    variants: Ints
    """[quantity, variant, (column of a product, component that moves innermost)], −1 where there is none."""
    floor: Ints
    slot: Ints
    """Column of `deepest` and `reach` per quantity with several variants."""
    deepest: Ints
    """Innermost block before the flow's end that has a loop of a component which moves it: the least below a node."""
    reach: Ints
    """As `deepest`, the most below a node."""
    minus: Ints
    weight: Floats
    flows: Ints
    flow_weight: Floats


@final
@dataclass
class Template:
    """The bound of one class: columns, and which of them make the quantities."""

    of: MappingClass
    tables: list[Table]
    columns: list[Keys]
    pairs: list[tuple[int, int, Keys]]
    """Columns (a, b) of which a difference a − b is taken, and the columns of differences."""
    variants: list[list[tuple[int, int]]]
    floor: list[int]
    slots: list[int]
    moved: list[tuple[int, int]]
    """Tensor and head of every flow with several variants."""
    minus: list[int]
    quantities: list[Quantity]
    fewest: float
    """Cycles of compute that the axes leave possible, which products of columns do not see."""

    def root_bound(self) -> tuple[float, ...]:
        """Keys that no mapping of the class undercuts."""
        rows = [
            self._adjusted([t.least(k)[:1] for k in self._of(c)], c, t) for c, t in enumerate(self.tables)
        ]
        product = np.prod(np.array([np.array(row)[:, 0] for row in rows]), axis=0)
        arrays = self._arrays(product[None, :], [np.zeros(1, np.int64)] * len(self.tables))
        values, keys = np.empty(arrays.weight.shape[0]), np.empty(arrays.kinds.size)
        lower_bound(arrays, product, np.arange(len(self.tables)), values, keys)
        return tuple(float(k) for k in keys)

    def _of(self, component: int) -> list[ColumnKey]:
        return [keys[component] for keys in self.columns]

    def _adjusted(self, rows: list[Floats], component: int, table: Table) -> list[Floats]:
        """With b′ = min b and a′ = b′ + min(a − b) a product of differences is bounded below.

        A·a − B·b = (A − B)·b + A·(a − b) for A >= B; where a < b occurs both become 0 and nothing is claimed.
        """
        for a, b, keys in self.pairs:
            difference = table.least(keys[component])[: len(rows[a])]
            known = difference >= 0
            rows[a] = np.where(known, rows[b] + difference, 0.0)
            rows[b] = np.where(known, rows[b], 0.0)
        return rows

    def lower(self) -> TemplateArrays:
        """The kernel's arrays."""
        rows = [
            np.array(self._adjusted([t.least(k) for k in self._of(c)], c, t)).T
            for c, t in enumerate(self.tables)
        ]
        return self._arrays(np.ascontiguousarray(np.vstack(rows)), None)

    def _arrays(self, columns: Floats, nodes: list[Ints] | None) -> TemplateArrays:
        """`nodes`: of each component's tree, if only they are looked at."""
        problem = self.tables[0].problem
        objective = problem.objective
        widest = max(len(v) for v in self.variants)
        weight = np.array([q.weight for q in self.quantities], np.float64).T.copy()
        known: dict[str, object] = {
            "kinds": np.array(objective.kinds, np.int64),
            "n_timed": objective.n_timed,
            "fixed": objective.fixed_cycles,
            "pace": problem.pace,
            "fewest": self.fewest,
            "columns": columns,
            "variants": np.array([v + [(-1, -1)] * (widest - len(v)) for v in self.variants], np.int64),
            "slot": np.array(self.slots, np.int64),
            "deepest": self._blocks(nodes, most=False),
            "reach": self._blocks(nodes, most=True),
            "floor": np.array(self.floor, np.int64),
            "minus": np.array(self.minus, np.int64),
            "weight": weight,
        }
        trees = self._no_trees() if nodes is not None else self._trees()
        return TemplateArrays(**known, **trees)  # type: ignore[arg-type]

    def _blocks(self, nodes: list[Ints] | None, *, most: bool) -> Ints:
        """Of every flow with several variants the innermost block of a loop that moves it, [node, flow]."""
        found = []
        for c, t in enumerate(self.tables):
            rows = [t.least(t.innermost(*moved, most=most)) for moved in self.moved]
            of = np.array(rows).reshape(len(rows), len(t.entries.tree.row)).T
            found.append(of if nodes is None else of[nodes[c]])
        return np.ascontiguousarray(np.vstack(found) * (-1 if most else 1)).astype(np.int64)

    def _no_trees(self) -> dict[str, object]:
        none, table = np.empty(0, np.int64), np.empty((0, 0))
        ints = ("sequence", "twin", "roots", "first_child", "child_end", "entry", "flows")
        return {
            **dict.fromkeys(ints, none),
            "levels": 0,
            "widest": 0,
            "lanes": none.reshape(0, 0),
            "volumes": table,
            "held": none.reshape(0, 0),
            "flow_weight": table,
        }

    def _trees(self) -> dict[str, object]:
        trees = [t.entries.tree for t in self.tables]
        roots = np.cumsum([0, *(len(t.row) for t in trees)])
        first_child = [t.first_child + a for t, a in zip(trees, roots, strict=False)]
        child_end = [t.child_end + a for t, a in zip(trees, roots, strict=False)]
        entry = [t.row + table.first_id for t, table in zip(trees, self.tables, strict=True)]
        flows, flow_weight = self._flows()
        held, volumes = self._held()
        sizes = [len(t) for t in self.tables]
        return {
            # Most choices first: the bound is tightest where most of the choice is made.
            "sequence": np.array(sorted(range(len(sizes)), key=lambda c: (-sizes[c], c)), np.int64),
            "twin": np.array([self._twin(c) for c in range(len(sizes))], np.int64),
            "levels": self._levels(),
            "widest": max(int((t.child_end - t.first_child).max()) for t in trees),
            "roots": roots[:-1].astype(np.int64),
            "first_child": np.concatenate(first_child),
            "child_end": np.concatenate(child_end),
            "entry": np.concatenate(entry),
            "lanes": np.vstack([t.entries.least_lanes for t in self.tables]),
            "volumes": volumes,
            "held": held,
            "flows": flows,
            "flow_weight": flow_weight,
        }

    def _twin(self, component: int) -> int:
        """An earlier component that this one can change places with, its loops included; −1 where there is none."""
        problem, codes = self.tables[0].problem, self.of.codes
        other = problem.twins.get(component, -1)
        if other < 0:
            return -1
        pairs = zip(problem.components[component], problem.components[other], strict=True)
        return other if all(codes[a] == codes[b] for a, b in pairs) else -1

    def _levels(self) -> int:
        """Refinements below the root, the same for all components."""
        tree, level, node = self.tables[0].entries.tree, 0, 0
        while tree.row[node] < 0:
            node, level = int(tree.first_child[node]), level + 1
        return level

    def flow_numbers(self) -> set[int]:
        """Numbers of the terms that cost here."""
        return {n for q in self.quantities for n in (q.number, q.minus_number) if n >= 0}

    def _flows(self) -> tuple[Ints, Floats]:
        """Numbers of the terms that cost here, and what each costs in every row."""
        weights: dict[int, NDArray[np.float64]] = {}
        for q in self.quantities:
            weight = np.array(q.weight, np.float64)
            for at, sign in ((q.number, 1.0), (q.minus_number, -1.0)):
                if at >= 0:
                    weights[at] = weights.get(at, 0.0) + sign * weight
        return np.array(list(weights), np.int64), np.array(list(weights.values())).T.copy()

    def _held(self) -> tuple[Ints, Floats]:
        """Which volumes each limited memory holds, and the least volumes below every node."""
        problem, nest = self.tables[0].problem, self.of.nest
        limited = [m.name for m in problem.chip.memories if m.usable_bits is not None]
        head_of = {node: k for k, nodes in enumerate(nest.heads) for node in nodes}
        columns: list[tuple[int, int]] = []
        held = np.full((len(limited), len(problem.layer.tensors)), -1, np.int64)
        for m, memory in enumerate(limited):
            for k, tensor in enumerate(problem.layer.tensors):
                head = head_of.get((memory, tensor.name))
                if head is not None:
                    if (k, head) not in columns:
                        columns.append((k, head))
                    held[m, k] = columns.index((k, head))
        nodes = sum(len(t.entries.tree.row) for t in self.tables)
        volumes = [np.concatenate([t.least(t.volume(*c)) for t in self.tables]) for c in columns]
        return held, np.array(volumes).reshape(len(columns), nodes).T.copy()

    @property
    def size(self) -> float:
        """Combinations of entries."""
        return float(prod(float(len(t)) for t in self.tables))


def make_template(found: MappingClass, tables: Tables, columns: Columns) -> Template | None:
    """Bound columns of a class of mappings; None where some component has no entry in it."""
    problem = tables.problem
    chosen: list[Table] = []
    for c, dims in enumerate(problem.components):
        table = tables.get(c, tuple(found.codes[d] for d in dims))
        if table is None:
            return None
        chosen.append(table)
    made = Template(found, chosen, [], [], [], [], [], [], [], [], _fewest(problem, found))
    number: dict[Keys, int] = {}

    def add(keys: Keys, *, own: bool = False) -> int:
        if own or keys not in number:
            made.columns.append(keys)
            if own:
                return len(made.columns) - 1
            number[keys] = len(made.columns) - 1
        return number[keys]

    add((("cycles",),) * len(chosen))
    made.quantities = columns.flows.of(found.nest)
    # All columns are asked for before the first is looked at, so that the kernel makes them together.
    drafts = [_draft(chosen, columns, q, found.rests) for q in made.quantities]
    for q, draft in zip(made.quantities, drafts, strict=True):
        _add_quantity(made, q, draft, add)
    return made


def _fewest(problem: Problem, of: MappingClass) -> float:
    """The least cycles that the axes allow a class; 0 where time does not count."""
    if not problem.objective.timed:
        return 0.0
    axes = {axis.name: axis.size for array in problem.chip.arrays for axis in array.axes}
    numbers = {name: i for i, name in enumerate(axes)}
    spread = spread_of(problem.layer, of.nest, of.codes, numbers)
    return 0.0 if spread is None else _least_passes(spread, tuple(axes.values()))


@lru_cache(maxsize=4096)
def _least_passes(spread: tuple[Spread, ...], sizes: tuple[int, ...]) -> float:
    """`least_passes`, remembered: many classes have loops on axes alike."""
    return least_passes(spread, sizes)


@final
@dataclass(frozen=True, slots=True)
class _Draft:
    """The columns of a quantity: variants and a floor, or a difference `low` - `less`."""

    variants: list[Variant]
    floor: Keys | None = None
    less: Keys | None = None


def _draft(tables: list[Table], columns: Columns, q: Quantity, rests: dict[tuple[int, int], Rest]) -> _Draft:
    n_heads = columns.flows.n_heads
    rest = rests.get((q.flow.tensor, q.flow.child), Rest(n_heads))
    if q.minus is None:
        variants = columns.variants(tables, q, rest)
        return _Draft(variants, columns.full(tables, q.once_number, Rest(0)) if len(variants) > 1 else None)
    known = not columns.problem.slides(q.flow.tensor) or q.flow.child == n_heads
    less = columns.full(tables, q.minus_number, rest)
    # Of visits of sliding outputs all that is known is that they are no fewer than the first ones.
    return _Draft([Variant(columns.least(tables, q, rest) if known else less)], less=less)


def _add_quantity(made: Template, q: Quantity, draft: _Draft, add: Callable[..., int]) -> None:
    """The columns of one quantity; an empty one where nothing is known of it."""
    tables = made.tables
    if draft.less is None:
        variants = [
            v
            for v in draft.variants
            if v.component < 0 or np.isfinite(tables[v.component].least(v.keys[v.component])[0])
        ]
        made.variants.append([(add(v.keys), v.component) for v in variants])
        many = draft.floor is not None and len(variants) > 1
        made.floor.append(add(draft.floor) if many else -1)
        made.slots.append(_slot(made, q) if many else -1)
        made.minus.append(-1)
        return
    low = draft.variants[0].keys
    a, b = add(low, own=True), add(draft.less, own=True)
    differences = tuple(t.difference(x, y) for t, x, y in zip(tables, low, draft.less, strict=True))
    made.pairs.append((a, b, differences))
    made.variants.append([(a, -1)])
    made.floor.append(-1)
    made.slots.append(-1)
    made.minus.append(b)


def _slot(made: Template, q: Quantity) -> int:
    """Number of a quantity's flow among those with several variants."""
    moved = (q.flow.tensor, q.flow.child)
    if moved not in made.moved:
        made.moved.append(moved)
    return made.moved.index(moved)
