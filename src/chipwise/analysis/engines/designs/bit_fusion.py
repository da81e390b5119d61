"""Bit Fusion: units of 16 multipliers of 2 x 2 bits that fuse into products of the widths that operands have.

A unit does one product of 8 x 8 bits a cycle, 4 of 4 x 4 or of 8 x 2, 16 of 2 x 2; wider operands take several passes:

    products of a unit per cycle = (8 / width of inputs) x (8 / width of weights),   widths of 2, 4, 8, 16

so that time goes with the product of both widths, where sub-words go with the wider one. Additions of shifted parts
join four multipliers to the next width. Source: Sharma et al., ISCA 2018, arXiv:1712.01507; the array is chosen.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import final

from chipwise.analysis.engines.engine import Engine, EngineCost, Item, Mask, dram, item
from chipwise.analysis.engines.work import Work

FUSED_BITS = 8
WIDTHS = (2, 4, 8, 16)


@final
@dataclass(frozen=True, slots=True)
class BitFusion(Engine):
    """256 fusion units."""

    units: int = 256
    node_nm: float = 45.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "bit-fusion"

    @property
    def title(self) -> str:
        """What it is."""
        return "Bit Fusion: multipliers of 2 b that join, time proportional to the product of both widths"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Sharma et al., Bit Fusion, ISCA 2018, arXiv:1712.01507"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "as many MACs of 8 b, values of 16 b in four passes"

    @property
    def area(self) -> str:
        """Nothing read."""
        return ""

    @property
    def clock_hz(self) -> float:
        """500 MHz, as quoted."""
        return 500e6

    def refusal(self, work: Work) -> str:
        """16 bits at most."""
        bits = max(work.input_bits, work.weight_bits)
        return f"has values of {bits} b, above {WIDTHS[-1]}" if bits > WIDTHS[-1] else ""

    def cost(self, work: Work) -> EngineCost:
        """Time by both widths."""
        inputs, weights = (_width(bits) for bits in (work.input_bits, work.weight_bits))
        per_cycle = self.units * Fraction(FUSED_BITS, inputs) * Fraction(FUSED_BITS, weights)
        # Every product is made of so many of 2 x 2 b, whose sums are shifted and added.
        bricks = work.macs * inputs * weights // 4
        items = (
            item("multipliers", bricks, "int_multiplier", "multiply", 2, self.node_nm),
            item("shift and add", bricks, "int_adder", "add", 8, self.node_nm),
            item("accumulators", work.macs, "int_adder", "add", 32, self.node_nm),
            *self._memories(work, inputs, weights),
        )
        return EngineCost(ceil(work.macs / per_cycle), items)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Zeros make no difference."""
        del inputs, weights
        return self.cost(work)

    def plain(self, work: Work) -> EngineCost:
        """Four passes of 8 x 8 b for each product."""
        passes = (WIDTHS[-1] // FUSED_BITS) ** 2
        items = (
            item("mac", work.macs * passes, "int_mac", "mac", FUSED_BITS, self.node_nm),
            *self._memories(work, WIDTHS[-1], WIDTHS[-1]),
        )
        return EngineCost(ceil(work.macs * passes / self.units), items)

    def _memories(self, work: Work, inputs: int, weights: int) -> tuple[Item, ...]:
        node = self.node_nm
        # A square of 16 x 16 units shares each operand along a side.
        reads = work.macs / 16
        return (
            item("buffer", reads, "sram", "read", inputs, node, 32 * 8192),
            item("buffer", reads, "sram", "read", weights, node, 64 * 8192),
            dram("dram", work.weights * weights + (work.input_values + work.outputs) * inputs),
        )


def _width(bits: int) -> int:
    return next(width for width in WIDTHS if width >= bits)


ENGINE = BitFusion()
