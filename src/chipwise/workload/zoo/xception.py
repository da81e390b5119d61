"""Xception: Inception taken to depthwise separable convolutions with shortcuts."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value


def build(resolution: Annotated[int, Between(71, 2048)] = 299) -> Network:
    """Xception; layers are named as in Keras, whose model is by the paper's author.

    Source: Chollet, CVPR 2017, Fig. 5.

    >>> build().layer("block14_sepconv2.pointwise").dims["P"]
    10
    """
    net = Builder(
        "xception",
        input_shape=(3, resolution, resolution),
        title="Xception",
        source="Chollet, 'Xception: deep learning with depthwise separable convolutions', CVPR 2017, Fig. 5",
    )
    x = net.conv("block1_conv1", net.input, 32, 3, stride=2, padding=0)
    x = net.conv("block1_conv2", x, 64, 3, padding=0)
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _halving(net, f"block{block}", x, filters, filters)
    for block in range(5, 13):
        y = x
        for index in range(1, 4):
            y = _separable(net, f"block{block}_sepconv{index}", y, 728)
        x = net.add(f"block{block}_add", y, x)
    x = _halving(net, "block13", x, 728, 1024)
    for index, filters in ((1, 1536), (2, 2048)):
        x = _separable(net, f"block14_sepconv{index}", x, filters)
    net.fc("predictions", net.global_pool("avg_pool", x), 1000)
    return net.network()


def _separable(net: Builder, name: str, x: Value, filters: int) -> Value:
    return net.conv(f"{name}.pointwise", net.depthwise(f"{name}.depthwise", x, 3), filters)


def _halving(net: Builder, name: str, x: Value, first: int, second: int) -> Value:
    y = _separable(net, f"{name}_sepconv1", x, first)
    y = _separable(net, f"{name}_sepconv2", y, second)
    y = net.max_pool(f"{name}_pool", y, 3, stride=2, padding=1)
    return net.add(f"{name}_add", y, net.conv(f"{name}_shortcut", x, second, stride=2))
