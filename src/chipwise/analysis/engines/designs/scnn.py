"""SCNN: each PE multiplies all non-zero inputs of its part of the plane with all non-zero weights of a channel.

8 x 8 PEs hold a part of the plane each and keep it (input stationary). Filters come in groups whose sums, with the halo
of the window, fit the accumulators. For each channel of a group a PE takes 4 inputs and 4 weights a cycle, each pair of
which is a product (Cartesian), and a crossbar scatters the products to their sums. PEs wait for each other at the end
of a group, when halos are exchanged:

    cycles = sum over groups of max over PEs of sum over channels of ceil(nnz_input / 4) x ceil(nnz_weight / 4)

A stride splits inputs and weights into the phases that meet. Products beyond the border and conflicts in the banks of
the accumulators are not counted: there are twice as many banks as products. The counterpart DCNN cuts the plane alike
and does a dot product of 16 a cycle. Source: Parashar et al., ISCA 2017, arXiv:1708.04485.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np

from chipwise.analysis.engines.chance import Integers, binomial, by_size, counts_at, grouped, uniforms
from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item, products_of
from chipwise.analysis.engines.work import Work

VALUE_BITS = 16
INDEX_BITS = 4
SUM_BITS = 24


@final
@dataclass(frozen=True, slots=True)
class Scnn(Engine):
    """64 PEs of 4 x 4 multipliers."""

    side: int = 8
    inputs: int = 4
    weights: int = 4
    accumulators: int = 1024
    banks: int = 32
    ram_bits: int = 64 * 2 * 10 * 8192
    """Of inputs and outputs, all PEs together: 10 KiB of each, as quoted."""
    node_nm: float = 16.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "scnn"

    @property
    def title(self) -> str:
        """What it is."""
        return "SCNN: Cartesian products of non-zero inputs and weights, planes cut over 64 PEs"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Parashar et al., SCNN, ISCA 2017, arXiv:1708.04485"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "DCNN: the same parts of the plane, dot products of 16"

    @property
    def area(self) -> str:
        """As the paper says."""
        return "7.9 mm2, DCNN 5.9 mm2"

    @property
    def clock_hz(self) -> float:
        """1 GHz, as quoted."""
        return 1e9

    def refusal(self, work: Work) -> str:
        """Planes only."""
        return "" if work.rows * work.columns > 1 else "has no plane to cut over the PEs"

    def cost(self, work: Work) -> EngineCost:
        """One draw of uniformly random zeros stands for the layer."""
        sizes = self._parts(work)
        groups, widest = self._filter_groups(work)
        channels = work.channels
        cycles = 0
        for phase, (rows, columns) in enumerate(_phase_taps(work)):
            taps = len(rows) * len(columns)
            drawn = uniforms(len(sizes), channels * work.stride**2)[:, phase * channels :][:, :channels]
            left = by_size(
                sizes, drawn, lambda size: grouped(binomial(size, work.input_density), self.inputs)
            )
            for group in range(groups):
                filters = min(widest, work.filters - group * widest)
                weights = grouped(binomial(filters * taps, work.weight_density), self.weights)
                right = counts_at(uniforms(groups, channels, of="weight")[group], weights)
                cycles += int((left @ right).max())
        cycles *= work.groups * work.batch
        return self._cost(work, cycles, work.macs * work.input_density * work.weight_density)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Inputs of each phase are those that one tap of it meets at all pixels, near the middle of the window."""
        groups, widest = self._filter_groups(work)
        shape = (work.groups, work.batch, work.rows, work.columns, work.channels, *work.window)
        unrolled = inputs.reshape(shape)
        kernels = weights.reshape(work.groups, work.filters, work.channels, *work.window)
        cycles = 0
        for rows, columns in _phase_taps(work):
            middle = unrolled[..., rows[len(rows) // 2], columns[len(columns) // 2]]
            left = -(-self._part_sums(middle) // self.inputs)
            taps = kernels[..., rows, :][..., columns]
            for group in range(groups):
                part = taps[:, group * widest : (group + 1) * widest]
                right = -(-part.sum(axis=(1, 3, 4), dtype=np.int64) // self.weights)
                cycles += int(np.einsum("gbpc,gc->gbp", left, right).max(axis=2).sum())
        return self._cost(work, cycles, products_of(inputs, weights))

    def _part_sums(self, plane: Mask) -> Integers:
        """Non-zeros of each PE's part [groups, batch, PEs, channels] of [groups, batch, rows, columns, channels]."""
        found = np.asarray(plane, dtype=np.int64)
        for axis in (2, 3):
            size = ceil(found.shape[axis] / self.side)
            found = np.add.reduceat(found, np.arange(0, found.shape[axis], size), axis=axis)
        return np.asarray(found.reshape(*found.shape[:2], -1, found.shape[-1]))

    def _cost(self, work: Work, cycles: int, products: float) -> EngineCost:
        busy = products / (self.side**2 * self.inputs * self.weights * cycles) if cycles else 0.0
        return EngineCost(cycles, self._items(work, products), {"busy": busy})

    def plain(self, work: Work) -> EngineCost:
        """DCNN."""
        part = int(self._parts(work).max())
        dots = ceil(work.taps / (self.inputs * self.weights))
        cycles = work.groups * work.batch * part * work.filters * dots
        node = self.node_nm
        lanes = self.inputs * self.weights
        sums = work.macs / lanes
        items = (
            item("mac", work.macs, "int_mac", "mac", VALUE_BITS, node),
            # Both read a vector of inputs once for each of 4 filters in flight.
            item("input ram", work.macs / self.weights, "sram", "read", VALUE_BITS, node, 10 * 8192),
            item("weight fifo", work.macs / self.inputs, "fifo", "read", VALUE_BITS, node, 500 * 8),
            item("accumulators", 2 * sums, "sram", "read", SUM_BITS, node, self._bank_bits),
            dram("dram", work.weights * VALUE_BITS),
            dram("dram", self._spilled(work, work.input_values + work.outputs, VALUE_BITS)),
        )
        return EngineCost(cycles, items)

    @property
    def _bank_bits(self) -> int:
        return self.accumulators // self.banks * SUM_BITS

    def _parts(self, work: Work) -> Integers:
        """Pixels of each PE: planes are cut into equal rectangles, those at the far edges smaller or empty."""

        def cut(extent: int) -> Integers:
            size = ceil(extent / self.side)
            return np.clip(extent - size * np.arange(self.side), 0, size)

        return np.outer(cut(work.rows), cut(work.columns)).ravel()

    def _filter_groups(self, work: Work) -> tuple[int, int]:
        """Groups of filters, and filters of the widest, whose sums with halo fit."""
        rows = ceil(work.rows / self.side) + work.window[0] - 1
        columns = ceil(work.columns / self.side) + work.window[1] - 1
        widest = max(1, min(work.filters, self.accumulators // (rows * columns)))
        return ceil(work.filters / widest), widest

    def _spilled(self, work: Work, values: float, bits: int) -> float:
        """Bits that cross DRAM of inputs and outputs: none where those of one image fit the RAMs of the PEs."""
        return 0.0 if values / work.batch * bits <= self.ram_bits else values * bits

    def _items(self, work: Work, products: float) -> tuple[Item, ...]:
        node = self.node_nm
        groups, widest = self._filter_groups(work)
        pair = VALUE_BITS + INDEX_BITS
        pixels = work.pixels * work.channels * work.groups * work.stride**2
        vectors = groups * pixels * work.input_density
        fetched = vectors / self.inputs * widest * work.window[0] * work.window[1] / work.stride**2
        return (
            item("mac", products, "int_mac", "mac", VALUE_BITS, node),
            item("input ram", vectors, "sram", "read", pair, node, 10 * 8192),
            item("weight fifo", fetched * work.weight_density, "fifo", "read", pair, node, 500 * 8),
            item("crossbar", products, "crossbar", "transfer", SUM_BITS, node),
            item("accumulators", 2 * products, "sram", "read", SUM_BITS, node, self._bank_bits),
            dram("dram", work.weights * work.weight_density * pair),
            # Nobody gives the density of outputs: that of the inputs is taken.
            dram(
                "dram",
                self._spilled(work, (work.input_values + work.outputs) * work.input_density, pair),
            ),
        )


def _phase_taps(work: Work) -> list[tuple[list[int], list[int]]]:
    """Rows and columns of the window that meet the inputs of each phase of the stride; none meet some."""
    rows, columns = (
        [list(range(phase, extent, work.stride)) for phase in range(min(work.stride, extent))]
        for extent in work.window
    )
    return [(r, c) for r in rows for c in columns]


ENGINE = Scnn()
