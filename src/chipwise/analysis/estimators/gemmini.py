"""Gemmini, a 16 x 16 weight-stationary array: as Timeloop counts it, and as its RTL takes.

`gemmini_rtl.csv` beside this file: layers with a mapping in Timeloop's notation, Timeloop's cycles and energy, and the
cycles of the RTL in FireSim with the tiles of that mapping and with those that Gemmini's own library takes.
Source: github.com/ucb-bar/dosa, data/firesim_test_data, BSD licence (111 of its 222 rows; columns that do not vary or
are not used left out); Hong et al., "DOSA", MICRO 2023.

Timeloop's latency is the most of the MACs' cycles and, per memory, words through it over words per cycle: DRAM 8,
scratchpad 32, accumulator 2 in each of 16 columns (dataset/hw/gemmini/arch/arch.yaml there). Its counts differ from
chipwise's in two things, which are put back here: sums in the accumulator are read even before their first update;
and neighbouring input tiles share their halo only along the innermost loop that moves them.

The RTL is the sum of computing and of moving tiles, since little of them overlaps:

    cycles = tiles · (MACs' + a · activations + b · weights)
    MACs'  = R·S · ceil(C/16) · ceil(K/16) · 16 · ceil(P·Q/16)

of one tile, which is what one iteration of the outermost level works on. A product keeps its 16 x 16 weights for at
least 16 cycles, the time that the next ones take to be shifted in. Activations and weights are bytes loaded and
stored; weights in whole lines of 64 bytes, since only a tile's part of a row of K lies together in DRAM. a and b are
fitted.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import final

import numpy as np

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory, Route
from chipwise.mapping.mapping import Mapping, Storage, Temporal
from chipwise.mapping.timeloop import parse_timeloop
from chipwise.model.counts import count
from chipwise.workload.kinds import conv
from chipwise.workload.layer import Layer

DATA = Path(__file__).with_name("gemmini_rtl.csv")
SIDE = 16
"""PEs in a row and in a column; bytes of a word of the scratchpad."""
LINE_BYTES = 64
_PER_CYCLE = {"dram": 8, "scratchpad": 2 * SIDE, "accumulator": 2}
"""Words per cycle, reads and writes together; of the accumulator per column."""

MAC_PJ, REGISTER_PJ, DRAM_PJ = 0.5608, 0.48746172, 100.0
"""Of one access, 40 nm: dataset/dse/energy_model.py of DOSA, which took them from Accelergy."""


@final
@dataclass(frozen=True, slots=True)
class GemminiRun:
    """One row of the data: a layer with its mapping, and what Timeloop and the RTL say."""

    layer: Layer
    mapping: Mapping
    text: str
    accumulator_kib: float
    scratchpad_kib: float
    timeloop_cycles: int
    timeloop_energy_uj: float
    rtl_cycles: float
    rtl_own_tiles_cycles: float

    @property
    def name(self) -> str:
        """Its extents, and the loops over its tiles."""
        extents = " ".join(f"{d}{n}" for d, n in self.layer.dims.items() if n > 1)
        return f"{extents}, tiles by {self.text.partition(' - ')[0].partition(' ')[2]}"


@final
@dataclass(frozen=True, slots=True)
class TimeloopFigures:
    """What Timeloop says of a run, counted here."""

    cycles: int
    energy_uj: float


@final
@dataclass(frozen=True, slots=True)
class Tiles:
    """Work of all tiles of a run: cycles of the MACs, bytes of activations moved, bytes of lines of weights."""

    mac_cycles: int
    activation_bytes: int
    weight_bytes: int


@final
@dataclass(frozen=True, slots=True)
class RtlModel:
    """The two constants: cycles per byte of activations, and per byte of weights in whole lines."""

    activation: float
    weight: float

    def cycles(self, run: GemminiRun) -> float:
        """Cycles that the RTL takes for the tiles of a run."""
        tiles = tiles_of(run)
        return tiles.mac_cycles + self.activation * tiles.activation_bytes + self.weight * tiles.weight_bytes


def gemmini_chip() -> Accelerator:
    """DRAM, scratchpad of inputs and weights, columns with accumulators, rows with a weight in each PE."""
    tensors = ("input", "weight", "output")
    return Accelerator(
        "gemmini",
        (
            Memory("dram", "dram", tensors),
            Memory("scratchpad", "sram", ("input", "weight")),
            Array("columns", (Axis("column", SIDE),), dict.fromkeys(tensors, Route(frozenset({"column"})))),
            Memory("accumulator", "sram", ("output",)),
            Array("rows", (Axis("row", SIDE),), dict.fromkeys(tensors, Route(frozenset({"row"})))),
            Memory("registers", "register_file", ("weight",)),
            Compute("mac", "int_mac"),
        ),
        clock_hz=1e9,
        word_bits=8,
    )


def read_runs(path: Path = DATA) -> list[GemminiRun]:
    """The rows of a file of this form, DOSA's own columns or the ones kept here.

    Raises:
        InputError: a file that cannot be read or lacks a column.

    >>> read_runs()[0].timeloop_cycles, len(read_runs())
    (294912, 111)
    """
    chip = gemmini_chip()
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [_run(record, chip) for record in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    except KeyError as error:
        raise InputError(f"{path}: has no column {error}; see {DATA.name} for the columns") from error


def _run(record: dict[str, str], chip: Accelerator) -> GemminiRun:
    extents = {d: int(record[f"prob.{d}"]) for d in "CKNPQRS"}
    strides = (int(record["prob.Wstride"]), int(record["prob.Hstride"]))
    layer = conv(
        "layer",
        M=extents["K"],
        C=extents["C"],
        N=extents["N"],
        P=extents["P"],
        Q=extents["Q"],
        R=extents["R"],
        S=extents["S"],
        stride=strides,
    )
    return GemminiRun(
        layer=layer,
        mapping=parse_timeloop(record["mapping.mapping"], layer, chip),
        text=record["mapping.mapping"],
        accumulator_kib=int(record["arch.mem1_entries"]) * SIDE * 4 / 1024,
        scratchpad_kib=int(record["arch.mem2_entries"]) / 1024,
        timeloop_cycles=int(float(record["target.cycle"])),
        timeloop_energy_uj=float(record["target.energy"]),
        rtl_cycles=float(record["target.gemmini_cycle"]),
        rtl_own_tiles_cycles=float(record["target.gemmini_auto_cycle"]),
    )


def timeloop(run: GemminiRun) -> TimeloopFigures:
    """Cycles and energy as Timeloop counts them.

    Cycles: the slowest of the MACs and the memories, rounded up. Energy: DOSA's linear fits of Accelergy, per access
    of the accumulator 1.94 + 0.1005·KiB/16 pJ, of the scratchpad 0.49 + 0.02513·KiB pJ.

    >>> [timeloop(run).cycles for run in read_runs()[:3]]
    [294912, 4096, 1188864]
    """
    counts = count(run.layer, gemmini_chip(), run.mapping)
    words = dict.fromkeys(("dram", "scratchpad", "accumulator", "registers"), 0)
    for (memory, _), actions in counts.actions.items():
        words[memory] += actions.reads + actions.fills + actions.updates
    sums = counts.actions["accumulator", "output"]
    words["accumulator"] += sums.updates - sums.reads
    halo = _halo_refetches(run) - counts.actions["scratchpad", "input"].fills
    words["dram"] += halo
    words["scratchpad"] += halo
    columns = counts.instances["accumulator", "output"]
    busy = (
        ceil(words[memory] / (each * (columns if memory == "accumulator" else 1)))
        for memory, each in _PER_CYCLE.items()
    )
    energy_pj = (
        run.layer.macs * MAC_PJ
        + words["registers"] * REGISTER_PJ
        + words["accumulator"] * (1.94 + 0.1005 * run.accumulator_kib / SIDE)
        + words["scratchpad"] * (0.49 + 0.02513 * run.scratchpad_kib)
        + words["dram"] * DRAM_PJ
    )
    return TimeloopFigures(max(counts.cycles, *busy), energy_pj / 1e6)


def _outer_loops(run: GemminiRun) -> tuple[list[tuple[str, int]], dict[str, int]]:
    """Loops above the scratchpad, outermost first with their iterations, and the tile below them."""
    tile = dict(run.layer.dims)
    loops: list[tuple[str, int]] = []
    for node in run.mapping.nodes:
        if isinstance(node, Storage) and node.memory == "scratchpad":
            break
        if isinstance(node, Temporal):
            loops.append((node.dim, tile[node.dim] // node.tile))
            tile[node.dim] = node.tile
    return loops, tile


def _halo_refetches(run: GemminiRun) -> int:
    """Input words into the scratchpad by Timeloop's rule: neighbours share along the innermost moving loop only.

    With N iterations of that loop, tiles T and new words D of each next one: (T + (N−1)·D) · iterations above.
    """
    tensor = run.layer.tensor("input")
    loops, tile = _outer_loops(run)
    while loops and loops[-1][0] not in tensor.dims:
        loops.pop()
    volume = tensor.volume(tile)
    if not loops:
        return volume
    dim, trips = loops.pop()
    rank = next(r for r in tensor.ranks if dim in r.dims)
    step = dict(rank.terms)[dim] * tile[dim]
    extent = rank.extent(tile)
    fresh = volume // extent * min(step, extent)
    return (volume + (trips - 1) * fresh) * prod(n for _, n in loops)


def tiles_of(run: GemminiRun) -> Tiles:
    """What all tiles of a run compute and move."""
    loops, tile = _outer_loops(run)
    times = prod(n for _, n in loops)
    pixels = tile["N"] * tile["P"] * tile["Q"]
    taps = tile["R"] * tile["S"]
    products = taps * _up(tile["C"], SIDE) // SIDE * (_up(tile["M"], SIDE) // SIDE)
    # A tile's sums leave once, after the innermost loops that add to them.
    stored = times
    for dim, trips in reversed(loops):
        if dim in run.layer.tensor("output").dims:
            break
        stored //= trips
    inputs = run.layer.tensor("input").volume(tile)
    return Tiles(
        mac_cycles=times * products * _up(pixels, SIDE),
        activation_bytes=times * inputs + stored * run.layer.tensor("output").volume(tile),
        weight_bytes=times * taps * tile["C"] * _up(tile["M"], LINE_BYTES),
    )


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def split(runs: Sequence[GemminiRun]) -> tuple[list[GemminiRun], list[GemminiRun]]:
    """Two halves that share no layer: distinct layers by turns, in the order in which they first appear."""
    order = list(dict.fromkeys(_shape(run) for run in runs))
    half = {shape: index % 2 for index, shape in enumerate(order)}
    fitted = [run for run in runs if half[_shape(run)] == 0]
    return fitted, [run for run in runs if half[_shape(run)] == 1]


def _shape(run: GemminiRun) -> tuple[int, ...]:
    return (*run.layer.dims.values(), run.layer.notes.get("stride", 1))


def fit(runs: Iterable[GemminiRun]) -> RtlModel:
    """The constants with the least squares of relative errors."""
    rows, rest = [], []
    for run in runs:
        tiles = tiles_of(run)
        rows.append((tiles.activation_bytes / run.rtl_cycles, tiles.weight_bytes / run.rtl_cycles))
        rest.append(1 - tiles.mac_cycles / run.rtl_cycles)
    activation, weight = np.linalg.lstsq(np.array(rows), np.array(rest), rcond=None)[0]
    return RtlModel(float(activation), float(weight))
