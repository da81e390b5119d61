"""DenseNet-121: every layer of a block reads what all before it made."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_GROWTH = 32
_BOTTLENECK = 4 * _GROWTH


def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network:
    """DenseNet-121; layers are named as in PyTorch's model.

    A normalisation behind a concatenation belongs to no single layer, so it stays a node of its own.

    Source: Huang et al., CVPR 2017, Table 1 (DenseNet-121, k = 32).

    >>> build().layer("features.denseblock4.denselayer16.conv1").dims["C"]
    992
    """
    net = Builder(
        "densenet121",
        input_shape=(3, resolution, resolution),
        title="DenseNet-121",
        source="Huang, Liu, van der Maaten, Weinberger, 'Densely connected convolutional networks', CVPR 2017, "
        "Table 1",
    )
    x = net.conv("features.conv0", net.input, 64, 7, stride=2)
    x = net.max_pool("features.pool0", x, 3, stride=2, padding=1)
    for block, count in enumerate((6, 12, 24, 16), start=1):
        for index in range(1, count + 1):
            x = _layer(net, f"features.denseblock{block}.denselayer{index}", x)
        if block < 4:
            name = f"features.transition{block}"
            x = net.conv(f"{name}.conv", net.normalization(f"{name}.norm", x), x.channels // 2)
            x = net.average_pool(f"{name}.pool", x, 2, stride=2)
    x = net.normalization("features.norm5", x)
    net.fc("classifier", net.global_pool("avgpool", x), 1000)
    return net.network()


def _layer(net: Builder, name: str, x: Value) -> Value:
    y = net.conv(f"{name}.conv1", net.normalization(f"{name}.norm1", x), _BOTTLENECK)
    return net.concat(f"{name}.concat", x, net.conv(f"{name}.conv2", y, _GROWTH, 3))
