"""Non-zeros at random: a fixed number of them anywhere in the tensor, so that tiles are hypergeometric."""

from dataclasses import dataclass
from math import ceil, exp, inf, lgamma, log, log1p
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.sparsity.densities.constant import checked
from chipwise.sparsity.densities.density import DensityModel, Floats

_SHORT = 64


@final
@dataclass(frozen=True, slots=True)
class Uniform(DensityModel):
    """K = ceil(d·N) non-zeros among the N values of the tensor, every placing equally likely.

    P(k in a tile of n) = C(K, k)·C(N − K, n − k) / C(N, n). Without `size` the tensor is endless, each value
    is on its own and tiles are binomial. Source: Sparseloop (Wu et al., MICRO 2022), its uniform model.

    >>> Uniform(0.5, size=4).distribution(2).round(4).tolist()
    [0.1667, 0.6667, 0.1667]
    """

    fraction: float
    size: int | None = None

    def __post_init__(self) -> None:
        checked(self.fraction)
        if self.size is not None and self.size < 1:
            raise InputError(f"size = {self.size} of a tensor must be at least 1")

    @property
    def nonzeros(self) -> int | None:
        """K, None for an endless tensor."""
        return None if self.size is None else ceil(self.fraction * self.size - 1e-9)

    @property
    def density(self) -> float:
        """K / N: the fraction that whole numbers allow."""
        return self.fraction if self.size is None else (self.nonzeros or 0) / self.size

    def distribution(self, length: int) -> Floats:
        """Hypergeometric, or binomial for an endless tensor."""
        self._fits(length)
        k = np.arange(length + 1)
        if self.size is None:
            logs = (
                _log_binomials(length, k) + _powers(self.fraction, k) + _powers(1 - self.fraction, length - k)
            )
        else:
            some = self.nonzeros or 0
            logs = _log_binomials(some, k) + _log_binomials(self.size - some, length - k)
            logs -= _log_binomials(self.size, np.array([length]))[0]
        chances = np.exp(logs)
        found: Floats = chances / chances.sum()
        return found

    def p_zeros(self, length: int) -> float:
        """C(N − n, K) / C(N, K), or (1 − d)^n: the places do not matter."""
        self._fits(length)
        if self.size is None:
            return float((1 - self.fraction) ** length)
        some = self.nonzeros or 0
        if some + length > self.size:
            return 0.0
        if length <= _SHORT:  # the product keeps every digit
            return exp(sum(log1p(-some / (self.size - i)) for i in range(length)))
        return exp(_log_choose(self.size - length, some) - _log_choose(self.size, some))

    def p_empty(self, length: int) -> float:
        """As for values anywhere."""
        return self.p_zeros(length)

    def maximum(self, length: int) -> int:
        """All of the tile, or all non-zeros there are."""
        self._fits(length)
        if self.size is None:
            return length if self.fraction > 0 else 0
        return min(length, self.nonzeros or 0)

    def _fits(self, length: int) -> None:
        if self.size is not None and length > self.size:
            raise InputError(f"a tile of {length} values is larger than its tensor of {self.size}")


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_binomials(n: int, k: NDArray[np.int64]) -> Floats:
    """Log C(n, k), −∞ outside 0 <= k <= n."""
    return np.array([_log_choose(n, int(i)) if 0 <= i <= n else -inf for i in k])


def _powers(base: float, k: NDArray[np.int64]) -> Floats:
    """k·log(base), with 0^0 = 1."""
    return k.astype(np.float64) * log(base) if base > 0 else np.where(k == 0, 0.0, -inf)
