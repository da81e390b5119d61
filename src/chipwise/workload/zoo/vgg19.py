"""VGG-19: sixteen 3 x 3 convolutions and three fully-connected layers."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._vgg import SOURCE, vgg


def build() -> Network:
    """VGG-19 (configuration E) for a 3 x 224 x 224 image.

    Source: Simonyan, Zisserman, ICLR 2015.

    >>> build().macs
    19632062464
    """
    return vgg("vgg19", (2, 2, 4, 4, 4), title="VGG-19", source=f"{SOURCE} E")
