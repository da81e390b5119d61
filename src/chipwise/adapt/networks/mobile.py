"""A small MobileNet: depthwise layers, whose time on a CPU their MACs don't tell."""

from collections.abc import Sequence
from typing import Any

from chipwise.adapt.extra import nn
from chipwise.adapt.networks.parts import normalized, sizes_of


def mobile(
    widths: Sequence[int] = (16, 32, 48, 64, 96),
    *,
    strides: Sequence[int] | None = None,
    classes: int = 10,
    channels: int = 1,
    width: float = 1.0,
) -> Any:
    """A 3x3 convolution, then depthwise 3x3 and pointwise 1x1 pairs, pooling and one linear layer.

    Args:
        widths: filters of the first convolution and of each pointwise one.
        strides: of the first convolution and of each depthwise one; by default every second one halves the image.
        classes: outputs.
        channels: of the input.
        width: multiplies all widths.
    """
    sizes = sizes_of(widths, width)
    steps = strides or [1 + index % 2 for index in range(len(sizes))]
    layers = normalized(nn.Conv2d(channels, sizes[0], 3, steps[0], 1, bias=False))
    for before, filters, stride in zip(sizes, sizes[1:], steps[1:], strict=False):
        layers += normalized(nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False))
        layers += normalized(nn.Conv2d(before, filters, 1, bias=False))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(sizes[-1], classes))
