"""What moves: bytes by memory and tensor, and off-chip by layer."""

from collections import defaultdict

from chipwise.analysis.results import EvaluationResult
from chipwise.report.html.blocks import Block, Chart, Row, Section, Table, entries, matrix
from chipwise.report.svg import Axis, Bar, bars
from chipwise.units import format_bytes, format_count

_AXIS = Axis(binary=True, format=lambda num_bytes: format_bytes(8 * num_bytes))
_ACTIONS = ("reads", "fills", "updates", "drains")


def traffic(result: EvaluationResult) -> Section:
    """Accesses of every memory, as bytes of all its instances."""
    return Section("traffic", "Traffic", (*_by_memory(result), *_off_chip(result)))


def _by_memory(result: EvaluationResult) -> tuple[Block, ...]:
    chip = result.accelerator
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(_ACTIONS))
    moved: defaultdict[tuple[str, str], float] = defaultdict(float)
    for layer in result.layers.values():
        for (name, tensor), actions in layer.cost.counts.actions.items():
            each = [getattr(actions, action) for action in _ACTIONS]
            counts[name, tensor] = [a + b for a, b in zip(counts[name, tensor], each, strict=True)]
            moved[name, tensor] += layer.cost.moved_bits[name, tensor] / 8
    tensors = list(dict.fromkeys(tensor for _, tensor in moved))
    rows = []
    for memory in chip.memories:
        values = tuple((tensor, moved.get((memory.name, tensor), 0.0)) for tensor in tensors)
        rows.append(Bar(memory.name, values, note=format_bytes(8 * sum(value for _, value in values))))
    table = Table(
        "Accesses of each memory in values: reads for inside, fills from outside, updates from inside, drains out",
        ("memory", "tensor", *_ACTIONS, "moved"),
        tuple(
            Row((memory, tensor, *map(format_count, each), format_bytes(8 * moved[memory, tensor])))
            for (memory, tensor), each in counts.items()
        ),
        frozenset({"tensor"}),
        folded=True,
    )
    return Chart(bars("Traffic of each memory by tensor, all instances", rows, axis=_AXIS)), table


def _off_chip(result: EvaluationResult) -> tuple[Block, ...]:
    chip, every = result.accelerator, entries(result)
    found: dict[str, dict[str, float]] = {}
    for entry in every:
        found[entry.number] = {
            tensor: bits / 8
            for (memory, tensor), bits in entry.result.cost.moved_bits.items()
            if memory == chip.memories[0].name
        }
    tensors = list(dict.fromkeys(tensor for own in found.values() for tensor in own))
    rows = [
        Bar(
            entry.name,
            tuple(found[entry.number].items()),
            note=format_bytes(8 * entry.result.off_chip_bytes),
            row=entry.number,
        )
        for entry in every
    ]
    table = matrix(
        "Off-chip traffic of each layer by tensor",
        "layer",
        tensors,
        ((e.name, e.number, [format_bytes(8 * found[e.number].get(t, 0.0)) for t in tensors]) for e in every),
    )
    return Chart(bars("Off-chip traffic of each layer by tensor", rows, axis=_AXIS, keys=tensors)), table
