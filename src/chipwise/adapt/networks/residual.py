"""A small residual network: the sums tie channels of several layers together."""

from collections.abc import Sequence
from typing import Any, final

from chipwise.adapt.extra import nn
from chipwise.adapt.networks.parts import normalized, sizes_of


@final
class Block(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        self.relu2 = nn.ReLU()
        self.shortcut: Any = nn.Identity()
        if stride != 1 or channels != filters:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters)
            )

    def forward(self, x: Any) -> Any:
        """The block's output."""
        inner = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        return self.relu2(inner + self.shortcut(x))


def residual(
    widths: Sequence[int] = (16, 32, 64),
    *,
    blocks: int = 1,
    classes: int = 10,
    channels: int = 1,
    width: float = 1.0,
) -> Any:
    """A 3x3 convolution, per width `blocks` residual blocks (the first halves the image), pooling, one linear layer.

    Args:
        widths: filters of each stage.
        blocks: blocks of each stage.
        classes: outputs.
        channels: of the input.
        width: multiplies all widths.
    """
    sizes = sizes_of(widths, width)
    layers = normalized(nn.Conv2d(channels, sizes[0], 3, padding=1, bias=False))
    before = sizes[0]
    for filters in sizes:
        for index in range(blocks):
            layers.append(Block(before, filters, 2 if index == 0 else 1))
            before = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
