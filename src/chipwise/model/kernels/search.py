"""Compiled twin of `chipwise.model.boxes`: values touched and values held already, per rank.

Loops of a dimension stand at fixed positions (one per block or axis, with a trip count of 1 where there is
none), so a chain is a row of tiles and a kind of step a row of roles. Reference: `boxes.combine`.
"""

import numpy as np
from numba import njit

from chipwise.model.kernels import cache_folder

assert cache_folder  # the import places the cache; keep it first

OUTER, STEP, INNER, SUM, FIRST, UNION = 0, 1, 2, 3, 4, 5


@njit(cache=True, nogil=True)
def _place(extent, tiles, roles, index, old, choice):
    """(active, first, size) of the tile at `index`; with `old` the one before the step.

    `choice` bit k set: the k-th inner loop from the inside stands at its last index but one.
    """
    first, size = 0, extent
    bit = 0
    for at in range(tiles.size):
        if roles[at] == INNER:
            bit += 1
    for at in range(tiles.size):
        tile = tiles[at]
        i = index[at]
        role = roles[at]
        if role == INNER:
            bit -= 1
            i = 0
            if old:
                i = (size + tile - 1) // tile - 1
                if (choice >> bit) & 1:
                    i -= 1
        elif role == STEP and old:
            i -= 1
        if i < 0 or i * tile >= size:
            return False, 0, 0
        first += i * tile
        size = min(tile, size - i * tile)
    return True, first, size


@njit(cache=True, nogil=True)
def _before(extent, tiles, roles, index):
    """Where the instance's tile lay when it was last active: the lexicographically last active index."""
    inner = 0
    for at in range(tiles.size):
        if roles[at] == INNER:
            inner += 1
    for choice in range(1 << inner):
        ok, first, size = _place(extent, tiles, roles, index, True, choice)
        if ok:
            return True, first, size
    return False, 0, 0


@njit(cache=True, nogil=True)
def _covered(lo, hi, n):
    """Coordinates covered by n half-open intervals; sorts them in place."""
    for i in range(1, n):
        a, b = lo[i], hi[i]
        j = i - 1
        while j >= 0 and lo[j] > a:
            lo[j + 1] = lo[j]
            hi[j + 1] = hi[j]
            j -= 1
        lo[j + 1] = a
        hi[j + 1] = b
    total, end = 0, -(1 << 62)
    for i in range(n):
        if hi[i] > end:
            total += hi[i] - max(lo[i], end)
            end = hi[i]
    return total


@njit(cache=True, nogil=True)
def rank_moves(extents, coefficients, tiles, roles, with_old):
    """(touched, held) of one rank: see `boxes.combine`.

    Args:
        extents, coefficients: per dimension of the rank.
        tiles, roles: [dimension, position], outermost position first.
        with_old: whether something was held before the step.
    """
    n_dims, n_pos = tiles.shape
    bound = np.empty((n_dims, n_pos), np.int64)
    start = np.zeros((n_dims, n_pos), np.int64)
    walked = np.zeros((n_dims, n_pos), np.bool_)
    repeat = 1
    n_union = 1
    for d in range(n_dims):
        size = extents[d]
        perfect = True
        for at in range(n_pos):
            tile = tiles[d, at]
            bound[d, at] = (size + tile - 1) // tile
            if size % tile:
                perfect = False
            size = min(tile, size)
        for at in range(n_pos):
            role = roles[d, at]
            if role == STEP:
                start[d, at] = 1
                if bound[d, at] < 2:
                    return 0, 0
            if role == UNION:
                n_union *= bound[d, at]
            elif role == OUTER or role == STEP or role == SUM:
                # Where every loop divides, all indices look alike: take one and multiply.
                if perfect:
                    repeat *= bound[d, at] - start[d, at]
                else:
                    walked[d, at] = True
    index = start.copy()
    lo, hi = np.empty(n_union, np.int64), np.empty(n_union, np.int64)
    fresh_lo, fresh_hi = np.empty(2 * n_union, np.int64), np.empty(2 * n_union, np.int64)
    touched = held = 0
    while True:
        n = m = 0
        while True:
            ok, a, length = True, 0, 1
            b, old_length, had = 0, 1, with_old
            for d in range(n_dims):
                now, first, size = _place(extents[d], tiles[d], roles[d], index[d], False, 0)
                if not now:
                    ok = False
                    break
                a += coefficients[d] * first
                length += coefficients[d] * (size - 1)
                if had:
                    had, first, size = _before(extents[d], tiles[d], roles[d], index[d])
                    b += coefficients[d] * first
                    old_length += coefficients[d] * (size - 1)
            if ok:
                lo[n], hi[n] = a, a + length
                n += 1
                if not had:
                    fresh_lo[m], fresh_hi[m] = a, a + length
                    m += 1
                else:
                    if b > a:
                        fresh_lo[m], fresh_hi[m] = a, min(a + length, b)
                        m += 1
                    if b + old_length < a + length:
                        fresh_lo[m], fresh_hi[m] = max(a, b + old_length), a + length
                        m += 1
            # next united instance
            more = False
            for d in range(n_dims - 1, -1, -1):
                for at in range(n_pos - 1, -1, -1):
                    if roles[d, at] == UNION and not more:
                        index[d, at] += 1
                        if index[d, at] < bound[d, at]:
                            more = True
                        else:
                            index[d, at] = 0
            if not more:
                break
        if n:
            union = _covered(lo, hi, n)
            touched += union
            held += union - _covered(fresh_lo, fresh_hi, m)
        more = False
        for d in range(n_dims - 1, -1, -1):
            for at in range(n_pos - 1, -1, -1):
                if walked[d, at] and not more:
                    index[d, at] += 1
                    if index[d, at] < bound[d, at]:
                        more = True
                    else:
                        index[d, at] = start[d, at]
        if not more:
            break
    return touched * repeat, held * repeat
