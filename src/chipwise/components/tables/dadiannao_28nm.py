"""Memories as the authors of DaDianNao quote them, 28 nm."""

from chipwise.components.estimator import AREA, AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "dadiannao-28nm"
SOURCE = "Chen et al., DaDianNao, MICRO 2014"
MIB = 2**23

ROWS = (
    Row("edram", "read write", 19.2, 256),
    Row("ddr3", "read write", 6180.0, 256),
    Row("sram", AREA, 20.73, 256, 10 * MIB),
    Row("edram", AREA, 20.73 / 2.85, 256, 10 * MIB),
)
"""pJ and mm2. 321 reads of eDRAM for one of DDR3; eDRAM is 2.85 times as dense as SRAM."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    return PublishedTable(NAME, SOURCE, ROWS, "accesses of 256 b; 10 MiB", accuracy=80, node=28)
