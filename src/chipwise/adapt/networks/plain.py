"""A plain CNN: like AlexNet, most weights are in its first fully-connected layer and most energy is not."""

from collections.abc import Sequence
from typing import Any

from chipwise.adapt.extra import nn
from chipwise.adapt.networks.parts import normalized, sizes_of
from chipwise.errors import InputError


def plain(
    widths: Sequence[int] = (16, 32, 32, 64, 64),
    *,
    hidden: int = 128,
    classes: int = 10,
    channels: int = 1,
    side: int = 32,
    width: float = 1.0,
) -> Any:
    """3x3 convolutions with batch normalisation, halved by pooling after the first, third and fifth, then two layers.

    Args:
        widths: filters of each convolution.
        hidden: outputs of the first fully-connected layer.
        classes: outputs.
        channels: of the input.
        side: height and width of the input.
        width: multiplies all widths and `hidden`.

    Raises:
        InputError: an image that pooling leaves nothing of.
    """
    smallest = 2 ** ((len(widths) + 1) // 2)
    if side < smallest:
        raise InputError(
            f"network plain: halves the image {(len(widths) + 1) // 2} times, so its side = {side} must be at least "
            f"{smallest}; take mobile or residual for smaller ones"
        )
    layers: list[Any] = []
    before = channels
    for index, filters in enumerate(sizes_of(widths, width)):
        layers += normalized(nn.Conv2d(before, filters, 3, padding=1, bias=False))
        before = filters
        if index % 2 == 0:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    inner = max(1, round(hidden * width))
    layers += [nn.Flatten(), nn.Linear(before * side * side, inner), nn.ReLU(), nn.Linear(inner, classes)]
    return nn.Sequential(*layers)
