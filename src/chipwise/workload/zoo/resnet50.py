"""ResNet-50: sixteen bottleneck blocks."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._resnet import resnet


def build(
    resolution: Annotated[int, Between(32, 2048)] = 224, version: Annotated[str, OneOf("1", "1.5")] = "1"
) -> Network:
    """ResNet-50, the original (v1) with strides in the 1 x 1 convolutions.

    Later releases move the stride to the 3 x 3 convolution (version 1.5), which costs 4.1G MACs instead of 3.9G.

    Source: He et al., CVPR 2016, Table 1; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs, build(version="1.5").macs
    (3857973248, 4089184256)
    >>> build().sources("layer1.2.conv1")
    ('layer1.1.add',)
    """
    return resnet(
        "resnet50",
        (3, 4, 6, 3),
        title="ResNet-50",
        resolution=resolution,
        version=version,
        published={
            "conv_layers": 53,
            "conv_weights": 23.5e6,
            "conv_macs": 3.86e9,
            "fc_layers": 1,
            "fc_weights": 2e6,
            "fc_macs": 2e6,
            "weights": 25.5e6,
            "macs": 3.9e9,
        },
    )
