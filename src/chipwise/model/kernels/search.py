"""The mapper's kernel: exact counts of a candidate, and a branch and bound over all of them.

Three layers, innermost first; docs/mapper.md argues why each is right.

1. `rank_moves`: compiled twin of `chipwise.model.boxes`. Loops of a dimension stand at fixed positions (one
   per block or axis, trip count 1 where there is none), so a chain of tiles is a row and a kind of step a
   row of roles.
2. `_leaf`: all chains fixed. What a loop costs depends only on the *set* of loops inside it, so the best of
   all loop orders is a shortest path in the lattice of subsets.
3. `search`: depth first over components of dimensions, with lower bounds that are products of columns.

It is one module because Numba's cache does not see changes in callees elsewhere.
"""

import numpy as np
from numba import njit  # the package's __init__ has placed Numba's cache by now

OUTER, STEP, INNER, SUM, FIRST, UNION = 0, 1, 2, 3, 4, 5


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
    inner = 0
    for at in range(tiles.shape[1]):
        if roles[d, at] == INNER:
            inner += 1
    for choice in range(1 << inner):
        ok, first, size = _place(extent, tiles, roles, index, d, 1, choice)
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
def _touched_by_one(extent, coefficient, tiles, roles, d):
    """Values that one dimension touches, where each index counts by itself: sizes of tiles and their numbers.

    A tile of size s is cut into s // t whole ones and a rest, so few sizes occur. −1 where roles need more.
    """
    sizes, counts = np.empty(tiles.shape[1] + 2, np.int64), np.zeros(tiles.shape[1] + 2, np.int64)
    sizes[0], counts[0] = extent, 1
    n = 1
    for at in range(tiles.shape[1]):
        tile, role = tiles[d, at], roles[at]
        if role == STEP or role == UNION:
            return -1
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
    if n_dims == 1 and with_old == 0:
        quick = _touched_by_one(extents[0], coefficients[0], tiles, roles[0], 0)
        if quick >= 0:
            return quick, 0
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
                now, first, size = _place(extents[d], tiles, roles, index, d, 0, 0)
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
    for x in range(n):
        if not movers[x] or innermost[x] < first_at or innermost[x] > last_at:
            continue
        for k in range(n):
            for at in range(end):
                roles[k, at] = OUTER if axis[at] < 0 else spatial_roles[at]
        roles[x, innermost[x]] = STEP
        t, h = rank_moves(extents, coefficients, tiles, roles, np.int64(1))
        moved = t - h
        # One wrap is the same in every round where the other loops divide, so that of the first stands for all.
        alike = perfect[x] or loops[x] == 1
        for k in range(n):
            if k != x and not perfect[k]:
                alike = False
        if alike:
            for k in range(n):
                for at in range(end):
                    if axis[at] < 0:
                        roles[k, at] = FIRST
            roles[x, innermost[x]] = INNER
            t, h = rank_moves(extents, coefficients, tiles, roles, np.int64(1))
            moved += t - h
        least = min(least, float(moved))
    return least


@njit(cache=True, nogil=True)
def bound_column(p, entries, flow, charged, slide, movers, block, united):
    """One factor per entry of a lower bound on a flow, for loop orders of one class (docs/mapper.md).

    Args:
        entries: the entries to look at.
        flow: index of the flow.
        charged: loops irrelevant to the tensor count in blocks before this one and are free from it on.
        slide: the unit (rank or single dimension of the tensor) whose loop moves it innermost.
        movers, block: dimensions that may be its innermost moving loop, and the block that loop is in (−1: any).
        united: empty, or a role per position. Then the column is not a bound but counts the different values
            touched over the run: SUM where instances count separately, UNION where they are taken together,
            OWN where they add up as in the flow.
    """
    tensor, end = p.flow_tensor[flow], p.flow_end[flow]
    axis, spatial = np.empty(end, np.int64), np.empty(end, np.int64)
    for at in range(end):
        axis[at], spatial[at] = p.position_axis[at], p.flow_role[flow, 1, at]
    column = np.ones(entries.size)
    first_at, last_at = np.int64(0), np.int64(end)
    if block >= 0:
        for at in range(end):
            if p.position_block[at] < block:
                first_at = np.int64(at + 1)
            if p.position_block[at] <= block:
                last_at = np.int64(at)
    for row in range(column.size):
        entry = entries[row]
        component = p.entry_component[entry]
        for u in range(p.unit_start[tensor, component], p.unit_start[tensor, component + 1]):
            n = p.unit_size[u]
            tiles = np.empty((n, end), np.int64)
            roles = np.empty((n, end), np.int64)
            may_move = np.empty(n, np.bool_)
            last = -1
            size = p.unit_extent[u, 0]
            for k in range(n):
                local = p.unit_local[u, k]
                dim = p.component_dims[component, local]
                for at in range(end):
                    tiles[k, at] = p.tiles[dim, p.entry_chain[entry, local], at]
                may_move[k] = movers[dim]
                for at in range(end):
                    if united.size > 0:
                        if axis[at] >= 0 and united[at] == OWN:
                            roles[k, at] = p.flow_role[flow, p.unit_relevant[u], at]
                        elif axis[at] >= 0 and united[at] != UNION:
                            roles[k, at] = united[at]
                        elif p.unit_relevant[u]:
                            roles[k, at] = UNION if n > 1 else SUM  # tiles of one dimension are disjoint
                        else:
                            roles[k, at] = FIRST
                    elif axis[at] >= 0:
                        roles[k, at] = p.flow_role[flow, p.unit_relevant[u], at]
                    elif p.unit_relevant[u] or p.flow_mac[flow] or p.position_block[at] < charged:
                        roles[k, at] = OUTER
                    else:
                        roles[k, at] = INNER
                    if k == 0:
                        if axis[at] < 0 and tiles[0, at] < size:
                            last = at
                        size = min(size, tiles[0, at])
            extents, coefficients = np.empty(n, np.int64), np.empty(n, np.int64)
            for k in range(n):
                extents[k], coefficients[k] = p.unit_extent[u, k], p.unit_coefficient[u, k]
            if u == slide and n > 1:
                column[row] *= _least_slide(
                    extents, coefficients, tiles, axis, spatial, may_move, first_at, last_at
                )
                continue
            t, _ = rank_moves(extents, coefficients, tiles, roles, np.int64(0))
            if u == slide and last >= 0:
                # An instance that sees only one tile of a residual stays put while others move.
                roles[0, last] = INNER
                _, h = rank_moves(extents, coefficients, tiles, roles, np.int64(1))
                t -= h
            column[row] *= t
    return column


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
    for at in range(spatial.size):
        roles[at] = FIRST if spatial[at] else OUTER
    for row in range(found.size):
        # Coefficient 0 makes every tile count as one.
        found[row] = _touched_by_one(extent, 0, chains, roles, row)
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
def objective_of(kind, cycles, values):
    """(what is minimised first, what decides ties): energy, latency or their product.

    `values` are energy and, per port, the cycles it is busy; latency is the longest of all.
    """
    latency = cycles
    for o in range(1, values.size):
        latency = max(latency, values[o])
    if kind == 0:
        return values[0], latency
    if kind == 1:
        return latency, values[0]
    return values[0] * latency, values[0]


@njit(cache=True, nogil=True)
def _remember(p, chosen, block, codes):
    """Fill the memo: (touched, held) of every component and flow in the step that `block` and `codes` name.

    A code has one base-3 digit per dimension of the component: its loop of `block` stands outside of the
    advancing loop (0), is it (1), or stands inside (2). T + 1 is kept, so that 0 means unknown.
    """
    memo = p.memo
    for flow in range(p.flow_tensor.size):
        if p.flow_mac[flow] or p.flow_stage[flow] <= block:
            continue
        tensor, end = p.flow_tensor[flow], p.flow_end[flow]
        for component in range(chosen.size):
            entry, code = chosen[component], codes[component]
            if memo[entry, flow, block, code, 0]:
                continue
            touched = held = 1
            for u in range(p.unit_start[tensor, component], p.unit_start[tensor, component + 1]):
                n = p.unit_size[u]
                tiles, roles = np.empty((n, end), np.int64), np.empty((n, end), np.int64)
                extents, coefficients = np.empty(n, np.int64), np.empty(n, np.int64)
                for k in range(n):
                    extents[k], coefficients[k] = p.unit_extent[u, k], p.unit_coefficient[u, k]
                    local = p.unit_local[u, k]
                    dim, chain = p.component_dims[component, local], p.entry_chain[entry, local]
                    digit = code
                    for _ in range(local):
                        digit //= 3
                    digit %= 3
                    for at in range(end):
                        tiles[k, at] = p.tiles[dim, chain, at]
                        if p.position_axis[at] >= 0:
                            roles[k, at] = p.flow_role[flow, p.unit_relevant[u], at]
                        elif p.position_block[at] < block:
                            roles[k, at] = OUTER
                        elif p.position_block[at] > block:
                            roles[k, at] = INNER
                        else:
                            roles[k, at] = digit
                t, h = rank_moves(extents, coefficients, tiles, roles, np.int64(1))
                touched *= t
                held *= h
            memo[entry, flow, block, code, 0] = touched + 1
            memo[entry, flow, block, code, 1] = held


@njit(cache=True, nogil=True)
def _step_cost(memo, counted, weight, chosen, block, codes, known, step):
    """Cost of one kind of step in every objective; False where the memo lacks a value.

    `counted[flow]`: whether the flow passes below this block. Small arrays only, as this runs most often.
    """
    for o in range(step.size):
        step[o] = 0.0
    for flow in range(weight.shape[1]):
        if not counted[flow]:
            continue
        touched = held = 1
        for c in range(chosen.size):
            t = memo[chosen[c], flow, block, codes[c], 0]
            if t == 0:
                return False
            touched *= t - 1
            held *= memo[chosen[c], flow, block, codes[c], 1]
        for o in range(step.size):
            step[o] += weight[o, flow] * (touched - held if known == 1 else touched)
    return True


@njit(cache=True, nogil=True)
def _better(kind, first, second, best, best_second):
    """Whether (first, second) beats the best so far.

    Equal latencies, sums of the same bits in another order, differ by rounding; there the second decides.
    """
    if kind == 1 and abs(first - best) <= 1e-13 * best:
        return second < best_second
    return first < best or (first == best and second < best_second)


@njit(cache=True, nogil=True)
def leaf(p, chosen, work, order):
    """Best order of all loops for fixed chains: (primary, secondary, proven); writes the order if asked.

    A shortest path per block, from the innermost block outwards, over subsets of its active loops, with
    non-dominated vectors of (energy, port cycles) as labels. `order[block]` lists dimensions inside out.
    """
    n_objectives = p.flow_weight.shape[0]
    value = np.empty(n_objectives)
    step = np.empty(n_objectives)
    proven = True
    carried = np.empty((work.labels.shape[2], n_objectives))
    n_carried = 1
    n_blocks = p.n_blocks
    n_active = np.zeros(n_blocks, np.int64)
    memo, weight, component_at = p.memo, p.flow_weight, p.dim_component
    flow_mac, flow_stage, dim_local = p.flow_mac, p.flow_stage, p.dim_local
    counted = np.zeros(flow_mac.size, np.bool_)
    power = np.ones(dim_local.size, np.int64)
    for d in range(dim_local.size):
        for _ in range(dim_local[d]):
            power[d] *= 3
    codes = np.zeros(chosen.size, np.int64)
    # What no order changes: first touches (all loops inside a block that is none, at their first index), the
    # MAC's accesses, distinct outputs.
    none = np.int64(-1)
    for flow in range(counted.size):
        counted[flow] = not flow_mac[flow]
    if not _step_cost(memo, counted, weight, chosen, none, codes, np.int64(0), value):
        _remember(p, chosen, none, codes)
        _step_cost(memo, counted, weight, chosen, none, codes, np.int64(0), value)
    for o in range(n_objectives):
        carried[0, o] = value[o]
    for f in range(p.fixed_weight.shape[1]):
        product = 1.0
        for c in range(chosen.size):
            product *= p.fixed[chosen[c], f]
        for o in range(n_objectives):
            carried[0, o] += p.fixed_weight[o, f] * product
    for block in range(n_blocks - 1, -1, -1):
        for d in range(p.dim_component.size):
            if p.bound[chosen[p.dim_component[d]], p.dim_local[d], block] > 1:
                work.active[block, n_active[block]] = d
                n_active[block] += 1
        active = work.active[block, : n_active[block]]
        full = (1 << active.size) - 1
        labels, counts, back = work.labels[block], work.counts[block], work.back[block]
        for subset in range(full + 1):
            counts[subset] = 0
        for i in range(n_carried):
            for o in range(n_objectives):
                labels[0, i, o] = carried[i, o]
            back[0, i, 0] = -1
            back[0, i, 1] = i
        counts[0] = n_carried
        for flow in range(counted.size):
            counted[flow] = not flow_mac[flow] and flow_stage[flow] > block
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
                    codes[component_at[active[k]]] += digit * power[active[k]]
                if not _step_cost(memo, counted, weight, chosen, block, codes, np.int64(1), step):
                    _remember(p, chosen, block, codes)
                    _step_cost(memo, counted, weight, chosen, block, codes, np.int64(1), step)
                for k in range(counts[subset]):
                    for o in range(n_objectives):
                        value[o] = labels[subset, k, o] + step[o]
                    proven &= _insert(labels, counts, back, subset | (1 << i), value, i, k)
        n_carried = counts[full]
        for i in range(n_carried):
            for o in range(n_objectives):
                carried[i, o] = labels[full, i, o]
    cycles = 1.0
    for c in range(chosen.size):
        cycles *= p.cycles[chosen[c]]
    best, second, at = np.inf, np.inf, 0
    for i in range(n_carried):
        first, tie = objective_of(p.kind, cycles, carried[i])
        if _better(p.kind, first, tie, best, second):
            best, second, at = first, tie, i
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
    return best, second, proven


@njit(cache=True, nogil=True)
def lower_bound(kind, variants, floor, minus, weight, cycles, product, values):
    """Lower bound (primary, secondary) of all mappings whose columns multiply to at least `product`.

    Each quantity is the least of its variants but not below its floor, or a difference of two products of
    which the first is never the smaller (`chipwise.mapper.templates` sees to it).
    """
    for o in range(values.size):
        values[o] = 0.0
    for q in range(variants.shape[0]):
        if minus[q] >= 0:
            low = max(0.0, product[variants[q, 0]] - product[minus[q]])
        else:
            low = np.inf
            for v in range(variants.shape[1]):
                if variants[q, v] >= 0:
                    low = min(low, product[variants[q, v]])
            if floor[q] >= 0:
                low = max(low, product[floor[q]])
        for o in range(values.size):
            values[o] += weight[o, q] * low
    return objective_of(kind, product[cycles], values)


@njit(cache=True, nogil=True)
def _hopeless(kind, low, tie, best):
    """Whether a bound shows that nothing below it beats the incumbent.

    Sums of doubles carry a relative error near 1e-15; a bound within 1e-13 of the incumbent counts as
    equal. Equal latency is common (compute-bound layers), so there the tie decides by its own bound.
    """
    slack = 1e-13
    if kind == 1:
        if low > best[0] * (1.0 + slack):
            return True
        return low >= best[0] * (1.0 - slack) and tie >= best[1] * (1.0 - slack)
    return low >= best[0] * (1.0 - slack)


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
def search(p, t, work, best, chosen_best, order_best, stats):
    """Depth-first branch and bound over one template; updates the incumbent in place.

    Every component's entries form a tree: first the tile at the outermost inner stage, then at the next one,
    at last the entry. The search refines all components level by level, so that what happens at the
    outermost memory, which costs most, is decided (and bounded) first.

    Args:
        p, t: the problem and the template (see `chipwise.mapper.problem`).
        work: scratch space.
        best: [primary, secondary] of the incumbent.
        chosen_best, order_best: its entries and loop orders.
        stats: [nodes, pruned by bound, pruned by fit, leaves, labels overflowed]; index 5 is the node limit,
            index 6 is set to 1 when the limit stopped the search.
    """
    n = t.sequence.size
    depths = n * t.levels
    kind, axis_size, capacity, held, held_bits = p.kind, p.axis_size, p.capacity, p.held, p.held_bits
    columns, lanes, volumes, child_start = t.columns, t.lanes, t.volumes, t.child_start
    variants, floor, minus, weight, cycles = t.variants, t.floor, t.minus, t.weight, t.cycles
    product = np.ones(columns.shape[1])
    others = np.ones(columns.shape[1])
    other_lanes = np.ones(axis_size.size, np.int64)
    other_volumes = np.ones(volumes.shape[1])
    child = np.empty((depths, t.widest), np.int64)
    primary = np.empty((depths, t.widest))
    secondary = np.empty((depths, t.widest))
    n_children = np.zeros(depths, np.int64)
    before = np.zeros(depths, np.int64)
    at = np.arange(n)
    chosen = np.zeros(n, np.int64)
    values = np.empty(p.flow_weight.shape[0])
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
            for below in range(child_start[node], child_start[node + 1]):
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
                low, tie = lower_bound(kind, variants, floor, minus, weight, cycles, product, values)
                if _hopeless(kind, low, tie, best):
                    stats[1] += 1
                    continue
                child[depth, count] = below
                primary[depth, count] = low
                secondary[depth, count] = tie
                count += 1
            n_children[depth] = count
            expand = False
        # The most promising child that is left; few are ever taken, so they are not sorted.
        i, left = -1, n_children[depth]
        for k in range(left):
            if i < 0 or primary[depth, k] < primary[depth, i]:
                i = k
            elif primary[depth, k] == primary[depth, i] and secondary[depth, k] < secondary[depth, i]:
                i = k
        stop = stats[0] > stats[5]
        if stop:
            stats[6] = 1
        elif i >= 0 and _hopeless(kind, primary[depth, i], secondary[depth, i], best):
            stats[1] += left
        if i < 0 or stop or _hopeless(kind, primary[depth, i], secondary[depth, i], best):
            at[component] = before[depth]
            depth -= 1
            continue
        taken = child[depth, i]
        child[depth, i] = child[depth, left - 1]
        primary[depth, i] = primary[depth, left - 1]
        secondary[depth, i] = secondary[depth, left - 1]
        n_children[depth] = left - 1
        at[component] = taken
        if depth + 1 < depths:
            depth += 1
            expand = True
            continue
        stats[3] += 1
        for c in range(n):
            chosen[c] = t.entry[at[c]]
        first, second, proven = leaf(p, chosen, work, order)
        if not proven:
            stats[4] += 1
        if _better(kind, first, second, best[0], best[1]):
            best[0], best[1] = first, second
            for c in range(n):
                chosen_best[c] = chosen[c]
            for b in range(order.shape[0]):
                for k in range(order.shape[1]):
                    order_best[b, k] = order[b, k]
