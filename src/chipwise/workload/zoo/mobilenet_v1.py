"""MobileNet (V1): depthwise separable convolutions, in four widths."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._builder import Builder

SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Filters and stride of each depthwise separable convolution."""


def build(
    width: Annotated[float, OneOf(0.25, 0.5, 0.75, 1.0)] = 1.0,
    resolution: Annotated[int, Between(32, 2048)] = 224,
) -> Network:
    """MobileNet, published for images of 224, 192, 160 and 128; layers are named as in the released models.

    Source: Howard et al., 2017, Table 1.

    >>> build().layer("Conv2d_1_depthwise").macs, build(width=0.5).layer("Conv2d_0").dims["M"]
    (3612672, 16)
    """
    net = Builder(
        "mobilenet_v1",
        input_shape=(3, resolution, resolution),
        title="MobileNetV1",
        source="Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam, 'MobileNets: efficient "
        "convolutional neural networks for mobile vision applications', arXiv 1704.04861, 2017, Table 1",
    )
    x = net.conv("Conv2d_0", net.input, int(32 * width), 3, stride=2)
    for index, (filters, stride) in enumerate(SEPARABLE, start=1):
        x = net.depthwise(f"Conv2d_{index}_depthwise", x, 3, stride=stride)
        x = net.conv(f"Conv2d_{index}_pointwise", x, int(filters * width))
    net.fc("Conv2d_1c_1x1", net.global_pool("AvgPool_1a", x), 1000)
    return net.network()
