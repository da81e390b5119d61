"""Entries of a component: all combinations of its dimensions' chains under one pattern of allowed loops.

They depend on extents and constraints only, so that layers and chips share them.
"""

from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.mapspace import Codes, chains
from chipwise.mapper.problem import Floats, Ints
from chipwise.model.kernels.search import least_of_nodes, passes

FEW = 1000
"""Entries of which each is looked at: finding those that agree takes as long."""

KEPT = 2000
SMALL = 20_000
"""Tables that are kept for other layers, and the most entries of such a one."""


class Tree(NamedTuple):
    """Nodes of a table's refinements, the root first, level by level; `row` is −1 above the last level."""

    first_child: Ints
    child_end: Ints
    row: Ints


@final
@dataclass
class Entries:
    """The combinations in the order of their tree; `lanes` are places taken on each axis, `cycles` temporal tiles."""

    extents: tuple[int, ...]
    tiles: Ints
    """[entry, local dimension, position]"""
    perfect: tuple[bool, ...]
    """Per local dimension, whether every loop of every chain divides."""
    trips: Ints
    lanes: Ints
    cycles: Floats
    tree: Tree
    least_lanes: Ints
    """Least number of places taken on each axis, [node, axis]."""
    every: Ints
    _alike: dict[int, tuple[Ints, Ints]] = field(default_factory=dict)

    def representatives(self, end: int) -> tuple[Ints, Ints]:
        """One entry for all that agree in the positions before `end`, and which one stands for each."""
        if len(self.tiles) <= FEW:
            return self.every, self.every
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


_KEPT: dict[tuple[object, ...], Entries | None] = {}


def forget() -> None:
    """Keep no tables, as if none had been made."""
    _KEPT.clear()


def entries_of(
    extents: tuple[int, ...], codes: tuple[Codes, ...], sizes: tuple[int, ...], factors: str, widest: int
) -> Entries | None:
    """All combinations, padded to `widest` dimensions of extent 1; None where there is none.

    Args:
        extents: of the dimensions.
        codes: what each position takes of them.
        sizes: instances on the axis of each position, 0 for a block.
        factors: as in `Mapspace`.
        widest: dimensions of the largest component.
    """
    key = (extents, codes, sizes, factors, widest)
    if key in _KEPT:
        return _KEPT[key]
    made = _make(extents, codes, sizes, factors, widest)
    if len(_KEPT) >= KEPT:
        _KEPT.clear()
    if made is None or len(made.tiles) <= SMALL:
        _KEPT[key] = made
    return made


def _make(
    extents: tuple[int, ...], codes: tuple[Codes, ...], sizes: tuple[int, ...], factors: str, widest: int
) -> Entries | None:
    found = [chains(e, c, sizes, factors) for e, c in zip(extents, codes, strict=True)]
    picks = np.indices([len(rows) for rows in found]).reshape(len(extents), -1)
    tiles = np.ones((picks.shape[1], widest, len(sizes)), np.int64)
    for k, rows in enumerate(found):
        tiles[:, k] = rows[picks[k]]
    if len(extents) > 1:
        tiles = tiles[_lanes_fit(tiles, extents, sizes)]
    if not len(tiles):
        return None
    padded = extents + (1,) * (widest - len(extents))
    above = np.broadcast_to(np.array(padded)[None, :, None], (len(tiles), widest, 1))
    trips = -(-np.concatenate([above, tiles[:, :, :-1]], axis=2) // tiles)
    axes = np.array(sizes) > 0
    order, begins = _refined(tiles, trips, sizes)
    tiles, trips = np.ascontiguousarray(tiles[order]), trips[order]
    lanes = trips[:, :, axes].prod(axis=1)
    cycles = np.ones(len(tiles))
    for k, extent in enumerate(padded):
        cycles *= passes(extent, np.ascontiguousarray(tiles[:, k]), axes)
    tree = _tree(begins, len(tiles))
    perfect = tuple(_divides(e, rows) for e, rows in zip(extents, found, strict=True))
    least = np.empty((len(tree.row), lanes.shape[1]))
    for axis in range(lanes.shape[1]):
        least[:, axis] = least_in(tree, lanes[:, axis].astype(np.float64))
    return Entries(
        padded, tiles, perfect, trips, lanes, cycles, tree, least.astype(np.int64), np.arange(len(tiles))
    )


def least_in(tree: Tree, column: Floats) -> Floats:
    """Least value of a column below every node of a tree."""
    out = np.empty(len(tree.row))
    least_of_nodes(column, tree.first_child, tree.child_end, tree.row, out)
    return out


def _refined(tiles: Ints, trips: Ints, sizes: tuple[int, ...]) -> tuple[Ints, list[Ints]]:
    """The order of entries by what the search fixes one after the other, and where the nodes of each level begin.

    First the tiles further out, where a value costs most; then the counts on every axis; then what is left.
    """
    temporal = [at for at, size in enumerate(sizes) if not size]
    axes = [at for at, size in enumerate(sizes) if size]
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
