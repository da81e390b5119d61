"""Cells that compute: digital SRAM, resistive and phase-change."""

from chipwise.components.estimator import AREA, AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "memory-cells"
SOURCE = "SRAM: Colonnade, JSSC 2021, 65 nm 0.8 V; RRAM: Lanza et al. 2019, best reported write, and "
SOURCE += "ISAAC's cell of 1.49 F2 at 32 nm; PCM: Lee et al., ISCA 2009, as in NVSim's sample cell"

ROWS = (
    Row("sram_cell", "mac", 0.0681, 1, power=2),
    Row("rram_cell", "write", 0.1, 1),
    Row("rram_cell", AREA, 1.49 * 0.032**2 * 1e-6, 1, power=0),
    Row("pcm_cell", "read", 2.0, 1),
    Row("pcm_cell", AREA, 9 * 0.09**2 * 1e-6, 1, power=0),
)
"""pJ and mm2 of one cell. What a source does not give is left out: a chip gives its own."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    return PublishedTable(NAME, SOURCE, ROWS, "one bit per cell, digital inputs of 1 b", accuracy=60)
