"""ResNet-34: sixteen blocks of two 3 x 3 convolutions."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._resnet import resnet


def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network:
    """ResNet-34, with projections where the shape changes.

    Source: He et al., CVPR 2016, Table 1.

    >>> build().macs
    3663761408
    """
    return resnet("resnet34", (3, 4, 6, 3), title="ResNet-34", resolution=resolution, bottleneck=False)
