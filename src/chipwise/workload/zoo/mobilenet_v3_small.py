"""MobileNetV3-Small: eleven blocks found by search."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._mobilenet_v3 import SOURCE, mobilenet_v3

_ROWS = (
    (3, 16, 16, True, 2),
    (3, 72, 24, False, 2),
    (3, 88, 24, False, 1),
    (5, 96, 40, True, 2),
    (5, 240, 40, True, 1),
    (5, 240, 40, True, 1),
    (5, 120, 48, True, 1),
    (5, 144, 48, True, 1),
    (5, 288, 96, True, 2),
    (5, 576, 96, True, 1),
    (5, 576, 96, True, 1),
)


def build(
    width: Annotated[float, OneOf(0.75, 1.0)] = 1.0,
    resolution: Annotated[int, Between(32, 2048)] = 224,
    minimalistic: Annotated[bool, OneOf(False, True)] = False,
) -> Network:
    """MobileNetV3-Small; layers are named as in PyTorch's model.

    Source: Howard et al., ICCV 2019, Table 2.

    >>> build().layer("features.1.block.1.fc1").dims["M"]
    8
    """
    return mobilenet_v3(
        "mobilenet_v3_small",
        _ROWS,
        title="MobileNetV3-Small",
        source=f"{SOURCE} 2",
        last=1024,
        width=width,
        resolution=resolution,
        minimalistic=minimalistic,
    )
