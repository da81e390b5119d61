"""A precision-scalable MAC: a multiplier of 16 bits that splits into two of 8 or four of 4.

Time goes with the wider operand, rounded up to a width that there is; a product of fewer bits switches fewer gates:

    cycles = ceil(macs / (macs of the array x 16 / width)),   width = the least of 4, 8, 16 that both operands fit

Energy of a product is that of a MAC of its width, plus what the splitting costs at every width. Source: Moons et al.,
Envision, ISSCC 2017 (subword-parallel multipliers); the array and the surcharge are chosen.
"""

from dataclasses import dataclass
from math import ceil
from typing import final

from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item
from chipwise.analysis.engines.work import Work


@final
@dataclass(frozen=True, slots=True)
class Subword(Engine):
    """256 MACs of 16 b."""

    macs: int = 256
    widths: tuple[int, ...] = (4, 8, 16)
    surcharge: float = 0.21
    """More energy of a product at 16 b than in a multiplier that does not split; chosen, as quoted for Envision's."""
    node_nm: float = 28.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "subword"

    @property
    def title(self) -> str:
        """What it is."""
        return "precision-scalable MAC: one product of 16 b, two of 8 b or four of 4 b a cycle"

    @property
    def source(self) -> str:
        """Who published it."""
        return "after Moons et al., Envision, ISSCC 2017"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "as many MACs of 16 b that do not split"

    @property
    def area(self) -> str:
        """Nothing read."""
        return ""

    @property
    def clock_hz(self) -> float:
        """200 MHz, as quoted for Envision."""
        return 200e6

    def refusal(self, work: Work) -> str:
        """16 bits at most."""
        bits = max(work.input_bits, work.weight_bits)
        return f"has values of {bits} b, above {self.widths[-1]}" if bits > self.widths[-1] else ""

    def cost(self, work: Work) -> EngineCost:
        """Time and energy by bits."""
        width = next(w for w in self.widths if w >= max(work.input_bits, work.weight_bits))
        cycles = ceil(work.macs / (self.macs * self.widths[-1] // width))
        return EngineCost(
            cycles, self._items(work, width, work.input_bits, work.weight_bits, 1 + self.surcharge)
        )

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Zeros make no difference."""
        del inputs, weights
        return self.cost(work)

    def plain(self, work: Work) -> EngineCost:
        """16 b throughout."""
        full = self.widths[-1]
        return EngineCost(ceil(work.macs / self.macs), self._items(work, full, full, full, 1.0))

    def _items(self, work: Work, width: int, inputs: int, weights: int, surcharge: float) -> tuple[Item, ...]:
        node = self.node_nm
        reads = work.macs / 16
        return (
            item("mac", work.macs * surcharge, "int_mac", "mac", width, node),
            # A square of 16 x 16 MACs shares each operand along a side.
            item("buffer", reads, "sram", "read", inputs, node, 128 * 8192),
            item("buffer", reads, "sram", "read", weights, node, 128 * 8192),
            dram("dram", work.weights * weights + (work.input_values + work.outputs) * inputs),
        )


ENGINE = Subword()
