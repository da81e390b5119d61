"""FastDepth: depth from one image, a MobileNet that is decoded back to the full plane."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import OneOf
from chipwise.workload.zoo._builder import Builder

_STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_ENCODER = {
    False: (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024),
    True: (16, 56, 88, 120, 144, 256, 408, 376, 272, 288, 296, 328, 480, 512),
}
_DECODER = {False: (512, 256, 128, 64, 32), True: (200, 256, 120, 56, 16)}
"""Filters before and after the pruning by NetAdapt."""

_SKIPS = {2: 5, 3: 3, 4: 1}
"""Which layer of the encoder is added behind which of the decoder."""


def build(pruned: Annotated[bool, OneOf(False, True)] = True) -> Network:
    """FastDepth for a 3 x 224 x 224 image, pruned by NetAdapt as published, or as it was before.

    Source: Wofk et al., ICRA 2019; the pruned widths as the authors' released TVM logs list them.

    >>> build().layer("decode_conv1.0").dims["G"]
    512
    """
    net = Builder(
        "fastdepth",
        input_shape=(3, 224, 224),
        title="FastDepth",
        source="Wofk, Ma, Yang, Karaman, Sze, 'FastDepth: fast monocular depth estimation on embedded systems', "
        "ICRA 2019; widths of the released mobilenet-nnconv5dw-skipadd-pruned",
    )
    x = net.input
    encoded = []
    for index, (filters, stride) in enumerate(zip(_ENCODER[pruned], _STRIDES, strict=True)):
        if index == 0:
            x = net.conv("conv0.0", x, filters, 3, stride=stride)
        else:
            x = net.depthwise(f"conv{index}.0", x, 3, stride=stride)
            x = net.conv(f"conv{index}.3", x, filters)
        encoded.append(x)
    for index, filters in enumerate(_DECODER[pruned], start=1):
        x = net.depthwise(f"decode_conv{index}.0", x, 5)
        x = net.conv(f"decode_conv{index}.1", x, filters)
        x = net.upsample(f"interpolate{index}", x, 2)
        if index in _SKIPS:
            x = net.add(f"skip{index}", x, encoded[_SKIPS[index]])
    net.conv("decode_conv6", x, 1)
    return net.network()
