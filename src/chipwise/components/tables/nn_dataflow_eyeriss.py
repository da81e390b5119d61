"""The costs with which nn_dataflow fits the measured power of Eyeriss, 65 nm."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "nn-dataflow-eyeriss"
SOURCE = "Gao et al., nn_dataflow, test of the Eyeriss chip"
WORD = 16

ROWS = (
    Row("int_mac", "mac", 2.0, WORD, power=2),
    Row("register_file", "read write", 1.0, WORD),
    Row("network", "transfer", 4.0, WORD),
    Row("sram", "read write", 15.0, WORD),
    Row("dram", "read write", 460.0, WORD),
)
"""pJ; beside them the chip idles at 30 mW, which a chip file gives as `leakage: 30 mW`."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    holds_for = "words of 16 b in the memories of Eyeriss, whatever their size"
    # Of one chip, so it ranks behind what follows the size.
    return PublishedTable(NAME, SOURCE, ROWS, holds_for, accuracy=40, node=65, voltage=1.0)
