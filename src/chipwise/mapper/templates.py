"""A class of mappings as the search kernel needs it: tables, bound columns and what to do with them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.classes import MappingClass, Rest, kind_of
from chipwise.mapper.flows import Flows, Quantity
from chipwise.mapper.problem import Floats, Ints, Problem
from chipwise.mapper.tables import ColumnKey, Table, Tables
from chipwise.model.kernels.search import FULL, TRANSFER, lower_bound


class TemplateArrays(NamedTuple):
    """The kernel's view of a template; field by field as used in `model.kernels.search`.

    Nodes of all components' trees are numbered together.
    """

    kinds: Ints
    n_ports: int
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
    floor: Ints
    minus: Ints
    weight: Floats
    flows: Ints
    flow_weight: Floats


Keys = tuple[ColumnKey, ...]
"""One column per component: its factor of a bound."""


@final
class Columns:
    """Bound columns of the terms of a problem: which factor of which table stands for what."""

    def __init__(self, problem: Problem, flows: Flows) -> None:
        self.problem, self.flows = problem, flows
        self.kinds = [kind_of(problem.layer, d) for d in problem.dims]
        self.extents = [problem.layer.dims[d] for d in problem.dims]
        self.sliding = problem.sliding
        # Where every loop divides and nothing slides, every step moves the whole tile.
        self.exact = problem.flows.kind != TRANSFER
        self.inexact = problem.factors != "perfect" or bool(self.sliding)

    def movers(self, rest: Rest) -> tuple[bool, ...]:
        """Dimensions that may move a flow innermost."""
        return tuple(rest.mover is None or kind == rest.mover for kind in self.kinds)

    def full(self, tables: list[Table], number: int, charged: int) -> Keys:
        """Every step moves the whole tile; for distinct values and the MAC this is exact."""
        if self.exact[number]:
            charged = 0
        return tuple(t.bound(number, charged, FULL, (), -1) for t in tables)

    def slides(self, tables: list[Table], q: Quantity, rest: Rest) -> dict[int, list[ColumnKey]]:
        """Per component, columns for every unit of the tensor whose loop may be the innermost one that moves it."""
        movers = self.movers(rest)
        found: dict[int, list[ColumnKey]] = {}
        for unit in self.problem.units_of(q.flow.tensor):
            dims = self.problem.units[unit]
            c = int(self.problem.static.dim_component[dims[0]])
            local = int(self.problem.static.dim_local[dims[0]])
            if not any(movers[d] and self.extents[d] > 1 for d in dims):
                continue
            if unit not in self.sliding and tables[c].entries.perfect[local]:
                continue  # whole tiles all move: the same as `full`
            key = tables[c].bound(q.number, rest.charged, unit, movers, rest.block)
            if np.isfinite(tables[c].values(key)).any():
                found.setdefault(c, []).append(key)
        return found

    def variants(self, tables: list[Table], q: Quantity, rest: Rest) -> list[Keys]:
        """Bounds of which the least holds, as any unit may slide."""
        full = self.full(tables, q.number, rest.charged)
        found = [full]
        if self.inexact and not self.exact[q.number]:
            for c, keys in self.slides(tables, q, rest).items():
                found += [(*full[:c], key, *full[c + 1 :]) for key in keys]
        return found

    def least(self, tables: list[Table], q: Quantity, rest: Rest) -> Keys:
        """The least factor of each entry: weaker than the least product, but a single column."""
        full = self.full(tables, q.number, rest.charged)
        if self.exact[q.number] or not self.inexact:
            return full
        slides = self.slides(tables, q, rest)
        return tuple(t.least_column((full[c], *slides.get(c, []))) for c, t in enumerate(tables))


@final
@dataclass
class Template:
    """The bound of one class: columns, and which of them make the quantities."""

    of: MappingClass
    tables: list[Table]
    columns: list[Keys]
    pairs: list[tuple[int, int, Keys]]
    """Columns (a, b) of which a difference a − b is taken, and the columns of differences."""
    variants: list[list[int]]
    floor: list[int]
    minus: list[int]
    quantities: list[Quantity]

    def root_bound(self) -> tuple[float, ...]:
        """Keys that no mapping of the class undercuts."""
        rows = [
            self._adjusted([t.least(k)[:1] for k in self._of(c)], c, t) for c, t in enumerate(self.tables)
        ]
        product = np.prod(np.array([np.array(row)[:, 0] for row in rows]), axis=0)
        arrays = self._arrays(product[None, :], product)
        values, keys = np.empty(arrays.weight.shape[0]), np.empty(arrays.kinds.size)
        lower_bound(arrays, product, values, keys)
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

    def _arrays(self, columns: Floats, product: Floats | None) -> TemplateArrays:
        problem = self.tables[0].problem
        objective = problem.objective
        widest = max(len(v) for v in self.variants)
        weight = np.array([q.weight for q in self.quantities]).T.copy()
        known: dict[str, object] = {
            "kinds": np.array(objective.kinds, np.int64),
            "n_ports": len(objective.ports),
            "columns": columns,
            "variants": np.array([v + [-1] * (widest - len(v)) for v in self.variants], np.int64),
            "floor": np.array(self.floor, np.int64),
            "minus": np.array(self.minus, np.int64),
            "weight": weight,
        }
        trees = self._no_trees() if product is not None else self._trees()
        return TemplateArrays(**known, **trees)  # type: ignore[arg-type]

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
            weight = np.array(q.weight)
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
    made = Template(found, chosen, [], [], [], [], [], [])
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
    for q in made.quantities:
        _add_quantity(made, columns, q, add)
    return made


def _add_quantity(made: Template, columns: Columns, q: Quantity, add: Callable[..., int]) -> None:
    """The columns of one quantity; an empty one where nothing is known of it."""
    tables, n_heads = made.tables, columns.flows.n_heads
    rest = made.of.rests.get((q.flow.tensor, q.flow.child), Rest(n_heads))
    if q.minus is None:
        variants = columns.variants(tables, q, rest)
        made.variants.append([add(v) for v in variants])
        made.floor.append(add(columns.full(tables, q.once_number, 0)) if len(variants) > 1 else -1)
        made.minus.append(-1)
        return
    known = not columns.problem.slides(q.flow.tensor) or q.flow.child == n_heads
    less = columns.full(tables, q.minus_number, rest.charged)
    # Of visits of sliding outputs all that is known is that they are no fewer than the first ones.
    low = columns.least(tables, q, rest) if known else less
    a, b = add(low, own=True), add(less, own=True)
    differences = tuple(t.difference(x, y) for t, x, y in zip(tables, low, less, strict=True))
    made.pairs.append((a, b, differences))
    made.variants.append([a])
    made.floor.append(-1)
    made.minus.append(b)
