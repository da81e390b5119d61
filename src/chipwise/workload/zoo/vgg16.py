"""VGG-16: thirteen 3 x 3 convolutions and three fully-connected layers."""

from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network

_BLOCKS = ((2, 64, 224), (2, 128, 112), (3, 256, 56), (3, 512, 28), (3, 512, 14))
"""Convolutions, filters, and height = width of the output plane of each block."""


def build() -> Network:
    """VGG-16 (configuration D) for a 3 x 224 x 224 image.

    Source: Simonyan, Zisserman, ICLR 2015; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs
    15470264320
    """
    layers: list[Layer] = []
    channels = 3
    for block, (count, filters, plane) in enumerate(_BLOCKS, start=1):
        for index in range(1, count + 1):
            name = f"conv{block}_{index}"
            layers.append(conv(name, M=filters, C=channels, P=plane, Q=plane, R=3, S=3))
            channels = filters
    # A filter as large as its input rather than C = 25088, for the reasons given for AlexNet's fc6.
    layers.append(conv("fc6", M=4096, C=512, P=1, Q=1, R=7, S=7, kind="fc"))
    layers.append(fully_connected("fc7", M=4096, C=4096))
    layers.append(fully_connected("fc8", M=1000, C=4096))
    return Network(
        name="vgg16",
        nodes=tuple(layers),
        title="VGG-16",
        source="Simonyan, Zisserman, 'Very deep convolutional networks for large-scale image recognition', "
        "ICLR 2015, configuration D",
        input_shape=(3, 224, 224),
        published={
            "conv_layers": 13,
            "conv_weights": 14.7e6,
            "conv_macs": 15.3e9,
            "fc_layers": 3,
            "fc_weights": 124e6,
            "fc_macs": 124e6,
            "weights": 138e6,
            "macs": 15.5e9,
        },
    )
