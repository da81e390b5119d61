"""ResNet-18: eight blocks of two 3 x 3 convolutions."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._resnet import resnet


def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network:
    """ResNet-18, with projections where the shape changes.

    Source: He et al., CVPR 2016, Table 1.

    >>> build().macs
    1814073344
    """
    return resnet("resnet18", (2, 2, 2, 2), title="ResNet-18", resolution=resolution, bottleneck=False)
