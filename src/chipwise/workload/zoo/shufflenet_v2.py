"""ShuffleNetV2: half of the channels pass by each block, and a shuffle mixes the halves."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between, OneOf
from chipwise.workload.zoo._builder import Builder, Value

_FILTERS = {
    0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024),
    1.5: (176, 352, 704, 1024),
    2.0: (244, 488, 976, 2048),
}
"""Channels of the stages and of the last convolution, by width."""


def build(
    width: Annotated[float, OneOf(0.5, 1.0, 1.5, 2.0)] = 1.0,
    resolution: Annotated[int, Between(32, 2048)] = 224,
) -> Network:
    """ShuffleNetV2; layers are named as in PyTorch's model.

    Source: Ma et al., ECCV 2018, Table 5.

    >>> build().layer("stage2.1.branch2.0").dims["C"]
    58
    """
    net = Builder(
        "shufflenet_v2",
        input_shape=(3, resolution, resolution),
        title="ShuffleNetV2",
        source="Ma, Zhang, Zheng, Sun, 'ShuffleNet V2: practical guidelines for efficient CNN architecture design', "
        "ECCV 2018, Table 5",
    )
    *stages, last = _FILTERS[width]
    x = net.conv("conv1.0", net.input, 24, 3, stride=2)
    x = net.max_pool("maxpool", x, 3, stride=2, padding=1)
    for stage, (filters, count) in enumerate(zip(stages, (4, 8, 4), strict=True), start=2):
        for index in range(count):
            x = _unit(net, f"stage{stage}.{index}", x, filters // 2, stride=2 if index == 0 else 1)
    x = net.conv("conv5.0", x, last)
    net.fc("fc", net.global_pool("avgpool", x), 1000)
    return net.network()


def _unit(net: Builder, name: str, x: Value, filters: int, *, stride: int) -> Value:
    left = right = x if stride == 2 else x.part(filters)
    if stride == 2:
        left = net.depthwise(f"{name}.branch1.0", left, 3, stride=stride)
        left = net.conv(f"{name}.branch1.2", left, filters)
    right = net.conv(f"{name}.branch2.0", right, filters)
    right = net.depthwise(f"{name}.branch2.3", right, 3, stride=stride)
    right = net.conv(f"{name}.branch2.5", right, filters)
    return net.shuffle(f"{name}.shuffle", net.concat(f"{name}.concat", left, right))
