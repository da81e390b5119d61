"""Costs of an accelerator below a stack of DRAM, 45 nm."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "tetris-45nm"
SOURCE = "Gao et al., TETRIS, ASPLOS 2017, as in nn_dataflow's test"
WORD = 16
KIB = 8192

ROWS = (
    Row("hmc", "read write", 80.0, WORD),
    Row("lpddr", "read write", 240.0, WORD),
    Row("sram", "read write", 14.0, WORD, 133 * KIB),
    Row("sram", "read write", 28.0, WORD, 576 * KIB),
    Row("network", "transfer", 4.0, WORD),
    Row("router", "transfer", 40.0, WORD),
    Row("register_file", "read write", 0.6, WORD, 512 * 8),
    Row("register_file", "read write", 1.0, WORD, 1024 * 8),
)
"""pJ. A vault's buffer and register file are the smaller ones; a hop between vaults is the router's."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    holds_for = "words of 16 b, buffers of 133-576 kB, register files of 0.5-1 kB"
    return PublishedTable(NAME, SOURCE, ROWS, holds_for, accuracy=65, memories=55, node=45)
