"""The ResNet family: a stem, four stages of blocks with shortcuts, and one fully-connected layer."""

from collections.abc import Mapping, Sequence

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value

SOURCE = "He, Zhang, Ren, Sun, 'Deep residual learning for image recognition', CVPR 2016, Table 1"

_EXPANSION = 4
"""Filters of a bottleneck's last convolution per filter of the stage."""


def resnet(
    name: str,
    blocks: Sequence[int],
    *,
    title: str,
    source: str = SOURCE,
    resolution: int = 224,
    bottleneck: bool = True,
    widening: int = 1,
    version: str = "1",
    published: Mapping[str, float] | None = None,
) -> Network:
    """A ResNet with that many blocks per stage; layers are named as in PyTorch's models.

    Version 1 has the stride of a bottleneck in its first 1 x 1 convolution, as the paper; version 1.5 in the
    3 x 3 convolution, as later releases.
    """
    net = Builder(
        name, input_shape=(3, resolution, resolution), title=title, source=source, published=published
    )
    x = net.conv("conv1", net.input, 64, 7, stride=2)
    x = net.max_pool("maxpool", x, 3, stride=2, padding=1)
    for stage, count in enumerate(blocks, start=1):
        filters = 64 << (stage - 1)
        for index in range(count):
            stride = 2 if stage > 1 and index == 0 else 1
            block = f"layer{stage}.{index}"
            if bottleneck:
                x = _bottleneck(net, block, x, filters, filters * widening, stride, first=version == "1")
            else:
                x = _basic(net, block, x, filters, stride)
    net.fc("fc", net.global_pool("avgpool", x), 1000)
    return net.network()


def _bottleneck(
    net: Builder, name: str, x: Value, filters: int, inner: int, stride: int, *, first: bool
) -> Value:
    y = net.conv(f"{name}.conv1", x, inner, stride=stride if first else 1)
    y = net.conv(f"{name}.conv2", y, inner, 3, stride=1 if first else stride)
    y = net.conv(f"{name}.conv3", y, _EXPANSION * filters)
    return _sum(net, name, x, y, stride)


def _basic(net: Builder, name: str, x: Value, filters: int, stride: int) -> Value:
    y = net.conv(f"{name}.conv1", x, filters, 3, stride=stride)
    return _sum(net, name, x, net.conv(f"{name}.conv2", y, filters, 3), stride)


def _sum(net: Builder, name: str, x: Value, y: Value, stride: int) -> Value:
    shortcut = x
    if x.shape != y.shape:
        shortcut = net.conv(f"{name}.downsample", x, y.channels, stride=stride)
    return net.add(f"{name}.add", y, shortcut)
