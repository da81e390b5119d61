"""SqueezeNet 1.1: 1.0 with a smaller first layer and earlier pooling."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._squeezenet import squeezenet


def build(resolution: Annotated[int, Between(48, 2048)] = 227) -> Network:
    """SqueezeNet 1.1: 2.4 times fewer MACs than 1.0 by its authors' count.

    Source: the model released by the authors of Iandola et al., 2016.

    >>> build().layer("conv1").macs
    22064832
    """
    return squeezenet(
        "squeezenet1_1",
        title="SqueezeNet 1.1",
        source="Iandola et al., arXiv 1602.07360, 2016; version 1.1 as released by its authors",
        resolution=resolution,
        filters=64,
        kernel=3,
        pools=(3, 5),
    )
