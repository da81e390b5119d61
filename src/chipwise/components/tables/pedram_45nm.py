"""What an operation and an access cost at 45 nm, of 16 b integers and of 64 b floating-point numbers."""

from chipwise.components.estimator import AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "pedram-45nm"
SOURCE = "Pedram et al., IEEE Design & Test 34(2), 2017, as in Keutzer's course notes"
WORD, LONG = 16, 64

ROWS = (
    Row("int_adder", "add", 0.18, WORD),
    Row("int_multiplier", "multiply", 0.62, WORD, power=2),
    Row("int_mac", "mac", 0.18 + 0.62, WORD, power=2),
    Row("fp_adder", "add", 5.0, LONG),
    Row("fp_multiplier", "multiply", 20.0, LONG, power=2),
    Row("fp_mac", "mac", 5.0 + 20.0, LONG, power=2),
    Row("register_file", "read write", 0.12, WORD, 16 * WORD),
    Row("register_file", "read write", 0.23, WORD, 64 * WORD),
    Row("register_file", "read write", 0.34, LONG, 16 * LONG),
    Row("register_file", "read write", 0.42, LONG, 64 * LONG),
    Row("sram", "read write", 8.0, WORD, 4096 * WORD),
    Row("sram", "read write", 11.0, WORD, 32768 * WORD),
    Row("sram", "read write", 26.0, LONG, 4096 * LONG),
    Row("sram", "read write", 47.0, LONG, 32768 * LONG),
    Row("dram", "read write", 640.0, WORD),
    Row("dram", "read write", 2560.0, LONG),
)
"""pJ. An access of 16 b costs 8 pJ here and 2.5 pJ in Horowitz's figure for caches of the same size; both stand."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    holds_for = "16 b integers, 64 b floating point, 16-64 words of registers, 4-32 k words of SRAM"
    return PublishedTable(NAME, SOURCE, ROWS, holds_for, accuracy=75, memories=55, node=45, voltage=0.9)
