"""The key metrics of a design in one place, and what they become over a suite of networks and over numbers of PEs.

Accuracy, throughput, latency, energy and power, hardware cost, flexibility and scalability are the metrics of Sze, How
to evaluate efficient deep neural network approaches (2020), and of Sze et al., Proc. IEEE 105(12), 2017, section VIII.
None of them says much alone: a ring oscillator has excellent TOPS/W.

    flexibility: geometric mean and worst of utilisation and of energy per MAC over the suite
    scalability: MAC/cycle after all steps of Eyexam, with n PEs for 1 and all memories as they are
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, prod
from pathlib import Path
from typing import Any, final

from chipwise.analysis.eyexam import STEPS, Progress, eyexam
from chipwise.analysis.results import EvaluationResult
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, Array
from chipwise.mapper.mapspace import Mapspace, divisors
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

SCHEMA = "chipwise.metrics/1"

PES = tuple(4**k for k in range(2, 8))
"""16 to 16384."""


@final
@dataclass(frozen=True, slots=True)
class Given:
    """What only the user knows of a network: how well it does its task, measured on how many images."""

    accuracy: float | None = None
    """Fraction, 0 to 1."""
    task: str = ""
    images: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Scaled:
    """The chip with another number of PEs."""

    pes: int
    shape: tuple[int, ...]
    active_pes: float | None
    """After all steps; None where the network does not fit."""
    ends: str
    """The step of Eyexam that costs most, or why nothing fits."""


@final
@dataclass(frozen=True, slots=True)
class Metrics:
    """Evaluations of one chip on a suite of networks, with what the user knows of each."""

    accelerator: Accelerator
    results: tuple[EvaluationResult, ...]
    given: tuple[Given, ...]
    scaling: tuple[Scaled, ...] = ()

    def flexibility(self) -> dict[str, float]:
        """Geometric mean and worst over the suite."""
        used = [r.utilization for r in self.results]
        energy_pj = [r.energy_pj / r.macs for r in self.results]
        return {
            "utilization_geometric_mean": geometric_mean(used),
            "utilization_worst": min(used),
            "energy_per_mac_pj_geometric_mean": geometric_mean(energy_pj),
            "energy_per_mac_pj_worst": max(energy_pj),
        }

    @property
    def scaling_ends(self) -> Scaled | None:
        """The first step in PEs that brings less than half of what it adds; None where each brings more."""
        pairs = zip(self.scaling, self.scaling[1:], strict=False)
        for before, after in pairs:
            if before.active_pes and after.active_pes:
                gain, more = after.active_pes / before.active_pes - 1, after.pes / before.pes - 1
                if gain < more / 2:
                    return after
        return None

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.metrics/1."""
        chip, ends = self.accelerator, self.scaling_ends
        return {
            "schema": SCHEMA,
            "accelerator": chip.name,
            "cost": {
                "area_mm2": self.results[0].area_mm2,
                "storage_bytes": storage_bits(chip) / 8,
                "pes": chip.pes,
                "clock_hz": chip.clock_hz,
                "technology": dict(chip.technology),
            },
            "networks": [
                {
                    "network": r.network,
                    "batch": r.batch,
                    "accuracy": g.accuracy,
                    **r.totals(),
                    "off_chip_energy_pj": off_chip_energy_pj(r),
                }
                for r, g in zip(self.results, self.given, strict=True)
            ],
            "flexibility": self.flexibility(),
            "scalability": [
                {"pes": s.pes, "shape": list(s.shape), "active_pes": s.active_pes, "ends": s.ends}
                for s in self.scaling
            ],
            "scaling_ends_at_pes": None if ends is None else ends.pes,
        }


def metrics(
    results: Sequence[EvaluationResult],
    given: Mapping[str, Given] | None = None,
    scaling: Sequence[Scaled] = (),
) -> Metrics:
    """The key metrics of a chip over the networks that were evaluated on it.

    Args:
        results: of `chipwise.evaluate`, all on one chip.
        given: what only the user knows, by name of the network.
        scaling: of `chipwise.scaling`.

    Raises:
        InputError: no results, or of several chips; something given of a network that is not among them.
    """
    if not results:
        raise InputError("metrics need the result of at least one network")
    chips = list(dict.fromkeys(r.accelerator.name for r in results))
    if len(chips) > 1:
        raise InputError(f"metrics are of one chip, and these results are of {', '.join(chips)}; use compare")
    given, names = given or {}, [r.network for r in results]
    for name in given:
        if name not in names:
            raise InputError(f"{name!r} is not among the networks." + did_you_mean(name, names))
    known = tuple(given.get(name, Given()) for name in names)
    return Metrics(results[0].accelerator, tuple(results), known, tuple(scaling))


def geometric_mean(values: Sequence[float]) -> float:
    """The n-th root of the product of n positive values.

    >>> round(geometric_mean([1.0, 4.0]), 9)
    2.0
    """
    return exp(sum(log(v) for v in values) / len(values))


def storage_bits(chip: Accelerator) -> int:
    """Bits of all memories on the chip, all instances; unlimited ones are not counted."""
    return sum((m.capacity_bits or 0) * chip.instances(m.name) for m in chip.memories[1:])


def off_chip_energy_pj(result: EvaluationResult) -> float:
    """Energy of the outermost memory, pJ."""
    return result.energy_by("component").get(result.accelerator.memories[0].name, 0.0)


def with_pes(chip: Accelerator, pes: int) -> Accelerator:
    """The chip with so many PEs: every axis longer or shorter by about one factor, to the nearest divisor.

    Memories and their ports stay as they are, which is what lets one see where they end the scaling; those inside
    the arrays come in as many copies as there are PEs.

    >>> from chipwise.components.load import load_accelerator
    >>> [axis.size for axis in with_pes(load_accelerator("eyeriss"), 1024).arrays[0].axes]
    [32, 32]
    """
    axes = [axis for array in chip.arrays for axis in array.axes]
    if not axes:
        return chip
    each = (pes / prod(axis.size for axis in axes)) ** (1 / len(axes))
    sizes: dict[str, int] = {}
    left = pes
    for axis in axes[:-1]:
        sizes[axis.name] = _nearest_divisor(left, axis.size * each)
        left //= sizes[axis.name]
    sizes[axes[-1].name] = left
    levels = tuple(
        replace(level, axes=tuple(replace(axis, size=sizes[axis.name]) for axis in level.axes))
        if isinstance(level, Array)
        else level
        for level in chip.levels
    )
    return replace(chip, levels=levels)


def _nearest_divisor(n: int, wanted: float) -> int:
    """By ratio.

    >>> _nearest_divisor(1024, 29.6)
    32
    """
    return min(divisors(n), key=lambda d: abs(log(d / wanted)))


def scaling(
    network: str | Path | Network,
    chip: str | Path | Accelerator,
    batch: int = 1,
    *,
    pes: Sequence[int] = PES,
    space: Mapspace | None = None,
    progress: Progress | None = None,
    time_limit_s: float | None = None,
) -> tuple[Scaled, ...]:
    """How fast a network gets with more PEs, and what ends it.

    Args:
        network: a zoo name, a YAML file or a Network.
        chip: a gallery name, a YAML file or an Accelerator, of which the array is scaled.
        batch: inputs at once.
        pes: how many there shall be.
        space: which mappings.
        progress: called after each number of PEs.
        time_limit_s: for each search of a layer.
    """
    space = space or Mapspace()
    loaded, accelerator = load_network(network), load_accelerator(chip)
    found = []
    for i, n in enumerate(pes, 1):
        other = with_pes(accelerator, n)
        shape = tuple(axis.size for array in other.arrays for axis in array.axes)
        try:
            exam = eyexam(
                loaded,
                other,
                batch,
                mapspace=space.placement,
                factors=space.factors,
                time_limit_s=time_limit_s,
            )
        except NoMappingError as error:
            found.append(Scaled(other.pes, shape, None, f"does not fit: {error.constraint}"))
        else:
            found.append(
                Scaled(other.pes, shape, exam.active_pes[len(STEPS) - 1], exam.largest_loss or "none")
            )
        if progress is not None:
            progress(i, len(pes), f"{n} PEs")
    return tuple(found)
