"""The checker's proof for one class of mappings: boxes closed one by one, what is left priced over all loop orders.

A *box* is one group of chains per component of dimensions. It is closed when the least that any of its mappings
costs is not below the claim, or when none of them fits. Else it is split; a box of single chains is priced exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from operator import mul
from typing import final

from chipwise.mapper.classes import MappingClass, Rest, kind_of
from chipwise.mapper.flows import Distinct, Flow, Quantity, Term
from chipwise.mapper.proof.factors import Factor, Positions, Roles, Terms
from chipwise.mapper.proof.frame import Frame, Weights
from chipwise.mapper.proof.orders import Orders
from chipwise.mapper.proof.tables import Column, Group, Table
from chipwise.mapping.mapping import Mapping
from chipwise.mapping.storage import stored
from chipwise.model.boxes import Role


@final
@dataclass
class Tally:
    """What became of the boxes of a class."""

    boxes: int = 0
    closed_by_bound: int = 0
    closed_by_fit: int = 0
    leaves: int = 0
    mappings: int = 0
    """Combinations of chains in closed boxes and leaves."""

    def add(self, other: "Tally") -> None:
        """Add what became of another class."""
        for name in ("boxes", "closed_by_bound", "closed_by_fit", "leaves", "mappings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@final
@dataclass
class _Bound:
    """Quantities as columns: `plain` {column: {row: weight}}; `least` (weights, floor, columns of which one holds).

    `pairs` (weights, b, a) are differences a − b of two products.
    """

    plain: dict[int, dict[int, int]] = field(default_factory=dict)
    least: list[tuple[Weights, int, list[int]]] = field(default_factory=list)
    pairs: list[tuple[Weights, int, int]] = field(default_factory=list)


Row = tuple[list[int], list[int], list[int]]
"""Of a group: its least factors, lanes and volumes."""


@final
class Proof:
    """The proof for one class."""

    def __init__(self, frame: Frame, of: MappingClass) -> None:
        self.frame, self.of, self.nest = frame, of, of.nest
        self.positions = Positions.of(of.nest)
        self.sizes = self.positions.sizes
        self.tables = [
            frame.table(c, tuple(of.codes[d] for d in dims), self.sizes)
            for c, dims in enumerate(frame.components)
        ]
        self.size = prod(len(t.entries) for t in self.tables)
        self.tally = Tally()
        self.quantities = frame.flows.of(of.nest)
        self._orders = Orders(frame, of.nest, self.positions)
        self.n_rows = frame.claim.objective.n_rows
        self._columns: list[tuple[Column, ...]] = []
        self._rows: list[dict[int, Row]] = [{} for _ in self.tables]
        self._axes = [at for at, size in enumerate(self.sizes) if size]
        self._bound = _Bound()

    def run(self) -> Mapping | None:
        """Close all boxes; a mapping that comes before the claim, if there is one."""
        if not self.size:
            return None
        self._make_columns()
        self._volumes = self._make_volumes()
        roots = [t.root for t in self.tables]
        nothing: Row = [1] * len(self._columns), [1] * len(self._axes), [1] * len(self._sizes_of)
        return None if self._closes(self._others(roots, -1), nothing, self.size) else self._visit(roots)

    # Columns of the bound

    def _make_columns(self) -> None:
        numbers: dict[tuple[int, ...], int] = {}

        def add(columns: tuple[Column, ...]) -> int:
            key = tuple(map(id, columns))
            if key not in numbers:
                numbers[key] = len(self._columns)
                self._columns.append(columns)
            return numbers[key]

        add(tuple(self._cycles(t) for t in self.tables))
        for q in self.quantities:
            rest = self.of.rests.get((q.flow.tensor, q.flow.child), Rest(self.frame.n_heads))
            weights = self.frame.weights(q)
            if q.minus is not None:
                self._add_pair(q, rest, weights)
                continue
            options = self._options(q.flow, rest)
            if len(options) == 1:
                of_column = self._bound.plain.setdefault(add(options[0]), {})
                for row, weight in weights:
                    of_column[row] = of_column.get(row, 0) + weight
            else:
                self._bound.least.append((weights, add(self._once(q.flow)), [add(o) for o in options]))

    def _cycles(self, table: Table) -> Column:
        roles = tuple(Role.FIRST if size else Role.OUTER for size in self.sizes)
        return table.product(tuple(Factor(((d, 0),), roles) for d in table.dims))

    def _product(self, tensor: int, roles: Callable[[Terms], Roles]) -> tuple[Column, ...]:
        """Columns of a tensor with roles by the terms of a rank."""
        return tuple(
            table.product(tuple(Factor(terms, roles(terms)) for terms in ranks))
            for table, ranks in zip(self.tables, self.frame.ranks[tensor], strict=True)
        )

    def _full(self, term: Term, rest: Rest) -> tuple[Column, ...]:
        """Every step moves the whole tile; exact for distinct values and what the MAC touches."""
        at = self.positions
        if isinstance(term, Distinct):
            return self._product(
                term.flow.tensor, lambda terms: at.distinct(term, terms[0][1] > 0, len(terms) > 1)
            )
        return self._product(term.tensor, lambda terms: self._charged(term, terms, rest))

    def _charged(self, flow: Flow, terms: Terms, rest: Rest) -> Roles:
        """Roles in a factor of whole tiles; where a dimension is irrelevant, its loops cost above the resting place."""
        dim, coefficient = terms[0]
        return self.positions.charged(flow, coefficient > 0, rest.charged + (dim in rest.outside))

    def _once(self, flow: Flow) -> tuple[Column, ...]:
        """Every value moves once, which no order undercuts."""
        at = self.positions
        return self._product(flow.tensor, lambda terms: at.once(flow, terms[0][1] > 0, len(terms) > 1))

    def _options(self, flow: Flow, rest: Rest) -> list[tuple[Column, ...]]:
        """Bounds of which the least holds: whole tiles, or one rank that slides (or partly rests) innermost."""
        full = self._full(flow, rest)
        found = [full]
        if flow.only_first or flow.child == self.frame.n_heads:
            return found
        for c, (table, ranks) in enumerate(zip(self.tables, self.frame.ranks[flow.tensor], strict=True)):
            for terms in ranks:
                column = self._slide(flow, rest, table, ranks, terms)
                if column is not None and column.values != full[c].values:
                    found.append((*full[:c], column, *full[c + 1 :]))
        return found

    def _slide(self, flow: Flow, rest: Rest, table: Table, ranks: list[Terms], slid: Terms) -> Column | None:
        """The column of a component if the loop that moves the tensor innermost belongs to the rank `slid`."""
        layer = self.frame.layer
        movers = tuple(d for d, c in slid if c and (rest.mover is None or kind_of(layer, d) == rest.mover))
        if not movers or (len(slid) == 1 and self.frame.factors == "perfect"):
            return None  # whole tiles of one dimension never overlap: the same as without
        spots = tuple(
            at
            for at in range(flow.end)
            if not self.sizes[at] and rest.block in {-1, self.nest.positions[at].block}
        )
        return table.product(
            tuple(
                Factor(terms, self._charged(flow, terms, rest))._replace(
                    movers=movers if terms is slid else (), spots=spots if terms is slid else ()
                )
                for terms in ranks
            )
        )

    def _add_pair(self, q: Quantity, rest: Rest, weights: Weights) -> None:
        """Columns of a difference; where the visits of sliding outputs are unknown, it is at least 0."""
        assert q.minus is not None
        if self.frame.slides(q.flow.tensor) and q.flow.child < self.frame.n_heads:
            return
        options = self._options(q.flow, rest)
        less = self._full(q.minus, rest)
        lacks = tuple(t.lack([o[c] for o in options], less[c]) for c, t in enumerate(self.tables))
        self._columns += [less, lacks]
        self._bound.pairs.append((weights, len(self._columns) - 2, len(self._columns) - 1))

    # Boxes

    def _make_volumes(self) -> list[tuple[int, list[tuple[Fraction, int]]]]:
        """(room, [(bits of a value, number of its volume)]) of every memory with a capacity."""
        self._sizes_of: list[tuple[Column, ...]] = []
        found = []
        for memory in self.frame.chip.memories:
            if memory.usable_bits is None:
                continue
            held = []
            for t, tensor in enumerate(self.frame.layer.tensors):
                for head, name in self.nest.head_of(tensor.name):
                    if name == memory.name:
                        above = self.nest.first_position(head)
                        own = [tuple(r for r in ranks if r[0][1]) for ranks in self.frame.ranks[t]]
                        self._sizes_of.append(
                            tuple(table.volume(r, above) for table, r in zip(self.tables, own, strict=True))
                        )
                        bits = stored(self.frame.layer, self.frame.chip, memory, tensor).held_bits
                        held.append((Fraction(bits), len(self._sizes_of) - 1))
            found.append((memory.usable_bits, held))
        return found

    def _row(self, c: int, group: Group) -> Row:
        """Least factors, lanes and volumes of a group.

        Of a pair (b, a − b): where some a is below its b, nothing is claimed of it.
        """
        found = self._rows[c].get(group.number)
        if found is None:
            values = [columns[c].least(group) for columns in self._columns]
            for _, b, lack in self._bound.pairs:
                values[lack] = values[b] + values[lack] if values[lack] >= 0 else 0
                values[b] = values[b] if values[lack] else 0
            lanes = [self.tables[c].lanes(at).least(group) for at in self._axes]
            volumes = [columns[c].least(group) for columns in self._sizes_of]
            found = self._rows[c][group.number] = values, lanes, volumes
        return found

    def _visit(self, box: list[Group]) -> Mapping | None:
        """Close all parts of a box that is still open."""
        open_ones = [c for c, group in enumerate(box) if group.size > 1]
        if not open_ones:
            self.tally.leaves += 1
            self.tally.mappings += 1
            entries = [t.entries[g.start] for t, g in zip(self.tables, box, strict=True)]
            cycles = prod(self._row(c, group)[0][0] for c, group in enumerate(box))
            return self._orders.beats(entries, cycles)
        # All components are refined level by level, those with more choice first.
        c = min(open_ones, key=lambda c: (box[c].level, -box[c].size))
        others = self._others(box, c)
        size = prod(group.size for k, group in enumerate(box) if k != c)
        for part in self.tables[c].split(box[c]):
            if not self._closes(others, self._row(c, part), size * part.size):
                found = self._visit([*box[:c], part, *box[c + 1 :]])
                if found is not None:
                    return found
        return None

    def _others(self, box: list[Group], but: int) -> Row:
        """Products of the rows of all components but one."""
        found: Row = [1] * len(self._columns), [1] * len(self._axes), [1] * len(self._sizes_of)
        for c, group in enumerate(box):
            if c != but:
                for into, own in zip(found, self._row(c, group), strict=True):
                    into[:] = map(mul, into, own)
        return found

    def _closes(self, others: Row, row: Row, size: int) -> bool:
        """Count a box of so many mappings, and close it if it does not fit or cannot come before the claim."""
        self.tally.boxes += 1
        if not self._fits(others, row):
            self.tally.closed_by_fit += 1
        elif not self._can_win(list(map(mul, others[0], row[0]))):
            self.tally.closed_by_bound += 1
        else:
            return False
        self.tally.mappings += size
        return True

    def _fits(self, others: Row, row: Row) -> bool:
        for at, lanes, own in zip(self._axes, others[1], row[1], strict=True):
            if lanes * own > self.sizes[at]:
                return False
        return all(
            sum(bits * others[2][v] * row[2][v] for bits, v in held) <= room for room, held in self._volumes
        )

    def _can_win(self, product: list[int]) -> bool:
        """Whether some mapping with at least these products could come before the claim."""
        bound, values = self._bound, [0] * self.n_rows
        for column, weights in bound.plain.items():
            for row, weight in weights.items():
                values[row] += weight * product[column]
        for shares, floor_at, options in bound.least:
            low = max(product[floor_at], min(product[o] for o in options))
            for row, weight in shares:
                values[row] += weight * low
        for shares, less, more in bound.pairs:
            low = product[more] - product[less]
            for row, weight in shares:
                values[row] += weight * low
        return self.frame.is_below(values, product[0])
