"""MobileNetV3-Large: fifteen blocks found by search."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._mobilenet_v3 import SOURCE, mobilenet_v3

_ROWS = (
    (3, 16, 16, False, 1),
    (3, 64, 24, False, 2),
    (3, 72, 24, False, 1),
    (5, 72, 40, True, 2),
    (5, 120, 40, True, 1),
    (5, 120, 40, True, 1),
    (3, 240, 80, False, 2),
    (3, 200, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 480, 112, True, 1),
    (3, 672, 112, True, 1),
    (5, 672, 160, True, 2),
    (5, 960, 160, True, 1),
    (5, 960, 160, True, 1),
)


def build(
    width: Annotated[float, OneOf(0.75, 1.0)] = 1.0,
    resolution: Annotated[int, Between(32, 2048)] = 224,
    minimalistic: Annotated[bool, OneOf(False, True)] = False,
) -> Network:
    """MobileNetV3-Large; layers are named as in PyTorch's model.

    Source: Howard et al., ICCV 2019, Table 1.

    >>> build().layer("features.4.block.2.fc1").dims["M"]
    24
    """
    return mobilenet_v3(
        "mobilenet_v3_large",
        _ROWS,
        title="MobileNetV3-Large",
        source=f"{SOURCE} 1",
        last=1280,
        width=width,
        resolution=resolution,
        minimalistic=minimalistic,
    )
