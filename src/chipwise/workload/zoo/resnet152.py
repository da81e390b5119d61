"""ResNet-152: fifty bottleneck blocks."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._resnet import resnet


def build(
    resolution: Annotated[int, Between(32, 2048)] = 224, version: Annotated[str, OneOf("1", "1.5")] = "1"
) -> Network:
    """ResNet-152, with the versions of ResNet-50.

    Source: He et al., CVPR 2016, Table 1.

    >>> build().macs
    11282415616
    """
    return resnet("resnet152", (3, 8, 36, 3), title="ResNet-152", resolution=resolution, version=version)
