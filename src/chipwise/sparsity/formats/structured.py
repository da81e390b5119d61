"""N of every M values with their places among them, as sparse tensor cores store 2:4 weights."""

from dataclasses import dataclass
from math import ceil, prod
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream, index_bits


@final
@dataclass(frozen=True, slots=True)
class StructuredFormat(Format):
    """bits = ceil(values / M) x N x (value bits + ceil(log2 M)), whatever the data; only N:M data fit.

    A group with fewer non-zeros is filled up with zeros from its start.

    >>> StructuredFormat(2, 4).bits_of(np.array([0, 7, 7, 0]), 16)
    Bits(data=32, metadata=4)
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= self.m:
            raise InputError(f"{self.n}:{self.m} format must keep 1 <= n <= m values, as 2:4")

    @property
    def text(self) -> str:
        """`2:4`."""
        return f"{self.n}:{self.m}"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """Places within the groups, and values."""
        flat = codes.ravel()
        groups = np.zeros((ceil(flat.size / self.m), self.m), np.uint64)
        groups.ravel()[: flat.size] = flat
        full = groups != 0
        if int(full.sum(axis=1).max()) > self.n:
            raise InputError(
                f"format {self.text}: a group of {self.m} values has more than {self.n} non-zeros"
            )
        # Stable: non-zeros first, in order, then the zeros that fill up.
        at = np.sort(np.argsort(~full, axis=1, kind="stable")[:, : self.n], axis=1)
        values = np.take_along_axis(groups, at, axis=1)
        places = Stream("places", index_bits(self.m), at.ravel().astype(np.uint64))
        return (places, Stream(VALUES, value_bits, values.ravel())), 0

    def codes(self, encoded: Encoded) -> Codes:
        """Values at their places."""
        at = encoded.stream("places").astype(np.int64).reshape(-1, self.n)
        groups = np.zeros((at.shape[0], self.m), np.uint64)
        np.put_along_axis(groups, at, encoded.stream(VALUES).reshape(at.shape), axis=1)
        return groups.ravel()[: prod(encoded.shape)]

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Raises where groups of the tensor may hold more non-zeros than there is room for."""
        if density.maximum(min(self.m, prod(shape))) > self.n:
            raise InputError(
                f"format {self.text}: the tensor's non-zeros are not {self.n} in {self.m}; give its density as "
                f"{self.text}"
            )
        kept = ceil(prod(shape) / self.m) * self.n
        return Bits(kept * value_bits, kept * index_bits(self.m))
