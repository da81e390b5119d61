"""Tables of entries: all chains of tiles of a component, with the factors that each contributes.

The *entries* of a component are the combinations of its dimensions' chains. A table holds those under one pattern
of allowed loops, as a tree that the search refines step by step, and remembers the columns computed for it:
templates share them.
"""

from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple, final

import numpy as np

from chipwise.errors import InputError
from chipwise.mapper.entries import FEW, Entries, entries_of, least_in
from chipwise.mapper.flows import moving_terms
from chipwise.mapper.mapspace import Codes, axis_sizes, count_chains
from chipwise.mapper.problem import Arrays, Dims, Floats, Ints, Problem
from chipwise.model.kernels.search import bound_columns


class Work(NamedTuple):
    """Scratch space of the kernel's shortest paths: labels, their number and predecessors per subset."""

    labels: Floats
    counts: Ints
    back: Ints
    active: Ints


LABELS = 64
"""Non-dominated loop orders kept per subset when several rows of costs matter."""

MEMO_ROWS = 512
"""Entries of which the kernel remembers the moves; it starts anew when they are full."""

MAX_ENTRIES = 300_000
"""Combinations of tile sizes of one component that are looked at; more would take minutes and gigabytes."""


ColumnKey = tuple[Any, ...]


@final
@dataclass
class Table:
    """The entries of one component of a problem, and the columns of factors computed for them."""

    problem: Problem
    component: int
    entries: Entries
    first_id: int
    """Number of its first entry among those of all tables."""
    arrays: Arrays = field(init=False)
    """The kernel's view of this table alone."""
    _columns: dict[ColumnKey, Floats] = field(default_factory=dict)
    _wanted: dict[ColumnKey, None] = field(default_factory=dict)
    _least: dict[ColumnKey, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arrays = self.problem.static._replace(tiles=self.entries.tiles)
        self._columns["cycles",] = self.entries.cycles
        self._dims = self.problem.components[self.component]

    def __len__(self) -> int:
        return len(self.entries.tiles)

    def ask(self, key: ColumnKey) -> ColumnKey:
        """A key of `bounds.Columns`: its column is computed, with all others asked for, when one is looked at."""
        if key not in self._columns:
            self._wanted[key] = None
        return key

    def _compute(self) -> None:
        """All columns that are wanted, at once: a call of the kernel takes longer than most columns."""
        groups: dict[int, list[ColumnKey]] = {}
        for key in self._wanted:
            end = int(self.problem.flows.end[key[0]])
            groups.setdefault(end if len(self) > FEW else 0, []).append(key)
        for end, keys in groups.items():
            rows, of = self.entries.representatives(end)
            found = bound_columns(self.arrays, rows, self.component, np.array(keys, np.int64))
            for key, column in zip(keys, found, strict=True):
                self._columns[key] = column if of is rows else column[of]
        self._wanted.clear()

    def least_column(self, keys: tuple[ColumnKey, ...]) -> ColumnKey:
        """Key of the least of several columns."""
        return keys[0] if len(keys) == 1 else ("least", *keys)

    def difference(self, a: ColumnKey, b: ColumnKey) -> ColumnKey:
        """Key of a column less another."""
        return ("difference", a, b)

    def values(self, key: ColumnKey) -> Floats:
        """A column, one factor per entry."""
        if key not in self._columns:
            if key[0] == "least":
                self._columns[key] = np.minimum.reduce([self.values(k) for k in key[1:]])
            elif key[0] == "difference":
                self._columns[key] = self.values(key[1]) - self.values(key[2])
            else:
                self._compute()
        return self._columns[key]

    def least(self, key: ColumnKey) -> Floats:
        """Least value of a column below every node of the tree."""
        if key not in self._least:
            self._least[key] = least_in(self.entries.tree, self.values(key))
        return self._least[key]

    def innermost(self, tensor: int, child: int, *, most: bool) -> ColumnKey:
        """Key of the innermost block above a head that has a loop which moves the tensor, −1 for none.

        With `most` its negative, so that the least of it tells the most.
        """
        key = ("innermost", tensor, child, most)
        if key not in self._columns:
            layer, nest = self.problem.layer, self.problem.nest
            local = [k for k, d in enumerate(self._dims) if d in layer.tensors[tensor].dims]
            found = np.full(len(self), -1.0)
            for at, position in enumerate(nest.positions[: nest.first_position(child)]):
                if position.axis is None:
                    found[(self.entries.trips[:, local, at] > 1).any(axis=1)] = position.block
            self._columns[key] = -found if most else found
        return key

    def volume(self, tensor: int, head: int) -> ColumnKey:
        """Key of the factors of the volume of a tensor's largest tile at a head."""
        key = ("volume", tensor, head)
        if key not in self._columns:
            layer, dims = self.problem.layer, self.problem.components[self.component]
            above, tiles = self.problem.nest.first_position(head), self.entries.tiles
            found = np.ones(len(self))
            for rank in layer.tensors[tensor].ranks:
                terms = moving_terms(layer, rank)
                if terms and terms[0][0] in dims:
                    length = np.ones(len(self))
                    for d, c in terms:
                        tile = tiles[:, dims.index(d), above - 1] if above else layer.dims[d]
                        length += c * (tile - 1)
                    found *= length
            self._columns[key] = found
        return key


@final
@dataclass
class Tables:
    """All tables of a problem, made when first asked for."""

    problem: Problem
    _found: dict[tuple[int, tuple[Codes, ...]], Table | None] = field(default_factory=dict)
    n_entries: int = 0

    def get(self, component: int, codes: tuple[Codes, ...]) -> Table | None:
        """The entries of a component whose dimensions may have these loops; None where there is none."""
        key = component, codes
        if key not in self._found:
            self._found[key] = self._make(component, codes)
        return self._found[key]

    def _make(self, component: int, codes: tuple[Codes, ...]) -> Table | None:
        problem = self.problem
        dims = problem.components[component]
        sizes = axis_sizes(problem.nest)
        extents = tuple(problem.layer.dims[d] for d in dims)
        self._check_size(dims, extents, codes)
        widest = problem.static.component_dims.shape[1]
        entries = entries_of(extents, codes, sizes, problem.factors, widest)
        if entries is None:
            return None
        table = Table(problem, component, entries, self.n_entries)
        self.n_entries += len(table)
        return table

    def _check_size(self, dims: Dims, extents: tuple[int, ...], codes: tuple[Codes, ...]) -> None:
        """Refuse what would not fit into memory, before it is tried."""
        problem, sizes = self.problem, axis_sizes(self.problem.nest)
        n = prod(count_chains(e, e, c, sizes, problem.factors) for e, c in zip(extents, codes, strict=True))
        if n > MAX_ENTRIES:
            narrower = {"any": "imperfect", "imperfect": "spatial", "spatial": "perfect"}.get(problem.factors)
            advice = f"take --factors {narrower}" if narrower else "take --mapspace even"
            raise InputError(
                f"layer {problem.layer.name!r} on {problem.chip.name!r}: {problem.factors} tile sizes of "
                f"{' and '.join(dims)} make {n:.2g} combinations, more than the {MAX_ENTRIES:.2g} that are searched; "
                f"{advice}, or constrain the loops over {' or '.join(dims)} on the chip"
            )

    def arrays(self, n_flows: int) -> Arrays:
        """The kernel's view of all tables together; transfers of at most `n_flows` terms are remembered at once."""
        made = [t for t in self._found.values() if t is not None]
        nest, widest = self.problem.nest, self.problem.static.component_dims.shape[1]
        temporal = [at for at, p in enumerate(nest.positions) if p.axis is None]
        shape = (max(MEMO_ROWS, len(self.problem.components)), n_flows, len(nest.heads), 3**widest, 2)
        return self.problem.static._replace(
            tiles=np.concatenate([t.entries.tiles for t in made]),
            # One order in memory, or the kernels are compiled for each that comes.
            bound=np.ascontiguousarray(np.concatenate([t.entries.trips[:, :, temporal] for t in made])),
            cycles=np.concatenate([t.entries.cycles for t in made]),
            memo=np.empty(shape, np.int64),
            memo_row=np.append(np.full(self.n_entries, -1, np.int64), 0),
        )

    def work(self) -> Work:
        """Scratch space large enough for the problem."""
        blocks = max(1, self.problem.static.n_blocks)
        n_rows = self.problem.objective.n_rows
        subsets = 2 ** len(self.problem.dims)
        labels = LABELS if n_rows > 1 else 1
        return Work(
            np.empty((blocks, subsets, labels + 1, n_rows)),
            np.zeros((blocks, subsets), np.int64),
            np.zeros((blocks, subsets, labels + 1, 2), np.int64),
            np.zeros((blocks, len(self.problem.dims)), np.int64),
        )
