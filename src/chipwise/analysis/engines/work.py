"""A layer as an engine sees it: a product of pixels, taps and filters, with densities and bits."""

from dataclasses import dataclass, replace
from math import prod
from typing import final

from chipwise.analysis.estimators.systolic import product_of
from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel
from chipwise.workload.layer import Layer, Rank

WORD_BITS = 16
"""Bits of a value for which nobody says otherwise."""


@final
@dataclass(frozen=True, slots=True)
class Work:
    """What is computed `groups` times over: `filters` sums of channels x window products at each of `pixels`.

    `rows` and `columns` are those of the output plane, `batch` how often it comes, `window` rows and columns of the
    filter. A layer without a plane has 1 x 1. `channels` are the values of one pixel of the input that a filter sees.
    """

    name: str
    kind: str
    rows: int
    columns: int
    batch: int
    channels: int
    window: tuple[int, int]
    filters: int
    groups: int
    stride: int
    input_values: int
    input_density: float = 1.0
    weight_density: float = 1.0
    input_bits: int = WORD_BITS
    weight_bits: int = WORD_BITS
    weight_pattern: DensityModel | None = None
    """Where non-zero weights lie; None: nobody says."""

    @property
    def pixels(self) -> int:
        """Outputs of one filter."""
        return self.batch * self.rows * self.columns

    @property
    def taps(self) -> int:
        """Products of one output: C x R x S."""
        return self.channels * self.window[0] * self.window[1]

    @property
    def macs(self) -> int:
        """All of the dense layer."""
        return self.groups * self.filters * self.pixels * self.taps

    @property
    def weights(self) -> int:
        """Values of all filters."""
        return self.groups * self.filters * self.taps

    @property
    def outputs(self) -> int:
        """Values of the output."""
        return self.groups * self.filters * self.pixels

    @property
    def accumulator_bits(self) -> int:
        """Bits that no sum can overflow: both operands' and ceil(log2(C x R x S))."""
        return self.input_bits + self.weight_bits + (self.taps - 1).bit_length()

    @property
    def is_vector(self) -> bool:
        """Whether it is a matrix times one vector at a time: no weight is used twice for an input."""
        return self.rows == self.columns == 1 and self.groups == 1

    def dense(self) -> "Work":
        """The same without a zero."""
        return replace(self, input_density=1.0, weight_density=1.0, weight_pattern=None)


def _is_direction(layer: Layer, rank: Rank) -> bool:
    """Whether a rank of the input is a direction of a plane: U*P + R, or P of a 1 x 1 convolution."""
    return (
        len(rank.terms) > 1
        or any(c > 1 for _, c in rank.terms)
        or (layer.kind == "conv" and rank.dims[0] in {"P", "Q"})
    )


def work_of(layer: Layer) -> Work:
    """What a layer asks of an engine.

    Raises:
        InputError: no weights, or a transposed convolution.

    >>> from chipwise.workload.kinds import conv
    >>> work = work_of(conv("conv2", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2))
    >>> work.window, work.channels, work.groups, work.macs
    ((5, 5), 48, 2, 223948800)
    """
    product = product_of(layer)
    inputs, weight = layer.tensor("input"), layer.tensor("weight")
    reduced = weight.dims - layer.output.dims
    plane: list[int] = []
    window: list[int] = []
    stride = 1
    for rank in inputs.ranks:
        if _is_direction(layer, rank):
            window.append(prod(layer.dims[d] for d in rank.dims if d in reduced))
            plane.append(prod(layer.dims[d] for d in rank.dims if d not in reduced))
            stride = max([stride, *(c for d, c in rank.terms if d not in reduced)])
    if len(window) > 2:
        raise InputError(f"layer {layer.name!r} slides in {len(window)} directions; engines know at most two")
    if prod(plane) == 1:
        plane, window = [], []  # a filter as large as its plane: every input is used once by each
    plane += [1] * (2 - len(plane))
    window += [1] * (2 - len(window))
    return Work(
        name=layer.name,
        kind=layer.kind,
        rows=plane[0],
        columns=plane[1],
        batch=product.pixels // (plane[0] * plane[1]),
        channels=product.taps // (window[0] * window[1]),
        window=(window[0], window[1]),
        filters=product.filters,
        groups=product.times,
        stride=stride,
        input_values=layer.volume("input"),
        input_density=inputs.density,
        weight_density=weight.density,
        input_bits=inputs.bits or WORD_BITS,
        weight_bits=weight.bits or WORD_BITS,
        weight_pattern=weight.pattern,
    )
