"""Stripes: inputs come bit by bit, so that a layer takes as many cycles as its inputs have bits.

DaDianNao's 16 inputs x 256 filters a cycle become 16 windows x 16 inputs x 256 filters of one bit each:

    cycles = ceil(pixels / 16) x ceil(filters / 256) x ceil(taps / 16) x bits of an input

At 16 bits that is DaDianNao's time. Fully-connected layers have one window and run as there. Weights have 16 bits.
Source: Judd et al., MICRO 2016.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item
from chipwise.analysis.engines.work import Work

VALUE_BITS = 16


@final
@dataclass(frozen=True, slots=True)
class Stripes(Engine):
    """16 tiles of 16 windows, 16 inputs and 16 filters."""

    windows: int = 16
    inputs: int = 16
    filters: int = 256
    node_nm: float = 65.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "stripes"

    @property
    def title(self) -> str:
        """What it is."""
        return "Stripes: inputs bit by bit, time proportional to their bits"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Judd et al., Stripes, MICRO 2016"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "DaDianNao: 16 inputs of 16 b and 256 filters a cycle"

    @property
    def area(self) -> str:
        """As the paper says."""
        return "32 % more than DaDianNao"

    @property
    def clock_hz(self) -> float:
        """DaDianNao's 606 MHz."""
        return 606e6

    def refusal(self, work: Work) -> str:
        """16 bits at most."""
        bits = max(work.input_bits, work.weight_bits)
        return f"has values of {bits} b, above 16" if bits > VALUE_BITS else ""

    def cost(self, work: Work) -> EngineCost:
        """Time by the bits of the inputs."""
        if work.is_vector:
            return self.plain(work)
        bits = work.input_bits
        cycles = self._passes(work) * ceil(work.pixels / self.windows) * bits
        node = self.node_nm
        # One bit of an input gates a weight into an adder: `bits` additions in place of a product.
        arithmetic = item("serial adders", work.macs * bits, "int_adder", "add", VALUE_BITS, node)
        # A weight that is read serves 16 windows, bit after bit, from a register.
        reads = work.macs / min(work.pixels, self.windows)
        held = item("weight registers", reads * bits, "register", "read", VALUE_BITS, node)
        return EngineCost(cycles, (arithmetic, held, *self._memories(work, reads, bits)))

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Zeros make no difference."""
        del inputs, weights
        return self.cost(work)

    def plain(self, work: Work) -> EngineCost:
        """DaDianNao."""
        cycles = self._passes(work) * work.pixels
        mac = item("mac", work.macs, "int_mac", "mac", VALUE_BITS, self.node_nm)
        return EngineCost(cycles, (mac, *self._memories(work, work.macs, VALUE_BITS)))

    def _passes(self, work: Work) -> int:
        return work.groups * ceil(work.filters / self.filters) * ceil(work.taps / self.inputs)

    def _memories(self, work: Work, weight_reads: float, bits: int) -> tuple[Item, ...]:
        node = self.node_nm
        fetched = work.macs / min(self.filters, work.filters)
        return (
            item("input memory", fetched, "edram", "read", bits, node, 4 * 2**23),
            item("weight memory", weight_reads, "edram", "read", VALUE_BITS, node, 2 * 2**23),
            dram("dram", work.input_values * bits + work.outputs * VALUE_BITS),
        )


ENGINE = Stripes()
