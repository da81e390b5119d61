"""MLP1 of the first TPU, as far as published: a stand-in with its layers and weights."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._tpu import square_layers


def build() -> Network:
    """4 fully-connected layers of 1118 x 1118.

    Published are 4 FC layers and 5M weights; the shapes are not, so that equal square layers stand in.

    Source: Jouppi et al., ISCA 2017, Table 1.

    >>> build().macs
    4999696
    """
    return square_layers("tpu_mlp1", "MLP1", layers=4, size=1118, printed="5M")
