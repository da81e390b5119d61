"""The MAC and the clock of Eyeriss as CNNergy has them, 65 nm."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "cnnergy-65nm"
SOURCE = "CNNergy, technology figures of its model of Eyeriss"
MAC_PJ = (0.05 + 0.9) * (65 / 45) / 0.9**2
CLOCK_PJ = 106.3e9 / 200e6

ROWS = (
    Row("int_mac", "mac", MAC_PJ, 16, power=2),
    Row("register_file", "read write", MAC_PJ, 16),
    Row("network", "transfer", 2 * MAC_PJ, 16),
    Row("sram", "read write", 6 * MAC_PJ, 16),
    Row("dram", "read write", 200 * MAC_PJ, 16),
    Row("clock", "cycle", CLOCK_PJ, 16, power=0),
)
"""pJ. The MAC is scaled from 45 nm and 0.9 V; the clock network takes 106.3 mW at 200 MHz, on this chip."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    # Of one chip, so it ranks behind what follows the size.
    return PublishedTable(NAME, SOURCE, ROWS, "Eyeriss", accuracy=35, node=65, voltage=1.0)
