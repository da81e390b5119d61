"""The checker's tables: all chains of a component, how boxes of them are split, and columns of factors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import final

from chipwise.mapper.mapspace import Codes
from chipwise.mapper.proof.factors import Chain, Factor, Terms, chains_of, factor_of, trips_of
from chipwise.workload.layer import Layer


@final
@dataclass(slots=True)
class Group:
    """Entries `start` to `end` of a table: those that agree in what has been decided so far."""

    number: int
    start: int
    end: int
    level: int
    """How many decisions were looked at."""
    parts: "list[Group]" = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.end - self.start


@final
class Column:
    """One factor per entry of a table, and its least over groups."""

    def __init__(self, values: list[int]) -> None:
        self.values = values
        self._least: dict[int, int] = {}

    def least(self, group: Group) -> int:
        """The least factor of a group."""
        found = self._least.get(group.number)
        if found is None:
            found = self._least[group.number] = min(self.values[group.start : group.end])
        return found


@final
class Table:
    """All combinations of the chains of a component's dimensions, in the order in which the checker splits them."""

    def __init__(
        self,
        layer: Layer,
        dims: tuple[str, ...],
        codes: tuple[Codes, ...],
        sizes: tuple[int, ...],
        factors: str,
    ) -> None:
        self.layer, self.dims, self.sizes = layer, dims, sizes
        extents = [layer.dims[d] for d in dims]
        chains = [chains_of(e, c, sizes, factors) for e, c in zip(extents, codes, strict=True)]
        keyed = [(self._decisions(extents, entry), entry) for entry in product(*chains)]
        keyed.sort()
        self.entries = [entry for _, entry in keyed]
        self._keys = [key for key, _ in keyed]
        self.root = Group(0, 0, len(self.entries), 0)
        self._groups = 1
        self._columns: dict[object, Column] = {}

    def _decisions(self, extents: list[int], entry: tuple[Chain, ...]) -> tuple[object, ...]:
        """What is decided one after the other: outer tiles first, as a value costs most there, then axes."""
        temporal = [at for at, size in enumerate(self.sizes) if not size]
        axes = [at for at, size in enumerate(self.sizes) if size]
        above = [at for at in temporal if not axes or at < axes[0]]
        first = [*above[:1], *above[:0:-1]]
        trips = [trips_of(e, chain) for e, chain in zip(extents, entry, strict=True)]
        return (
            *(tuple(chain[at] for chain in entry) for at in first),
            *(tuple(row[at] for row in trips) for at in axes),
            *(tuple(chain[at] for chain in entry) for at in temporal if at not in first),
            entry,
        )

    def split(self, group: Group) -> list[Group]:
        """The parts of a group by the next decision in which its entries differ; none where it is a single one."""
        if group.parts or group.size < 2:
            return group.parts
        level = group.level
        while self._keys[group.start][level] == self._keys[group.end - 1][level]:
            level += 1
        start = group.start
        for at in range(group.start + 1, group.end + 1):
            if at == group.end or self._keys[at][level] != self._keys[start][level]:
                group.parts.append(Group(self._groups, start, at, level + 1))
                self._groups += 1
                start = at
        return group.parts

    def column(self, key: object, make: Callable[[], list[int]]) -> Column:
        """The column under a key, made at most once."""
        if key not in self._columns:
            self._columns[key] = Column(make())
        return self._columns[key]

    def product(self, factors: tuple[Factor, ...]) -> Column:
        """The product of several ranks' factors."""
        return self.column(factors, lambda: self._multiplied(factors))

    def _multiplied(self, factors: tuple[Factor, ...]) -> list[int]:
        found = [1] * len(self.entries)
        for factor in factors:
            at = [self.dims.index(d) for d, _ in factor.terms]
            end = len(factor.roles)
            known: dict[tuple[Chain, ...], int] = {}
            for i, entry in enumerate(self.entries):
                own = tuple(entry[k][:end] for k in at)
                if own not in known:
                    known[own] = factor_of(self.layer, factor, own)
                found[i] *= known[own]
        return found

    def lanes(self, position: int) -> Column:
        """Places taken on an axis."""
        extents = [self.layer.dims[d] for d in self.dims]
        return self.column(
            ("lanes", position),
            lambda: [
                prod(trips_of(e, chain)[position] for e, chain in zip(extents, entry, strict=True))
                for entry in self.entries
            ],
        )

    def lack(self, options: Sequence[Column], less: Column) -> Column:
        """By how much the least of several columns exceeds another one."""
        lists = [column.values for column in options]
        return self.column(
            ("lack", *map(id, options), id(less)),
            lambda: [min(row) - b for row, b in zip(zip(*lists, strict=True), less.values, strict=True)],
        )

    def volume(self, ranks: tuple[Terms, ...], above: int) -> Column:
        """Values in the largest tile below the first `above` positions, of ranks of this component."""

        def tile(entry: tuple[Chain, ...], dim: str) -> int:
            return entry[self.dims.index(dim)][above - 1] if above else self.layer.dims[dim]

        return self.column(
            ("volume", ranks, above),
            lambda: [
                prod(1 + sum(c * (tile(entry, d) - 1) for d, c in terms) for terms in ranks)
                for entry in self.entries
            ],
        )
