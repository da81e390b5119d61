"""A dual-side sparse tensor core: outer products of the non-zeros of a column and a row, both found by bit masks.

A warp's tile of 32 x 32 sums takes one column of A and one row of B per step. Their non-zeros are packed; a cycle
multiplies 8 of one by 16 of the other. Products are merged into the buffer of the sums, 115 a cycle:

    cycles of a step = E[max(ceil(X / 8) x ceil(Y / 16), X x Y / 115)] + overhead,   X, Y ~ binomial(32, density)

`overhead`, the cycles of a step that no zero saves (reading masks, counting their bits), is the one parameter that is
fitted. At density 1 a step takes 1024 / 115 cycles and the overhead where a dense core takes 8. Sources: Wang et al.,
ISCA 2021, arXiv:2105.09564; sizes and the 115 from the artifact of Wu et al., Sparseloop, MICRO 2022.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import final

import numpy as np

from chipwise.analysis.engines.chance import binomial
from chipwise.analysis.engines.engine import Engine, EngineCost, Item, dram, item
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
    def clock_hz(self) -> float:
        """1.53 GHz, that of the V100."""
        return 1.53e9

    def refusal(self, work: Work) -> str:  # noqa: ARG002 - no layer is refused
        """Everything runs, as a matrix product."""
        return ""

    def step_cycles(self, a: float, b: float) -> float:
        """Expected cycles of one outer product at densities a and b.

        >>> DualSide(merged=128, overhead=0.5).step_cycles(1.0, 1.0)
        8.5
        """
        x, y = np.arange(self.tile + 1)[:, None], np.arange(self.tile + 1)[None, :]
        multiplied = -(-x // self.rows) * -(-y // self.columns)
        taken = np.maximum(multiplied, x * y / self.merged)
        return float(binomial(self.tile, a) @ taken @ binomial(self.tile, b)) + self.overhead

    def cost(self, work: Work) -> EngineCost:
        """Mean over uniformly random zeros."""
        products = work.macs * work.weight_density * work.input_density
        step = self.step_cycles(work.weight_density, work.input_density)
        pair = VALUE_BITS
        items = (
            *self._items(products, 2 * products),
            dram("dram", work.weights * (work.weight_density * pair + 1)),
            dram("dram", work.input_values * (work.input_density * pair + 1)),
            dram("dram", work.outputs * VALUE_BITS),
        )
        return EngineCost(self._steps(work) * step, items, {"cycles_per_step": step})

    def plain(self, work: Work) -> EngineCost:
        """Every product; the dot products of 4 of a dense core touch a sum once."""
        step = ceil(self.tile / self.rows) * ceil(self.tile / self.columns)
        items = (
            *self._items(work.macs, 2 * work.macs / 4),
            dram("dram", (work.weights + work.input_values + work.outputs) * VALUE_BITS),
        )
        return EngineCost(self._steps(work) * step, items)

    def _steps(self, work: Work) -> float:
        """Steps of a core: tiles that are not full cost as full ones."""
        tiles = work.groups * ceil(work.filters / self.tile) * ceil(work.pixels / self.tile)
        return ceil(tiles / self.cores) * work.taps

    def _items(self, products: float, sums: float) -> tuple[Item, ...]:
        node = self.node_nm
        buffer = self.tile**2 * SUM_BITS
        return (
            item("mac", products, "fp_mac", "mac", VALUE_BITS, node),
            item("operands", products / self.rows, "register_file", "read", VALUE_BITS, node, 2**16),
            item("operands", products / self.columns, "register_file", "read", VALUE_BITS, node, 2**16),
            item("sums", sums, "register_file", "read", SUM_BITS, node, buffer),
        )


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
