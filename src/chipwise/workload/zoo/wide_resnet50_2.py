"""Wide ResNet-50-2: ResNet-50 with the inner convolutions of its blocks twice as wide."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._resnet import resnet


def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network:
    """WRN-50-2-bottleneck, with strides in the 3 x 3 convolutions as released.

    Source: Zagoruyko, Komodakis, BMVC 2016, Table 8.

    >>> build().macs
    11398021120
    """
    return resnet(
        "wide_resnet50_2",
        (3, 4, 6, 3),
        title="Wide ResNet-50-2",
        source="Zagoruyko, Komodakis, 'Wide residual networks', BMVC 2016, Table 8 (WRN-50-2-bottleneck)",
        resolution=resolution,
        widening=2,
        version="1.5",
    )
