"""One format per rank of the tensor's tree of fibres, as Sparseloop composes them.

U    every coordinate, no metadata                    B   one bit per coordinate
CP   the coordinates that are not empty               RLE the empty ones before each that is not
UOP  per coordinate where its fibre starts, one more  for the end (UOP, CP: the rows of CSR)

A fibre below U is always there, below the others where it is not empty. Where U, B, CP or RLE stands above CP or RLE,
each fibre's length is stored as well; without it nobody could decode. Source: Wu et al., Sparseloop, MICRO 2022.
"""

from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.errors import InputError, did_you_mean
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.format import VALUES, Bits, Codes, Encoded, Format, Stream, index_bits

KINDS = ("U", "B", "CP", "RLE", "UOP")
_OPEN = ("CP", "RLE")
"""Kinds whose fibres have no fixed length."""

Ints = NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class RankUnits:
    """What one rank stores: fibres, metadata (bits, coordinates, runs), and payloads (lengths, offsets)."""

    fibres: float
    metadata: float
    payloads: float


@final
@dataclass(frozen=True, slots=True)
class Ranked(Format):
    """`kinds` from the outermost rank; the last one takes all ranks that are left as one.

    >>> Ranked(("UOP", "CP")).bits_of(np.eye(8, dtype=bool), 8)
    Bits(data=64, metadata=87)
    """

    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise InputError(f"format of a rank {kind!r}: is none." + did_you_mean(kind, KINDS))
        if not self.kinds:
            raise InputError("ranks: give a format for at least one, as ranks(UOP, CP)")

    @property
    def text(self) -> str:
        """`ranks(UOP, CP)`."""
        return f"ranks({', '.join(self.kinds)})"

    def extents(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of the ranks that have a format each.

        Raises:
            InputError: the tensor has fewer ranks than formats.
        """
        n = len(self.kinds)
        if len(shape) < n:
            raise InputError(f"{self.text}: has {n} ranks, the tensor {len(shape)}")
        return (*shape[: n - 1], prod(shape[n - 1 :]))

    def streams(self, codes: Codes, value_bits: int) -> tuple[tuple[Stream, ...], int]:
        """Metadata and payloads rank by rank, then the values."""
        shape = self.extents(codes.shape)
        flat = codes.ravel()
        fibres: Ints = np.zeros(1, np.int64)
        found: list[Stream] = []
        for r, kind in enumerate(self.kinds):
            extent = shape[r]
            full = _occupied(flat, shape, r).reshape(-1, extent)[fibres]
            row, at = np.nonzero(full)
            if kind == "B":
                found.append(_stream(r, "mask", 1, full.ravel()))
            elif kind == "CP":
                found.append(_stream(r, "coordinates", index_bits(extent), at))
            elif kind == "RLE":
                before = np.where(np.diff(row, prepend=-1) > 0, -1, np.concatenate(([-1], at[:-1])))
                found.append(_stream(r, "runs", index_bits(extent), at - before - 1))
            if kind == "U":
                row, at = (i.ravel() for i in np.indices(full.shape))
            children = fibres[row] * extent + at
            lengths = self._lengths(flat, shape, r, children)
            if kind == "UOP":
                each = np.zeros(full.shape, np.int64)
                each[row, at] = lengths
                ends = np.cumsum(each, axis=1)
                first = (np.cumsum(ends[:, -1]) - ends[:, -1])[:, None]
                offsets = np.hstack((first, first + ends)).ravel()
                found.append(_stream(r, "offsets", _offset_bits(shape, r), offsets))
            elif r + 1 < len(shape) and self.kinds[r + 1] in _OPEN:
                found.append(_stream(r, "lengths", index_bits(shape[r + 1] + 1), lengths))
            fibres = children
        return (*found, Stream(VALUES, value_bits, flat[fibres])), 0

    def codes(self, encoded: Encoded) -> Codes:
        """The tree from the top, then the values at its leaves."""
        shape = self.extents(encoded.shape)
        fibres: Ints = np.zeros(1, np.int64)
        lengths: Ints | None = None
        for r, kind in enumerate(self.kinds):
            extent = shape[r]
            if kind == "U":
                row, at = (i.ravel() for i in np.indices((fibres.size, extent)))
            elif kind == "B":
                row, at = np.nonzero(_read(encoded, r, "mask").reshape(-1, extent))
            elif kind == "UOP":
                steps = np.diff(_read(encoded, r, "offsets").reshape(-1, extent + 1), axis=1)
                row, at = np.nonzero(steps)
                lengths = steps[row, at]
            else:
                name = "coordinates" if kind == "CP" else "runs"
                at = _read(encoded, r, name)
                row = np.repeat(np.arange(fibres.size), at.size if lengths is None else lengths)
                if kind == "RLE":
                    total = np.cumsum(at + 1)
                    starts = np.searchsorted(row, np.arange(fibres.size))
                    before = np.concatenate(([0], total))[starts]
                    at = total - before[row] - 1
            if kind != "UOP" and r + 1 < len(shape) and self.kinds[r + 1] in _OPEN:
                lengths = _read(encoded, r, "lengths")
            fibres = fibres[row] * extent + at
        found = np.zeros(prod(shape), np.uint64)
        found[fibres] = encoded.stream(VALUES)
        return found

    def units(self, shape: tuple[int, ...], density: DensityModel) -> tuple[RankUnits, ...]:
        """Mean units of every rank: each coordinate is there with the chance that it is not empty."""
        extents = self.extents(shape)
        fibres, found = 1.0, []
        for r, kind in enumerate(self.kinds):
            positions = fibres * extents[r]
            below = prod(extents[r + 1 :])
            full = prod(extents[: r + 1]) * (1.0 - density.p_empty(below))
            kept = positions if kind == "U" else full
            metadata = {"U": 0.0, "UOP": 0.0, "B": positions}.get(kind, full)
            payloads = positions + fibres if kind == "UOP" else 0.0
            if kind != "UOP" and r + 1 < len(extents) and self.kinds[r + 1] in _OPEN:
                payloads = kept
            found.append(RankUnits(fibres, metadata, payloads))
            fibres = kept
        return (*found, RankUnits(fibres, 0.0, fibres))

    def expected(self, shape: tuple[int, ...], density: DensityModel, value_bits: int) -> Bits:
        """Units x their widths."""
        extents = self.extents(shape)
        *ranks, values = self.units(shape, density)
        metadata = 0.0
        for r, (kind, units) in enumerate(zip(self.kinds, ranks, strict=True)):
            metadata += units.metadata * (1 if kind == "B" else index_bits(extents[r]))
            if kind == "UOP":
                metadata += units.payloads * _offset_bits(extents, r)
            elif units.payloads:
                metadata += units.payloads * index_bits(extents[r + 1] + 1)
        return Bits(values.fibres * value_bits, metadata)

    def _lengths(self, flat: Codes, shape: tuple[int, ...], r: int, children: Ints) -> Ints:
        """What each child stores of its own: coordinates that are kept, or one value."""
        if r + 1 == len(shape):
            return np.ones(children.size, np.int64)
        if self.kinds[r + 1] == "U":
            return np.full(children.size, shape[r + 1])
        kept = _occupied(flat, shape, r + 1).reshape(-1, shape[r + 1])[children]
        lengths: Ints = np.asarray(np.count_nonzero(kept, axis=1), np.int64)
        return lengths


def _occupied(flat: Codes, shape: tuple[int, ...], r: int) -> NDArray[np.bool_]:
    """Of every coordinate of rank r in the whole tensor, whether anything below it is not zero."""
    found: NDArray[np.bool_] = (flat.reshape(prod(shape[: r + 1]), -1) != 0).any(axis=1)
    return found


def _offset_bits(shape: tuple[int, ...], r: int) -> int:
    return index_bits(prod(shape[: r + 2]) + 1)


def _stream(r: int, name: str, width: int, codes: NDArray[np.int64] | NDArray[np.bool_]) -> Stream:
    return Stream(f"rank {r} {name}", width, codes.astype(np.uint64))


def _read(encoded: Encoded, r: int, name: str) -> Ints:
    return encoded.stream(f"rank {r} {name}").astype(np.int64)
