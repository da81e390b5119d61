"""VGG-16: thirteen 3 x 3 convolutions and three fully-connected layers."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._vgg import SOURCE, vgg


def build() -> Network:
    """VGG-16 (configuration D) for a 3 x 224 x 224 image.

    Source: Simonyan, Zisserman, ICLR 2015; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs
    15470264320
    """
    return vgg(
        "vgg16",
        (2, 2, 3, 3, 3),
        title="VGG-16",
        source=f"{SOURCE} D",
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
