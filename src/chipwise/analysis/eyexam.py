"""Eyexam: how many PEs stay active as one constraint after the other is put on, and what each one costs.

    1 shape       as many PEs as there are MACs
    2 dataflow    only some loops may stand side by side
    3 PEs         so many in all, in any shape
    4 array       the length of every axis
    5 capacity    tiles fit into their memories
    6 bandwidth   every port moves what it must, on average
    7 instant     ramp-up, drain, bursts, buffers that cannot overlap

Each step is the exact latency-optimal search under one constraint more, so no bound is above the one before. Steps 1
to 4 are closed forms (`eyexam_bounds`), 5 and 6 the mapper without and with ports, 7 the model of `eyexam_instant`.
Cycles below MACs / PEs are no loss: what a step costs counts from there on, so that all losses add up to what is
missing to the peak.

Source: Chen et al., Eyeriss v2, arXiv:1807.07928, section IV.
"""

import itertools
import os
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingType
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

from chipwise.analysis.dataflows import check_runs
from chipwise.analysis.eyexam_bounds import bounds_of
from chipwise.analysis.eyexam_instant import Instant, instant
from chipwise.analysis.eyexam_search import Fastest, fastest, without
from chipwise.analysis.results import EvaluationResult
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.dataflow import with_dataflow
from chipwise.hardware.zeros import without_zeros
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import search
from chipwise.mapping.mapping import Mapping
from chipwise.mapping.text import render
from chipwise.model.cost import Cost, cost
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

SCHEMA = "chipwise.eyexam/1"
STEPS = ("shape", "dataflow", "PEs", "array", "capacity", "bandwidth", "instant")

Progress = Callable[[int, int, str], None]
"""Called with (layers done, layers in all, name of the layer just done)."""

WORTH = 1.01
"""A mapping that waits less is looked for where waiting costs more than this."""


def losses(cycles: tuple[float, ...], least: float) -> tuple[float, ...]:
    """What each step costs in cycles, from `least` = MACs / PEs on.

    >>> losses((1.0, 1.0, 110.0, 150.0, 150.0, 150.0, 160.0), 100.0)
    (0.0, 0.0, 10.0, 40.0, 0.0, 0.0, 10.0)
    """
    above = [least, *(max(least, c) for c in cycles)]
    return tuple(b - a for a, b in itertools.pairwise(above))


def left_of(lost_cycles: Sequence[float], macs: int, pes: int) -> tuple[float, ...]:
    """MACs per cycle that are left of the peak after each step: MACs / (MACs / PEs + all cycles lost so far).

    >>> left_of((0.0, 0.0, 10.0, 40.0, 0.0, 0.0, 50.0), macs=200, pes=2)
    (2.0, 2.0, 1.8181818181818181, 1.3333333333333333, 1.3333333333333333, 1.3333333333333333, 1.0)
    """
    spent = list(itertools.accumulate(lost_cycles, initial=macs / pes))
    return tuple(macs / cycles for cycles in spent[1:])


@final
@dataclass(frozen=True, slots=True)
class LayerExam:
    """One layer: cycles after each step, and the mapping from which steps 6 and 7 come."""

    layer: Layer
    accelerator: Accelerator
    """Under the dataflow chosen, where it chooses."""
    cycles: tuple[float, ...]
    mapping: Mapping
    cost: Cost
    instant: Instant
    bound_by: str
    """What needs the cycles of step 6: `compute` or a port."""
    spatial: tuple[str, ...]
    """Dimensions that the dataflow lets stand side by side."""
    proven: bool

    @property
    def active_pes(self) -> tuple[float, ...]:
        """MACs per cycle after each step."""
        return tuple(self.layer.macs / c for c in self.cycles)

    @property
    def lost_cycles(self) -> tuple[float, ...]:
        """Per step, cycles more than after the one before."""
        return losses(self.cycles, self.layer.macs / self.accelerator.pes)

    @property
    def largest_loss(self) -> str | None:
        """The step that costs most; None where the peak is reached."""
        return _largest(self.lost_cycles)

    def to_dict(self) -> dict[str, Any]:
        """The layer's entry of the JSON form."""
        return {
            "name": self.layer.name,
            "dims": dict(self.layer.dims),
            "macs": self.layer.macs,
            "active_pes": dict(zip(STEPS, self.active_pes, strict=True)),
            "cycles": dict(zip(STEPS, self.cycles, strict=True)),
            "lost_cycles": dict(zip(STEPS, self.lost_cycles, strict=True)),
            "largest_loss": self.largest_loss,
            "bound_by": self.bound_by,
            "ramp_up_cycles": self.instant.ramp_up_cycles,
            "drain_cycles": self.instant.drain_cycles,
            "waits_for": self.instant.slowest,
            "mapping": render(self.layer, self.accelerator, self.mapping),
            "proven": self.proven,
        }


@final
@dataclass(frozen=True, slots=True)
class Eyexam:
    """A network on a chip: exams by layer name, and sums as if layers ran one after the other."""

    network: str
    accelerator: Accelerator
    batch: int
    layers: MappingType[str, LayerExam]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers and the whole batch."""
        return sum(e.layer.macs for e in self.layers.values())

    @property
    def cycles(self) -> tuple[float, ...]:
        """Cycles of all layers after each step."""
        return tuple(sum(e.cycles[k] for e in self.layers.values()) for k in range(len(STEPS)))

    @property
    def active_pes(self) -> tuple[float, ...]:
        """MACs per cycle after each step."""
        return tuple(self.macs / c for c in self.cycles)

    @property
    def lost_cycles(self) -> tuple[float, ...]:
        """Per step, cycles lost by all layers."""
        every = [e.lost_cycles for e in self.layers.values()]
        return tuple(sum(lost[k] for lost in every) for k in range(len(STEPS)))

    @property
    def largest_loss(self) -> str | None:
        """The step that costs most; None where the peak is reached."""
        return _largest(self.lost_cycles)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.eyexam/1."""
        from chipwise.analysis.eyexam_remedies import remedies  # noqa: PLC0415 - it needs this module

        return {
            "schema": SCHEMA,
            "network": self.network,
            "accelerator": self.accelerator.name,
            "batch": self.batch,
            "pes": self.accelerator.pes,
            "active_pes": dict(zip(STEPS, self.active_pes, strict=True)),
            "cycles": dict(zip(STEPS, self.cycles, strict=True)),
            "lost_cycles": dict(zip(STEPS, self.lost_cycles, strict=True)),
            "largest_loss": self.largest_loss,
            "remedies": remedies(self),
            "layers": [e.to_dict() for e in self.layers.values()],
        }


def _largest(lost: tuple[float, ...]) -> str | None:
    worst = max(range(len(lost)), key=lambda k: lost[k])
    return STEPS[worst] if lost[worst] > 0 else None


def eyexam(
    network: str | Path | Network,
    chip: str | Path | Accelerator,
    batch: int = 1,
    *,
    mapspace: str = "even",
    factors: str = "spatial",
    workers: int | None = None,
    progress: Progress | None = None,
    time_limit_s: float | None = None,
) -> Eyexam:
    """Active PEs of every layer after each of the seven steps.

    Args:
        network: a zoo name, a YAML file or a Network.
        chip: a gallery name, a YAML file or an Accelerator.
        batch: inputs at once.
        mapspace: which mappings steps 5 and 6 search, as for `find_mapping`.
        factors: which tile sizes, as for `find_mapping`; not "perfect", as steps 3 and 4 leave residuals.
        workers: threads to use; all cores by default.
        progress: called after each distinct layer.
        time_limit_s: for each search of a layer; what it cuts short is not marked as proven.

    Raises:
        InputError: bad input. NoMappingError: a layer that fits no way, by name.
    """
    if factors == "perfect":
        raise InputError(
            "factors 'perfect' let no axis have a residual, and steps 3 and 4 do; use spatial, imperfect or any"
        )
    space = Mapspace(mapspace, factors)
    loaded = load_network(network).with_batch(batch)
    accelerator = without_zeros(load_accelerator(chip))  # the steps bound work on every value, zero or not
    if not loaded.layers:
        raise InputError(
            f"network {loaded.name!r} has no layer that does MACs, so there is nothing to examine"
        )
    check_runs(loaded.layers, accelerator)
    exams = _every(loaded.layers, accelerator, space, workers, progress, time_limit_s)
    return Eyexam(loaded.name, accelerator, batch, exams)


def eyexam_of(
    result: EvaluationResult,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    time_limit_s: float | None = None,
) -> Eyexam:
    """The exam of what has been evaluated: the same layers on the same chip.

    Args:
        result: of `chipwise.evaluate`; which mappings it took plays no part.
        workers: as for `eyexam`.
        progress: as for `eyexam`.
        time_limit_s: as for `eyexam`.
    """
    layers = tuple(found.layer for found in result.layers.values())
    exams = _every(layers, result.accelerator, Mapspace(), workers, progress, time_limit_s)
    return Eyexam(result.network, result.accelerator, result.batch, exams)


def check_same(result: EvaluationResult, exam: Eyexam) -> None:
    """Refuse to show an exam beside an evaluation of something else.

    Raises:
        InputError: they differ in network, chip, batch or layers.
    """
    ours = (result.network, result.accelerator.name, result.batch, list(result.layers))
    theirs = (exam.network, exam.accelerator.name, exam.batch, list(exam.layers))
    if ours != theirs:
        raise InputError(
            f"the exam is of {theirs[0]} on {theirs[1]}, batch {theirs[2]}, the evaluation of {ours[0]} on {ours[1]}, "
            f"batch {ours[2]}; take eyexam_of(result)"
        )


def _every(
    layers: tuple[Layer, ...],
    chip: Accelerator,
    space: Mapspace,
    workers: int | None,
    progress: Progress | None,
    time_limit_s: float | None,
) -> dict[str, LayerExam]:
    """Exams by name of the layer; layers of one shape are examined once."""
    distinct: dict[object, list[Layer]] = {}
    for layer in layers:
        distinct.setdefault(layer.shape_key, []).append(layer)
    examine = partial(examine_layer, chip=chip, space=space, time_limit_s=time_limit_s)
    found: dict[object, LayerExam] = {}
    done = 0
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        jobs = {pool.submit(examine, layers[0]): key for key, layers in distinct.items()}
        try:
            for job in as_completed(jobs):
                found[jobs[job]] = job.result()
                done += len(distinct[jobs[job]])
                if progress is not None:
                    progress(done, len(layers), distinct[jobs[job]][0].name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {layer.name: _renamed(found[layer.shape_key], layer) for layer in layers}


def _renamed(exam: LayerExam, layer: Layer) -> LayerExam:
    return LayerExam(
        layer, exam.accelerator, exam.cycles, exam.mapping, exam.cost, exam.instant, exam.bound_by,
        exam.spatial, exam.proven,
    )  # fmt: skip


def examine_layer(
    layer: Layer, chip: Accelerator, space: Mapspace | None = None, time_limit_s: float | None = None
) -> LayerExam:
    """The seven steps of one layer; where the chip chooses its dataflow, each step is that of the best one.

    Raises:
        NoMappingError: the layer fits under no dataflow.
    """
    found, failures = [], []
    for name in chip.dataflows or ("",):
        candidate = with_dataflow(chip, name) if name else chip
        try:
            found.append(_under_one(layer, candidate, space or Mapspace(), time_limit_s))
        except NoMappingError as error:
            failures.append(error)
    if not found:
        raise failures[0]
    best = min(found, key=lambda exam: exam.cycles[::-1])
    cycles = tuple(min(exam.cycles[k] for exam in found) for k in range(len(STEPS)))
    spatial = tuple(dict.fromkeys(dim for exam in found for dim in exam.spatial))
    proven = all(exam.proven for exam in found)
    return LayerExam(
        layer, best.accelerator, cycles, best.mapping, best.cost, best.instant, best.bound_by, spatial, proven
    )


def _under_one(layer: Layer, chip: Accelerator, space: Mapspace, limit_s: float | None) -> LayerExam:
    bounds = bounds_of(layer, chip)
    overlapped = without(chip, waits=True)
    sixth = fastest(layer, overlapped, space, target=bounds.array, limit_s=limit_s)
    if sixth is None:
        search(layer, chip, "latency", limit_s, space)  # which says what does not fit
        raise NoMappingError(f"no mapping of {layer.name!r} on {chip.name!r} was found in time", "time")
    priced = cost(layer, overlapped, sixth.mapping)
    compute = float(priced.counts.cycles)
    fifth = Fastest(sixth.mapping, compute, proven=True)
    if compute > bounds.array:
        # The mapping of step 6 is one of step 5, so a search cut short does not make it worse.
        stripped = without(chip, ports=True)
        other = fastest(layer, stripped, space, target=bounds.array, limit_s=limit_s)
        if other is not None:
            fifth = Fastest(other.mapping, min(other.cycles, compute), other.proven)
    now, mapping = instant(layer, chip, sixth.mapping, priced.counts), sixth.mapping
    if now.cycles > WORTH * sixth.cycles:
        # Step 6 does not see what has to wait, and the mapper's own latency does not see bursts: the better one.
        waiting = fastest(layer, chip, space, target=sixth.cycles, limit_s=limit_s)
        if waiting is not None:
            found = instant(layer, chip, waiting.mapping, cost(layer, chip, waiting.mapping).counts)
            now, mapping = min((now, mapping), (found, waiting.mapping), key=lambda pair: pair[0].cycles)
    cycles = (
        bounds.shape, bounds.dataflow, bounds.pes, bounds.array, fifth.cycles, sixth.cycles, now.cycles,
    )  # fmt: skip
    for step, before, after in zip(STEPS[1:], cycles, cycles[1:], strict=False):
        assert after >= before * (1 - 1e-9), f"{layer.name}: step {step} is below the one before: {cycles}"
    return LayerExam(
        layer, chip, tuple(_rising(cycles)), mapping, cost(layer, chip, mapping), now, priced.bound_by,
        bounds.spatial, fifth.proven and sixth.proven,
    )  # fmt: skip


def _rising(cycles: tuple[float, ...]) -> list[float]:
    """Sums of doubles carry errors near 1e-15: of two that should be equal the larger."""
    found = list(cycles)
    for k in range(1, len(found)):
        found[k] = max(found[k], found[k - 1])
    return found
