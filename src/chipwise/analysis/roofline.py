"""Roofline at every memory level: how fast each port and the peak let a layer be, and how fast it is.

    intensity  = MACs / bytes through the port                     [MAC/byte]
    attainable = min(peak, intensity x bandwidth of the port)      [MAC/cycle]
    ridge      = peak / bandwidth: below this intensity the port bounds the time

Of a port with copies (one per PE), bytes are those of the busiest copy times the copies, and bandwidth is that of all,
so that attainable is MACs / cycles of the port. A port that serves some tensors only is a ceiling of these alone, and
so is what the network of an array brings of one tensor.

Source: Williams, Waterman, Patterson, CACM 52(4), 2009; per level: Ilic, Pratas, Sousa, IEEE CAL 13(1), 2014; with
Eyexam's bounds in it: Chen et al., arXiv:1807.07928, section IV.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any, final

from chipwise.analysis.eyexam import STEPS, Eyexam, check_same, eyexam_of
from chipwise.analysis.results import EvaluationResult, LayerResult
from chipwise.hardware.accelerator import Accelerator, Memory
from chipwise.mapping.storage import stored
from chipwise.model.latency import channels

SCHEMA = "chipwise.roofline/1"

LINKS = " link"
"""How names of links to single instances of an array end."""


@final
@dataclass(frozen=True, slots=True)
class Ceiling:
    """A port, or the network of an array, with all its copies."""

    port: str
    memory: str
    """Whose it is: of a network, the array."""
    tensors: tuple[str, ...] | None
    """Whose ceiling it is; None: all tensors share it."""
    bytes_per_cycle: float

    def ridge(self, peak: float) -> float:
        """Intensity from which on the peak is lower, MAC/byte."""
        return peak / self.bytes_per_cycle


@final
@dataclass(frozen=True, slots=True)
class Point:
    """A layer, or the network: what it moves through each port and memory, and how fast it is."""

    name: str
    macs: int
    cycles: float
    port_bytes: MappingType[str, float]
    memory_bytes: MappingType[str, float]
    """All reads and writes of each memory, in all its copies."""
    least_bytes: float
    """Every value across the outermost memory once."""
    bound_by: str

    @property
    def achieved(self) -> float:
        """MAC/cycle."""
        return self.macs / self.cycles

    def intensity(self, port: str) -> float | None:
        """MAC/byte at a port; None where nothing goes through it."""
        moved = self.port_bytes[port]
        return self.macs / moved if moved else None


@final
@dataclass(frozen=True, slots=True)
class Roofline:
    """The ceilings of a chip with the layers of a network below them."""

    network: str
    accelerator: Accelerator
    batch: int
    objective: str
    ceilings: tuple[Ceiling, ...]
    """Outermost first."""
    points: tuple[Point, ...]
    total: Point
    eyexam: Eyexam

    @property
    def peak(self) -> float:
        """MAC/cycle."""
        return float(self.accelerator.pes)

    def attainable(self, point: Point) -> float:
        """MAC/cycle under all ceilings."""
        limits = [
            moved * c.bytes_per_cycle for c in self.ceilings if (moved := point.intensity(c.port)) is not None
        ]
        return min([self.peak, *limits])

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.roofline/1."""
        return {
            "schema": SCHEMA,
            "network": self.network,
            "accelerator": self.accelerator.name,
            "batch": self.batch,
            "objective": self.objective,
            "peak_macs_per_cycle": self.peak,
            "ceilings": [
                {
                    "port": c.port,
                    "memory": c.memory,
                    "tensors": None if c.tensors is None else list(c.tensors),
                    "bytes_per_cycle": c.bytes_per_cycle,
                    "ridge_macs_per_byte": c.ridge(self.peak),
                }
                for c in self.ceilings
            ],
            "eyexam_macs_per_cycle": dict(zip(STEPS, self.eyexam.active_pes, strict=True)),
            "total": self._point(self.total, self.eyexam.active_pes),
            "layers": [self._point(p, self.eyexam.layers[p.name].active_pes) for p in self.points],
        }

    def _point(self, point: Point, active: tuple[float, ...]) -> dict[str, Any]:
        return {
            "name": point.name,
            "macs": point.macs,
            "achieved_macs_per_cycle": point.achieved,
            "attainable_macs_per_cycle": self.attainable(point),
            "bound_by": point.bound_by,
            "intensity_by_port_macs_per_byte": {c.port: point.intensity(c.port) for c in self.ceilings},
            "intensity_by_memory_macs_per_byte": {
                memory: point.macs / moved if moved else None for memory, moved in point.memory_bytes.items()
            },
            "most_off_chip_intensity_macs_per_byte": point.macs / point.least_bytes,
            "eyexam_macs_per_cycle": dict(zip(STEPS, active, strict=True)),
        }


def roofline(result: EvaluationResult, exam: Eyexam | None = None) -> Roofline:
    """Put an evaluation and an exam of the same network on the same chip into one picture.

    Args:
        result: how fast each layer is with its mapping, and what that moves.
        exam: what the steps of Eyexam leave possible; None: it is made, seconds for each layer.

    Raises:
        InputError: the exam is of another network, chip or batch.
    """
    chip = result.accelerator
    if exam is None:
        exam = eyexam_of(result)
    check_same(result, exam)
    ceilings = tuple(_ceilings(chip))
    points = tuple(_point(layer, ceilings) for layer in result.layers.values())
    total = Point(
        "network",
        result.macs,
        result.latency_cycles,
        {c.port: sum(p.port_bytes[c.port] for p in points) for c in ceilings},
        {m.name: sum(p.memory_bytes[m.name] for p in points) for m in chip.memories},
        sum(p.least_bytes for p in points),
        "",
    )
    return Roofline(result.network, chip, result.batch, result.objective, ceilings, points, total, exam)


def _ceilings(chip: Accelerator) -> Iterator[Ceiling]:
    for channel in channels(chip):
        bytes_per_cycle = channel.bits_per_cycle / 8
        for m in chip.memories:
            for port in m.ports:
                if port.name == channel.name:
                    yield Ceiling(port.name, m.name, port.tensors, bytes_per_cycle * chip.instances(m.name))
        for array in chip.arrays:
            carried = channel.name.removeprefix(f"{array.name} ").removesuffix(LINKS)
            if chip.depth(array.name) == channel.depth and carried in chip.tensors:
                copies = chip.instances(array.name) * (array.size if channel.name.endswith(LINKS) else 1)
                yield Ceiling(channel.name, array.name, (carried,), bytes_per_cycle * copies)


def _point(result: LayerResult, ceilings: tuple[Ceiling, ...]) -> Point:
    chip, layer = result.accelerator, result.layer
    moved = {c.port: result.cost.cycles[c.port] * c.bytes_per_cycle for c in ceilings}
    outermost = chip.memories[0]
    least = sum(layer.volume(t.name) * stored(layer, chip, outermost, t).bits / 8 for t in layer.tensors)
    memories = {m.name: _memory_bytes(result, m) for m in chip.memories}
    return Point(result.name, layer.macs, result.latency_cycles, moved, memories, least, result.cost.bound_by)


def _memory_bytes(result: LayerResult, memory: Memory) -> float:
    return sum(bits / 8 for (name, _), bits in result.cost.moved_bits.items() if name == memory.name)
