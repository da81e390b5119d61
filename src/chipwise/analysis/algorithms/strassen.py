"""Strassen's product of matrices on the Toeplitz matrix: seven products of halves instead of eight."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.counted import Array, Counted, Tallies, dot, join
from chipwise.analysis.algorithms.shape import Shape
from chipwise.analysis.algorithms.toeplitz import matrix, matrix_values, output_planes


def _sums(level_sums: int, values: int, levels: int) -> int:
    """Additions of blocks over all levels: Σ 7^i · level_sums · values / 4^(i+1)."""
    return sum(7**i * level_sums * (values // 4 ** (i + 1)) for i in range(levels))


@final
@dataclass(frozen=True, slots=True)
class Strassen(Algorithm):
    """ℓ levels of recursion, 7^ℓ products of blocks: n^log2(7) = n^2.807 multiplications if taken to the end.

    Sides are padded to multiples of 2^ℓ. A level sums blocks 5 times for each operand and 8 times for the
    product. The sums of fixed filters are kept. The workspace is that of a recursion which does one product at
    a time: the Toeplitz matrix, and per level one sum and one product.

    Source: Strassen, Numerische Mathematik 13, 1969; Sze et al., Proc. IEEE 105(12), 2017, section V-A.

    >>> square = Shape(groups=1, batch=2, filters=2, channels=2)
    >>> cost = Strassen().cost(square, (1,))
    >>> cost.product.multiplications, cost.filters.additions, cost.input.additions, cost.output.additions
    (7, 5, 5, 8)
    """

    name: str = "strassen"

    def why_not(self, shape: Shape) -> str | None:
        """It needs something to halve."""
        if min(shape.filters, shape.terms, shape.columns) < 2:
            return (
                f"a matrix product of {shape.filters} x {shape.terms} by {shape.terms} x {shape.columns} "
                "has a side of 1 that cannot be halved"
            )
        return None

    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """Levels, as far as the shortest side can be halved."""
        shortest = min(shape.filters, shape.terms, shape.columns)
        return tuple((level,) for level in range(1, (shortest - 1).bit_length() + 1))

    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """7^ℓ products of blocks, and the sums around them."""
        (levels,) = setting
        m, k, n = _padded(shape, levels)
        leaf = [side >> levels for side in (m, k, n)]
        products = 7**levels
        input_sums, filter_sums = _sums(5, k * n, levels), _sums(5, m * k, levels)
        workspace = shape.groups * (
            k * n if matrix_values(shape) or k * n > shape.terms * shape.columns else 0
        )
        per_level = k * n + m * n + (0 if shape.has_fixed_filters else m * k)
        workspace += sum(per_level // 4**i for i in range(1, levels + 1))
        kept = products * leaf[0] * leaf[1] if shape.has_fixed_filters else m * k
        g = shape.groups
        return Cost(
            filters=Operations(0, g * filter_sums),
            input=Operations(0, g * input_sums),
            product=Operations(g * products * prod(leaf), g * products * leaf[0] * leaf[2] * (leaf[1] - 1)),
            output=Operations(0, g * _sums(8, m * n, levels)),
            filter_values=g * kept,
            workspace_values=workspace,
            details={"levels": levels, "products": g * products, "filters": m, "rows": k, "columns": n},
        )

    def label(self, cost: Cost) -> str:
        """Levels, and the products that are left."""
        levels = cost.details["levels"]
        sides = [cost.details[side] >> levels for side in ("filters", "rows", "columns")]
        return (
            f"{levels} level{'s'[: levels > 1]}, blocks of {sides[0]} x {sides[1]} by {sides[1]} x {sides[2]}"
        )

    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """All sums of each operand first, then the products, then their sums."""
        (levels,) = setting
        tallies = Tallies()
        m, k, n = _padded(shape, levels)
        a = _fill(weights.reshape(shape.groups, shape.filters, shape.terms), m, k)
        b = _fill(matrix(shape, inputs), k, n)
        left = _expanded(Counted(a, tallies.filters), levels, _left)
        right = _expanded(Counted(b, tallies.input), levels, _right)
        products = [
            dot(x.into(tallies.product)[..., None], y.into(tallies.product)[:, None], 2, 2).into(
                tallies.output
            )
            for x, y in zip(left, right, strict=True)
        ]
        while len(products) > 1:
            products = [_joined(products[i : i + 7]) for i in range(0, len(products), 7)]
        return output_planes(shape, products[0].values[:, : shape.filters, : shape.columns]), tallies


def _padded(shape: Shape, levels: int) -> tuple[int, int, int]:
    m, k, n = (-(-side >> levels) << levels for side in (shape.filters, shape.terms, shape.columns))
    return m, k, n


def _fill(x: Array, rows: int, columns: int) -> Array:
    return np.pad(x, ((0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2])))


def _quarters(x: Counted) -> tuple[Counted, Counted, Counted, Counted]:
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    return (
        x[:, :rows, :columns],
        x[:, :rows, columns:],
        x[:, rows:, :columns],
        x[:, rows:, columns:],
    )


def _left(x: Counted) -> list[Counted]:
    a11, a12, a21, a22 = _quarters(x)
    return [a11 + a22, a21 + a22, a11, a22, a11 + a12, a21 - a11, a12 - a22]


def _right(x: Counted) -> list[Counted]:
    b11, b12, b21, b22 = _quarters(x)
    return [b11 + b22, b11, b12 - b22, b21 - b11, b22, b11 + b12, b21 + b22]


def _joined(m: list[Counted]) -> Counted:
    top = join([m[0] + m[3] - m[4] + m[6], m[2] + m[4]], 2)
    bottom = join([m[1] + m[3], m[0] - m[1] + m[2] + m[5]], 2)
    return join([top, bottom], 1)


def _expanded(x: Counted, levels: int, split: Callable[[Counted], list[Counted]]) -> list[Counted]:
    parts = [x]
    for _ in range(levels):
        parts = [piece for part in parts for piece in split(part)]
    return parts
