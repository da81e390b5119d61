"""What the algorithms see of a layer: a 2-D convolution in groups, of which a matrix product is a special case."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd, prod
from typing import final

from chipwise.workload.layer import Layer, Rank


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the plane: outputs P, filter R, stride U, dilation δ; `inputs` counts padding."""

    outputs: int = 1
    filter: int = 1
    stride: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Input values from the first to the last that one filter touches: δ·(R − 1) + 1."""
        return self.dilation * (self.filter - 1) + 1

    @property
    def dense_outputs(self) -> int:
        """Outputs that there would be at stride 1 over the same input: U·(P − 1) + 1."""
        return self.stride * (self.outputs - 1) + 1

    @property
    def inputs(self) -> int:
        """Extent of the input, padding included: U·(P − 1) + δ·(R − 1) + 1."""
        return self.dense_outputs + self.reach - 1

    @property
    def touched(self) -> int:
        """Distinct values of U·p + δ·r: P·R − (P − δ')⁺·(R − U')⁺, with U' and δ' free of common factors.

        (p, r) and (p + δ', r − U') touch one value, so the values are the chains of such pairs, and there
        are as many chains as pairs without a successor.

        >>> Axis(4, 3).touched, Axis(4, 3, stride=2).touched, Axis(4, 1, stride=2).touched
        (6, 9, 4)
        """
        common = gcd(self.stride, self.dilation)
        u, d = self.stride // common, self.dilation // common
        return self.outputs * self.filter - max(0, self.outputs - d) * max(0, self.filter - u)


@final
@dataclass(frozen=True, slots=True)
class Shape:
    """G independent convolutions of N inputs with C channels by M filters of C channels each.

    A layer in which no window slides (fully connected, 1 x 1 at stride 1, matrix product) is the product of
    an M x K by a K x N matrix, with no axes left.
    """

    groups: int
    batch: int
    filters: int
    channels: int
    height: Axis = Axis()
    width: Axis = Axis()
    has_fixed_filters: bool = True
    """Whether the filters are weights, which may be transformed once for all inputs; not so in attention."""

    @property
    def is_product(self) -> bool:
        """Whether no window slides, so that the input is a matrix as it stands."""
        return self.height.inputs == self.width.inputs == 1

    @property
    def terms(self) -> int:
        """Products summed into an output, K = C·R·S."""
        return self.channels * self.height.filter * self.width.filter

    @property
    def columns(self) -> int:
        """Outputs of one filter, L = N·P·Q."""
        return self.batch * self.height.outputs * self.width.outputs

    @property
    def outputs(self) -> int:
        """Output values, G·M·N·P·Q."""
        return self.groups * self.filters * self.columns

    @property
    def weights(self) -> int:
        """Weights, G·M·C·R·S."""
        return self.groups * self.filters * self.terms

    @property
    def inputs(self) -> int:
        """Input values of the box that the filters cover, padding included: N·G·C·H·W."""
        return self.groups * self.batch * self.channels * self.height.inputs * self.width.inputs

    @property
    def touched_inputs(self) -> int:
        """Input values that some filter multiplies, padding included; fewer than the box if strides skip some."""
        return self.groups * self.batch * self.channels * self.height.touched * self.width.touched

    @property
    def macs(self) -> int:
        """MACs of the direct convolution, G·N·M·C·P·Q·R·S."""
        return self.outputs * self.terms


def shape_of(layer: Layer) -> Shape | str:
    """The shape of a layer, or why it is neither a convolution in up to two directions nor a matrix product.

    Read from the einsum, not from the layer's kind: dimensions of all three tensors are groups, of input and
    output batch, of weight and output filters, of input and weight channels; a rank `U·P + δ·R` of the input
    is a window.

    >>> from chipwise.workload.kinds import conv, fully_connected
    >>> shape_of(conv("c", M=8, C=4, P=6, Q=6, R=3, S=3, groups=2)).filters
    4
    >>> shape_of(fully_connected("fc", M=10, C=84)).is_product
    True
    """
    if len(layer.inputs) != 2:
        return f"multiplies {len(layer.inputs)} tensors, not two"
    first, second = layer.inputs
    # In a user's einsum either operand may be the one that slides.
    moving, still = (second, first) if any(len(r.terms) > 1 for r in second.ranks) else (first, second)
    if any(len(r.terms) > 1 for t in (still, layer.output) for r in t.ranks):
        return "windows slide over more than the input"
    if any(c != 1 for t in layer.tensors for r in t.ranks if len(r.terms) == 1 for _, c in r.terms):
        return "strides where no window slides"
    members = {d: (d in moving.dims, d in still.dims, d in layer.output.dims) for d in layer.dims}
    if set(members.values()) - {_GROUPS, _BATCH, _FILTERS, _CHANNELS}:
        return "sums one tensor over a dimension that the other does not have"
    axes = [_axis(layer, rank, members) for rank in moving.ranks if len(rank.terms) > 1]
    kept: list[Axis] = []
    sliding = {d for rank in moving.ranks if len(rank.terms) > 1 for d in rank.dims}
    extents = {
        role: prod(layer.dims[d] for d in layer.dims if members[d] == role and d not in sliding)
        for role in (_GROUPS, _BATCH, _FILTERS, _CHANNELS)
    }
    for axis in axes:
        if axis is None:
            return "a window over other dimensions than one of the output and one of the filter"
        # One position of the filter, or a filter of one value at stride 1, is no window.
        if axis.outputs == 1:
            extents[_CHANNELS] *= axis.filter
        elif axis.filter == axis.stride == 1:
            extents[_BATCH] *= axis.outputs
        else:
            kept.append(axis)
    if len(kept) > 2:
        return f"slides in {len(kept)} directions, not two"
    return Shape(
        groups=extents[_GROUPS],
        batch=extents[_BATCH],
        filters=extents[_FILTERS],
        channels=extents[_CHANNELS],
        height=kept[0] if len(kept) == 2 else Axis(),
        width=kept[-1] if kept else Axis(),
        has_fixed_filters=layer.kind in _WITH_WEIGHTS or _GROUPS not in members.values(),
    )


_Role = tuple[bool, bool, bool]
"""Whether a dimension is one of the input, of the weight, of the output."""

_GROUPS, _BATCH, _FILTERS, _CHANNELS = (
    (True, True, True),
    (True, False, True),
    (False, True, True),
    (True, True, False),
)
_WITH_WEIGHTS = {"conv", "fc"}
"""In layers of other kinds an operand of each group's own is activations, as in attention."""


def _axis(layer: Layer, rank: Rank, members: Mapping[str, _Role]) -> Axis | None:
    """The window of a rank, U of an output dimension + δ of a filter dimension; None if it is another sum."""
    terms = {members[d]: (layer.dims[d], c) for d, c in rank.terms}
    if len(rank.terms) != 2 or set(terms) != {_BATCH, _CHANNELS}:
        return None
    (outputs, stride), (taps, dilation) = terms[_BATCH], terms[_CHANNELS]
    return Axis(outputs, taps, stride, dilation)
