"""The first TPU: its six applications from how tiles of weights load, shift and work.

    roofline [operations/s] = min(peak, 2 x MACs per weight byte x bandwidth of the weight memory)
    cycles of a tile        = max(load, rows of activations x passes); load = bytes of a tile / (bytes/cycle)
    TOPS                    = 2 x MACs per weight byte x bytes of a tile x filled / cycles of a tile x clock x (1 - RAW)

Array, clock and bandwidth are those of the gallery's chip. Printed inputs are intensities, what share of a tile holds
useful weights (useful MACs / array active), and the share of cycles that wait for results of the layer before (RAW).
What is predicted: TOPS, and how the cycles with a tile at hand or on its way divide. Only RAW is deducted, a choice:
printed TOPS leave the host out and are of other runs than the counters. Were all non-matrix cycles deducted, MLP0 would
be 10, MLP1 29, LSTM0 3 and CNN0 17 % low.

The LSTMs are taken to have operands of 16 b, at half speed: their useful MACs of 8.2 and 6.3 % of 92 TOPS are twice
the printed 3.7 and 2.8 TOPS.
"""

from collections.abc import Iterator
from math import ceil
from typing import Final, NamedTuple

from chipwise.analysis.estimators.tpu import TileCycles
from chipwise.analysis.estimators.tpu import tile_cycles as cycles_of
from chipwise.analysis.validation import Check
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator

SOURCE = "Jouppi et al., ISCA 2017, Tables 1 and 3, section 7; counters of the chip"

CHIP: Final = "tpu_v1"


class Application(NamedTuple):
    """MACs per weight byte, TOPS measured, and shares of cycles, %; `useful` is the part of `active`."""

    macs_per_byte: float
    tops: float
    active: float
    useful: float
    stall: float
    shift: float
    raw: float
    passes: int = 1

    @property
    def filled(self) -> float:
        """Share of a tile that holds useful weights."""
        return self.useful / self.active

    @property
    def on_tiles(self) -> float:
        """Cycles that work on a tile or wait for one, %."""
        return self.active + self.stall + self.shift


APPLICATIONS: Final = {
    "mlp0": Application(200, 12.3, 12.7, 12.5, 53.9, 15.9, 3.3),
    "mlp1": Application(168, 9.7, 10.6, 9.4, 44.2, 13.4, 8.4),
    "lstm0": Application(64, 3.7, 8.2, 8.2, 58.1, 15.8, 14.6, passes=2),
    "lstm1": Application(96, 2.8, 10.5, 6.3, 62.1, 17.1, 10.6, passes=2),
    "cnn0": Application(2888, 86.0, 78.2, 78.2, 0.0, 0.0, 3.5),
    "cnn1": Application(1750, 14.1, 46.2, 22.5, 28.1, 7.0, 22.8),
}

WEIGHT_BOUND = ("mlp0", "mlp1", "lstm0", "lstm1")
"""Applications that wait for weights all the time; for others the share of the shift says nothing of a tile."""

CNN1_BATCH: Final = 32
"""MACs per byte of CNN1's fully-connected layers."""

ONE_POINT = 1.0
"""Percentage points that the share of the shift may be off."""
TENTH = 0.1

NOTES: Final = {
    (
        "mlp1",
        "active",
    ): "the counters tell of 210 rows per tile, its batch is 168; likely some of its layers at half speed",
    (
        "lstm1",
        "active",
    ): "the counters tell of 158 cycles per tile, which are 79 rows at half speed, its batch is 96",
    (
        "lstm1",
        "tops",
    ): "the counters tell of 158 cycles per tile, which are 79 rows at half speed, its batch is 96; "
    "with 79 rows it is 2.88 TOPS, 3 % high",
    (
        "cnn1",
        "tops",
    ): "the mean of 1750 MACs per byte hides fully-connected layers at 32, for which a third of the "
    "cycles waits, and the shapes of its layers are not published; its own printed useful MACs of 22.5 % make 20.6",
}

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


def tile(chip: Accelerator, app: Application) -> TileCycles:
    """What the matrix unit does for each tile of an application."""
    rows = chip.arrays[-1].axes[0].size
    return cycles_of(tile_cycles(chip), rows, app.macs_per_byte * app.passes)


def tops(chip: Accelerator, app: Application) -> float:
    """TOPS of an application; passes count as time only where they, not the weights, take it.

    >>> round(tops(load_accelerator("tpu_v1"), APPLICATIONS["mlp0"]), 2)
    12.94
    """
    operations = 2 * app.macs_per_byte * chip.pes * app.filled
    return operations / tile(chip, app).cycles * chip.clock_hz * (1 - app.raw / 100) / 1e12


def checks() -> Iterator[Check]:
    """Peak and ridge, rooflines, tiles, TOPS, the larger array, faster weights."""
    chip = load_accelerator(CHIP)
    yield Check(CHIP, "peak", "TOPS", 92.0, 2 * chip.peak_macs_per_s / 1e12, 0.01)
    ridge = chip.peak_macs_per_s / weight_bytes_per_s(chip)
    yield Check(CHIP, "ridge", "MACs/byte", 1350, ridge, 0.001)
    for name, app in APPLICATIONS.items():
        roof = roofline_tops(chip, app.macs_per_byte)
        yield Check(name, "roofline, not below the measured", "TOPS", app.tops, roof, at_least=True)
    for name, app in APPLICATIONS.items():
        note = NOTES.get((name, "tops"), "")
        yield Check(name, "throughput", "TOPS", app.tops, tops(chip, app), TENTH, note)
    for name in WEIGHT_BOUND:
        yield from _shares(chip, name)
    yield from _convolutions(chip)
    yield from _example(chip)
    growth = [
        roofline_tops(chip, app.macs_per_byte, faster=4) / roofline_tops(chip, app.macs_per_byte)
        for app in APPLICATIONS.values()
    ]
    yield Check(
        "weights 4 x as fast", "mean growth of the rooflines", "x", 3.0, sum(growth) / len(growth), TENTH
    )


def _shares(chip: Accelerator, name: str) -> Iterator[Check]:
    """Of the cycles that work on a tile or wait for one."""
    app = APPLICATIONS[name]
    found = tile(chip, app)
    of = "/ (active + stall + shift)"
    shift = 100 * app.shift / app.on_tiles
    share = 100 * found.shift / found.cycles
    yield Check(name, f"weight shift {of}", "%", shift, share, ONE_POINT / shift)
    stall = 100 * app.stall / app.on_tiles
    yield Check(name, f"weight stall {of}", "%", stall, 100 * found.stall / found.cycles, TENTH)
    active = 100 * app.active / app.on_tiles
    note = NOTES.get((name, "active"), "")
    yield Check(name, f"array active {of}", "%", active, 100 * found.active / found.cycles, TENTH, note)


def _convolutions(chip: Accelerator) -> Iterator[Check]:
    """CNN0 never waits; CNN1 does in its fully-connected layers, all of whose rows are its batch."""
    cnn0, cnn1 = APPLICATIONS["cnn0"], APPLICATIONS["cnn1"]
    found = tile(chip, cnn0)
    waits = 100 * (found.stall + found.shift) / found.cycles
    yield Check("cnn0", "weight stall + shift", "%", cnn0.stall + cnn0.shift, waits, 0.0)
    full = tile(chip, cnn1._replace(macs_per_byte=CNN1_BATCH))
    ratio = full.stall / full.shift
    yield Check("cnn1", "weight stall / weight shift", "x", cnn1.stall / cnn1.shift, ratio, TENTH)


def _example(chip: Accelerator) -> Iterator[Check]:
    lstm1 = APPLICATIONS["lstm1"]
    for side, (steps, microseconds) in EXAMPLES.items():
        item = f"{EXAMPLE} x {EXAMPLE} matrix on {side} x {side} PEs"
        found = ceil(EXAMPLE / side) ** 2
        seconds = found * tile_cycles(chip, side) / chip.clock_hz
        yield Check(item, "steps", "steps", steps, found, 0.0)
        yield Check(item, "time", "us", microseconds, 1e6 * seconds, 0.05)
        if side**2 == chip.pes:
            filled = EXAMPLE**2 / (found * side**2)
            yield Check(item, "useful weights in a tile", "fraction", lstm1.filled, filled, 0.05)
