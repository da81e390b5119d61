"""What all networks are made of."""

from collections.abc import Sequence
from typing import Any

from chipwise.adapt.extra import nn


def sizes_of(widths: Sequence[int], width: float) -> list[int]:
    """All widths times one factor, at least 1 each.

    >>> sizes_of((16, 24, 1), 0.5)
    [8, 12, 1]
    """
    return [max(1, round(w * width)) for w in widths]


def normalized(conv: Any) -> list[Any]:
    """A convolution, its batch normalisation and a ReLU."""
    return [conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU()]
