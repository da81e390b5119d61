"""A network of layers with channel-level bypass connections: the number of filters says how wide and how deep it is.

T.-J. Yang, Y.-L. Liao, V. Sze, "NetAdaptV2: Efficient Neural Architecture Search with Fast Super-Network Training and
Architecture Optimization", CVPR 2021.
"""

from collections.abc import Sequence
from typing import Any, final

from chipwise.adapt.extra import nn, torch
from chipwise.adapt.networks.parts import normalized, sizes_of
from chipwise.errors import InputError


@final
class Bypass(nn.Module):  # type: ignore[misc]
    """A layer of T filters on C channels, of which channels T to C - 1 pass by; with T = 0 nothing is left of it."""

    def __init__(self, channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.filters = channels
        self.conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Any) -> Any:
        """The filters' outputs, then the channels that have none."""
        if self.filters == 0:
            return x
        made = self.relu(self.norm(self.conv(x)))
        return torch.cat([made, x[:, self.filters :]], 1)


def bypass(
    widths: Sequence[int] = (16, 32, 64),
    *,
    blocks: int = 2,
    kernel: int = 3,
    classes: int = 10,
    channels: int = 1,
    width: float = 1.0,
) -> Any:
    """Per width a 3x3 convolution that halves the image (but for the first), then `blocks` bypassed layers.

    Args:
        widths: filters of each stage.
        blocks: bypassed layers of each stage.
        kernel: height and width of their filters, odd.
        classes: outputs.
        channels: of the input.
        width: multiplies all widths.

    Raises:
        InputError: an even kernel, which would not leave an image as large as it is.
    """
    if kernel % 2 == 0:
        raise InputError(f"network bypass: kernel = {kernel} must be odd, as 3 or 5")
    sizes = sizes_of(widths, width)
    layers: list[Any] = []
    before = channels
    for index, filters in enumerate(sizes):
        layers += normalized(nn.Conv2d(before, filters, 3, 1 + (index > 0), 1, bias=False))
        layers += [Bypass(filters, kernel) for _ in range(blocks)]
        before = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
