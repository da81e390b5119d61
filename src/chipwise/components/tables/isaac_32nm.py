"""Parts of an in-memory accelerator, 32 nm, with energies worked out from their power and rate."""

from chipwise.components.estimator import AREA, LATENCY, AbstractEstimator
from chipwise.components.published import PublishedTable, Row, not_in_macs

NAME = "isaac-32nm"
SOURCE = "Shafiee et al., ISAAC, ISCA 2016, per action as in Accelergy's hwcomponents-library"
EDRAM_BITS = 64 * 8192

ROWS = (
    Row("adc", "convert", 16e9 / (8 * 1.2e9), 8, power=0),
    Row("adc", AREA, 9600e-6 / 8, 8, power=0),
    Row("adc", LATENCY, 1 / 1.28, 8, power=0),
    Row("dac", "convert", 0.41667, 1, power=0),
    Row("dac", AREA, 170e-6 / (8 * 128), 1, power=0),
    Row("shift_add", "shift_add", 0.2e9 / (8 * 1.2e9), 16),
    Row("shift_add", AREA, 240e-6 / 4, 16),
    Row("edram", "read write", 20.45, 256, EDRAM_BITS),
    Row("edram", AREA, 83_000e-6, 256, EDRAM_BITS),
    Row("router", "transfer", 20.74, 256),
    Row("router", AREA, 151_000e-6, 256),
    Row("multicast_bus", "transfer", 0.054, 1),
    Row("multicast_bus", AREA, 7500e-6 / 256, 1),
)
"""pJ, mm2 and ns. The converters do not stretch: an ADC of 8 b at 1.28 GS/s, a DAC of 1 b. 100 ns per cycle of
the crossbar; the router is shared by four tiles. `shift_add` has four units for the rate of eight ADCs."""


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    holds_for = "8 b ADC, 1 b DAC, eDRAM of 64 KiB by 256 b, bus and router of 256 b"
    return PublishedTable(NAME, SOURCE, ROWS, holds_for, accuracy=75, node=32)
