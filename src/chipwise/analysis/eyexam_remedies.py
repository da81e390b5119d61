"""What would remove the losses that Eyexam finds: a change that is searched or computed, with what it brings."""

from collections.abc import Callable
from math import prod

from chipwise.analysis.eyexam import STEPS, Eyexam, LayerExam
from chipwise.analysis.eyexam_bounds import best_shape
from chipwise.analysis.eyexam_search import fastest, without
from chipwise.errors import NoMappingError
from chipwise.mapper.mapspace import Mapspace
from chipwise.units import format_bandwidth
from chipwise.workload.layer import Layer

SEARCH_S = 10.0
"""For each search of a remedy; what takes longer is not told."""

WORTH_TELLING = 0.01
"""Share of the time that a step must cost to be spoken of."""


def remedies(exam: Eyexam) -> dict[str, str]:
    """What would remove each loss, the largest first, by step; small ones are left out."""
    lost, total = exam.lost_cycles, exam.cycles[-1]
    tell: tuple[Callable[[Eyexam, LayerExam, int], str], ...] = (
        _shape, _dataflow, _pes, _array, _capacity, _bandwidth, _instant,
    )  # fmt: skip
    found = {}
    for k in sorted(range(len(STEPS)), key=lambda step: -lost[step]):
        if lost[k] > WORTH_TELLING * total:
            worst = max(exam.layers.values(), key=lambda e: e.lost_cycles[k])
            found[STEPS[k]] = tell[k](exam, worst, k)
    return found


def _times(exam: Eyexam) -> list[tuple[Layer, int]]:
    counts: dict[object, tuple[Layer, int]] = {}
    for e in exam.layers.values():
        _, n = counts.get(e.layer.shape_key, (e.layer, 0))
        counts[e.layer.shape_key] = (e.layer, n + 1)
    return list(counts.values())


def _shape(exam: Eyexam, worst: LayerExam, _: int) -> str:
    return f"{worst.layer.name} has {worst.layer.macs} MACs for {exam.accelerator.pes} PEs: a larger batch or fewer PEs"


def _dataflow(exam: Eyexam, worst: LayerExam, k: int) -> str:
    left = [d for d, extent in worst.layer.dims.items() if extent > 1 and d not in worst.spatial]
    return (
        f"{worst.layer.name} has {worst.active_pes[k]:.4g} MACs side by side for {exam.accelerator.pes} PEs: "
        f"let an axis take {' or '.join(left)}"
    )


def _pes(exam: Eyexam, worst: LayerExam, k: int) -> str:
    return (
        f"the loops that may lie side by side leave PEs idle in the last pass, {worst.layer.name} most "
        f"({worst.active_pes[k]:.4g} of {exam.accelerator.pes}): more loops on the axes, or a larger batch "
        "where N is one"
    )


def _array(exam: Eyexam, worst: LayerExam, k: int) -> str:
    axes = [axis for array in exam.accelerator.arrays for axis in array.axes]
    shape, cycles = best_shape(_times(exam), exam.accelerator)
    if shape == tuple(axis.size for axis in axes):
        return f"{worst.layer.name} leaves the ends of axes idle; no other shape of {prod(shape)} PEs does better"
    named = " x ".join(f"{n} {axis.name}" for n, axis in zip(shape, axes, strict=True))
    return f"an array of {named} would keep {exam.macs / cycles:.4g} PEs active, not {exam.active_pes[k]:.4g}"


def _capacity(_: Eyexam, worst: LayerExam, k: int) -> str:
    chip = without(worst.accelerator, ports=True)
    found: dict[str, float] = {}
    for memory in chip.memories:
        if memory.capacity_bits is not None:
            try:
                other = fastest(
                    worst.layer, without(chip, capacity=memory.name), Mapspace(),
                    target=worst.cycles[k - 1], limit_s=SEARCH_S,
                )  # fmt: skip
            except NoMappingError:
                continue
            if other is not None:
                found[memory.name] = other.cycles
    best = min(found, key=lambda name: found[name], default=None)
    if best is None or found[best] >= worst.cycles[k]:
        return f"{worst.layer.name} needs larger memories, several of them together"
    return (
        f"a larger {best} would keep up to {worst.layer.macs / found[best]:.4g} PEs active in {worst.layer.name}, "
        f"not {worst.active_pes[k]:.4g}"
    )


def _bandwidth(exam: Eyexam, _: LayerExam, k: int) -> str:
    """By the port that costs most: the bandwidth that its layers would need, with these mappings."""
    lost: dict[str, float] = {}
    for e in exam.layers.values():
        if e.lost_cycles[k]:
            lost[e.bound_by] = lost.get(e.bound_by, 0.0) + e.lost_cycles[k]
    port = max(lost, key=lambda name: lost[name])
    held = [e for e in exam.layers.values() if e.bound_by == port and e.lost_cycles[k]]
    has = next(p.bits_per_cycle for m in exam.accelerator.memories for p in m.ports if p.name == port)
    times = sorted(e.cycles[k] / e.cycles[k - 1] for e in held)
    half = times[(len(times) - 1) // 2]
    least = "a larger batch shares weights, otherwise " if _shares_weights(exam, held) else ""
    return (
        f"{port} holds up {len(held)} of {len(exam.layers)} layers: {least}{format_bandwidth(has * half)} instead of "
        f"{format_bandwidth(has)} would free half of them, {format_bandwidth(has * times[-1])} all"
    )


def _shares_weights(exam: Eyexam, held: list[LayerExam]) -> bool:
    """Whether most of these layers move more weights than anything else off-chip at a batch of 1."""
    heavy = [e for e in held if e.layer.batch_dim and _weights_lead(e.layer)]
    return exam.batch == 1 and 2 * len(heavy) >= len(held)


def _weights_lead(layer: Layer) -> bool:
    names = {t.name for t in layer.tensors}
    return "weight" in names and layer.volume("weight") > sum(layer.volume(t) for t in names if t != "weight")


def _instant(exam: Eyexam, _: LayerExam, k: int) -> str:
    ramp = sum(e.instant.ramp_up_cycles for e in exam.layers.values())
    drain = sum(e.instant.drain_cycles for e in exam.layers.values())
    waits: dict[str, float] = {}
    for e in exam.layers.values():
        more = max(0.0, e.instant.steady_cycles - e.cycles[k - 1])
        waits[e.instant.slowest] = waits.get(e.instant.slowest, 0.0) + more
    where = max(waits, key=lambda name: waits[name])
    if waits[where] >= max(ramp, drain):
        return f"tiles change in bursts at {where}: double buffering, or more room there"
    what = "first tiles" if ramp >= drain else "last tiles"
    return f"nothing runs while the {what} of a layer are moved: layers that overlap, or smaller tiles at the start"
