"""A dual-side sparse tensor core: outer products of the non-zeros of a column and a row, both found by bit masks.

A warp's tile of 32 x 32 sums takes one column of A and one row of B per step. Their non-zeros are packed; a cycle
multiplies 8 of one by 16 of the other. Products are merged into the buffer of the sums, 115 a cycle:

    cycles of a step = E[max(ceil(X / 8) x ceil(Y / 16), X x Y / 115)] + overhead,   X, Y ~ binomial(32, density)

`overhead`, the cycles of a step that no zero saves (reading masks, counting their bits), is the one parameter that is
fitted. At density 1 a step takes 1024 / 115 cycles and the overhead where a dense core takes 8. Sources: Wang et al.,
ISCA 2021, arXiv:2105.09564; sizes and the 115 from the artifact of Wu et al., Sparseloop, MICRO 2022.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import final

import numpy as np

from chipwise.analysis.engines.chance import Floats, Integers, binomial
from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item, products_of
from chipwise.analysis.engines.work import Work

VALUE_BITS = 16
SUM_BITS = 32


@final
@dataclass(frozen=True, slots=True)
class DualSide(Engine):
    """320 cores of 8 x 16 multipliers; A is the weights, B the inputs."""

    tile: int = 32
    rows: int = 8
    columns: int = 16
    merged: int = 115
    overhead: float = 0.0
    """Cycles of a step; `fitted` finds them, and a test that the engine has what it finds."""
    cores: int = 320
    node_nm: float = 12.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "dual-side"

    @property
    def title(self) -> str:
        """What it is."""
        return "dual-side sparse tensor core: outer products of what is not zero in weights and inputs"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Wang et al., Dual-side sparse tensor core, ISCA 2021, arXiv:2105.09564"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "dense tensor cores of the same multipliers"

    @property
    def area(self) -> str:
        """Nothing read."""
        return ""

    @property
    def clock_hz(self) -> float:
        """1.53 GHz, that of the V100."""
        return 1.53e9

    def refusal(self, work: Work) -> str:  # noqa: ARG002 - no layer is refused
        """Everything runs, as a matrix product."""
        return ""

    def step_cycles(self, a: float, b: float, rows: int | None = None, columns: int | None = None) -> float:
        """Expected cycles of one outer product at densities a and b, in a tile of that size; full by default.

        >>> DualSide(merged=128, overhead=0.5).step_cycles(1.0, 1.0)
        8.5
        """
        rows, columns = self.tile if rows is None else rows, self.tile if columns is None else columns
        x, y = np.arange(rows + 1)[:, None], np.arange(columns + 1)[None, :]
        return float(binomial(rows, a) @ self._taken(x, y) @ binomial(columns, b)) + self.overhead

    def _taken(self, x: Integers, y: Integers) -> Floats:
        """Cycles of multiplying x by y non-zeros and merging the products."""
        multiplied = -(-x // self.rows) * -(-y // self.columns)
        return np.asarray(np.maximum(multiplied, x * y / self.merged))

    def cost(self, work: Work) -> EngineCost:
        """Mean over uniformly random zeros."""

        def tile(rows: int, columns: int) -> float:
            return work.taps * self.step_cycles(work.weight_density, work.input_density, rows, columns)

        products = work.macs * work.weight_density * work.input_density
        return self._cost(work, self._rounds(self._tiles(work, tile)), products)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Every tile with its own zeros."""
        x, y = (_tile_sums(mask, self.tile) for mask in (weights, inputs))
        tiles = [
            (self._taken(x[group], columns) + self.overhead).sum(axis=1)
            for group in range(work.groups)
            for columns in y[group]
        ]
        return self._cost(work, self._rounds(np.concatenate(tiles)), products_of(inputs, weights))

    def plain(self, work: Work) -> EngineCost:
        """Every product; the dot products of 4 of a dense core touch a sum once."""

        def tile(rows: int, columns: int) -> float:
            return work.taps * ceil(rows / self.rows) * ceil(columns / self.columns)

        items = (
            *self._items(work.macs, 2 * work.macs / 4),
            dram("dram", (work.weights + work.input_values + work.outputs) * VALUE_BITS),
        )
        return EngineCost(self._rounds(self._tiles(work, tile)), items)

    def _tiles(self, work: Work, cycles: Callable[[int, int], float]) -> Floats:
        """Cycles of all tiles, by their size: those at the edges are smaller."""
        rows, columns = (_cut(extent, self.tile) for extent in (work.filters, work.pixels))
        by_size = {(r, c): cycles(r, c) for r in set(rows) for c in set(columns)}
        one = [by_size[r, c] for c in columns for r in rows]
        return np.tile(np.array(one), work.groups)

    def _rounds(self, tiles: Floats) -> float:
        """Sum over rounds of all cores of the slowest tile."""
        every = np.pad(tiles, (0, -tiles.size % self.cores))
        return float(every.reshape(-1, self.cores).max(axis=1).sum())

    def _cost(self, work: Work, cycles: float, products: float) -> EngineCost:
        items = (
            *self._items(products, 2 * products),
            dram("dram", work.weights * (work.weight_density * VALUE_BITS + 1)),
            dram("dram", work.input_values * (work.input_density * VALUE_BITS + 1)),
            dram("dram", work.outputs * VALUE_BITS),
        )
        busy = products / (self.rows * self.columns * self.cores * cycles) if cycles else 0.0
        return EngineCost(cycles, items, {"busy": busy})

    def _items(self, products: float, sums: float) -> tuple[Item, ...]:
        node = self.node_nm
        buffer = self.tile**2 * SUM_BITS
        return (
            item("mac", products, "fp_mac", "mac", VALUE_BITS, node),
            item("operands", products / self.rows, "register_file", "read", VALUE_BITS, node, 2**16),
            item("operands", products / self.columns, "register_file", "read", VALUE_BITS, node, 2**16),
            item("sums", sums, "register_file", "read", SUM_BITS, node, buffer),
        )


def _cut(extent: int, tile: int) -> list[int]:
    """Sizes of tiles, the last one what is left."""
    rest = extent % tile
    return [tile] * (extent // tile) + ([rest] if rest else [])


def _tile_sums(mask: Mask, tile: int) -> Integers:
    """Non-zeros of each tile of rows in each tap [groups, tiles, taps]."""
    starts = np.arange(0, mask.shape[1], tile)
    return np.asarray(np.add.reduceat(mask, starts, axis=1, dtype=np.int64))


def fitted(measured: Mapping[tuple[float, float], float], design: DualSide | None = None) -> DualSide:
    """The design with the overhead of least squares of relative errors, of latencies relative to dense.

    Args:
        measured: latency by densities of A and B, with (1, 1) among them.
        design: all other sizes.
    """
    start = DualSide() if design is None else design

    def error(overhead: float) -> float:
        tried = replace(start, overhead=overhead)
        dense = tried.step_cycles(1.0, 1.0)
        return sum(
            (tried.step_cycles(*at) / dense / (value / measured[1.0, 1.0]) - 1) ** 2
            for at, value in measured.items()
        )

    # 0.01 cycles are finer than the figures, which were read off a plot.
    candidates = [step / 100 for step in range(201)]
    return replace(start, overhead=min(candidates, key=error))


ENGINE = DualSide(overhead=0.57)
