"""EfficientNet-B0: inverted residuals with squeeze and excitation, found by search."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""Expansion, filter size, filters, blocks and stride."""


def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network:
    """EfficientNet-B0; layers are named as in PyTorch's model.

    Source: Tan, Le, ICML 2019, Table 1.

    >>> build().layer("features.1.0.block.1.fc1").dims["M"]
    8
    """
    net = Builder(
        "efficientnet_b0",
        input_shape=(3, resolution, resolution),
        title="EfficientNet-B0",
        source="Tan, Le, 'EfficientNet: rethinking model scaling for convolutional neural networks', ICML 2019, "
        "Table 1",
    )
    x = net.conv("features.0.0", net.input, 32, 3, stride=2)
    for stage, (expansion, kernel, filters, count, stride) in enumerate(_STAGES, start=1):
        for index in range(count):
            name = f"features.{stage}.{index}"
            x = _block(net, name, x, expansion, kernel, filters, stride if index == 0 else 1)
    x = net.conv("features.8.0", x, 1280)
    net.fc("classifier.1", net.global_pool("avgpool", x), 1000)
    return net.network()


def _block(
    net: Builder, name: str, x: Value, expansion: int, kernel: int, filters: int, stride: int
) -> Value:
    y, step = x, 0
    if expansion > 1:
        y, step = net.conv(f"{name}.block.0.0", x, expansion * x.channels), 1
    y = net.depthwise(f"{name}.block.{step}.0", y, kernel, stride=stride)
    y = net.excite(f"{name}.block.{step + 1}", y, x.channels // 4)
    y = net.conv(f"{name}.block.{step + 2}.0", y, filters)
    return net.add(f"{name}.add", y, x) if x.shape == y.shape else y
