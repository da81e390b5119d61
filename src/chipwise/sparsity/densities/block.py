"""Block sparsity: whole blocks of values in a row are zero or not, blocks at random."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel, Floats
from chipwise.sparsity.densities.uniform import Uniform


@final
@dataclass(frozen=True, slots=True)
class Block(DensityModel):
    """Aligned blocks of `length` values, each all non-zero or all zero, with non-zero blocks uniform at random.

    >>> Block(4, 0.5).distribution(8).round(3).tolist()
    [0.25, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.25]
    """

    block: int
    fraction: float
    size: int | None = None
    """Values of the whole tensor, a multiple of the block; None: endless."""

    def __post_init__(self) -> None:
        if self.block < 1 or (self.size is not None and self.size % self.block):
            raise InputError(f"blocks of {self.block} values do not fill a tensor of {self.size}")
        _ = self._blocks

    @property
    def _blocks(self) -> Uniform:
        return Uniform(self.fraction, None if self.size is None else self.size // self.block)

    @property
    def density(self) -> float:
        """Fraction of blocks that are not zero."""
        return self._blocks.density

    def distribution(self, length: int) -> Floats:
        """A tile starts with a block: its whole blocks, and a part of one that is as full as it is long."""
        whole, rest = divmod(length, self.block)
        found = np.zeros(length + 1)
        full = self._blocks.distribution(whole + (rest > 0))
        n = len(full) - 1
        for k, p in enumerate(full):
            if not rest:
                found[k * self.block] += p
                continue
            in_part = k / n  # the part is one of the n blocks, all alike
            if k:
                found[(k - 1) * self.block + rest] += p * in_part
            if k < n:
                found[k * self.block] += p * (1 - in_part)
        return found

    def p_zeros(self, length: int) -> float:
        """Mean over all starts within a block of P(every block that is touched is zero)."""
        total = 0.0
        for start in range(self.block):
            touched = -(-(start + length) // self.block)
            if self.size is None or touched <= self.size // self.block:
                total += self._blocks.p_zeros(touched)
        return total / self.block
