"""SqueezeNet 1.0: AlexNet's accuracy with fifty times fewer weights."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._squeezenet import squeezenet


def build(resolution: Annotated[int, Between(48, 2048)] = 227) -> Network:
    """SqueezeNet 1.0; planes of 111, 55, 27 and 13 as in the paper follow from images of 227 x 227.

    Source: Iandola et al., 2016, Table 1, and the released model.

    >>> build().layer("fire2.squeeze1x1").macs
    4646400
    """
    return squeezenet(
        "squeezenet1_0",
        title="SqueezeNet 1.0",
        source="Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, 'SqueezeNet: AlexNet-level accuracy with 50x "
        "fewer parameters and <0.5MB model size', arXiv 1602.07360, 2016, Table 1",
        resolution=resolution,
        filters=96,
        kernel=7,
        pools=(4, 8),
    )
