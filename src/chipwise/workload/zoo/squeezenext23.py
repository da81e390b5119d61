"""SqueezeNext-23: blocks of two reductions and a separated 3 x 3 filter, shaped for an accelerator."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import OneOf
from chipwise.workload.zoo._builder import Builder, Value

_BLOCKS = {1: (6, 6, 8, 1), 5: (2, 4, 14, 1)}
"""Blocks per stage, by version."""


def build(
    width: Annotated[float, OneOf(1.0, 1.5, 2.0)] = 1.0, version: Annotated[int, OneOf(1, 5)] = 1
) -> Network:
    """1.0-SqNxt-23 for a 3 x 224 x 224 image; version 5 moves blocks to the later stages (23v5).

    Source: Gholami et al., CVPR Workshops 2018, with the padding of the first layer as in the PyTorch port
    whose 724,056 parameters and 287.28M MACs are published.

    >>> build().layer("stage1.unit1.conv3").dims["R"], build().layer("stage1.unit1.conv3").dims["S"]
    (1, 3)
    """
    net = Builder(
        "squeezenext23",
        input_shape=(3, 224, 224),
        title="SqueezeNext-23",
        source="Gholami, Kwon, Wu, Tai, Yue, Jin, Zhao, Keutzer, 'SqueezeNext: hardware-aware neural network "
        "design', CVPR Workshops 2018; padding as in imgclsmob's sqnxt23",
    )
    x = net.conv("init_block.conv", net.input, int(64 * width), 7, stride=2, padding=1)
    x = net.max_pool("init_block.pool", x, 3, stride=2, ceil=True)
    for stage, (count, filters) in enumerate(zip(_BLOCKS[version], (32, 64, 128, 256), strict=True), start=1):
        for unit in range(1, count + 1):
            stride = 2 if stage > 1 and unit == 1 else 1
            x = _unit(net, f"stage{stage}.unit{unit}", x, int(filters * width), stride)
    x = net.conv("final_block", x, int(128 * width))
    net.fc("output", net.global_pool("final_pool", x), 1000)
    return net.network()


def _unit(net: Builder, name: str, x: Value, filters: int, stride: int) -> Value:
    reduced = x.channels // (1 if stride == 2 else 4 if x.channels > filters else 2)
    y = net.conv(f"{name}.conv1", x, reduced, stride=stride)
    y = net.conv(f"{name}.conv2", y, reduced // 2)
    y = net.conv(f"{name}.conv3", y, reduced, (1, 3))
    y = net.conv(f"{name}.conv4", y, reduced, (3, 1))
    y = net.conv(f"{name}.conv5", y, filters)
    shortcut = x
    if x.shape != y.shape:
        shortcut = net.conv(f"{name}.identity_conv", x, filters, stride=stride)
    return net.add(f"{name}.add", y, shortcut)
