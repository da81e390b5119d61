"""Where the energy goes, by component and by tensor, and who says what each action costs."""

from chipwise.analysis.results import EvaluationResult
from chipwise.report.html.blocks import Block, Chart, Row, Section, Table, Text, entries, matrix
from chipwise.report.svg import Axis, Bar, bars
from chipwise.report.tables import percent, shares
from chipwise.units import format_count, format_energy

_AXIS = Axis(format=format_energy)


def energy(result: EvaluationResult) -> Section:
    """Stacked bars of all layers, by component and by tensor, each with its numbers."""
    blocks: list[Block] = []
    for field in ("component", "tensor"):
        blocks += _by(result, field)
    return Section("energy", "Energy", tuple(blocks))


def _by(result: EvaluationResult, field: str) -> list[Block]:
    arrays = {array.name for array in result.accelerator.arrays} if field == "component" else set()
    total = result.energy_by(field)
    # One order of colours for the network and for each layer: the largest of the network first.
    keys = [key for key, _, _ in shares(total)]
    called = {key: f"{key} network" if key in arrays else key for key in keys}
    every = [(entry, entry.result.energy_by(field)) for entry in entries(result)]
    whole = [
        Bar(called[key], ((called[key], value),), note=f"{percent(share)}, {format_energy(value)}")
        for key, value, share in shares(total)
    ]
    rows = [
        Bar(
            entry.name,
            tuple((called[key], found.get(key, 0.0)) for key in keys),
            note=format_energy(entry.result.energy_pj),
            row=entry.number,
        )
        for entry, found in every
    ]
    table = matrix(
        f"Energy of each layer by {field}",
        "layer",
        [called[key] for key in keys],
        (
            (entry.name, entry.number, [format_energy(found.get(key, 0.0)) for key in keys])
            for entry, found in every
        ),
        ("total", *(format_energy(total[key]) for key in keys)),
    )
    return [
        Chart(
            bars(
                f"Energy of the network by {field}",
                whole,
                axis=_AXIS,
                keys=list(called.values()),
                legend=False,
            )
        ),
        Chart(bars(f"Energy of each layer by {field}", rows, axis=_AXIS)),
        table,
    ]


def provenance(result: EvaluationResult) -> Section:
    """What each kind of action costs, who says so, how often it happens and what that makes."""
    counts: dict[tuple[str, str, float, str], float] = {}
    for layer in result.layers.values():
        for item in layer.energy_items:
            key = (item.component, item.action, item.energy_pj_each, item.source)
            counts[key] = counts.get(key, 0) + item.count
    rows = tuple(
        Row(
            (
                component,
                action,
                f"{each:.4g}",
                format_count(times),
                format_energy(times * each),
                percent(times * each / result.energy_pj),
                source,
            )
        )
        for (component, action, each, source), times in counts.items()
    )
    return Section(
        "provenance",
        "Where the energies come from",
        (
            Text("Energy = sum over all actions of how often x energy of one; leakage counts cycles."),
            Table(
                "Energy of one action, and its source",
                ("component", "action", "pJ each", "times", "energy", "share", "source"),
                rows,
                frozenset({"action", "source"}),
            ),
        ),
    )
