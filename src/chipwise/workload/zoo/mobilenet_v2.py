"""MobileNetV2: inverted residuals that are narrow between blocks and wide inside."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._builder import Builder, Value, rounded

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, filters, blocks and stride: t, c, n and s of the paper."""


def build(
    width: Annotated[float, OneOf(0.35, 0.5, 0.75, 1.0, 1.3, 1.4)] = 1.0,
    resolution: Annotated[int, Between(32, 2048)] = 224,
) -> Network:
    """MobileNetV2, published for images of 224, 192, 160, 128 and 96; layers are named as in PyTorch's model.

    Source: Sandler et al., CVPR 2018, Table 2; widths rounded to multiples of 8 as in the released models.

    >>> build().layer("features.1.conv.0.0").macs
    3612672
    """
    net = Builder(
        "mobilenet_v2",
        input_shape=(3, resolution, resolution),
        title="MobileNetV2",
        source="Sandler, Howard, Zhu, Zhmoginov, Chen, 'MobileNetV2: inverted residuals and linear bottlenecks', "
        "CVPR 2018, Table 2; widths of the released models",
    )
    x = net.conv("features.0.0", net.input, rounded(32 * width), 3, stride=2)
    block = 1
    for expansion, filters, count, stride in _STAGES:
        for index in range(count):
            step = stride if index == 0 else 1
            x = _block(net, f"features.{block}", x, expansion, rounded(filters * width), step)
            block += 1
    # The last convolution is widened but never made narrower, as the paper has it.
    x = net.conv(f"features.{block}.0", x, rounded(1280 * max(1.0, width)))
    net.fc("classifier.1", net.global_pool("avgpool", x), 1000)
    return net.network()


def _block(net: Builder, name: str, x: Value, expansion: int, filters: int, stride: int) -> Value:
    y, depthwise = x, 0
    if expansion > 1:
        y, depthwise = net.conv(f"{name}.conv.0.0", x, expansion * x.channels), 1
    y = net.depthwise(f"{name}.conv.{depthwise}.0", y, 3, stride=stride)
    y = net.conv(f"{name}.conv.{depthwise + 1}", y, filters)
    return net.add(f"{name}.add", y, x) if x.shape == y.shape else y
