"""Convolution as it is defined: the yardstick of all others."""

# ruff: noqa: ARG002 - the contract's arguments, which not every algorithm needs

from dataclasses import dataclass
from typing import final

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.counted import Array, Counted, Tallies
from chipwise.analysis.algorithms.shape import Shape


@final
@dataclass(frozen=True, slots=True)
class Direct(Algorithm):
    """Every output is the sum of its K = C·R·S products: K multiplications and K − 1 additions.

    >>> from chipwise.analysis.algorithms.shape import Axis
    >>> Direct().cost(Shape(1, 1, 1, 1, Axis(2, 3), Axis(2, 3)), ()).product
    Operations(multiplications=36, additions=32)
    """

    name: str = "direct"

    def why_not(self, shape: Shape) -> str | None:
        """Every shape can be computed."""
        return None

    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """Nothing to choose."""
        return ((),)

    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """MACs, less the first addition of each output."""
        return Cost(product=Operations(shape.macs, shape.macs - shape.outputs), filter_values=shape.weights)

    def label(self, cost: Cost) -> str:
        """Nothing is set."""
        return ""

    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """Term by term, for all outputs at once."""
        tallies = Tallies()
        x, w = Counted(inputs, tallies.product), Counted(weights, tallies.product)
        total: Counted | None = None
        h, v = shape.height, shape.width
        for c in range(shape.channels):
            for r in range(h.filter):
                for s in range(v.filter):
                    rows = slice(r * h.dilation, r * h.dilation + h.dense_outputs, h.stride)
                    columns = slice(s * v.dilation, s * v.dilation + v.dense_outputs, v.stride)
                    term = x[:, :, None, c, rows, columns] * w[None, :, :, c, r, s, None, None]
                    total = term if total is None else total + term
        assert total is not None
        return total.values, tallies
