"""The compiled per-rank counts equal the readable ones, roles and residuals at random."""

from random import Random

import numpy as np
import pytest

from chipwise.model.boxes import Role, combine, entries
from chipwise.model.kernels import search as kernel

ROLES = {
    kernel.OUTER: Role.OUTER,
    kernel.STEP: Role.STEP,
    kernel.INNER: Role.INNER,
    kernel.SUM: Role.SUM,
    kernel.FIRST: Role.FIRST,
    kernel.UNION: Role.UNION,
}


def _random_rank(rng: Random) -> tuple[list[int], list[int], list[list[int]], list[list[int]]]:
    n_dims, n_positions = rng.choice([1, 1, 2]), rng.randint(1, 4)
    extents = [rng.randint(1, 9) for _ in range(n_dims)]
    coefficients = [rng.randint(1, 3) for _ in range(n_dims)]
    tiles, roles, has_step = [], [], False
    for extent in extents:
        row, roles_of_dim, size = [], [], extent
        for _ in range(n_positions):
            size = rng.randint(1, size)
            role = rng.choice([kernel.OUTER, *((kernel.STEP,) if not has_step else ()), *list(ROLES)[2:]])
            has_step |= role == kernel.STEP
            row.append(size)
            roles_of_dim.append(role)
        tiles.append(row)
        roles.append(roles_of_dim)
    return extents, coefficients, tiles, roles


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("with_old", [0, 1])
def test_kernel_equals_boxes(block, with_old):
    rng = Random(block)
    for _ in range(800):
        extents, coefficients, tiles, roles = _random_rank(rng)
        if not with_old:
            roles = [[kernel.OUTER if r == kernel.STEP else r for r in row] for row in roles]
        parts = [
            (
                c,
                entries(
                    e, tuple((t, ROLES[r]) for t, r in zip(row, names, strict=True)), with_old=bool(with_old)
                ),
            )
            for c, e, row, names in zip(coefficients, extents, tiles, roles, strict=True)
        ]
        computed = kernel.rank_moves(
            np.array(extents), np.array(coefficients), np.array(tiles), np.array(roles), with_old
        )
        assert tuple(computed) == combine(parts), (extents, coefficients, tiles, roles)


def test_a_residual_pass_counts_what_is_left():
    # 27 rows in passes of 14: 14 and 13.
    tiles, roles = np.array([[14, 1]]), np.array([[kernel.OUTER, kernel.SUM]])
    one = np.array([1])
    assert kernel.rank_moves(np.array([27]), one, tiles, roles, 0) == (27, 0)


def _random_chain(rng: Random) -> tuple[int, list[int], list[int], int]:
    """Extent, tiles and roles of one dimension, and the place of its innermost temporal loop (-1: none)."""
    extent, tiles, roles, last = rng.randint(1, 12), [], [], -1
    size = extent
    for at in range(rng.randint(1, 6)):
        role = rng.choice([kernel.OUTER, kernel.OUTER, kernel.SUM, kernel.FIRST])
        tile = rng.choice([size, rng.randint(1, size)])
        if role == kernel.OUTER and tile < size:
            last = at
        size = tile
        tiles.append(tile)
        roles.append(role)
    return extent, tiles, roles, last


@pytest.mark.parametrize("block", range(4))
def test_instances_that_stay_put_hold_what_they_held(block):
    """Where the innermost temporal loop wraps, `_resting` is what instances keep: those that see one tile of it."""
    rng = Random(block)
    tried = found = 0
    while tried < 2000:
        extent, tiles, roles, last = _random_chain(rng)
        if last < 0:
            continue
        tried += 1
        coefficient = rng.randint(1, 3)
        chain, scratch = np.array([tiles]), np.empty((3, (len(tiles) + 3) ** 2), np.int64)
        resting = kernel._resting(extent, coefficient, chain, np.array(roles), last, *scratch)
        wrapping = np.array([[kernel.INNER if at == last else role for at, role in enumerate(roles)]])
        _, held = kernel.rank_moves(np.array([extent]), np.array([coefficient]), chain, wrapping, 1)
        assert resting == held, (extent, coefficient, tiles, roles, last)
        found += held > 0
    assert found > 100  # or nothing rests
