"""How Eyeriss lays out a convolution: PE sets, what each PE and the buffer hold, and which layout is taken.

A *set* is R x e PEs: filter rows by e rows of the ofmap. Sets are folded, repeated, and described by seven numbers:

    m  filters whose psums the buffer holds       p  filters in a PE
    n  inputs of the batch in the buffer          q  channels in a PE
    e  rows of the ofmap at once                  r  sets of other channels, t  sets of other filters

Source: Chen et al., IEEE JSSC 52(1), 2017, section V and Table III. The paper prints the seven numbers of AlexNet and
no rule for them; `derive` is a rule of ours that gives all five rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final, final

from chipwise.errors import InputError
from chipwise.workload.layer import Layer

ROWS, COLUMNS = 12, 14
"""PEs of the array."""
IFMAP_WORDS, FILTER_WORDS, PSUM_WORDS = 12, 224, 24
"""Scratchpads of a PE."""
WORD_BYTES: Final = 2
BUFFER_BYTES: Final = 108 * 1024
LEAST_PES: Final = 0.9
"""Of the most PEs that any layout of the layer keeps busy. Of AlexNet's layers the paper's takes 93 % or more."""


@final
@dataclass(frozen=True, slots=True)
class ConvShape:
    """A square convolution; `filters` and `channels` of one group, `plane` rows and columns of the ofmap."""

    batch: int
    groups: int
    filters: int
    channels: int
    plane: int
    taps: int
    stride: int
    padding: int
    """Rows of zeros at either side of the ifmap."""

    @staticmethod
    def of(layer: Layer) -> "ConvShape":
        """The shape of a layer; one with stride 1 is taken as padded such that the plane stays as large.

        Raises:
            InputError: not a square convolution whose filter rows fit the array.
        """
        d = layer.dims
        taps, plane = d.get("R", 0), d.get("P", 0)
        if not 1 <= taps <= ROWS or taps != d.get("S") or plane != d.get("Q") or {"M", "C"} - set(d):
            raise InputError(
                f"layer {layer.name!r}: the mapping rules of Eyeriss are for square convolutions of at most "
                f"{ROWS} filter rows, this one has {dict(d)}"
            )
        stride = layer.notes.get("stride", 1)
        return ConvShape(
            batch=d.get("N", 1),
            groups=d.get("G", 1),
            filters=d["M"],
            channels=d["C"],
            plane=plane,
            taps=taps,
            stride=stride,
            padding=(taps - 1) // 2 if stride == 1 else 0,
        )

    @property
    def height(self) -> int:
        """Rows of the ifmap with padding: U·(E − 1) + R."""
        return self.stride * (self.plane - 1) + self.taps

    @property
    def macs(self) -> int:
        """N·G·M·C·E²·R²."""
        return self.weight_words * self.batch * self.plane**2

    @property
    def weight_words(self) -> int:
        """G·M·C·R²."""
        return self.groups * self.filters * self.channels * self.taps**2

    @property
    def ofmap_words(self) -> int:
        """N·G·M·E²."""
        return self.batch * self.groups * self.filters * self.plane**2


@final
@dataclass(frozen=True, slots=True, order=True)
class RowStationary:
    """A layout, in the letters of the paper."""

    m: int
    n: int
    e: int
    p: int
    q: int
    r: int
    t: int

    @property
    def folds(self) -> int:
        """Pieces of a set that is wider than the array, above each other."""
        return -(-self.e // COLUMNS)

    def active_pes(self, shape: ConvShape) -> int:
        """R·e·r·t.

        >>> conv2 = ConvShape(4, 2, 128, 48, 27, 5, 1, 2)
        >>> RowStationary(64, 1, 27, 16, 2, 1, 1).active_pes(conv2)
        135
        """
        return shape.taps * self.e * self.r * self.t

    def psum_bytes(self, shape: ConvShape) -> int:
        """Buffer for psums: m·n·e·E words."""
        return self.m * self.n * self.e * shape.plane * WORD_BYTES

    def ifmap_bytes(self, shape: ConvShape) -> int:
        """Buffer for ifmaps: n·q·r·H·(U·(e − 1) + R) words, padding included."""
        rows = shape.stride * (self.e - 1) + shape.taps
        return self.n * self.q * self.r * shape.height * rows * WORD_BYTES

    def strips(self, shape: ConvShape) -> int:
        """Strips of e rows in the plane; the last may be lower."""
        return -(-shape.plane // self.e)

    def channel_passes(self, shape: ConvShape) -> int:
        """Times that a psum is added to: ceil(C / (q·r))."""
        return -(-shape.channels // (self.q * self.r))

    def ifmap_words(self, shape: ConvShape, *, padded: bool = False) -> int:
        """Words of all ifmaps, halos between strips as often as they are fetched, once for all filters.

        Zeros of the padding are not stored, so they are fetched only where `padded`, which is how a
        mapping of the layer counts.
        """
        edge = 0 if padded else shape.padding
        total = 0
        for top in range(0, shape.plane, self.e):
            rows = min(self.e, shape.plane - top)
            first = shape.stride * top
            last = first + shape.stride * (rows - 1) + shape.taps
            total += min(last, shape.height - edge) - max(first, edge)
        return shape.batch * shape.groups * shape.channels * total * (shape.height - 2 * edge)

    def ifmap_loads(self, shape: ConvShape) -> int:
        """Times that an ifmap comes from DRAM: M / m."""
        return -(-shape.filters // self.m)

    def ifmap_reads(self, shape: ConvShape) -> int:
        """Times that an ifmap goes to the array: M / (p·t)."""
        return -(-shape.filters // (self.p * self.t))

    def filter_loads(self, shape: ConvShape) -> int:
        """Times that a filter comes from DRAM: strips · N / n."""
        return self.strips(shape) * -(-shape.batch // self.n)

    def dram_words(self, shape: ConvShape, *, padded: bool = False) -> int:
        """Words through DRAM without compression."""
        ifmaps = self.ifmap_words(shape, padded=padded) * self.ifmap_loads(shape)
        return ifmaps + shape.weight_words * self.filter_loads(shape) + shape.ofmap_words

    def buffer_words(self, shape: ConvShape, *, padded: bool = False) -> int:
        """Words into and out of the buffer.

        Psums are written in each pass and read from the second on, ifmaps written and read. Finished ofmaps that
        leave for DRAM are not among them, as in the paper's figures.
        """
        psums = shape.ofmap_words * (2 * self.channel_passes(shape) - 1)
        moves = self.ifmap_loads(shape) + self.ifmap_reads(shape)
        return psums + self.ifmap_words(shape, padded=padded) * moves


def _sets(e: int, taps: int) -> tuple[int, int]:
    """Sets of e columns above each other and side by side; (0, 0): none fits.

    A set wider than the array is folded and stands alone. Others are repeated above each other or, where only one
    fits so, side by side: the paper's 4 sets of CONV3-5, and 2 of CONV1.
    """
    if e > COLUMNS:
        return (1, 1) if -(-e // COLUMNS) * taps <= ROWS else (0, 0)
    above = ROWS // taps
    return above, 1 if above > 1 else COLUMNS // e


def _divisors(number: int, most: int) -> tuple[int, ...]:
    return tuple(d for d in range(1, min(number, most) + 1) if number % d == 0)


def candidates(shape: ConvShape) -> Iterator[RowStationary]:
    """All layouts that fit, with loops that divide: p·t | m | M, q·r | C, n | N.

    The scratchpads hold q·R ifmap, p·q·R filter words and p psums; the buffer psums and two tiles of ifmaps, since
    the next one is loaded meanwhile.
    """
    for e in range(1, shape.plane + 1):
        above, beside = _sets(e, shape.taps)
        for r, q in product(range(1, above + 1), range(1, IFMAP_WORDS // shape.taps + 1)):
            if shape.channels % (q * r):
                continue
            most_filters = min(PSUM_WORDS, FILTER_WORDS // (q * shape.taps))
            for t in range(1, above // r * beside + 1):
                for p in _divisors(shape.filters, most_filters):
                    if shape.filters % (p * t):
                        continue
                    yield from _filled(shape, e, p, q, r, t)


def _filled(shape: ConvShape, e: int, p: int, q: int, r: int, t: int) -> Iterator[RowStationary]:
    for blocks in _divisors(shape.filters // (p * t), shape.filters):
        for n in _divisors(shape.batch, shape.batch):
            found = RowStationary(blocks * p * t, n, e, p, q, r, t)
            if found.psum_bytes(shape) + 2 * found.ifmap_bytes(shape) <= BUFFER_BYTES:
                yield found


@lru_cache(maxsize=64)
def derive(shape: ConvShape) -> RowStationary:
    """The layout with the least words through DRAM, and of those through the buffer, padding counted and dense.

    Of those that keep nearly all PEs busy that can be (`LEAST_PES`). Gives the five rows of Table III.

    Raises:
        InputError: nothing fits.

    >>> derive(ConvShape(4, 2, 128, 48, 27, 5, 1, 2))
    RowStationary(m=64, n=1, e=27, p=16, q=2, r=1, t=1)
    """
    found = list(candidates(shape))
    if not found:
        raise InputError(f"{shape} fits Eyeriss in no way")
    enough = LEAST_PES * max(layout.active_pes(shape) for layout in found)
    return min(
        (layout for layout in found if layout.active_pes(shape) >= enough),
        key=lambda x: (x.dram_words(shape, padded=True), x.buffer_words(shape, padded=True), x),
    )
