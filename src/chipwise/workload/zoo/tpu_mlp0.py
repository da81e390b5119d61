"""MLP0 of the first TPU, as far as published: a stand-in with its layers and weights."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._tpu import square_layers


def build() -> Network:
    """5 fully-connected layers of 2000 x 2000.

    Published are 5 FC layers and 20M weights; the shapes are not, so that equal square layers stand in.

    Source: Jouppi et al., ISCA 2017, Table 1.

    >>> build().macs
    20000000
    """
    return square_layers("tpu_mlp0", "MLP0", layers=5, size=2000, printed="20M")
