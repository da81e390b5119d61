"""What a format is: how values are written with few bits for zeros, and how many bits that takes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.banded import Banded
from chipwise.sparsity.densities.density import DensityModel

Codes = NDArray[np.uint64]

VALUES = "values"
"""Name of the stream that carries values; all others are metadata."""


@final
@dataclass(frozen=True, slots=True)
class Bits:
    """Bits of a tensor as stored: the values that are written, and all that says where they belong."""

    data: float
    metadata: float

    @property
    def total(self) -> float:
        """Data + metadata."""
        return self.data + self.metadata


@final
@dataclass(frozen=True, slots=True)
class Stream:
    """Codes of one width that stand one after the other."""

    name: str
    width_bits: int
    codes: Codes

    @property
    def bits(self) -> int:
        """Width x codes."""
        return self.width_bits * self.codes.size


@final
@dataclass(frozen=True, slots=True)
class Encoded:
    """A tensor as stored. What is not in the streams (shape, sign, width) is fixed by the layer."""

    shape: tuple[int, ...]
    value_bits: int
    dtype: np.dtype[Any]
    streams: tuple[Stream, ...]
    spare_bits: int = 0
    """Of words that the streams do not fill."""

    def stream(self, name: str) -> Codes:
        """Codes of the stream called `name`."""
        return next(s.codes for s in self.streams if s.name == name)

    @property
    def bits(self) -> Bits:
        """Counted, so whole numbers."""
        data = sum(s.bits for s in self.streams if s.name == VALUES)
        return Bits(data, sum(s.bits for s in self.streams) + self.spare_bits - data)


class Format(ABC):
    """One way to store a tensor. The last rank is the fastest."""

    __slots__ = ()

    @property
    @abstractmethod
    def text(self) -> str:
        """As a chip file writes it: `rle(5, 16)`."""

    @abstractmethod
    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """What is written for values of any shape, as codes of `value_bits`, and the bits left empty."""

    @abstractmethod
    def codes(self, encoded: Encoded) -> Codes:
        """The values of any shape, flat or not, that the streams say."""

    @abstractmethod
    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Mean bits under a density model that says no places, by the formula of the format."""

    def encode(self, values: NDArray[Any], value_bits: int) -> Encoded:
        """Integers as stored.

        Args:
            values: integers of any shape, that `value_bits` hold (two's complement if the type has a sign).
            value_bits: width of one value, up to 64.

        Raises:
            InputError: other values.
        """
        array = np.ascontiguousarray(values)
        if array.size == 0 or array.dtype.kind not in "iub" or not 1 <= value_bits <= 64:
            raise InputError(
                f"{self.text}: encodes whole numbers of 1 to 64 bits, in an array that is not empty"
            )
        signed = array.dtype.kind == "i"
        low = -(1 << (value_bits - 1)) if signed else 0
        high = (1 << (value_bits - signed)) - 1
        if int(array.min()) < low or int(array.max()) > high:
            raise InputError(f"{self.text}: values must be from {low} to {high}, what {value_bits} bits hold")
        codes = array.astype(np.int64 if signed else np.uint64).view(np.uint64) & _mask(value_bits)
        streams, spare = self.streams(codes, value_bits)
        return Encoded(array.shape, value_bits, array.dtype, streams, spare)

    def decode(self, encoded: Encoded) -> NDArray[Any]:
        """The values that were encoded."""
        codes = self.codes(encoded).reshape(encoded.shape)
        if encoded.dtype.kind != "i":
            return codes.astype(encoded.dtype)
        shift = np.uint64(64 - encoded.value_bits)
        return ((codes << shift).view(np.int64) >> np.int64(shift)).astype(encoded.dtype)

    def bits_of(self, values: NDArray[Any], value_bits: int) -> Bits:
        """Bits that real values take, counted; of real numbers only where they are zero matters."""
        array = np.asarray(values)
        return self.encode(array != 0, value_bits).bits

    def expected_bits(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Mean bits of a tensor; exact where its places are known.

        Args:
            shape: extent of each rank, the fastest last.
            density: where non-zeros lie.
            value_bits: width of one value.
        """
        if isinstance(density, Banded):
            density = density.actual()
        if isinstance(density, Actual) and density.mask.size == prod(shape):
            return self.bits_of(density.mask.reshape(shape), value_bits)
        return self.expected(shape, density, value_bits)


def _mask(bits: int) -> np.uint64:
    return np.uint64((1 << bits) - 1)


def index_bits(extent: int) -> int:
    """Bits of an index from 0 to extent − 1: ceil(log2 extent), 0 for one place.

    >>> [index_bits(n) for n in (1, 2, 5, 8, 9)]
    [0, 1, 3, 3, 4]
    """
    return (extent - 1).bit_length()
