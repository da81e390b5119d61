"""Register files, buffers and hops at 28 nm, for studies of how to split storage."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "interstellar-28nm"
SOURCE = "Yang et al., Interstellar, ASPLOS 2020"
WORD = 16
KIB = 8192

ROWS = (
    Row("register_file", "read write", 0.06, WORD, 32 * 8),
    Row("register_file", "read write", 0.12, WORD, 64 * 8),
    Row("register_file", "read write", 0.96, WORD, 512 * 8),
    Row("sram", "read write", 9.0, WORD, 32 * KIB),
    Row("sram", "read write", 13.5, WORD, 64 * KIB),
    Row("sram", "read write", 20.25, WORD, 128 * KIB),
    Row("sram", "read write", 150.0, WORD, 28 * 1024 * KIB),
    Row("network", "transfer", 0.035, WORD),
    Row("dram", "read write", 200.0, WORD),
)
"""pJ. A register file's doubles with its size, a buffer's grows by 1.5 with each doubling of it."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    holds_for = "words of 16 b, register files of 32-512 B, buffers of 32-128 kB and 28 MB"
    return PublishedTable(NAME, SOURCE, ROWS, holds_for, accuracy=75, memories=55, node=28)
