"""The first TPU: rooflines of its six applications, and how long a weight tile takes to load and to shift in.

    roofline [operations/s] = min(peak, 2 x MACs per weight byte x bandwidth of the weight memory)
    cycles of a tile        = rows x columns x weight bytes / (bytes/cycle of the weight memory)
    share of the shift      = rows / cycles of a tile        of array active + weight stall + weight shift

Array, clock and bandwidth are those of the gallery's chip; intensities and counters are printed.
"""

from collections.abc import Iterator
from math import ceil
from typing import Final, NamedTuple

from chipwise.analysis.validation import Check
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator

SOURCE = "Jouppi et al., ISCA 2017, Tables 1 and 3, section 7; counters of the chip"

CHIP: Final = "tpu_v1"


class Application(NamedTuple):
    """MACs per weight byte; TOPS measured; shares of cycles: array active, weight stall, weight shift, %."""

    macs_per_byte: float
    tops: float
    active: float
    stall: float
    shift: float


APPLICATIONS: Final = {
    "mlp0": Application(200, 12.3, 12.7, 53.9, 15.9),
    "mlp1": Application(168, 9.7, 10.6, 44.2, 13.4),
    "lstm0": Application(64, 3.7, 8.2, 58.1, 15.8),
    "lstm1": Application(96, 2.8, 10.5, 62.1, 17.1),
    "cnn0": Application(2888, 86.0, 78.2, 0.0, 0.0),
    "cnn1": Application(1750, 14.1, 46.2, 28.1, 7.0),
}

WEIGHT_BOUND = ("mlp0", "mlp1", "lstm0", "lstm1")
"""Applications that wait for weights all the time; for others the share of the shift says nothing of a tile."""

ONE_POINT = 1.0
"""Percentage points that the share of the shift may be off."""

EXAMPLE = 600
"""Rows and columns of LSTM1's matrix in the paper's example, with 256 x 256 and with 512 x 512 PEs."""
EXAMPLES = {256: (9, 18.0), 512: (4, 32.0)}
"""Steps and microseconds, as printed."""


def weight_bytes_per_s(chip: Accelerator) -> float:
    """Bandwidth of the port that reads weights from the outermost memory."""
    port = next(p for p in chip.memories[0].ports if p.reads and p.tensors == ("weight",))
    return port.bits_per_cycle * chip.clock_hz / 8


def roofline_tops(chip: Accelerator, macs_per_byte: float, faster: float = 1.0) -> float:
    """Attainable TOPS at an intensity, with weights `faster` times as fast.

    >>> round(roofline_tops(load_accelerator("tpu_v1"), 200), 3)
    13.6
    """
    macs_per_s = min(chip.peak_macs_per_s, macs_per_byte * weight_bytes_per_s(chip) * faster)
    return 2 * macs_per_s / 1e12


def tile_cycles(chip: Accelerator, side: int | None = None) -> float:
    """Cycles in which the weights of the whole array are read; `side`: of an array of so many rows and columns.

    >>> round(tile_cycles(load_accelerator("tpu_v1")))
    1349
    """
    pes = chip.pes if side is None else side * side
    return pes * chip.word_bits / 8 * chip.clock_hz / weight_bytes_per_s(chip)


def shift_share(chip: Accelerator) -> float:
    """Cycles of the shift, one per row of the array, over those in which a tile is read."""
    return chip.arrays[-1].axes[0].size / tile_cycles(chip)


def checks() -> Iterator[Check]:
    """Peak and ridge, rooflines, the share of the shift, the larger array, faster weights."""
    chip = load_accelerator(CHIP)
    yield Check(CHIP, "peak", "TOPS", 92.0, 2 * chip.peak_macs_per_s / 1e12, 0.01)
    ridge = chip.peak_macs_per_s / weight_bytes_per_s(chip)
    yield Check(CHIP, "ridge", "MACs/byte", 1350, ridge, 0.001)
    for name, app in APPLICATIONS.items():
        roof = roofline_tops(chip, app.macs_per_byte)
        # Above the roof a measurement would contradict the model, below it says how much else is lost.
        yield Check(name, "roofline", "TOPS", None, roof)
        yield Check(name, "measured TOPS / roofline, at most 1", "fraction", None, app.tops / roof)
    for name in WEIGHT_BOUND:
        app = APPLICATIONS[name]
        measured = 100 * app.shift / (app.active + app.stall + app.shift)
        share = 100 * shift_share(chip)
        item = "weight shift / (active + stall + shift)"
        yield Check(name, item, "%", measured, share, ONE_POINT / measured)
    for side, (steps, microseconds) in EXAMPLES.items():
        item = f"{EXAMPLE} x {EXAMPLE} matrix on {side} x {side} PEs"
        found = ceil(EXAMPLE / side) ** 2
        seconds = found * tile_cycles(chip, side) / chip.clock_hz
        yield Check(item, "steps", "steps", steps, found, 0.0)
        yield Check(item, "time", "us", microseconds, 1e6 * seconds, 0.05)
    growth = [
        roofline_tops(chip, app.macs_per_byte, faster=4) / roofline_tops(chip, app.macs_per_byte)
        for app in APPLICATIONS.values()
    ]
    yield Check(
        "weights 4 x as fast", "mean growth of the rooflines", "x", 3.0, sum(growth) / len(growth), 0.1
    )
