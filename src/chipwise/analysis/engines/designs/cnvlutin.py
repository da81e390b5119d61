"""Cnvlutin: zero inputs are skipped, lane by lane, on DaDianNao's units.

DaDianNao takes 16 inputs a cycle, one on each lane, for 256 filters at once. Cnvlutin lets the lanes run apart: each
gets bricks of 16 inputs with their non-zeros packed, and takes a cycle for each of these, one at least per brick. The
lanes wait for each other at the end of a window:

    cycles of a window = E[max over 16 lanes of sum over its bricks of max(1, nnz(brick))]

The first layer of a network has no zeros to skip and too few channels for a brick; such a layer runs as on DaDianNao.
Source: Albericio et al., ISCA 2016.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.chance import binomial, mean_of_largest, shares, sum_of
from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item
from chipwise.analysis.engines.work import Work

BRICK = 16
VALUE_BITS = 16
OFFSET_BITS = 4


def window_cycles(window: NDArray[np.bool_], lanes: int = 16) -> int:
    """Cycles of one window on actual data: the slowest lane, bricks dealt out in turn.

    Args:
        window: which inputs are not zero [bricks, values of a brick].
        lanes: that run apart.

    >>> window_cycles(np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0]], bool), lanes=2)
    3
    """
    taken = np.maximum(1, np.asarray(window, dtype=bool).sum(axis=1))
    return int(np.bincount(np.arange(len(taken)) % lanes, weights=taken).max())


@final
@dataclass(frozen=True, slots=True)
class Cnvlutin(Engine):
    """16 units of 16 lanes and 16 filters."""

    lanes: int = 16
    filters: int = 256
    node_nm: float = 65.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "cnvlutin"

    @property
    def title(self) -> str:
        """What it is."""
        return "Cnvlutin: skips zero inputs on the lanes of DaDianNao"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Albericio et al., Cnvlutin, ISCA 2016"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "DaDianNao: 16 inputs and 256 filters a cycle"

    @property
    def area(self) -> str:
        """As the paper says."""
        return "4.49 % more than DaDianNao"

    @property
    def clock_hz(self) -> float:
        """DaDianNao's 606 MHz."""
        return 606e6

    def refusal(self, work: Work) -> str:  # noqa: ARG002 - no layer is refused
        """Everything runs."""
        return ""

    def cost(self, work: Work) -> EngineCost:
        """The mean over uniformly random zeros."""
        if work.channels < BRICK:
            return self.plain(work)
        cycles = self._passes(work) * self._window(work)
        products = work.macs * work.input_density
        return EngineCost(cycles, self._items(work, products, VALUE_BITS + OFFSET_BITS))

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Window after window; zeros of weights save nothing."""
        if work.channels < BRICK:
            return self.plain(work)
        # A brick holds 16 channels of one place of the window; taps are channel by channel.
        places = work.window[0] * work.window[1]
        by_place = inputs.reshape(-1, work.channels, places).transpose(0, 2, 1)
        bricks = np.pad(by_place, ((0, 0), (0, 0), (0, -work.channels % BRICK)))
        taken = np.maximum(1, bricks.reshape(len(bricks), -1, BRICK).sum(axis=2))
        taken = np.pad(taken, ((0, 0), (0, -taken.shape[1] % self.lanes)))
        slowest = taken.reshape(len(taken), -1, self.lanes).sum(axis=1).max(axis=1)
        cycles = int(slowest.sum()) * ceil(work.filters / self.filters)
        products = int(inputs.sum()) * weights.shape[1]
        return EngineCost(cycles, self._items(work, products, VALUE_BITS + OFFSET_BITS))

    def plain(self, work: Work) -> EngineCost:
        """DaDianNao: taps by 16."""
        cycles = self._passes(work) * ceil(work.taps / self.lanes)
        return EngineCost(cycles, self._items(work, work.macs, VALUE_BITS))

    def _passes(self, work: Work) -> int:
        return work.groups * work.pixels * ceil(work.filters / self.filters)

    def _window(self, work: Work) -> float:
        """Expected cycles of the slowest lane."""
        bricks = work.window[0] * work.window[1] * ceil(work.channels / BRICK)
        # Lanes of more bricks decide; those of one brick less are as many values behind.
        most = int(shares(bricks, self.lanes)[0])
        slowest = bricks % self.lanes or self.lanes
        brick = binomial(BRICK, work.input_density)
        at_least_one = brick.copy()
        at_least_one[1] += at_least_one[0]
        at_least_one[0] = 0.0
        return mean_of_largest(sum_of(at_least_one, most), slowest)

    def _items(self, work: Work, products: float, bits: int) -> tuple[Item, ...]:
        node = self.node_nm
        fetched = products / min(self.filters, work.filters)
        return (
            item("mac", products, "int_mac", "mac", VALUE_BITS, node),
            item("input memory", fetched, "edram", "read", bits, node, 4 * 2**23),
            item("weight memory", products, "edram", "read", VALUE_BITS, node, 2 * 2**23),
            dram("dram", work.input_values * bits + work.outputs * VALUE_BITS),
        )


ENGINE = Cnvlutin()
