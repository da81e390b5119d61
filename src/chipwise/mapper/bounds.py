"""Which columns of factors bound what a quantity costs: variants, as any loop may be the innermost that moves it."""

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

    def full(self, tables: list[Table], number: int, rest: Rest) -> Keys:
        """Every step moves the whole tile; for distinct values and the MAC this is exact."""
        if self.exact[number]:
            rest = Rest(0)
        return tuple(t.bound(number, rest, FULL, ()) for t in tables)

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
            found.setdefault(c, []).append(tables[c].bound(q.number, rest, unit, movers))
        return found

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
