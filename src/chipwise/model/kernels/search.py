"""The mapper's kernel: exact counts of a candidate, and a branch and bound over all of them.

Three layers, innermost first; docs/mapper.md argues why each is right.

1. `rank_moves`: compiled twin of `chipwise.model.boxes`. Loops of a dimension stand at fixed positions (one
   per block or axis, trip count 1 where there is none), so a chain of tiles is a row and a kind of step a
   row of roles.
2. `leaf`: all chains fixed. What a loop costs depends only on the *set* of loops inside it, so the best of
   all loop orders is a shortest path in the lattice of subsets.
3. `search`: depth first over components of dimensions, with lower bounds that are products of columns.

It is one module because Numba's cache does not see changes in callees elsewhere.
"""

import numpy as np
from numba import njit  # the package's __init__ has placed Numba's cache by now

OUTER, STEP, INNER, SUM, FIRST, UNION = 0, 1, 2, 3, 4, 5
TRANSFER, MAC, DISTINCT, FIRST_TILE = 0, 1, 2, 3
ENERGY, LATENCY, EDP, TRAFFIC = 0, 1, 2, 3
SLACK = 1e-13
"""Sums of doubles carry a relative error near 1e-15; values that differ by less than this count as equal."""


@njit(cache=True, nogil=True)
def _place(extent, tiles, roles, index, d, old, choice):
    """(active, first, size) of the tile at `index`; with `old` the one before the step.

    Row `d` of the arrays is the dimension. `choice` bit k set: the k-th inner loop from the inside stands at
    its last index but one.
    """
    first, size = 0, extent
    bit = 0
    for at in range(tiles.shape[1]):
        if roles[d, at] == INNER:
            bit += 1
    for at in range(tiles.shape[1]):
        tile = tiles[d, at]
        i = index[d, at]
        role = roles[d, at]
        if role == INNER:
            bit -= 1
            i = 0
            if old == 1:
                i = (size + tile - 1) // tile - 1
                if (choice >> bit) & 1:
                    i -= 1
        elif role == STEP and old == 1:
            i -= 1
        if i < 0 or i * tile >= size:
            return False, 0, 0
        first += i * tile
        size = min(tile, size - i * tile)
    return True, first, size


@njit(cache=True, nogil=True)
def _before(extent, tiles, roles, index, d):
    """Where the instance's tile lay when it was last active: the lexicographically last active index."""
    inner, old = 0, np.int64(1)
    for at in range(tiles.shape[1]):
        if roles[d, at] == INNER:
            inner += 1
    for choice in range(1 << inner):
        ok, first, size = _place(extent, tiles, roles, index, d, old, choice)
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
def _represent(extent, tiles, roles, walk, pick, index, d):
    """Turn picks into indices of one dimension; how many index vectors they stand for (0: none).

    Where tiles leave a residual, all whole tiles of a loop look alike and the last one may differ: pick 0
    stands for the whole ones, pick 1 for the last. `walk` 2: the pick is the index itself.
    """
    times, size = 1, extent
    for at in range(tiles.shape[1]):
        i = index[d, at]
        if walk[d, at]:
            n = (size + tiles[d, at] - 1) // tiles[d, at]
            least = 1 if roles[d, at] == STEP else 0
            i = pick[d, at]
            if walk[d, at] == 1:
                if n <= least:
                    return 0
                if pick[d, at] == 0:
                    times *= n - 1 - least
                    i = least
                else:
                    i = n - 1
            if times == 0 or i < least or i >= n:
                return 0
            index[d, at] = i
        size = min(tiles[d, at], size - i * tiles[d, at])
        if size <= 0:
            return 0
    return times


@njit(cache=True, nogil=True)
def _touched_by_one(extent, coefficient, tiles, roles, d, sizes, counts):
    """Values that one dimension touches, where each index counts by itself: sizes of tiles and their numbers.

    A tile of size s is cut into s // t whole ones and a rest, so few sizes occur. No role is STEP or UNION.
    `sizes` and `counts` are scratch.
    """
    sizes[0], counts[0] = extent, 1
    n = 1
    for at in range(roles.size):
        tile, role = tiles[d, at], roles[at]
        whole, kept = 0, 0
        for k in range(n):
            size, count = sizes[k], counts[k]
            if role == OUTER or role == SUM:
                whole += count * (size // tile)
                size = size % tile
            elif size >= tile:
                whole += count
                size = 0
            if size:
                sizes[kept], counts[kept] = size, count
                kept += 1
        sizes[kept], counts[kept] = tile, whole
        n = kept + 1
    touched = 0
    for k in range(n):
        touched += counts[k] * (1 + coefficient * (sizes[k] - 1))
    return touched


@njit(cache=True, nogil=True)
def _resting(extent, coefficient, tiles, roles, last, sizes, others, counts):
    """Values of one dimension that instances hold which see only one tile of the loop at `last`, the innermost one.

    Of that loop an instance sees one tile where there is but one, or where it idles in the residual one that
    follows a single whole one. So pairs are followed: the size of the first tile, and that of the others (0: none).
    No role is STEP or UNION. `sizes`, `others` and `counts` are scratch.
    """
    sizes[0], others[0], counts[0] = extent, extent, 1
    n = 1
    for at in range(roles.size):
        tile, role = tiles[0, at], roles[at]
        if at == last:
            for k in range(n):
                others[k] = min(tile, max(0, sizes[k] - tile))
                sizes[k] = min(tile, sizes[k])
            continue
        if role == INNER or role == FIRST:
            for k in range(n):
                sizes[k], others[k] = min(tile, sizes[k]), min(tile, others[k])
            continue
        # Indices at which both tiles are whole, at which only the first one is and the other is gone; what is left
        # of the other tile, and of the first, is at one index each.
        both, alone, old_n = 0, 0, n
        for k in range(old_n):
            size, other, count = sizes[k], others[k], counts[k]
            counts[k] = 0
            common = other // tile
            both += count * common
            if other > common * tile:
                sizes[k], others[k], counts[k] = min(tile, size - common * tile), other - common * tile, count
                common += 1
            if size > common * tile:
                alone += count * (size // tile - common)
                if size % tile:
                    sizes[n], others[n], counts[n] = size % tile, 0, count
                    n += 1
        sizes[n], others[n], counts[n] = tile, tile, both
        sizes[n + 1], others[n + 1], counts[n + 1] = tile, 0, alone
        old_n, n = n + 2, 0
        for k in range(old_n):
            if counts[k] > 0:
                sizes[n], others[n], counts[n] = sizes[k], others[k], counts[k]
                n += 1
    held = 0
    for k in range(n):
        if others[k] == 0:
            held += counts[k] * (1 + coefficient * (sizes[k] - 1))
    return held


@njit(cache=True, nogil=True)
def _united(across, united, tile):
    """Complete `across`, the steps between united instances of a tile and their numbers; False where they leave gaps.

    Its first row becomes (values of a tile, values of all), its last one the number of rows between.
    """
    length = tile
    for i in range(1, united + 1):
        # In order of their steps, so that short ones fill the gaps of long ones.
        step, count = across[i, 0], across[i, 1]
        at = i
        while at > 1 and across[at - 1, 0] > step:
            across[at, 0], across[at, 1] = across[at - 1, 0], across[at - 1, 1]
            at -= 1
        across[at, 0], across[at, 1] = step, count
    for i in range(1, united + 1):
        if across[i, 0] > length:
            return False
        length += across[i, 0] * (across[i, 1] - 1)
    across[0, 0], across[0, 1], across[-1, 0] = tile, length, united
    return True


@njit(cache=True, nogil=True)
def _stays(across, shift):
    """(values that stay as every instance's tile moves by `shift`, whether that is exact and not just the most).

    What one instance held is new to another: each needs the `shift` values at the edge of its tile, and those of
    united instances count once where they overlap.
    """
    if shift == 0:
        return across[0, 1], True
    new = min(abs(shift), across[0, 0])
    pieces, span, exact = 1, new, True
    for i in range(1, across[-1, 0] + 1):
        if pieces == 1 and across[i, 0] <= new:
            new += across[i, 0] * (across[i, 1] - 1)
            span = new
        elif across[i, 0] >= span:
            pieces *= across[i, 1]
            span += across[i, 0] * (across[i, 1] - 1)
        else:
            exact = False
    return max(0, across[0, 1] - pieces * new), exact


@njit(cache=True, nogil=True)
def _moves_of_whole(extents, coefficients, tiles, roles, with_old):
    """`rank_moves` where every loop divides, as all steps of a loop then shift alike; (−1, 0) where that is not so."""
    n, end = tiles.shape
    across = np.empty((n * end + 2, 2), np.int64)
    # Not constants, for which the functions called would be compiled anew.
    times, tile, shift, united = 1, np.int64(1), np.int64(0), np.int64(0)
    for k in range(n):
        tile += coefficients[k] * (tiles[k, end - 1] - 1 if end else extents[k] - 1)
        above = extents[k]
        for at in range(end):
            count, step, role = above // tiles[k, at], coefficients[k] * tiles[k, at], roles[k, at]
            if above % tiles[k, at]:
                return -1, 0
            above = tiles[k, at]
            if role == STEP:
                times *= count - 1
                shift += step
            elif role == INNER:
                shift -= step * (count - 1)
            elif role == UNION and count > 1:
                united += 1
                across[united, 0], across[united, 1] = step, count
            elif role == OUTER or role == SUM:
                times *= count
    if times == 0:
        return 0, 0
    if not _united(across, united, tile):
        return -1, 0
    if with_old == 0:
        return times * across[0, 1], 0
    stays, exact = _stays(across, shift)
    return (times * across[0, 1], times * stays) if exact else (-1, 0)


@njit(cache=True, nogil=True)
def rank_moves(extents, coefficients, tiles, roles, with_old):
    """(touched, held) of one rank: see `boxes.combine`.

    Args:
        extents: of the rank's dimensions.
        coefficients: of the rank's dimensions; 0 makes every tile count as one.
        tiles: [dimension, position], outermost position first.
        roles: [dimension, position].
        with_old: 1 where something was held before the step, else 0 (not a constant: that would compile it twice).
    """
    n_dims, n_pos = tiles.shape
    touched, held = _moves_of_whole(extents, coefficients, tiles, roles, with_old)
    if touched >= 0:
        return touched, held
    bound = np.empty((n_dims, n_pos), np.int64)
    start = np.zeros((n_dims, n_pos), np.int64)
    walk = np.zeros((n_dims, n_pos), np.int64)
    whole = np.ones(n_dims, np.bool_)
    repeat = 1
    n_union = 1
    for d in range(n_dims):
        size = extents[d]
        for at in range(n_pos):
            tile = tiles[d, at]
            bound[d, at] = (size + tile - 1) // tile
            if size % tile:
                whole[d] = False
            size = min(tile, size)
        every = False
        for at in range(n_pos):
            role = roles[d, at]
            if role == STEP:
                start[d, at] = 1
                if bound[d, at] < 2:
                    return 0, 0
            if role == INNER:
                every = True
            elif role == UNION:
                n_union *= bound[d, at]
                every = True
            elif role == OUTER or role == STEP or role == SUM:
                # Where every loop divides, all indices look alike: take one and multiply.
                if whole[d]:
                    repeat *= bound[d, at] - start[d, at]
                elif bound[d, at] > 1:
                    # Below a united or wrapping loop instances differ in more than being last: take every index.
                    walk[d, at] = 2 if every else 1
    pick = np.zeros((n_dims, n_pos), np.int64)
    index = np.zeros((n_dims, n_pos), np.int64)
    lo, hi = np.empty(n_union, np.int64), np.empty(n_union, np.int64)
    fresh_lo, fresh_hi = np.empty(2 * n_union, np.int64), np.empty(2 * n_union, np.int64)
    touched = held = 0
    none = np.int64(0)
    while True:
        times = repeat
        for d in range(n_dims):
            for at in range(n_pos):
                index[d, at] = start[d, at]
            if not whole[d]:
                times *= _represent(extents[d], tiles, roles, walk, pick, index, d)
        n = m = 0
        while times:
            ok, a, length = True, 0, 1
            b, old_length, had = 0, 1, with_old == 1
            for d in range(n_dims):
                now, first, size = _place(extents[d], tiles, roles, index, d, none, none)
                if not now:
                    ok = False
                    break
                a += coefficients[d] * first
                length += coefficients[d] * (size - 1)
                if had:
                    had, first, size = _before(extents[d], tiles, roles, index, d)
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
            touched += times * union
            held += times * (union - _covered(fresh_lo, fresh_hi, m))
        more = False
        for d in range(n_dims - 1, -1, -1):
            for at in range(n_pos - 1, -1, -1):
                if walk[d, at] and not more:
                    pick[d, at] += 1
                    if pick[d, at] < (2 if walk[d, at] == 1 else bound[d, at]):
                        more = True
                    else:
                        pick[d, at] = 0
        if not more:
            break
    return touched, held


FULL = -1
OWN = -2


@njit(cache=True, nogil=True)
def _loops_of(extents, coefficients, tiles, roles, loops, across):
    """OUTER loops of a rank of which every loop divides: rows (shift, trips, position, dimension), innermost first.

    A step shifts the tile by `shift`; `across` is that of `_united`. Returns (number of loops, instances that count
    separately); −1 loops where some loop leaves a residual, or united instances' tiles leave gaps.
    """
    n, end = tiles.shape
    found, tile, apart, united = 0, np.int64(1), 1, np.int64(0)
    for k in range(n):
        tile += coefficients[k] * (tiles[k, end - 1] - 1 if end else extents[k] - 1)
    for at in range(end - 1, -1, -1):
        for k in range(n):
            above = tiles[k, at - 1] if at else extents[k]
            count, shift = above // tiles[k, at], coefficients[k] * tiles[k, at]
            if above % tiles[k, at]:
                return -1, 0
            if count == 1:
                continue
            if roles[k, at] == OUTER:
                loops[found, 0], loops[found, 1], loops[found, 2], loops[found, 3] = shift, count, at, k
                found += 1
            elif roles[k, at] == SUM:
                apart *= count
            elif roles[k, at] == UNION:
                united += 1
                across[united, 0], across[united, 1] = shift, count
    return (found, apart) if _united(across, united, tile) else (-1, 0)


@njit(cache=True, nogil=True)
def _most_kept(loops, n, across, first, best):
    """Most values that stay in place over all steps of `n` loops, blocks in their order and loops of one in any.

    A loop that advances while those inside wrap shifts the tile by its own step less all that they had gone. Loop
    `first` stands innermost (−1: any). −1 where too many loops share a block; `best` is scratch.
    """
    total = 1
    for i in range(n):
        total *= loops[i, 1]
    kept, inside, gone, start = 0, 1, np.int64(0), 0
    while start < n:
        m = 1
        while start + m < n and loops[start + m, 2] == loops[start, 2]:
            m += 1
        if 1 << m > best.size:
            return -1
        for done in range(1 << m):
            best[done] = -1
        best[0] = 0
        for done in range(1 << m):
            if best[done] < 0:
                continue
            within, back = inside, gone
            for i in range(m):
                if (done >> i) & 1:
                    within *= loops[start + i, 1]
                    back += loops[start + i, 0] * (loops[start + i, 1] - 1)
            for i in range(m):
                if (done >> i) & 1 or (within == 1 and first >= 0 and first != i):
                    continue
                steps = (loops[start + i, 1] - 1) * (total // (within * loops[start + i, 1]))
                stays, _ = _stays(across, loops[start + i, 0] - back)
                stays *= steps
                best[done | (1 << i)] = max(best[done | (1 << i)], best[done] + stays)
        kept += best[(1 << m) - 1]
        for i in range(m):
            inside *= loops[start + i, 1]
            gone += loops[start + i, 0] * (loops[start + i, 1] - 1)
        start += m
    return kept


@njit(cache=True, nogil=True)
def _whole_slide(loops, n, across, movers, first_at, last_at, best):
    """As `_least_slide`, of a rank whose loops all divide: other loops of the rank are charged as well."""
    total, length = 1, across[0, 1]
    for i in range(n):
        total *= loops[i, 1]
    least = np.inf
    for i in range(n):
        if loops[i, 2] != loops[0, 2] or loops[i, 2] < first_at or loops[i, 2] > last_at:
            continue
        if not movers[loops[i, 3]]:
            continue
        shift, trips = loops[i, 0], loops[i, 1]
        others = total // trips
        wrap, _ = _stays(across, shift * (trips - 1))
        stays, _ = _stays(across, shift)
        moved = others * (trips - 1) * (length - stays) + length - wrap
        kept = _most_kept(loops, n, across, i, best)
        if kept >= 0:
            # All windows less what stays as the rank's own loops step, and, at most, as others do and this one wraps.
            moved = max(moved, total * length - kept - others * wrap)
        least = min(least, float(moved))
    return least


@njit(cache=True, nogil=True)
def _least_slide(extents, coefficients, tiles, axis, spatial_roles, movers, first_at, last_at):
    """Least that a rank of several dimensions moves per round of all other loops, if it slides innermost.

    The loop that moves innermost is the innermost active one of some dimension of the rank. Its own steps
    are counted exactly; of every other step only what one wrap of it must bring in, where all tiles are
    whole (else nothing). Only dimensions marked in `movers`, with a loop at positions `first_at` to
    `last_at`, may be the ones; infinite where there is none.
    """
    n, end = tiles.shape
    roles = np.empty((n, end), np.int64)
    least = np.inf
    innermost = np.zeros(n, np.int64)
    loops = np.zeros(n, np.int64)
    perfect = np.ones(n, np.bool_)
    last = -1
    for k in range(n):
        innermost[k] = -1
        size = extents[k]
        for at in range(end):
            if size % tiles[k, at]:
                perfect[k] = False
            if axis[at] < 0 and tiles[k, at] < size:
                innermost[k] = at
                loops[k] += 1
            size = min(size, tiles[k, at])
        last = max(last, innermost[k])
    for x in range(n):
        if not movers[x] or innermost[x] < max(last, first_at) or innermost[x] > last_at:
            continue
        # One wrap is the same in every round where the other loops divide, so that of the first stands for all.
        alike = perfect[x] or loops[x] == 1
        for k in range(n):
            if k != x and not perfect[k]:
                alike = False
        moved = 0
        for wraps in range(2 if alike else 1):
            for k in range(n):
                for at in range(end):
                    roles[k, at] = spatial_roles[at] if axis[at] >= 0 else FIRST if wraps else OUTER
            roles[x, innermost[x]] = INNER if wraps else STEP
            t, h = rank_moves(extents, coefficients, tiles, roles, np.int64(1))
            moved += t - h
        least = min(least, float(moved))
    return least


@njit(cache=True, nogil=True)
def bound_columns(p, rows, component, wanted):
    """Factors of lower bounds on terms, for loop orders of one class (docs/mapper.md): [column, row].

    Args:
        p: the problem, with the entries of one component.
        rows: the entries to look at.
        component: its number.
        wanted: per column: the number of the term; the unit (rank or single dimension of the tensor) whose loop
            moves it innermost; the block that loop is in (−1: any); per dimension of the component the block from
            which on loops irrelevant to the tensor are free; whether each dimension may be the innermost one that
            moves. Of distinct values a column is no bound but exact; there SUM is for instances that count
            separately, UNION for those taken together, OWN for those that add up as in the flow.
    """
    n_local = p.component_dims.shape[1]
    out = np.ones((wanted.shape[0], rows.size))
    n_at = p.position_axis.size
    scratch = np.empty((3, (n_at + 3) * (n_at + 3)), np.int64)
    widest = n_local * (n_at + 1)
    loops, across, best = (
        np.empty((widest, 4), np.int64),
        np.empty((widest + 2, 2), np.int64),
        np.empty(8, np.int64),
    )
    first = np.int64(0)
    for i in range(wanted.shape[0]):
        flow, slide, block = wanted[i, 0], wanted[i, 1], wanted[i, 2]
        column = out[i]
        tensor, end, kind = p.flow_tensor[flow], p.flow_end[flow], p.flow_kind[flow]
        axis, spatial = p.position_axis[:end], p.flow_role[flow, 1, :end]
        first_at, last_at = np.int64(0), np.int64(end)
        if block >= 0:
            for at in range(end):
                if p.position_block[at] < block:
                    first_at = np.int64(at + 1)
                if p.position_block[at] <= block:
                    last_at = np.int64(at)
        for u in range(p.unit_start[tensor, component], p.unit_start[tensor, component + 1]):
            n, relevant = p.unit_size[u], p.unit_relevant[u]
            tiles, roles = np.empty((n, end), np.int64), np.empty((n, end), np.int64)
            extents, coefficients = np.empty(n, np.int64), np.empty(n, np.int64)
            may_move = np.empty(n, np.bool_)
            for k in range(n):
                local = p.unit_local[u, k]
                extents[k], coefficients[k] = p.unit_extent[u, k], p.unit_coefficient[u, k]
                may_move[k] = wanted[i, 3 + n_local + p.component_dims[component, local]] == 1
                for at in range(end):
                    if axis[at] >= 0:
                        role = p.flow_role[flow, relevant, at]
                        if kind == DISTINCT and p.flow_united[flow, at] != OWN:
                            role = p.flow_united[flow, at]
                    elif kind == DISTINCT:
                        role = np.int64(UNION)
                    elif kind == FIRST_TILE:
                        role = np.int64(INNER)
                    elif relevant == 1 or kind == MAC or p.position_block[at] < wanted[i, 3 + local]:
                        role = np.int64(OUTER)
                    else:
                        role = np.int64(INNER)
                    if role == UNION and (n == 1 or relevant == 0):  # tiles of one dimension are disjoint
                        role = np.int64(FIRST if relevant == 0 else SUM)
                    roles[k, at] = role
            for row in range(column.size):
                last = np.int64(-1)
                size = extents[0]
                for at in range(end):
                    for k in range(n):
                        tiles[k, at] = p.tiles[rows[row], p.unit_local[u, k], at]
                    if axis[at] < 0 and tiles[0, at] < size:
                        last = np.int64(at)
                    size = min(size, tiles[0, at])
                if n == 1:
                    t = _touched_by_one(
                        extents[0], coefficients[0], tiles, roles[0], first, scratch[0], scratch[1]
                    )
                    if u == slide and block >= 0 and (last < first_at or last > last_at):
                        column[row] = np.inf
                    elif u == slide and last >= 0:
                        # An instance that sees only one tile of a residual stays put while others move.
                        column[row] *= t - _resting(
                            extents[0],
                            coefficients[0],
                            tiles,
                            roles[0],
                            last,
                            scratch[0],
                            scratch[1],
                            scratch[2],
                        )
                    else:
                        column[row] *= t
                    continue
                found, apart = _loops_of(extents, coefficients, tiles, roles, loops, across)
                if found >= 0 and u == slide:
                    column[row] *= apart * _whole_slide(
                        loops, found, across, may_move, first_at, last_at, best
                    )
                elif found >= 0:
                    for k in range(found):
                        apart *= loops[k, 1]
                    column[row] *= apart * across[0, 1]
                elif u == slide:
                    column[row] *= _least_slide(
                        extents, coefficients, tiles, axis, spatial, may_move, first_at, last_at
                    )
                else:
                    t, _ = rank_moves(extents, coefficients, tiles, roles, np.int64(0))
                    column[row] *= t
    return out


@njit(cache=True, nogil=True)
def passes(extent, chains, spatial):
    """Temporal tiles of each chain of one dimension: their product over dimensions is the cycles of compute.

    Args:
        extent: of the dimension.
        chains: tiles, [chain, position].
        spatial: whether each position is one of an axis.
    """
    found = np.empty(chains.shape[0])
    roles = np.empty(spatial.size, np.int64)
    scratch = np.empty((2, spatial.size + 2), np.int64)
    for at in range(spatial.size):
        roles[at] = FIRST if spatial[at] else OUTER
    none = np.int64(0)
    for row in range(found.size):
        # Coefficient 0 makes every tile count as one.
        found[row] = _touched_by_one(extent, none, chains, roles, row, scratch[0], scratch[1])
    return found


@njit(cache=True, nogil=True)
def _insert(labels, counts, back, subset, value, dim, source):
    """Keep `value` among the non-dominated labels of a subset; False where there is no room."""
    n = counts[subset]
    n_objectives = value.size
    for i in range(n):
        dominated = True
        for o in range(n_objectives):
            if labels[subset, i, o] > value[o]:
                dominated = False
                break
        if dominated:
            return True
    kept = 0
    for i in range(n):
        worse = True
        for o in range(n_objectives):
            if labels[subset, i, o] < value[o]:
                worse = False
                break
        if not worse:
            for o in range(n_objectives):
                labels[subset, kept, o] = labels[subset, i, o]
            back[subset, kept, 0] = back[subset, i, 0]
            back[subset, kept, 1] = back[subset, i, 1]
            kept += 1
    counts[subset] = kept
    if kept == labels.shape[1]:
        return False
    for o in range(n_objectives):
        labels[subset, kept, o] = value[o]
    back[subset, kept, 0] = dim
    back[subset, kept, 1] = source
    counts[subset] = kept + 1
    return True


@njit(cache=True, nogil=True)
def keys_of(kinds, n_timed, fixed, cycles, values, keys):
    """Write what is minimised, in the order in which it decides; return the latency.

    `values` are energy, the cycles for which compute waits, per channel those in which it or a wait is going on,
    and off-chip bits if they are asked for.
    """
    latency = cycles
    if n_timed > 0:
        latency += values[1]
    for o in range(2, 1 + n_timed):
        latency = max(latency, values[o])
    latency += fixed
    for i in range(kinds.size):
        if kinds[i] == ENERGY:
            keys[i] = values[0]
        elif kinds[i] == LATENCY:
            keys[i] = latency
        elif kinds[i] == EDP:
            keys[i] = values[0] * latency
        else:
            keys[i] = values[values.size - 1]
    return latency


@njit(cache=True, nogil=True)
def _below(keys, best):
    """Whether `keys` come before `best`: the first that differs decides."""
    for i in range(best.size):
        if keys[i] < best[i] * (1.0 - SLACK):
            return True
        if keys[i] > best[i] * (1.0 + SLACK):
            return False
    return False


@njit(cache=True, nogil=True)
def _first(a, b):
    """Whether the keys `a` come strictly before `b`, rounding and all."""
    for i in range(a.size):
        if a[i] != b[i]:
            return a[i] < b[i]
    return False


@njit(cache=True, nogil=True)
def _remember(p, t, chosen, block, codes):
    """Fill the memo: (touched, held) of every component and flow in the step that `block` and `codes` name.

    A code has one base-3 digit per dimension of the component: its loop of `block` stands outside of the
    advancing loop (0), is it (1), or stands inside (2). T + 1 is kept, so that 0 means unknown. Block −1 is what
    no order changes: the first touch of a transfer, all of the MAC's accesses, distinct values.
    """
    memo, memo_row = p.memo, p.memo_row
    if memo_row[-1] + chosen.size > memo.shape[0]:
        for entry in range(memo_row.size):
            memo_row[entry] = -1
        memo_row[-1] = 0
    for component in range(chosen.size):
        entry, code = chosen[component], codes[component]
        row = memo_row[entry]
        if row < 0:
            row = memo_row[-1]
            memo_row[-1] += 1
            memo_row[entry] = row
            for f in range(memo.shape[1]):
                for b in range(memo.shape[2]):
                    for c in range(memo.shape[3]):
                        memo[row, f, b, c, 0] = 0
        for f in range(t.flows.size):
            flow = t.flows[f]
            kind = p.flow_kind[flow]
            if memo[row, f, block, code, 0] or (
                block >= 0 and (kind != TRANSFER or p.flow_child[flow] <= block)
            ):
                continue
            tensor, end = p.flow_tensor[flow], p.flow_end[flow]
            touched = held = 1
            for u in range(p.unit_start[tensor, component], p.unit_start[tensor, component + 1]):
                n, relevant = p.unit_size[u], p.unit_relevant[u]
                tiles, roles = np.empty((n, end), np.int64), np.empty((n, end), np.int64)
                extents, coefficients = np.empty(n, np.int64), np.empty(n, np.int64)
                for k in range(n):
                    extents[k], coefficients[k] = p.unit_extent[u, k], p.unit_coefficient[u, k]
                    local = p.unit_local[u, k]
                    digit = code
                    for _ in range(local):
                        digit //= 3
                    digit %= 3
                    for at in range(end):
                        tiles[k, at] = p.tiles[entry, local, at]
                        temporal = p.position_axis[at] < 0
                        if kind == DISTINCT and (temporal or p.flow_united[flow, at] == UNION):
                            roles[k, at] = FIRST if relevant == 0 else UNION if n > 1 else SUM
                        elif kind == DISTINCT and p.flow_united[flow, at] != OWN:
                            roles[k, at] = p.flow_united[flow, at]
                        elif not temporal:
                            roles[k, at] = p.flow_role[flow, relevant, at]
                        elif kind == MAC or p.position_block[at] < block:
                            roles[k, at] = OUTER
                        elif p.position_block[at] > block:
                            roles[k, at] = INNER
                        else:
                            roles[k, at] = digit
                touch, hold = rank_moves(
                    extents, coefficients, tiles, roles, np.int64(1 if block >= 0 else 0)
                )
                touched *= touch
                held *= hold
            memo[row, f, block, code, 0] = touched + 1
            memo[row, f, block, code, 1] = held


@njit(cache=True, nogil=True)
def _step_cost(memo, memo_row, counted, weight, chosen, block, codes, step):
    """Cost of one kind of step in every row; False where the memo lacks a value.

    `counted[flow]`: whether the flow passes below this block. Small arrays only, as this runs most often.
    """
    for o in range(step.size):
        step[o] = 0.0
    for flow in range(weight.shape[1]):
        if not counted[flow]:
            continue
        touched = held = 1
        for c in range(chosen.size):
            row = memo_row[chosen[c]]
            t = memo[row, flow, block, codes[c], 0] if row >= 0 else 0
            if t == 0:
                return False
            touched *= t - 1
            held *= memo[row, flow, block, codes[c], 1]
        for o in range(step.size):
            step[o] += weight[o, flow] * (touched - held if block >= 0 else touched)
    return True


@njit(cache=True, nogil=True)
def leaf(p, t, chosen, work, order, limit, keys):
    """Best order of all loops for fixed chains: writes `keys` and the order; False if labels ran out of room.

    A shortest path per block, from the innermost block outwards, over subsets of its active loops, with
    non-dominated rows of costs as labels. `order[block]` lists dimensions inside out. Only latencies below
    `limit` count; keys stay infinite where there is none.
    """
    n_rows = t.flow_weight.shape[0]
    value = np.empty(n_rows)
    step = np.empty(n_rows)
    proven = True
    carried = np.empty((work.labels.shape[2], n_rows))
    n_carried = 1
    n_blocks = p.n_blocks
    n_active = np.zeros(n_blocks, np.int64)
    memo, memo_row, weight = p.memo, p.memo_row, t.flow_weight
    dim_component, dim_local = p.dim_component, p.dim_local
    counted = np.ones(t.flows.size, np.bool_)
    power = np.ones(dim_local.size, np.int64)
    for d in range(dim_local.size):
        for _ in range(dim_local[d]):
            power[d] *= 3
    codes = np.zeros(chosen.size, np.int64)
    none = np.int64(-1)
    if not _step_cost(memo, memo_row, counted, weight, chosen, none, codes, value):
        _remember(p, t, chosen, none, codes)
        _step_cost(memo, memo_row, counted, weight, chosen, none, codes, value)
    for o in range(n_rows):
        carried[0, o] = value[o]
    for block in range(n_blocks - 1, -1, -1):
        for d in range(dim_component.size):
            if p.bound[chosen[dim_component[d]], dim_local[d], block] > 1:
                work.active[block, n_active[block]] = d
                n_active[block] += 1
        active = work.active[block, : n_active[block]]
        full = (1 << active.size) - 1
        labels, counts, back = work.labels[block], work.counts[block], work.back[block]
        for subset in range(full + 1):
            counts[subset] = 0
        for i in range(n_carried):
            for o in range(n_rows):
                labels[0, i, o] = carried[i, o]
            back[0, i, 0] = -1
            back[0, i, 1] = i
        counts[0] = n_carried
        for f in range(counted.size):
            flow = t.flows[f]
            counted[f] = p.flow_kind[flow] == TRANSFER and p.flow_child[flow] > block
        for subset in range(full):
            if counts[subset] == 0:
                continue
            for i in range(active.size):
                if (subset >> i) & 1:
                    continue
                for c in range(codes.size):
                    codes[c] = 0
                for k in range(active.size):
                    digit = 1 if k == i else (2 if (subset >> k) & 1 else 0)
                    codes[dim_component[active[k]]] += digit * power[active[k]]
                if not _step_cost(memo, memo_row, counted, weight, chosen, block, codes, step):
                    _remember(p, t, chosen, block, codes)
                    _step_cost(memo, memo_row, counted, weight, chosen, block, codes, step)
                for k in range(counts[subset]):
                    for o in range(n_rows):
                        value[o] = labels[subset, k, o] + step[o]
                    proven &= _insert(labels, counts, back, subset | (1 << i), value, i, k)
        n_carried = counts[full]
        for i in range(n_carried):
            for o in range(n_rows):
                carried[i, o] = labels[full, i, o]
    cycles = 1.0
    for c in range(chosen.size):
        cycles *= p.cycles[chosen[c]]
    at = 0
    tried = np.empty(keys.size)
    for i in range(keys.size):
        keys[i] = np.inf
    for i in range(n_carried):
        latency = keys_of(t.kinds, t.n_timed, t.fixed, cycles * t.pace, carried[i], tried)
        if latency < limit and _below(tried, keys):
            at = i
            for k in range(keys.size):
                keys[k] = tried[k]
    for block in range(n_blocks):
        for k in range(order.shape[1]):
            order[block, k] = -1
    for block in range(n_blocks):
        subset = (1 << n_active[block]) - 1
        for k in range(n_active[block] - 1, -1, -1):
            i = work.back[block, subset, at, 0]
            at = work.back[block, subset, at, 1]
            order[block, k] = work.active[block, i]
            subset ^= 1 << i
        at = work.back[block, 0, at, 1]
    return proven


@njit(cache=True, nogil=True)
def lower_bound(t, product, at, values, keys):
    """Write keys that no mapping undercuts whose columns multiply to at least `product`; return its latency.

    Each quantity is the least of its variants but not below its floor, or a difference of two products of
    which the first is never the smaller (`chipwise.mapper.templates` sees to it). A variant in which a component
    moves a flow innermost holds only where its loops reach as far in as those of the others. `at` are the nodes of
    the components; column 0 is the cycles.
    """
    variants, floor, minus, weight, slot = t.variants, t.floor, t.minus, t.weight, t.slot
    for o in range(values.size):
        values[o] = 0.0
    for q in range(variants.shape[0]):
        if minus[q] >= 0:
            low = max(0.0, product[variants[q, 0, 0]] - product[minus[q]])
        else:
            low = product[variants[q, 0, 0]]
            if slot[q] >= 0:
                deepest = np.int64(-1)
                for c in range(at.size):
                    deepest = max(deepest, t.deepest[at[c], slot[q]])
                for v in range(1, variants.shape[1]):
                    if variants[q, v, 0] >= 0 and t.reach[at[variants[q, v, 1]], slot[q]] >= deepest:
                        low = min(low, product[variants[q, v, 0]])
                low = max(low, product[floor[q]])
        for o in range(values.size):
            values[o] += weight[o, q] * low
    return keys_of(t.kinds, t.n_timed, t.fixed, max(product[0], t.fewest) * t.pace, values, keys)


@njit(cache=True, nogil=True)
def least_of_nodes(column, first_child, child_end, row, out):
    """Least value over the rows of every node of a tree whose children have higher numbers."""
    for node in range(out.size - 1, -1, -1):
        if row[node] >= 0:
            out[node] = column[row[node]]
        else:
            least = np.inf
            for child in range(first_child[node], child_end[node]):
                least = min(least, out[child])
            out[node] = least


@njit(cache=True, nogil=True)
def _fits(lanes, node_lanes, axis_size, volumes, node_volumes, capacity, held, held_bits):
    """Whether a node, with `lanes` and `volumes` of the others, leaves room on every axis and in every memory."""
    for a in range(axis_size.size):
        if lanes[a] * node_lanes[a] > axis_size[a]:
            return False
    for m in range(capacity.size):
        used = 0.0
        for k in range(held.shape[1]):
            v = held[m, k]
            if v >= 0:
                used += volumes[v] * node_volumes[v] * held_bits[m, k]
        if used > capacity[m]:
            return False
    return True


@njit(cache=True, nogil=True)
def _product_without(table, at, component, out):
    """Product of the rows of all components' current nodes but one."""
    for k in range(out.size):
        out[k] = 1
    for c in range(at.size):
        if c != component:
            for k in range(out.size):
                out[k] *= table[at[c], k]


@njit(cache=True, nogil=True)
def search(p, t, work, limit, best, chosen_best, order_best, stats):
    """Depth-first branch and bound over one template; updates the incumbent in place.

    Every component's entries form a tree: first the tiles further out, then the counts on the axes, at last the
    entry. The search refines all components level by level, so that what happens at the outermost memory,
    which costs most, is decided (and bounded) first.

    Args:
        p, t: the problem and the template (see `chipwise.mapper.tables` and `chipwise.mapper.templates`).
        work: scratch space.
        limit: only mappings with a latency below count.
        best: keys of the incumbent.
        chosen_best, order_best: its entries and loop orders.
        stats: [nodes, pruned by bound, pruned by fit, leaves, labels overflowed]; index 5 is the node limit,
            index 6 is set to 1 when the limit stopped the search.
    """
    n = t.sequence.size
    depths = n * t.levels
    axis_size, capacity, held, held_bits = p.axis_size, p.capacity, t.held, p.held_bits
    columns, lanes, volumes = t.columns, t.lanes, t.volumes
    product = np.ones(columns.shape[1])
    others = np.ones(columns.shape[1])
    other_lanes = np.ones(axis_size.size, np.int64)
    other_volumes = np.ones(volumes.shape[1])
    child = np.empty((depths, t.widest), np.int64)
    bounds = np.empty((depths, t.widest, best.size))
    n_children = np.zeros(depths, np.int64)
    before = np.zeros(depths, np.int64)
    at = t.roots.copy()
    chosen = np.zeros(n, np.int64)
    values = np.empty(t.flow_weight.shape[0])
    keys = np.empty(best.size)
    order = np.empty_like(order_best)
    depth = 0
    expand = True
    while depth >= 0:
        component = t.sequence[depth % n]
        if expand:
            count = 0
            node = at[component]
            before[depth] = node
            _product_without(columns, at, component, others)
            _product_without(lanes, at, component, other_lanes)
            _product_without(volumes, at, component, other_volumes)
            # Of two mappings that differ in the exchange of two components alike, one is enough.
            twin, first = t.twin[component], t.first_child[node]
            if twin >= 0:
                first = max(first, at[twin] - t.roots[twin] + t.roots[component])
            for below in range(first, t.child_end[node]):
                stats[0] += 1
                if not _fits(
                    other_lanes,
                    lanes[below],
                    axis_size,
                    other_volumes,
                    volumes[below],
                    capacity,
                    held,
                    held_bits,
                ):
                    stats[2] += 1
                    continue
                for c in range(product.size):
                    product[c] = others[c] * columns[below, c]
                at[component] = below
                latency = lower_bound(t, product, at, values, keys)
                if latency >= limit or not _below(keys, best):
                    stats[1] += 1
                    continue
                child[depth, count] = below
                for k in range(keys.size):
                    bounds[depth, count, k] = keys[k]
                count += 1
            at[component] = node
            n_children[depth] = count
            expand = False
        # The most promising child that is left; few are ever taken, so they are not sorted.
        i, left = -1, n_children[depth]
        for k in range(left):
            if i < 0 or _first(bounds[depth, k], bounds[depth, i]):
                i = k
        hopeless = i >= 0 and not _below(bounds[depth, i], best)
        stop = stats[0] > stats[5]
        if stop:
            stats[6] = 1
        elif hopeless:
            stats[1] += left
        if i < 0 or stop or hopeless:
            at[component] = before[depth]
            depth -= 1
            continue
        taken = child[depth, i]
        child[depth, i] = child[depth, left - 1]
        for k in range(keys.size):
            bounds[depth, i, k] = bounds[depth, left - 1, k]
        n_children[depth] = left - 1
        at[component] = taken
        if depth + 1 < depths:
            depth += 1
            expand = True
            continue
        stats[3] += 1
        for c in range(n):
            chosen[c] = t.entry[at[c]]
        if not leaf(p, t, chosen, work, order, limit, keys):
            stats[4] += 1
        if _below(keys, best):
            for k in range(keys.size):
                best[k] = keys[k]
            for c in range(n):
                chosen_best[c] = chosen[c]
            for b in range(order.shape[0]):
                for k in range(order.shape[1]):
                    order_best[b, k] = order[b, k]
