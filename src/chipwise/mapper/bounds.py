"""Which columns of factors bound what a quantity costs: variants, as any loop may be the innermost that moves it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from chipwise.mapper.classes import Rest, kind_of
from chipwise.mapper.flows import Flows, Quantity
from chipwise.mapper.problem import Problem
from chipwise.mapper.tables import ColumnKey, Table
from chipwise.model.kernels.search import FULL, TRANSFER

Keys = tuple[ColumnKey, ...]
"""One column per component: its factor of a bound."""


@final
@dataclass(frozen=True, slots=True)
class Variant:
    """A bound: a product of columns, if `component` moves the flow innermost (−1: any)."""

    keys: Keys
    component: int = -1


_EXACT = Rest(0)
"""Where nothing is free, nothing depends on what rests where."""


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
        self._full: dict[tuple[int, int, frozenset[str]], Keys] = {}
        self._slides: dict[tuple[int, Rest], list[tuple[int, int, int, ColumnKey]]] = {}
        self.inexact = problem.factors != "perfect" or bool(self.sliding)

    def movers(self, rest: Rest) -> tuple[bool, ...]:
        """Dimensions that may move a flow innermost."""
        return tuple(rest.mover is None or kind == rest.mover for kind in self.kinds)

    def key(self, component: int, number: int, rest: Rest, slide: int = FULL) -> ColumnKey:
        """Key of a term's factors in a component, as `bound_columns` takes it.

        What makes no difference is left out, so that classes share columns.
        """
        dims = self.problem.components[component]
        charged = [0] * self.problem.static.component_dims.shape[1]
        tensor = self.problem.layer.tensors[self.problem.flows.tensor[number]]
        if any(d not in tensor.dims for d in dims):
            charged[: len(dims)] = [rest.charged + (d in rest.outside) for d in dims]
        if slide == FULL:
            return (number, slide, -1, *charged, *(False for _ in self.kinds))
        return (number, slide, rest.block, *charged, *self.movers(rest))

    def full(self, tables: list[Table], number: int, rest: Rest) -> Keys:
        """Every step moves the whole tile; for distinct values and the MAC this is exact."""
        if self.exact[number]:
            rest = _EXACT
        known = (number, rest.charged, rest.outside)
        if known not in self._full:
            self._full[known] = tuple(self.key(c, number, rest) for c in range(len(tables)))
        return tuple(t.ask(k) for t, k in zip(tables, self._full[known], strict=True))

    def slides(self, tables: list[Table], q: Quantity, rest: Rest) -> dict[int, list[ColumnKey]]:
        """Per component, columns for every unit of the tensor whose loop may be the innermost one that moves it."""
        known = (q.number, rest)
        if known not in self._slides:
            self._slides[known] = list(self._units(q, rest))
        found: dict[int, list[ColumnKey]] = {}
        for unit, c, local, key in self._slides[known]:
            if unit not in self.sliding and tables[c].entries.perfect[local]:
                continue  # whole tiles all move: the same as `full`
            found.setdefault(c, []).append(tables[c].ask(key))
        return found

    def _units(self, q: Quantity, rest: Rest) -> Iterator[tuple[int, int, int, ColumnKey]]:
        """(unit, component, local dimension, key) of what may move a flow innermost."""
        movers = self.movers(rest)
        for unit in self.problem.units_of(q.flow.tensor):
            dims = self.problem.units[unit]
            if any(movers[d] and self.extents[d] > 1 for d in dims):
                c = int(self.problem.static.dim_component[dims[0]])
                yield unit, c, int(self.problem.static.dim_local[dims[0]]), self.key(c, q.number, rest, unit)

    def variants(self, tables: list[Table], q: Quantity, rest: Rest) -> list[Variant]:
        """Bounds of which the least holds, as any unit may slide."""
        full = self.full(tables, q.number, rest)
        found = [Variant(full)]
        if self.inexact and not self.exact[q.number]:
            for c, keys in self.slides(tables, q, rest).items():
                found += [Variant((*full[:c], key, *full[c + 1 :]), c) for key in keys]
        return found

    def least(self, tables: list[Table], q: Quantity, rest: Rest) -> Keys:
        """The least factor of each entry: weaker than the least product, but a single column."""
        full = self.full(tables, q.number, rest)
        if self.exact[q.number] or not self.inexact:
            return full
        slides = self.slides(tables, q, rest)
        columns = [(key, *slides.get(c, [])) for c, key in enumerate(full)]
        return tuple(t.least_column(keys) for t, keys in zip(tables, columns, strict=True))
