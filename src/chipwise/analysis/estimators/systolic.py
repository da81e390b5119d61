"""Cycles of a matrix product on a systolic array, in closed form: SCALE-Sim's count, as integers.

A layer is a product [pixels x taps] · [taps x filters], taps = C·R·S. Two extents lie on the array, the third is time:

    dataflow             rows    columns  time T    cycles of one fold
    output stationary    pixels  filters  taps      T + rows + columns − 2
    weight stationary    taps    filters  pixels    T + 2·rows + columns − 2
    input stationary     taps    pixels   filters   T + 2·rows + columns − 2

    cycles = ceil(extent on rows / rows) · ceil(extent on columns / columns) · cycles of one fold

Operands enter skewed by one cycle per row and column: rows + columns − 2 to fill and drain. What is stationary is first
shifted in through the rows, which takes `rows` cycles. A fold costs the whole array even where it fills a part,
and folds do not overlap; in output stationary the sums leave while the next fold runs.

Source: `scalesim/compute/systolic_compute_{os,ws,is}.py` of SCALE-Sim 3.0.0. The formula printed in its paper
(Samajdar et al., ISPASS 2020) has 2·rows for output stationary too; the program does not, and it is the program that is
followed. Its reports print the index of the last cycle, counted from zero over the whole layer: `cycles − 1`.
"""

from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import final

from chipwise.errors import InputError
from chipwise.workload.layer import Layer


@final
class Dataflow(Enum):
    """Which operand stays in the PEs."""

    OUTPUT_STATIONARY = "os"
    WEIGHT_STATIONARY = "ws"
    INPUT_STATIONARY = "is"


@final
@dataclass(frozen=True, slots=True)
class Product:
    """[pixels x taps] · [taps x filters], `times` over, one after the other (groups)."""

    pixels: int
    taps: int
    filters: int
    times: int = 1

    @property
    def macs(self) -> int:
        """All multiply-accumulates."""
        return self.pixels * self.taps * self.filters * self.times


@final
@dataclass(frozen=True, slots=True)
class SystolicCycles:
    """Folds along rows and columns, products included, and the cycles of one."""

    row_folds: int
    column_folds: int
    times: int
    fold_cycles: int

    @property
    def folds(self) -> int:
        """All of them."""
        return self.row_folds * self.column_folds * self.times

    @property
    def cycles(self) -> int:
        """Folds x cycles of one."""
        return self.folds * self.fold_cycles


def product_of(layer: Layer) -> Product:
    """The product that a layer unrolls to: a convolution, grouped or not, or a fully-connected layer.

    Raises:
        InputError: no weights, or a transposed convolution, whose outputs overlap.

    >>> from chipwise.workload.kinds import conv
    >>> product_of(conv("conv1", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4))
    Product(pixels=3025, taps=363, filters=96, times=1)
    """
    if not {"input", "weight", "output"} <= {t.name for t in layer.tensors} or layer.notes.get("transposed"):
        raise InputError(
            f"layer {layer.name!r} ({layer.kind}) is no product of unrolled inputs and weights; "
            "give a convolution that is not transposed, or a fully-connected layer"
        )
    weight, output = layer.tensor("weight").dims, layer.tensor("output").dims
    both = weight & output
    shared = both - layer.tensor("input").dims
    return Product(
        pixels=prod(layer.dims[d] for d in output - weight),
        taps=prod(layer.dims[d] for d in weight - output),
        filters=prod(layer.dims[d] for d in shared),
        times=prod(layer.dims[d] for d in both - shared),
    )


def systolic_cycles(product: Product, dataflow: Dataflow, rows: int, columns: int) -> SystolicCycles:
    """Folds and cycles of a product on an array of `rows` x `columns` PEs.

    Raises:
        InputError: an array without PEs.

    >>> systolic_cycles(Product(pixels=64, taps=256, filters=64), Dataflow.WEIGHT_STATIONARY, 16, 16).cycles
    7040
    """
    if rows < 1 or columns < 1:
        raise InputError(f"array of {rows} x {columns} PEs: both must be at least 1")
    on_rows, on_columns, time, loading = {
        Dataflow.OUTPUT_STATIONARY: (product.pixels, product.filters, product.taps, 0),
        Dataflow.WEIGHT_STATIONARY: (product.taps, product.filters, product.pixels, rows),
        Dataflow.INPUT_STATIONARY: (product.taps, product.pixels, product.filters, rows),
    }[dataflow]
    return SystolicCycles(
        row_folds=-(-on_rows // rows),
        column_folds=-(-on_columns // columns),
        times=product.times,
        fold_cycles=loading + time + rows + columns - 2,
    )
