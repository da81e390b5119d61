"""Actual values of a layer as engines take them: which are not zero, unrolled."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.engine import Mask
from chipwise.analysis.engines.work import Work
from chipwise.errors import InputError
from chipwise.workload.layer import Layer

MAX_TAPS = 2**28
"""Most values of an unrolled input, a byte each."""


def unrolled(layer: Layer, work: Work, inputs: NDArray[Any], weights: NDArray[Any]) -> tuple[Mask, Mask]:
    """Masks of inputs [groups, pixels, taps] and weights [groups, filters, taps].

    Args:
        layer: a convolution or fully-connected layer.
        work: what it asks of an engine.
        inputs: values [channels, height, width], with the batch in front if there is one, without padding (zeros are
            put around them, the odd one behind); of a fully-connected layer [batch, inputs] or [inputs].
        weights: values [filters, channels per group, rows, columns], or [outputs, inputs].

    Raises:
        InputError: other shapes, or more than fits memory.

    >>> from chipwise.analysis.engines.work import work_of
    >>> from chipwise.workload.kinds import conv
    >>> layer = conv("c", M=2, C=1, P=2, Q=2, R=2, S=2)
    >>> left, right = unrolled(layer, work_of(layer), np.arange(9).reshape(1, 3, 3), np.ones((2, 1, 2, 2)))
    >>> left[0].astype(int).tolist()
    [[0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    """
    if weights.size != work.weights:
        raise InputError(
            f"layer {layer.name!r}: weights of shape {weights.shape} are {weights.size} values, not {work.weights}"
        )
    kernels = (weights != 0).reshape(work.groups, work.filters, work.taps)
    if work.groups * work.pixels * work.taps > MAX_TAPS:
        raise InputError(f"layer {layer.name!r}: its inputs unrolled are more than {MAX_TAPS} values")
    if work.rows * work.columns == 1:
        if inputs.size != work.batch * work.groups * work.taps:
            raise _shape(layer, inputs, (work.batch, work.groups * work.taps))
        flat = (inputs != 0).reshape(work.batch, work.groups, work.taps)
        return flat.transpose(1, 0, 2), kernels
    return _windows(layer, work, inputs != 0), kernels


def _windows(layer: Layer, work: Work, mask: Mask) -> Mask:
    """All windows of planes."""
    channels = work.groups * work.channels
    planes = mask[None] if mask.ndim == 3 else mask
    steps = [_steps(layer, work, direction) for direction in range(2)]
    needed = [
        u * (extent - 1) + d * (window - 1) + 1
        for (u, d), extent, window in zip(steps, (work.rows, work.columns), work.window, strict=True)
    ]
    if planes.ndim != 4 or planes.shape[:2] != (work.batch, channels) or prod(planes.shape) == 0:
        raise _shape(layer, mask, (work.batch, channels, *needed))
    missing = [max(0, n - h) for n, h in zip(needed, planes.shape[2:], strict=True)]
    around = [(m // 2, m - m // 2) for m in missing]
    padded = np.pad(planes, ((0, 0), (0, 0), *around))
    (u, du), (v, dv) = steps
    size = (du * (work.window[0] - 1) + 1, dv * (work.window[1] - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
    taken = windows[:, :, ::u, ::v][:, :, : work.rows, : work.columns, ::du, ::dv]
    by_group = taken.reshape(work.batch, work.groups, work.channels, work.rows, work.columns, *work.window)
    return by_group.transpose(1, 0, 3, 4, 2, 5, 6).reshape(work.groups, work.pixels, work.taps)


def _steps(layer: Layer, work: Work, direction: int) -> tuple[int, int]:
    """Stride and dilation of rows or columns."""
    output = layer.output.dims
    ranks = [
        rank for rank in layer.tensor("input").ranks if rank.dims[0] in {"P", "Q"} or len(rank.terms) > 1
    ]
    if direction >= len(ranks):
        return work.stride, 1
    terms = ranks[direction].terms
    stride = next((c for d, c in terms if d in output), 1)
    return stride, next((c for d, c in terms if d not in output), 1)


def _shape(layer: Layer, given: NDArray[Any], needed: tuple[int, ...]) -> InputError:
    return InputError(
        f"layer {layer.name!r}: an input of shape {given.shape} does not fit; give {needed}, or a plane without padding"
    )
