"""A small MobileNetV2: depthwise layers on wide planes between narrow ones that residual sums tie together."""

from collections.abc import Sequence
from typing import Any, final

from chipwise.adapt.extra import nn
from chipwise.adapt.networks.parts import normalized, sizes_of


@final
class Block(nn.Module):  # type: ignore[misc]
    """1x1 to more channels, 3x3 depthwise, 1x1 to few; beside a shortcut where the shape stays."""

    def __init__(self, channels: int, filters: int, stride: int, expand: float) -> None:
        super().__init__()
        inner = max(1, round(channels * expand))
        self.expand = nn.Conv2d(channels, inner, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU()
        self.depthwise = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.project = nn.Conv2d(inner, filters, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(filters)
        self.residual = stride == 1 and channels == filters

    def forward(self, x: Any) -> Any:
        """The block's output."""
        inner = self.relu1(self.norm1(self.expand(x)))
        out = self.norm3(self.project(self.relu2(self.norm2(self.depthwise(inner)))))
        return x + out if self.residual else out


def inverted(
    widths: Sequence[int] = (16, 24, 32),
    *,
    blocks: int = 2,
    expand: float = 4.0,
    classes: int = 10,
    channels: int = 1,
    width: float = 1.0,
) -> Any:
    """A 3x3 convolution that halves the image, inverted residuals, a 1x1 convolution, pooling, one linear layer.

    The first block of each stage halves the image again, but for the first stage.

    Args:
        widths: channels between the blocks of each stage.
        blocks: of each stage.
        expand: channels within a block, of those before it.
        classes: outputs.
        channels: of the input.
        width: multiplies all widths.
    """
    sizes = sizes_of(widths, width)
    layers = normalized(nn.Conv2d(channels, sizes[0], 3, 2, 1, bias=False))
    before = sizes[0]
    for stage, filters in enumerate(sizes):
        for index in range(blocks):
            layers.append(Block(before, filters, 2 if stage and index == 0 else 1, expand))
            before = filters
    last = max(1, round(before * expand))
    layers += normalized(nn.Conv2d(before, last, 1, bias=False))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, classes))
