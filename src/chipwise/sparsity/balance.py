"""PEs that skip zeros finish at different times, and wait for the slowest: the largest of many, not the mean."""

from functools import lru_cache
from math import sqrt

import numpy as np

from chipwise.sparsity.densities.uniform import Uniform

_EXACT = 2048
"""Up to so many operations the distribution itself is used, above it the normal one with its mean and variance."""
_STEPS = 4001


@lru_cache(maxsize=4096)
def slowest_share(kept: float, operations: int, lanes: int) -> float:
    """Mean share of its operations that the busiest of `lanes` does, where each is done with the chance `kept`.

    E[max of `lanes` binomials(operations, kept)] / operations, never above 1. Operations are on their own, which real
    data need not be: a whole input may be denser than another.

    Args:
        kept: chance that an operation is not skipped.
        operations: of each lane between two waits.
        lanes: that wait for each other.

    >>> slowest_share(1.0, 100, 168), slowest_share(0.0, 100, 168), slowest_share(0.5, 1, 2)
    (1.0, 0.0, 0.75)
    """
    if kept in {0.0, 1.0} or lanes == 1:
        return kept
    if operations <= _EXACT:
        return min(1.0, Uniform(kept).expected_maximum(operations, lanes) / operations)
    return min(1.0, kept + sqrt(kept * (1 - kept) / operations) * _normal_maximum(lanes))


@lru_cache(maxsize=256)
def _normal_maximum(n: int) -> float:
    """Mean of the largest of n standard normals: ∫ (1 − Φ(x)^n) − ∫ Φ(−x)^n over x > 0."""
    x = np.linspace(-9.0, 9.0, _STEPS)
    density = np.exp(-x * x / 2)
    below = np.clip(np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2))), 0, None)
    power = (below / below[-1]) ** n
    step = x[1] - x[0]
    return float(
        step * (np.sum(1.0 - power[x > 0]) - np.sum(power[x < 0]) + 0.5 * (1 - 2 * power[_STEPS // 2]))
    )
