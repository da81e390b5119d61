"""Trees of entries: what the search refines step by step.

A component's entries are grouped by one property after the other; a node knows the least that its entries
cost and take, so that a choice can be judged before all of it is made.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chipwise.mapper.problem import Problem


class TemplateArrays(NamedTuple):
    """The kernel's view of a template; field by field as used in `model.kernels.search`.

    Nodes of all components' trees are numbered together, roots first, children of a node in a row.
    """

    sequence: NDArray[np.int64]
    levels: int
    widest: int
    child_start: NDArray[np.int64]
    entry: NDArray[np.int64]
    columns: NDArray[np.float64]
    lanes: NDArray[np.int64]
    volumes: NDArray[np.float64]
    variants: NDArray[np.int64]
    floor: NDArray[np.int64]
    minus: NDArray[np.int64]
    weight: NDArray[np.float64]
    cycles: int


class Tree(NamedTuple):
    """Nodes of all components' trees, roots first; see `TemplateArrays`."""

    child_start: NDArray[np.int64]
    entry: NDArray[np.int64]
    columns: NDArray[np.float64]
    lanes: NDArray[np.int64]
    volumes: NDArray[np.float64]


class Sorted(NamedTuple):
    """All entries of a component in the order of their refinements."""

    entries: NDArray[np.int64]
    keys: NDArray[np.int64]
    """[entry, refinement]: equal numbers for equal values."""


def refinements(problem: Problem) -> list[tuple[str, int]]:
    """What the search fixes one after the other, for all components: ("tile" or "count", position).

    First the tiles at the stages further out, where a value costs most; then the counts on every axis; then
    the tiles at the innermost stage. (Tiles first throughout visits about five times the nodes.)
    """
    frame = problem.frame
    tiles = [("tile", frame.first_position(stage) - 1) for stage in range(1, problem.n_stages)]
    axes = [("count", at) for at, position in enumerate(frame.positions) if position.axis is not None]
    return [*tiles[:-1], *axes, *tiles[-1:]]


def sorted_entries(problem: Problem) -> list[Sorted]:
    """The entries of every component, sorted by their refinements."""
    steps = refinements(problem)
    properties = {
        d: np.array(
            [
                [c[at] if what == "tile" else trips[at] for what, at in steps]
                for c, trips in zip(chains, problem.trips[d], strict=True)
            ]
        ).reshape(len(chains), len(steps))
        for d, chains in problem.chains.items()
    }
    found = []
    for dims, (a, b) in zip(problem.components, pairwise(problem.entry_start), strict=True):
        rows = np.array(problem.entries[a:b])
        keys = np.empty((b - a, len(steps)), np.int64)
        for k in range(len(steps)):
            values = np.stack([properties[d][rows[:, i], k] for i, d in enumerate(dims)], axis=1)
            _, number = np.unique(values, axis=0, return_inverse=True)
            keys[:, k] = number.reshape(-1)
        order = np.lexsort([np.arange(b - a), *keys.T[::-1]])
        found.append(Sorted(order + a, keys[order]))
    return found


def least_of(
    table: NDArray[np.float64], begin: NDArray[np.int64], pairs: list[tuple[int, int]]
) -> NDArray[np.float64]:
    """Least value of every column over the rows of each node (which begin at `begin`).

    `pairs` are columns (a, b) of which a difference a − b is taken; their differences stand behind the other
    columns. With b′ = min b and a′ = b′ + min(a − b) a product of differences is bounded below, as
    A·a − B·b = (A − B)·b + A·(a − b) for A >= B; where a < b occurs both become 0 and nothing is claimed.
    """
    least = np.minimum.reduceat(table, begin, axis=0)
    n_columns = table.shape[1] - len(pairs)
    for (a, b), difference in zip(pairs, least[:, n_columns:].T, strict=True):
        known = difference >= 0
        least[:, a] = np.where(known, least[:, b] + difference, 0.0)
        least[:, b] = np.where(known, least[:, b], 0.0)
    return least[:, :n_columns]


def grow(
    components: list[Sorted],
    masks: list[NDArray[np.bool_]],
    table: NDArray[np.float64],
    pairs: list[tuple[int, int]],
    lanes: NDArray[np.int64],
    volumes: NDArray[np.float64],
) -> Tree:
    """The trees of all components over the entries that `masks` (per component) admit."""
    first = np.cumsum([0, *(len(c.entries) for c in components)])
    keep = [mask[c.entries - a] for c, mask, a in zip(components, masks, first, strict=False)]
    flat = np.concatenate([c.entries[k] for c, k in zip(components, keep, strict=True)])
    keys = np.concatenate([c.keys[k] for c, k in zip(components, keep, strict=True)])
    component = np.repeat(np.arange(len(keep)), [int(k.sum()) for k in keep])
    # A node begins where the component or one of the keys so far changes.
    changes = component[1:] != component[:-1]
    begins = [_starts(changes)]
    for k in range(keys.shape[1]):
        changes = changes | (keys[1:, k] != keys[:-1, k])
        begins.append(_starts(changes))
    begins.append(np.arange(flat.size))
    child_start, next_id = [], 0
    for begin, below in pairwise(begins):
        next_id += begin.size
        child_start.append(next_id + np.searchsorted(below, begin))
    last_id = next_id + flat.size
    child_start.append(np.full(flat.size + 1, last_id))
    return Tree(
        np.concatenate(child_start).astype(np.int64),
        np.concatenate([flat[begin] for begin in begins]),
        np.vstack([least_of(table[flat], begin, pairs) for begin in begins]).copy(),
        np.vstack([np.minimum.reduceat(lanes[flat], begin, axis=0) for begin in begins]).copy(),
        np.vstack([np.minimum.reduceat(volumes[flat], begin, axis=0) for begin in begins]).copy(),
    )


def _starts(changes: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.flatnonzero(np.concatenate([[True], changes])).astype(np.int64)
