"""Tables of entries: all chains of tiles of a component, with the factors that each contributes.

The *entries* of a component are the combinations of its dimensions' chains. A table holds those under one pattern
of allowed loops, as a tree that the search refines step by step, and remembers the columns computed for it:
templates share them.
"""

from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.mapper.mapspace import Codes, Nest, axis_sizes, chains, count_chains
from chipwise.mapper.problem import Arrays, Dims, Floats, Ints, Problem, moving_terms
from chipwise.model.kernels.search import FULL, bound_column, least_of_nodes, passes


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

FEW = 1000
"""Entries of which each is looked at: finding those that agree takes as long."""


class Tree(NamedTuple):
    """Nodes of a table's refinements, the root first, level by level; `row` is −1 above the last level."""

    first_child: Ints
    child_end: Ints
    row: Ints


ColumnKey = tuple[object, ...]


@final
@dataclass
class Table:
    """The entries of one component under one pattern of allowed loops, in the order of their tree."""

    problem: Problem
    component: int
    extents: tuple[int, ...]
    tiles: Ints
    """[entry, local dimension, position]"""
    first_id: int
    """Number of its first entry among those of all tables."""
    perfect: list[bool]
    """Per local dimension, whether every loop of every chain divides."""
    trips: Ints = field(init=False)
    lanes: Ints = field(init=False)
    cycles: Floats = field(init=False)
    tree: Tree = field(init=False)
    arrays: Arrays = field(init=False)
    """The kernel's view of this table alone."""
    _columns: dict[ColumnKey, Floats] = field(default_factory=dict)
    _least: dict[ColumnKey, Floats] = field(default_factory=dict)
    _alike: dict[int, tuple[Ints, Ints]] = field(default_factory=dict)
    _lanes: Ints | None = None
    _every: Ints = field(init=False)

    def __post_init__(self) -> None:
        before = np.concatenate(
            [np.broadcast_to(np.array(self.extents)[None, :, None], (*self.tiles.shape[:2], 1)), self.tiles],
            axis=2,
        )[:, :, :-1]
        trips = -(-before // self.tiles)
        axes = np.array([p.axis is not None for p in self.problem.nest.positions])
        order, begins = _refined(self.tiles, trips, self.problem.nest)
        self.tiles, self.trips = np.ascontiguousarray(self.tiles[order]), trips[order]
        self._every = np.arange(len(self.tiles))
        self.lanes = self.trips[:, :, axes].prod(axis=1)
        self.cycles = np.ones(len(self.tiles))
        for k, extent in enumerate(self.extents):
            self.cycles *= passes(extent, np.ascontiguousarray(self.tiles[:, k]), axes)
        self.tree = _tree(begins, len(self.tiles))
        self.arrays = self.problem.static._replace(tiles=self.tiles)

    def column(self, key: ColumnKey, values: Floats) -> None:
        """Remember a column under a key."""
        self._columns[key] = values

    def bound(self, flow: int, charged: int, slide: int, movers: tuple[bool, ...], block: int) -> ColumnKey:
        """Key of the factors of a lower bound on a term (see `bound_column`)."""
        if slide == FULL:
            movers, block = (), -1
        key = ("bound", flow, charged, slide, movers, block)
        if key not in self._columns:
            may = np.array(movers or (False,) * len(self.problem.dims), np.bool_)
            first, of = self._representatives(int(self.problem.flows.end[flow]))
            found = bound_column(self.arrays, first, self.component, flow, charged, slide, may, block)
            self._columns[key] = found if of is first else found[of]
        return key

    def least_column(self, keys: tuple[ColumnKey, ...]) -> ColumnKey:
        """Key of the least of several columns."""
        if len(keys) == 1:
            return keys[0]
        if keys not in self._columns:
            self._columns[keys] = np.minimum.reduce([self._columns[k] for k in keys])
        return keys

    def difference(self, a: ColumnKey, b: ColumnKey) -> ColumnKey:
        """Key of a column less another."""
        key = ("difference", a, b)
        if key not in self._columns:
            self._columns[key] = self._columns[a] - self._columns[b]
        return key

    def values(self, key: ColumnKey) -> Floats:
        """A column, one factor per entry."""
        return self._columns[key]

    def least(self, key: ColumnKey) -> Floats:
        """Least value of a column below every node of the tree."""
        if key not in self._least:
            out = np.empty(len(self.tree.row))
            least_of_nodes(self._columns[key], self.tree.first_child, self.tree.child_end, self.tree.row, out)
            self._least[key] = out
        return self._least[key]

    def volume(self, tensor: int, head: int) -> ColumnKey:
        """Key of the factors of the volume of a tensor's largest tile at a head."""
        key = ("volume", tensor, head)
        if key not in self._columns:
            layer, dims = self.problem.layer, self.problem.components[self.component]
            above = self.problem.nest.first_position(head)
            found = np.ones(len(self.tiles))
            for rank in layer.tensors[tensor].ranks:
                terms = moving_terms(layer, rank)
                if terms and terms[0][0] in dims:
                    length = np.ones(len(self.tiles))
                    for d, c in terms:
                        tile = self.tiles[:, dims.index(d), above - 1] if above else layer.dims[d]
                        length += c * (tile - 1)
                    found *= length
            self._columns[key] = found
        return key

    def least_lanes(self) -> Ints:
        """Least number of places taken on each axis, [node, axis]."""
        if self._lanes is None:
            tree, found = self.tree, np.empty((len(self.tree.row), self.lanes.shape[1]))
            for axis in range(self.lanes.shape[1]):
                out = np.empty(len(tree.row))
                column = self.lanes[:, axis].astype(np.float64)
                least_of_nodes(column, tree.first_child, tree.child_end, tree.row, out)
                found[:, axis] = out
            self._lanes = found.astype(np.int64)
        return self._lanes

    def _representatives(self, end: int) -> tuple[Ints, Ints]:
        """One entry for all that agree in the positions before `end`, and which one stands for each."""
        if len(self.tiles) <= FEW:
            return self._every, self._every
        if end not in self._alike:
            code = np.zeros(len(self.tiles), np.int64)
            for k in range(len(self.extents)):
                for at in range(end):
                    _, number = np.unique(
                        code * (self.extents[k] + 1) + self.tiles[:, k, at], return_inverse=True
                    )
                    code = number.reshape(-1)
            _, first, of = np.unique(code, return_index=True, return_inverse=True)
            self._alike[end] = first.astype(np.int64), of.reshape(-1)
        return self._alike[end]


def _refined(tiles: Ints, trips: Ints, nest: Nest) -> tuple[Ints, list[Ints]]:
    """The order of entries by what the search fixes one after the other, and where the nodes of each level begin.

    First the tiles further out, where a value costs most; then the counts on every axis; then what is left.
    """
    temporal = [at for at, p in enumerate(nest.positions) if p.axis is None]
    axes = [at for at, p in enumerate(nest.positions) if p.axis is not None]
    outer = [at for at in temporal if not axes or at < axes[0]] or temporal[:1]
    steps = [tiles[:, :, at] for at in dict.fromkeys([outer[0], outer[-1]])]
    steps += [trips[:, :, at] for at in axes]
    steps += [tiles[:, :, at] for at in temporal if at not in (outer[0], outer[-1])][:1]
    keys = np.concatenate([*steps, tiles.reshape(len(tiles), -1)], axis=1)
    order = np.lexsort(keys.T[::-1])
    changes = np.zeros(max(0, len(tiles) - 1), np.bool_)
    begins = [_starts(changes)]
    for step in steps:
        rows = step[order]
        changes = changes | (rows[1:] != rows[:-1]).any(axis=1)
        begins.append(_starts(changes))
    begins.append(np.arange(len(tiles)))
    return order, begins


def _starts(changes: NDArray[np.bool_]) -> Ints:
    return np.flatnonzero(np.concatenate([[True], changes])).astype(np.int64)


def _tree(begins: list[Ints], n_rows: int) -> Tree:
    """The tree in which a node of one level holds the nodes of the next that begin in its range of rows."""
    first_child, child_end, row = [], [], []
    next_id = 0
    for level, begin in enumerate(begins):
        next_id += len(begin)
        last = level == len(begins) - 1
        ends = np.append(begin[1:], n_rows)
        below = begins[-1] if last else begins[level + 1]
        first_child.append(
            np.zeros(len(begin), np.int64) if last else next_id + np.searchsorted(below, begin)
        )
        child_end.append(np.zeros(len(begin), np.int64) if last else next_id + np.searchsorted(below, ends))
        row.append(begin if last else np.full(len(begin), -1))
    return Tree(
        np.concatenate(first_child).astype(np.int64),
        np.concatenate(child_end).astype(np.int64),
        np.concatenate(row).astype(np.int64),
    )


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
        found = [chains(e, c, sizes, problem.factors) for e, c in zip(extents, codes, strict=True)]
        if not all(len(rows) for rows in found):
            return None
        picks = np.indices([len(rows) for rows in found]).reshape(len(dims), -1)
        widest = problem.static.component_dims.shape[1]
        tiles = np.ones((picks.shape[1], widest, len(sizes)), np.int64)
        for k, rows in enumerate(found):
            tiles[:, k] = rows[picks[k]]
        if len(dims) > 1:
            tiles = tiles[_lanes_fit(tiles, extents, sizes)]
        if not len(tiles):
            return None
        perfect = [_divides(e, rows) for e, rows in zip(extents, found, strict=True)]
        table = Table(
            problem, component, extents + (1,) * (widest - len(dims)), tiles, self.n_entries, perfect
        )
        self.n_entries += len(tiles)
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
            tiles=np.concatenate([t.tiles for t in made]),
            bound=np.concatenate([t.trips[:, :, temporal] for t in made]),
            cycles=np.concatenate([t.cycles for t in made]),
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


def _lanes_fit(tiles: Ints, extents: tuple[int, ...], sizes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which entries' dimensions fit side by side on every axis."""
    fit = np.ones(len(tiles), np.bool_)
    for at, size in enumerate(sizes):
        if size:
            lanes = [
                -(-(tiles[:, k, at - 1] if at else np.full(len(tiles), extents[k])) // tiles[:, k, at])
                for k in range(len(extents))
            ]
            fit &= prod(lanes) <= size
    return fit


def _divides(extent: int, rows: Ints) -> bool:
    """Whether every tile of every chain divides the one above it."""
    before = np.concatenate([np.full((len(rows), 1), extent), rows[:, :-1]], axis=1)
    return bool((before % rows == 0).all())
