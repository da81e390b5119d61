"""How many of some values are not zero where only their density is known: each is, on its own, with that probability.

Where parts of a machine wait for each other, the mean is not enough: the slowest decides. There one draw stands for the
layer. Draws are coupled: the same uniform number is turned into a count by the inverse of the distribution at the
density asked for, so that a lower density never draws more.
"""

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SEED = 0


def binomial(n: int, density: float) -> Floats:
    """Probability of 0 to `n` non-zeros among `n` values: C(n, k) d^k (1 - d)^(n - k).

    >>> binomial(2, 0.5).tolist()
    [0.25, 0.5, 0.25]
    """
    if density <= 0 or density >= 1 or n == 0:
        certain = np.zeros(n + 1)
        certain[0 if density <= 0 else n] = 1.0
        return certain
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    found = np.exp(logs[n] - logs - logs[::-1] + k * np.log(density) + (n - k) * np.log1p(-density))
    return np.asarray(found / found.sum())


def grouped(pmf: Floats, size: int) -> Floats:
    """Distribution of ceil(X / size), where X has the distribution `pmf`.

    >>> grouped(binomial(2, 0.5), 2).tolist()
    [0.25, 0.75]
    """
    groups = -(-np.arange(len(pmf)) // size)
    return np.asarray(np.bincount(groups, weights=pmf), dtype=np.float64)


def mean(pmf: Floats) -> float:
    """Expected value.

    >>> round(mean(binomial(4, 0.25)), 12)
    1.0
    """
    return float(np.arange(len(pmf)) @ pmf)


def mean_of_largest(pmf: Floats, times: int) -> float:
    """Expected value of the largest of `times` independent ones: sum of 1 - F(x)^times.

    >>> mean_of_largest(binomial(1, 0.5), 2)
    0.75
    """
    below = np.minimum(np.cumsum(pmf), 1.0)
    return float((1.0 - below**times).sum())


def sum_of(pmf: Floats, times: int) -> Floats:
    """Distribution of the sum of `times` independent ones, by squaring.

    >>> sum_of(binomial(1, 0.5), 2).tolist()
    [0.25, 0.5, 0.25]
    """
    total, power = np.ones(1), pmf
    while times:
        if times & 1:
            total = np.convolve(total, power)
        times >>= 1
        if times:
            power = np.convolve(power, power)
    return total


def uniforms(*shape: int, of: str = "input") -> Floats:
    """The numbers that draws are made of: the same for every density, others for each operand, from 0 to below 1."""
    return np.random.default_rng([SEED, of == "weight"]).random(shape)


def counts_at(uniform: Floats, pmf: Floats) -> Integers:
    """The counts that uniform numbers stand for: the least x with F(x) > u.

    >>> counts_at(np.array([0.1, 0.9]), binomial(1, 0.5)).tolist()
    [0, 1]
    """
    found = np.searchsorted(np.cumsum(pmf), uniform, side="right")
    return np.asarray(np.minimum(found, len(pmf) - 1), dtype=np.int64)


def by_size(sizes: Integers, uniform: Floats, distribution: Callable[[int], Floats]) -> Integers:
    """Counts of parts of several sizes: row i of `uniform` by the distribution of `sizes[i]`.

    Args:
        sizes: values in each part [parts].
        uniform: numbers [parts, draws].
        distribution: of the count in a part of a size.
    """
    found = np.zeros(uniform.shape, dtype=np.int64)
    for size in np.unique(sizes):
        of = sizes == size
        found[of] = counts_at(uniform[of], distribution(int(size)))
    return found


def shares(total: int, parts: int) -> Integers:
    """Sizes of `parts` parts that differ by one at most, the larger first.

    >>> shares(7, 3).tolist()
    [3, 2, 2]
    """
    return np.asarray(total // parts + (np.arange(parts) < total % parts), dtype=np.int64)


@functools.lru_cache(maxsize=256)
def relative_index_entries(n: int, density: float, reach: int) -> Floats:
    """Distribution of stored entries of `n` values, each with the count of zeros before it, at most `reach`.

    A run of more zeros takes entries of value zero in between: floor(zeros / (reach + 1)) of them. Zeros after the last
    non-zero take none.

    >>> relative_index_entries(4, 1.0, 15).tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0]
    >>> round(mean(relative_index_entries(3, 0.5, 0)), 3)  # reach 0: all up to the last non-zero
    2.125
    """
    if density <= 0 or density >= 1:
        return binomial(n, density)
    # Row g, column k: probability of g zeros since the last non-zero and k entries so far.
    state = np.zeros((n + 1, n + 1))
    state[0, 0] = 1.0
    paddings = np.arange(n + 1) // (reach + 1)
    for _ in range(n):
        following = np.zeros_like(state)
        following[1:] = (1.0 - density) * state[:-1]
        for padding in np.unique(paddings):
            rows = state[paddings == padding].sum(axis=0)
            shift = 1 + int(padding)
            following[0, shift:] += density * rows[: n + 1 - shift]
        state = following
    return np.asarray(state.sum(axis=0))
