"""Synthesised functional units at 40 nm and 1 GHz."""

from chipwise.components.estimator import AREA, LEAKAGE, AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "aladdin-40nm"
SOURCE = "Shao et al., Aladdin, ISCA 2014, as in Accelergy's hwcomponents-library"

ROWS = (
    Row("int_adder", "add", 0.21, 32),
    Row("int_adder", AREA, 278e-6, 32),
    Row("int_adder", LEAKAGE, 2.4e-6, 32),
    Row("int_multiplier", "multiply", 12.68, 32, power=2),
    Row("int_multiplier", AREA, 6350e-6, 32, power=2),
    Row("int_multiplier", LEAKAGE, 80e-6, 32, power=2),
    Row("int_mac", "mac", 12.68 + 2 * 0.21, 32, power=2),
    Row("int_mac", AREA, (6350 + 2 * 278) * 1e-6, 32, power=2),
    Row("int_mac", LEAKAGE, (80 + 2 * 2.4) * 1e-6, 32, power=2),
    Row("comparator", "compare", 0.02947, 32),
    Row("comparator", AREA, 71e-6, 32),
    Row("comparator", LEAKAGE, 25.1e-9, 32),
    Row("counter", "count", 0.25074, 32),
    Row("counter", AREA, 495.5e-6, 32),
    Row("counter", LEAKAGE, 321e-9, 32),
    Row("register", "read write", 0.009, 1),
    Row("register", AREA, 5.98e-6, 1),
    Row("register", LEAKAGE, 74e-9, 1),
    Row("network", "reduce", 0.21, 32),
)
"""pJ, mm2 and W. A register's are those of one flip-flop (0.074 uW of leakage: Aladdin's own file)."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    # Accelergy labels these 70; an entry stretched in width ranks behind Horowitz's, which has more widths.
    return PublishedTable(NAME, SOURCE, ROWS, "units of 32 b, flip-flops", accuracy=70, node=40, voltage=0.9)
