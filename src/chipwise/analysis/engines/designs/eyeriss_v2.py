"""The sparse PE of Eyeriss v2: non-zero inputs meet the non-zero weights of their channel, and nothing else is done.

Weights and inputs stay compressed in the PE: a 4-bit count of zeros and 8 bits of data per non-zero, with the address
where each channel begins in a scratchpad of its own. A cycle takes an input and two weights of its channel:

    cycles of a PE = sum over channels c of nnz_input(c) x ceil(nnz_weight(c) / 2)

An array of PEs takes pieces of a layer in rounds and waits for the slowest of each. A piece is some filters (at most 32
sums), some taps (their non-zero weights must fit, by their expected number) and some pixels. Of all cuts the fastest
is taken; the hierarchical mesh is taken to deliver in time. Source: Chen et al., IEEE JETCAS 9(2), 2019, section IV.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.chance import Integers, binomial, by_size, grouped, shares, uniforms
from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item, products_of
from chipwise.analysis.engines.work import Work

COUNT_BITS = 4
DATA_BITS = 8
PSUM_BITS = 20
DRAWN_ROUNDS = 32
"""Rounds of an array that are drawn one by one; more hardly move their mean."""


def pe_cycles(inputs: NDArray[np.bool_], weights: NDArray[np.bool_], macs: int = 1) -> int:
    """Cycles of one PE on actual data: sum over channels of nnz_input x ceil(nnz_weight / macs).

    Args:
        inputs: which are not zero [pixels, channels].
        weights: which are not zero [filters, channels].
        macs: products in a cycle; Sparseloop's ground truth is of a PE with one.

    >>> pe_cycles(np.array([[1, 0], [1, 1]], bool), np.array([[1, 1], [1, 0], [1, 0]], bool))
    7
    """
    left = np.asarray(inputs, dtype=bool).sum(axis=0, dtype=np.int64)
    right = np.asarray(weights, dtype=bool).sum(axis=0, dtype=np.int64)
    return int((left * -(-right // macs)).sum())


@final
@dataclass(frozen=True, slots=True)
class EyerissV2(Engine):
    """The array of 192 such PEs."""

    pes: int = 192
    macs: int = 2
    weight_words: int = 96
    weight_word_bits: int = 24
    input_words: int = 16
    input_word_bits: int = 12
    sums: int = 32
    node_nm: float = 65.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "eyeriss-v2"

    @property
    def title(self) -> str:
        """What it is."""
        return "Eyeriss v2: skips zeros of inputs and weights in compressed columns, two MACs per PE"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Chen et al., Eyeriss v2, IEEE JETCAS 9(2), 2019, arXiv:1807.07928"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "the same PEs with raw values of 8 b in the same scratchpads"

    @property
    def area(self) -> str:
        """As the paper says."""
        return "a PE is 73 % larger than the first Eyeriss'"

    @property
    def clock_hz(self) -> float:
        """200 MHz."""
        return 200e6

    def refusal(self, work: Work) -> str:  # noqa: ARG002 - no layer is refused
        """Everything runs."""
        return ""

    def cost(self, work: Work) -> EngineCost:
        """The fastest cut whose non-zero weights and inputs are expected to fit."""
        cycles = min(self._cycles(work, *cut) for cut in self._compressed_cuts(work))
        products = work.macs * work.input_density * work.weight_density
        return self._cost(work, cycles, products)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """The fastest cut, whose non-zeros fit on average."""
        cycles = min(self._actual_cycles(inputs, weights, *cut) for cut in self._compressed_cuts(work))
        return self._cost(work, cycles, products_of(inputs, weights))

    def _compressed_cuts(self, work: Work) -> list[tuple[int, int]]:
        pair = COUNT_BITS + DATA_BITS
        return self._cuts(
            work,
            self.weight_words * self.weight_word_bits // pair / max(work.weight_density, 1e-9),
            self.input_words * self.input_word_bits // pair / max(work.input_density, 1e-9),
        )

    def _cost(self, work: Work, cycles: int, products: float) -> EngineCost:
        items = self._items(work, products, COUNT_BITS + DATA_BITS)
        busy = products / (self.pes * self.macs * cycles) if cycles else 0.0
        return EngineCost(cycles, items, {"busy": busy})

    def plain(self, work: Work) -> EngineCost:
        """Every product, in pieces that fit uncompressed."""
        dense = work.dense()
        cuts = self._cuts(
            dense,
            self.weight_words * self.weight_word_bits // DATA_BITS,
            self.input_words * self.input_word_bits // DATA_BITS,
        )
        cycles = min(self._cycles(dense, *cut) for cut in cuts)
        return EngineCost(cycles, self._items(dense, dense.macs, DATA_BITS))

    def _cuts(self, work: Work, weights: float, inputs: float) -> list[tuple[int, int]]:
        """(filters, taps) of a piece: filters all, half or a quarter of the sums there are, taps powers of two."""
        found = []
        most = min(self.sums, work.filters)
        for filters in dict.fromkeys(max(1, most // share) for share in (1, 2, 4)):
            taps = 1
            while taps <= min(weights / filters, inputs):
                found.append((filters, min(taps, work.taps)))
                taps *= 2
        return list(dict.fromkeys(found)) or [(1, 1)]

    def _cycles(self, work: Work, filters: int, taps: int) -> int:
        """Sum over rounds of the slowest piece; of large layers, the rounds that are drawn stand for the others."""
        filter_parts, tap_parts = ceil(work.filters / filters), ceil(work.taps / taps)
        units = filter_parts * tap_parts * work.groups
        pixel_parts = min(work.pixels, max(1, self.pes // units))
        rounds = ceil(units * pixel_parts / self.pes)
        drawn = min(rounds, DRAWN_ROUNDS)
        needed = ceil(drawn * self.pes / pixel_parts)
        drawn_taps = min(tap_parts, needed)
        drawn_filters = min(filter_parts, ceil(needed / drawn_taps))
        left = by_size(
            shares(work.pixels, pixel_parts),
            uniforms(pixel_parts, drawn_taps * taps),
            lambda size: binomial(size, work.input_density),
        )
        right = by_size(
            shares(work.filters, filter_parts)[:drawn_filters],
            uniforms(drawn_filters, drawn_taps * taps, of="weight"),
            lambda size: grouped(binomial(size, work.weight_density), self.macs),
        )
        left[:, work.taps :] = 0
        pieces = np.einsum(
            "skc,fkc->kfs",
            left.reshape(pixel_parts, drawn_taps, taps),
            right.reshape(drawn_filters, drawn_taps, taps),
        ).ravel()
        # Groups are alike: the pieces of the first stand for those of all.
        waiting = np.zeros(drawn * self.pes, dtype=np.int64)
        every = np.resize(pieces, min(waiting.size, units * pixel_parts))
        waiting[: every.size] = every
        slowest = int(waiting.reshape(drawn, self.pes).max(axis=1).sum())
        return slowest if drawn == rounds else round(slowest * rounds / drawn)

    def _actual_cycles(self, inputs: Mask, weights: Mask, filters: int, taps: int) -> int:
        """Sum over rounds of the slowest piece, of the zeros that there are."""
        groups, pixels, all_taps = inputs.shape
        filter_parts, tap_parts = ceil(weights.shape[1] / filters), ceil(all_taps / taps)
        pixel_parts = min(pixels, max(1, self.pes // (filter_parts * tap_parts * groups)))
        left = _sums(inputs, shares(pixels, pixel_parts), tap_parts * taps)
        right = -(-_sums(weights, shares(weights.shape[1], filter_parts), tap_parts * taps) // self.macs)
        pieces = np.einsum(
            "gskc,gfkc->gkfs",
            left.reshape(groups, pixel_parts, tap_parts, taps),
            right.reshape(groups, filter_parts, tap_parts, taps),
        ).ravel()
        rounds = ceil(pieces.size / self.pes)
        waiting = np.zeros(rounds * self.pes, dtype=np.int64)
        waiting[: pieces.size] = pieces
        return int(waiting.reshape(rounds, self.pes).max(axis=1).sum())

    def _items(self, work: Work, products: float, bits: int) -> tuple[Item, ...]:
        inputs, weights = work.input_density, work.weight_density
        node = self.node_nm
        columns = work.macs / min(self.sums, work.filters) * inputs
        weight_spad = self.weight_words * self.weight_word_bits
        found = [
            item("mac", products, "int_mac", "mac", DATA_BITS, node),
            item("weight spad", products, "register_file", "read", bits, node, weight_spad),
            item("input spad", columns, "register_file", "read", bits, node, self.input_words * 12),
            item("psum spad", products, "register_file", "read", PSUM_BITS, node, self.sums * PSUM_BITS),
            item("psum spad", products, "register_file", "write", PSUM_BITS, node, self.sums * PSUM_BITS),
            dram("dram", work.weights * weights * bits),
            dram("dram", work.input_values * inputs * bits),
            dram("dram", work.outputs * DATA_BITS),
        ]
        if bits > DATA_BITS:
            # Two addresses of 7 b say where the weights of a channel begin and end; 4 b those of inputs.
            found.append(item("address spads", 2 * columns, "register_file", "read", 7, node, 16 * 7))
        return tuple(found)


def _sums(mask: Mask, parts: Integers, taps: int) -> Integers:
    """Non-zeros of each part of the rows in each tap [groups, parts, taps], taps filled up with none."""
    starts = np.concatenate([[0], np.cumsum(parts)[:-1]])
    found = np.add.reduceat(mask, starts, axis=1, dtype=np.int64)
    return np.asarray(np.pad(found, ((0, 0), (0, 0), (0, taps - mask.shape[2]))))


ENGINE = EyerissV2()
