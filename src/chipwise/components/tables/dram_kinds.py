"""Energy per bit of each kind of DRAM, without what depends on how pages are opened."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "dram-kinds"
SOURCE = (
    "DDR3, LPDDR: Malladi et al., ISCA 2012; GDDR5, HBM2: Chatterjee et al., MICRO 2017; HMC: Gao et al.; "
)
SOURCE += "all as in Accelergy's hwcomponents-cacti"

ROWS = (
    Row("ddr3", "read write", 70.0, 1),
    Row("lpddr", "read write", 40.0, 1),
    Row("lpddr4", "read write", 8.0, 1),
    Row("gddr5", "read write", 14.0, 1),
    Row("hbm", "read write", 3.9, 1),
    Row("hmc", "read write", 4.2, 1),
)
"""pJ per bit. DDR4 is not in the source, so a chip that has it gives its own."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    return PublishedTable(NAME, SOURCE, ROWS, "any number of bits", accuracy=85)
