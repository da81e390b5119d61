"""Which estimator answers for what, why, and what the others say: the answer to `chipwise components`."""

from collections.abc import Sequence
from typing import Any

from chipwise.components.classes import CLASSES
from chipwise.components.compounds import LIBRARY
from chipwise.components.energies import query_of
from chipwise.components.estimator import AREA, FIGURES, LATENCY, LEAKAGE, AbstractEstimator
from chipwise.components.registry import (
    GROUP,
    Answer,
    all_estimators,
    answers,
    broken,
    installed,
    table_names,
)
from chipwise.hardware.accelerator import Accelerator, Array, Compute, Memory, Part
from chipwise.report.tables import table
from chipwise.units import format_area, format_energy, format_power, format_time

SCHEMA = "chipwise.components/1"

_LEFT = (
    "component",
    "actions",
    "what",
    "estimator",
    "from",
    "range",
    "components",
    "part",
    "figure",
    "used",
    "others",
)


def overview_dict() -> dict[str, Any]:
    """All classes, compounds and estimators."""
    found = all_estimators()
    return {
        "schema": SCHEMA,
        "components": [
            {
                "name": name,
                "actions": list(kind.actions),
                "what": kind.what,
                "estimators": sorted(e.name for e in found if name in e.components),
            }
            for name, kind in CLASSES.items()
        ],
        "compounds": [
            {"name": name, "actions": list(made.actions), "what": made.source, "pieces": list(made.pieces)}
            for name, made in LIBRARY.items()
        ],
        "estimators": [_estimator(e) for e in found],
        "left_out": broken(),
    }


def _estimator(estimator: AbstractEstimator) -> dict[str, Any]:
    own = estimator.name in table_names() and estimator.name not in installed()
    return {
        "name": estimator.name,
        "from": "chipwise" if own else f"an entry point of {GROUP}",
        "range": estimator.range,
        "components": list(estimator.components),
    }


def overview_text(data: dict[str, Any]) -> str:
    """Classes with who knows them, then estimators with their range."""
    classes = table(
        ("component", "actions", "what", "estimators"),
        [
            (c["name"], ", ".join(c["actions"]), c["what"], str(len(c["estimators"])))
            for c in data["components"]
        ],
        left=_LEFT,
    )
    made = table(
        ("component", "actions", "what"),
        [(c["name"], ", ".join(c["actions"]), c["what"]) for c in data["compounds"]],
        left=_LEFT,
    )
    known = "".join(
        f"  {e['name']}: {', '.join(e['components']) or 'nothing here'}\n    {e['range']}"
        + ("" if e["from"] == "chipwise" else f"; from {e['from']}")
        + "\n"
        for e in data["estimators"]
    )
    return (
        f"{classes}\nmade of others\n{made}\nestimators\n{known}{_left_out(data)}\n"
        "`chipwise components CHIP` shows which of them is used for what; eyeriss-normalized counts in a chip's own "
        "MACs and is used where a chip names it.\n"
    )


def chip_dict(chip: Accelerator) -> dict[str, Any]:
    """Every figure of every part: what is used, who says so, and what each estimator that knows it says."""
    asked = all_estimators()
    parts: list[Memory | Array | Compute | Part] = [*chip.memories, *chip.arrays, chip.compute, *chip.parts]
    return {
        "schema": SCHEMA,
        "accelerator": chip.name,
        "technology": dict(chip.technology),
        "parts": [
            {
                "part": part.name,
                "component": part.component,
                "figures": [_figure(chip, part, figure, asked) for figure in _figures(part)],
            }
            for part in parts
        ],
        "left_out": broken(),
    }


def _figures(part: Memory | Array | Compute | Part) -> tuple[str, ...]:
    return (*part.energy, *(f for f in FIGURES if f not in part.energy))


def _figure(
    chip: Accelerator, part: Memory | Array | Compute | Part, figure: str, asked: list[AbstractEstimator]
) -> dict[str, Any]:
    others: Sequence[Answer] = answers(query_of(chip, part), figure, asked)
    used, source = None, ""
    if figure in part.energy:
        used, source = part.energy[figure].energy_pj, part.energy[figure].source
    elif figure == AREA:
        used, source = part.area_mm2, part.physical.area_source
    elif figure == LEAKAGE:
        used, source = part.physical.leakage_w, part.physical.leakage_source
    return {
        "figure": figure,
        "unit": {AREA: "mm2", LEAKAGE: "W", LATENCY: "ns"}.get(figure, "pJ"),
        "used": used,
        "source": source or None,
        "estimates": [
            {
                "estimator": a.estimator,
                "value": a.estimate.value,
                "accuracy_percent": round(a.estimate.accuracy, 1),
                "source": a.estimate.source,
            }
            for a in others
        ],
    }


def chip_text(data: dict[str, Any]) -> str:
    """Used figures with the reason, and the alternatives' numbers beside them."""
    rows, sources = [], list[str]()
    for part in data["parts"]:
        for found in part["figures"]:
            if found["used"] is None and not found["estimates"]:
                continue
            if found["source"] and found["source"] not in sources:
                sources.append(found["source"])
            cited = f" [{sources.index(found['source']) + 1}]" if found["source"] else ""
            used = "not counted" if found["used"] is None else _shown(found["used"], found["unit"]) + cited
            rows.append((part["part"], part["component"], found["figure"], used, _alternatives(found)))
    # Written here, since a table cuts cells and the alternatives are what one came for.
    head = ("part", "component", "figure", "used", "estimators, the most accurate first")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(4)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in [head, *rows]
    )
    notes = "".join(f"[{number}] {source}\n" for number, source in enumerate(sources, 1))
    at = ", ".join(data["technology"].values()) or "no technology given"
    return f"{data['accelerator']} ({at})\n\n" + "\n".join(lines) + f"\n\n{notes}{_left_out(data)}"


def _alternatives(found: dict[str, Any]) -> str:
    return ", ".join(
        f"{e['estimator']} {_shown(e['value'], found['unit'])} ({e['accuracy_percent']:.0f} %)"
        for e in found["estimates"]
    )


def _shown(value: float, unit: str) -> str:
    if unit == "mm2":
        return format_area(value)
    if unit == "W":
        return format_power(value)
    return format_time(value * 1e-9) if unit == "ns" else format_energy(value)


def _left_out(data: dict[str, Any]) -> str:
    return "".join(f"left out: {name}: {why}\n" for name, why in data["left_out"].items())
