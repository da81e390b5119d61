"""A sparse tensor core: of every four weights along the reduction two are zero, and inputs are chosen to match.

The core does twice the products of a dense one a cycle on such weights, each with 2 bits that say which of four it is,
and none faster on others:

    cycles = ceil(tiles / cores) x steps, a step of 16 taps where weights are structured and of 8 where not

Weights with a pattern (`weight: 2:4` in a file of densities) are taken at their word. Without one, a layer of which at
most half of the weights are not zero is taken to be pruned to 2:4; zeros beyond that save nothing.
Source: NVIDIA A100 Tensor Core GPU architecture, 2020.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item
from chipwise.analysis.engines.work import Work
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.densities.structured import Structured

VALUE_BITS = 16
SUM_BITS = 32
GROUP = 4
KEPT = 2


def is_structured(weights: NDArray[np.bool_]) -> bool:
    """Whether of every four weights along the last axis at most two are not zero, on actual data.

    >>> is_structured(np.array([[1, 0, 1, 0, 0, 1, 1, 0]], bool)), is_structured(np.array([[1, 1, 1, 0]], bool))
    (True, False)
    """
    rows = np.asarray(weights, dtype=bool).reshape(-1, weights.shape[-1])
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % GROUP)))
    return bool((rows.reshape(len(rows), -1, GROUP).sum(axis=2) <= KEPT).all())


def _keeps_two(pattern: DensityModel, taps: int) -> bool:
    """Whether a pattern has at most two non-zeros in every four values of a filter."""
    if isinstance(pattern, Actual) and pattern.mask.size % taps == 0:
        return is_structured(pattern.mask.reshape(-1, taps))
    if not isinstance(pattern, Structured):
        return False
    in_four = pattern.n * max(1, GROUP // pattern.m)
    return in_four <= KEPT and (GROUP % pattern.m == 0 or pattern.m % GROUP == 0)


@final
@dataclass(frozen=True, slots=True)
class TensorCore24(Engine):
    """432 cores that do 8 x 4 sums of 8 products a cycle."""

    filters: int = 8
    pixels: int = 4
    taps: int = 8
    cores: int = 432
    node_nm: float = 7.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "tensor-core-2-4"

    @property
    def title(self) -> str:
        """What it is."""
        return "sparse tensor core: twice as fast where of four weights two are zero"

    @property
    def source(self) -> str:
        """Who published it."""
        return "NVIDIA A100 Tensor Core GPU architecture, white paper, 2020"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "the same cores on all weights"

    @property
    def area(self) -> str:
        """Nothing read."""
        return ""

    @property
    def clock_hz(self) -> float:
        """1.41 GHz."""
        return 1.41e9

    def refusal(self, work: Work) -> str:  # noqa: ARG002 - no layer is refused
        """Everything runs, as a matrix product."""
        return ""

    def cost(self, work: Work) -> EngineCost:
        """Half of the steps where weights are structured."""
        pattern = work.weight_pattern
        structured = (
            work.weight_density <= KEPT / GROUP if pattern is None else _keeps_two(pattern, work.taps)
        )
        return self._structured(work) if structured else self.plain(work)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Half of the steps where of every four weights two are zero, whatever the inputs."""
        del inputs
        return self._structured(work) if is_structured(weights) else self.plain(work)

    def _structured(self, work: Work) -> EngineCost:
        kept = KEPT / GROUP
        bits = VALUE_BITS + 2
        return EngineCost(
            self._tiles(work) * ceil(work.taps * kept / self.taps),
            (
                *self._items(work.macs * kept),
                item("choice", work.macs * kept / self.filters, "crossbar", "transfer", VALUE_BITS, 7.0),
                dram("dram", work.weights * kept * bits + (work.input_values + work.outputs) * VALUE_BITS),
            ),
        )

    def plain(self, work: Work) -> EngineCost:
        """All steps."""
        return EngineCost(
            self._tiles(work) * ceil(work.taps / self.taps),
            (
                *self._items(work.macs),
                dram("dram", (work.weights + work.input_values + work.outputs) * VALUE_BITS),
            ),
        )

    def _tiles(self, work: Work) -> int:
        tiles = work.groups * ceil(work.filters / self.filters) * ceil(work.pixels / self.pixels)
        return ceil(tiles / self.cores)

    def _items(self, products: float) -> tuple[Item, ...]:
        node = self.node_nm
        return (
            item("mac", products, "fp_mac", "mac", VALUE_BITS, node),
            item("operands", products / self.filters, "register_file", "read", VALUE_BITS, node, 2**16),
            item("operands", products / self.pixels, "register_file", "read", VALUE_BITS, node, 2**16),
            item("sums", 2 * products / self.taps, "register_file", "read", SUM_BITS, node, 2**16),
        )


ENGINE = TensorCore24()
