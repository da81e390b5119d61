"""LSTM0 of the first TPU, as far as published: a stand-in with its layers and weights."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._tpu import square_layers


def build() -> Network:
    """24 fully-connected layers of 1472 x 1472.

    Published are 24 FC layers and 52M weights; the shapes are not, so that equal square layers stand in.

    Source: Jouppi et al., ISCA 2017, Table 1.

    >>> build().macs
    52002816
    """
    return square_layers("tpu_lstm0", "LSTM0", layers=24, size=1472, printed="52M")
