"""Winograd's minimal filtering: m outputs of a filter of r values by m + r − 1 products instead of m·r."""

# ruff: noqa: ARG002 - the contract's arguments, which not every algorithm needs

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.counted import Array, Counted, Tallies, dot, stack
from chipwise.analysis.algorithms.shape import Axis, Shape

Program = Callable[[Sequence[Counted]], list[Counted]]


@final
@dataclass(frozen=True, slots=True)
class Minimal:
    """F(m, r): how data, filter and products are transformed along one axis, and at what cost."""

    data: Program
    data_operations: Operations
    filter: Program
    filter_operations: Operations
    output: Program
    output_operations: Operations


def _data_4(d: Sequence[Counted]) -> list[Counted]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _filter_2_3(g: Sequence[Counted]) -> list[Counted]:
    h, k = (g[0] + g[2]) * (1 / 2), g[1] * (1 / 2)
    return [g[0], h + k, h - k, g[2]]


def _output_2_3(m: Sequence[Counted]) -> list[Counted]:
    return [m[0] + (m[1] + m[2]), (m[1] - m[2]) - m[3]]


def _data_6(d: Sequence[Counted]) -> list[Counted]:
    """Points 0, 1, −1, 2, −2 and infinity, whatever m and r are, as long as m + r = 7."""
    a, b = d[4] - d[2] * 4.0, d[3] - d[1] * 4.0
    c, e = d[4] - d[2], (d[3] - d[1]) * 2.0
    return [(d[0] - d[2]) * 4.0 + c, a + b, a - b, c + e, c - e, (d[5] - d[3]) - e * 2.0]


def _filter_4_3(g: Sequence[Counted]) -> list[Counted]:
    h, k = (g[0] + g[2]) * (-1 / 6), g[1] * (1 / 6)
    p, q = g[0] * (1 / 24) + g[2] * (1 / 6), g[1] * (1 / 12)
    return [g[0] * (1 / 4), h - k, h + k, p + q, p - q, g[2]]


def _output_4_3(m: Sequence[Counted]) -> list[Counted]:
    s, t, u, v = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + s + u, t + v * 2.0, s + u * 4.0, t + v * 8.0 + m[5]]


def _filter_2_5(g: Sequence[Counted]) -> list[Counted]:
    h, k = (g[0] + g[2] + g[4]) * (-1 / 6), (g[1] + g[3]) * (1 / 6)
    p, q = g[0] * (1 / 24) + g[2] * (1 / 6) + g[4] * (2 / 3), g[1] * (1 / 12) + g[3] * (1 / 3)
    return [g[0] * (1 / 4), h - k, h + k, p + q, p - q, g[4]]


def _output_2_5(m: Sequence[Counted]) -> list[Counted]:
    s, t, u, v = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + s + u, t + v * 2.0 + m[5]]


_SAME: Program = list
_NONE = Operations()

KNOWN: Mapping[tuple[int, int], Minimal] = {
    (1, 1): Minimal(_SAME, _NONE, _SAME, _NONE, _SAME, _NONE),
    (2, 3): Minimal(_data_4, Operations(0, 4), _filter_2_3, Operations(2, 3), _output_2_3, Operations(0, 4)),
    (4, 3): Minimal(
        _data_6, Operations(5, 12), _filter_4_3, Operations(6, 6), _output_4_3, Operations(3, 10)
    ),
    (2, 5): Minimal(
        _data_6, Operations(5, 12), _filter_2_5, Operations(8, 10), _output_2_5, Operations(1, 8)
    ),
}
"""(m, r) with its transforms; a filter of one value along an axis is left as it is."""


@final
@dataclass(frozen=True, slots=True)
class Winograd(Algorithm):
    """F(m x m, r x r): tiles of m x m outputs, each by (m + r − 1)² products per channel and filter.

    Against the direct (m·r)² that is 36/16 = 2.25 times fewer for F(2x2, 3x3) and 144/36 = 4 for F(4x4, 3x3), where
    the plane divides into tiles; tiles at the border are computed whole. Along an axis on which the filter has
    one value nothing is transformed.

    Source: Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; Winograd, "Arithmetic
    complexity of computations", SIAM 1980.

    >>> cost = Winograd("winograd-2x2", 2).cost(Shape(1, 1, 1, 1, Axis(2, 3), Axis(2, 3)), ())
    >>> cost.product.multiplications, cost.input.additions, cost.output.additions
    (16, 32, 24)
    """

    name: str
    outputs: int
    """m, outputs of a tile along each axis."""

    def why_not(self, shape: Shape) -> str | None:
        """Filters of 3 (for m = 2 also 5) values at stride 1, in one direction or two."""
        axes = (shape.height, shape.width)
        if shape.height.filter == shape.width.filter == 1:
            return "a filter of 1 x 1 (or one that takes the whole plane) overlaps nothing between outputs"
        if any(axis.stride > 1 for axis in axes):
            return "stride above 1: a tile computes outputs side by side"
        if any(axis.dilation > 1 for axis in axes):
            return "dilation above 1: the values under a filter are not side by side"
        sizes = sorted(r for m, r in KNOWN if m == self.outputs)
        if any(axis.filter != 1 and axis.filter not in sizes for axis in axes):
            known = " and ".join(map(str, sizes))
            return (
                f"a filter of {axes[0].filter} x {axes[1].filter}: "
                f"F({self.outputs}, r) is known here for r = {known}"
            )
        return None

    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """Nothing to choose."""
        return ((),)

    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """One-dimensional transforms nested: along the height for every column, then along the width."""
        h, v = shape.height, shape.width
        m_h, m_v = self._step(h), self._step(v)
        high, wide = KNOWN[m_h, h.filter], KNOWN[m_v, v.filter]
        n_h, n_v = m_h + h.filter - 1, m_v + v.filter - 1
        tiles = -(-h.outputs // m_h) * -(-v.outputs // m_v)
        filters = shape.groups * shape.filters * shape.channels
        inputs = shape.groups * shape.batch * shape.channels * tiles
        outputs = shape.groups * shape.batch * shape.filters * tiles
        products = outputs * shape.channels * n_h * n_v
        once = high.filter_operations.times(v.filter) + wide.filter_operations.times(n_h)
        data = high.data_operations.times(n_v) + wide.data_operations.times(n_h)
        back = high.output_operations.times(n_v) + wide.output_operations.times(m_h)
        return Cost(
            filters=once.times(filters),
            input=data.times(inputs),
            product=Operations(products, products - outputs * n_h * n_v),
            output=back.times(outputs),
            filter_values=filters * n_h * n_v,
            workspace_values=(inputs + outputs) * n_h * n_v,
            details={
                "tile_height": m_h,
                "tile_width": m_v,
                "filter_height": h.filter,
                "filter_width": v.filter,
                "tiles": tiles,
            },
        )

    def label(self, cost: Cost) -> str:
        """F with its sizes, and how many tiles."""
        d = cost.details
        sizes = f"{d['tile_height']}x{d['tile_width']}, {d['filter_height']}x{d['filter_width']}"
        return f"F({sizes}), {d['tiles']} tile{'s'[: d['tiles'] > 1]}"

    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """Tile by tile at once: transform, multiply, sum over channels, transform back."""
        h, v = shape.height, shape.width
        m_h, m_v = self._step(h), self._step(v)
        high, wide = KNOWN[m_h, h.filter], KNOWN[m_v, v.filter]
        tallies = Tallies()
        x = Counted(_spread(inputs, (h, v), (m_h, m_v)), tallies.input)
        data = _along(wide.data, _along(high.data, x, -2), -1)
        g = Counted(weights, tallies.filters)
        kernel = _along(wide.filter, _along(high.filter, g, -2), -1)
        products = dot(
            data.into(tallies.product)[:, :, None],
            Counted(kernel.values[None, :, :, :, None, None], tallies.product),
            3,
            3,
        )
        found = _along(wide.output, _along(high.output, products.into(tallies.output), -2), -1).values
        rows, columns = found.shape[3] * m_h, found.shape[4] * m_v
        planes = found.transpose(0, 1, 2, 3, 5, 4, 6).reshape(*found.shape[:3], rows, columns)
        return planes[..., : h.outputs, : v.outputs], tallies

    def _step(self, axis: Axis) -> int:
        return 1 if axis.filter == 1 else self.outputs


def _along(program: Program, x: Counted, axis: int) -> Counted:
    """Apply a one-dimensional transform along an axis."""
    parts = [Counted(np.take(x.values, i, axis), x.tally) for i in range(x.shape[axis])]
    return stack(program(parts), axis)


def _spread(inputs: Array, axes: tuple[Axis, Axis], steps: tuple[int, int]) -> Array:
    """The tiles of all planes (N, G, C, tiles, tiles, n, n), with zeros behind the last row and column."""
    found = inputs
    for axis, step, at in zip(axes, steps, (3, 5), strict=True):
        tiles, size = -(-axis.outputs // step), step + axis.filter - 1
        padding = [(0, 0)] * found.ndim
        padding[at] = (0, (tiles - 1) * step + size - found.shape[at])
        index = step * np.arange(tiles)[:, None] + np.arange(size)
        found = np.take(np.pad(found, padding), index, axis=at)
    return found.transpose(0, 1, 2, 3, 5, 4, 6)
