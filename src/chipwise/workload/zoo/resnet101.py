"""ResNet-101: thirty-three bottleneck blocks."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._resnet import resnet


def build(
    resolution: Annotated[int, Between(32, 2048)] = 224, version: Annotated[str, OneOf("1", "1.5")] = "1"
) -> Network:
    """ResNet-101, with the versions of ResNet-50.

    Source: He et al., CVPR 2016, Table 1.

    >>> build().macs
    7570194432
    """
    return resnet("resnet101", (3, 4, 23, 3), title="ResNet-101", resolution=resolution, version=version)
