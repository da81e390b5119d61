"""Convolution as a product of matrices (im2col): the filters times a Toeplitz matrix of the input."""

# ruff: noqa: ARG002 - the contract's arguments, which not every algorithm needs

from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.counted import Array, Counted, Tallies, dot
from chipwise.analysis.algorithms.shape import Shape


def matrix_values(shape: Shape) -> int:
    """Values written to build the Toeplitz matrices; none where the input is the matrix already.

    >>> from chipwise.analysis.algorithms.shape import Axis
    >>> matrix_values(Shape(1, 1, 1, 1, Axis(2, 2), Axis(2, 2)))
    16
    """
    return 0 if shape.is_product else shape.groups * shape.terms * shape.columns


def matrix(shape: Shape, inputs: Array) -> Array:
    """The Toeplitz matrices, (G, K, L): a column for each output, K in the order (C, R, S), L as (N, P, Q)."""
    h, v = shape.height, shape.width
    rows = h.stride * np.arange(h.outputs)[:, None] + h.dilation * np.arange(h.filter)
    columns = v.stride * np.arange(v.outputs)[:, None] + v.dilation * np.arange(v.filter)
    picked = inputs[:, :, :, rows[:, None, :, None], columns[None, :, None, :]]  # N G C P Q R S
    return picked.transpose(1, 2, 5, 6, 0, 3, 4).reshape(shape.groups, shape.terms, shape.columns)


def output_planes(shape: Shape, product: Array) -> Array:
    """The product (G, M, L) as output (N, G, M, P, Q)."""
    parts = (shape.groups, shape.filters, shape.batch, shape.height.outputs, shape.width.outputs)
    return product.reshape(parts).transpose(2, 0, 1, 3, 4)


@final
@dataclass(frozen=True, slots=True)
class Toeplitz(Algorithm):
    """G products of an M x K by a K x L matrix, K = C·R·S and L = N·P·Q: the operations of the direct way.

    The price is redundant data: an input value stands in the matrix once for each output that uses it.
    Source: Sze et al., Proc. IEEE 105(12), 2017, section V-A and Fig. 19, where a plane of 3 x 3 and a filter of
    2 x 2 give 4 x 4 values.

    >>> from chipwise.analysis.algorithms.shape import Axis
    >>> found = Toeplitz().cost(Shape(1, 1, 1, 1, Axis(2, 2), Axis(2, 2)), ())
    >>> found.workspace_values, found.details["rows"], found.details["columns"]
    (16, 4, 4)
    """

    name: str = "toeplitz"

    def why_not(self, shape: Shape) -> str | None:
        """Every shape can be computed."""
        return None

    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """Nothing to choose."""
        return ((),)

    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """Operations of the direct convolution; the matrix in the workspace."""
        return Cost(
            product=Operations(shape.macs, shape.macs - shape.outputs),
            filter_values=shape.weights,
            workspace_values=matrix_values(shape),
            details={
                "matrices": shape.groups,
                "filters": shape.filters,
                "rows": shape.terms,
                "columns": shape.columns,
            },
        )

    def label(self, cost: Cost) -> str:
        """Sizes of the matrices."""
        d = cost.details
        times = f"{d['matrices']} of " if d["matrices"] > 1 else ""
        return f"{times}{d['filters']} x {d['rows']} by {d['rows']} x {d['columns']}"

    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """The matrix is built, then multiplied column by row."""
        tallies = Tallies()
        a = weights.reshape(shape.groups, shape.filters, shape.terms)
        left, right = Counted(a[..., None], tallies.product), Counted(matrix(shape, inputs), tallies.product)
        product = dot(left, right[:, None], 2, 2)
        return output_planes(shape, product.values), tallies


def redundancy(shape: Shape) -> float:
    """Values of the Toeplitz matrices / distinct input values in them, padding counted as values.

    >>> from chipwise.analysis.algorithms.shape import Axis
    >>> round(redundancy(Shape(1, 1, 1, 1, Axis(2, 2), Axis(2, 2))), 4)  # 16 / 9
    1.7778
    """
    return shape.groups * shape.terms * shape.columns / shape.touched_inputs
