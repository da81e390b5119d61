"""Every tile holds the same share of non-zeros, as near as whole numbers allow."""

from dataclasses import dataclass
from math import floor
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel, Floats


@final
@dataclass(frozen=True, slots=True)
class Constant(DensityModel):
    """A tile of n values holds floor(d·n) or one more, so that the mean is d·n.

    >>> Constant(0.3).distribution(5).round(3).tolist()
    [0.0, 0.5, 0.5, 0.0, 0.0, 0.0]
    """

    fraction: float

    def __post_init__(self) -> None:
        checked(self.fraction)

    @property
    def density(self) -> float:
        """Fraction of values that are not zero."""
        return self.fraction

    def distribution(self, length: int) -> Floats:
        """All of it on the two whole numbers beside d·n."""
        mean = self.fraction * length
        low = min(floor(mean + 1e-9), length)
        above = max(mean - low, 0.0)
        found = np.zeros(length + 1)
        found[low] = 1.0 - above
        if above > 0:
            found[low + 1] = above
        return found

    def p_zeros(self, length: int) -> float:
        """As for a tile: the model knows no places."""
        return self.p_empty(length)

    def p_empty(self, length: int) -> float:
        """1 − d·n, and never below 0."""
        return max(0.0, 1.0 - self.fraction * length)


def checked(density: float) -> float:
    """A density as given.

    Raises:
        InputError: it is no fraction.
    """
    if not 0 <= density <= 1:  # also refuses nan
        raise InputError(
            f"density = {density} must be between 0 and 1, the fraction of values that are not zero"
        )
    return density
