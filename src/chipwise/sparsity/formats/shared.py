"""Weight sharing: few distinct values, kept once in a codebook; each place has the index of its value.

Source: Han et al., Deep Compression, ICLR 2016; section VII-B of Sze et al., Proc. IEEE 105(12), 2017.
"""

from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream

CODEBOOK = "codebook"


@final
@dataclass(frozen=True, slots=True)
class Shared(Format):
    """bits = values x index bits + 2^(index bits) x value bits; zero is a value like others.

    >>> encoded = Shared(2).encode(np.array([7, 7, -3, 0, 7]), 16)
    >>> encoded.stream("values").tolist(), encoded.bits
    ([1, 1, 2, 0, 1], Bits(data=10, metadata=64))
    """

    index_bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.index_bits <= 16:
            raise InputError(f"shared: an index of {self.index_bits} bits must have 1 to 16")

    @property
    def text(self) -> str:
        """`shared(4)`."""
        return f"shared({self.index_bits})"

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """The codebook, all of its places, and an index for every value."""
        distinct, indices = np.unique(codes.ravel(), return_inverse=True)
        places = 1 << self.index_bits
        if distinct.size > places:
            raise InputError(
                f"{self.text}: {distinct.size} distinct values are more than {places}; share them first, or take "
                f"{int(distinct.size - 1).bit_length()} bits"
            )
        codebook = np.zeros(places, dtype=np.uint64)
        codebook[: distinct.size] = distinct
        return (
            Stream(CODEBOOK, value_bits, codebook),
            Stream(VALUES, self.index_bits, indices.astype(np.uint64).ravel()),
        ), 0

    def codes(self, encoded: Encoded) -> Codes:
        """What stands in the codebook at each index."""
        found: Codes = encoded.stream(CODEBOOK)[encoded.stream(VALUES).astype(np.int64)]
        return found

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Whatever the density."""
        del density
        return Bits(prod(shape) * self.index_bits, (1 << self.index_bits) * value_bits)
