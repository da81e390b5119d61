"""The result of an adaptation for people: a Markdown card, Pareto plots, and the folder that holds all of it."""

from pathlib import Path
from typing import Any

from chipwise.adapt.resource import AS_IS, Resource
from chipwise.adapt.result import Adapted, Result
from chipwise.adapt.search_folder import SearchFolder
from chipwise.report import svg
from chipwise.report.tables import percent
from chipwise.whole_files import write_json, write_text, writing

CARD, HISTORY = "card.md", "history.json"

BOTH_ENERGIES = (
    f"`energy`: zeros save what the estimation of energy-aware pruning takes for granted; `{AS_IS}`: what they "
    "save on the chip as its file describes it."
)


def markdown(result: Result) -> str:
    """What was asked, what came out, and the family: estimated and, where there is a device, measured."""
    start, final = result.family[0], result.final
    lines = [
        f"# {result.method} on {result.task}\n",
        "Asked: " + "; ".join(map(str, result.budget.limits)),
        "",
    ]
    measured = sorted({name for point in result.points for name in point.measured})
    heads = ["network", "hold-out", "test"]
    heads += [f"{r.name}, estimated" for r in result.resources] + [f"{name}, measured" for name in measured]
    lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    by_name = {resource.name: resource for resource in result.resources}
    for point in result.points:
        cells = [point.name, percent(point.holdout.metric), percent(point.test.metric) if point.test else ""]
        cells += [_share(r, point, start) for r in result.resources]
        cells += [by_name[n].show(point.measured[n]) if n in point.measured else "" for n in measured]
        lines.append("| " + " | ".join(cells) + " |")
    if {"energy", AS_IS} <= by_name.keys():
        lines += ["", BOTH_ENERGIES]
    error = (final.holdout.metric * (1 - final.holdout.metric) / final.holdout.samples) ** 0.5
    lines += [
        "",
        f"One standard error on {final.holdout.samples} independent hold-out samples is {percent(error)}.",
        "The family is fine-tuned for short only; `final` is its last network after long-term fine-tuning.",
    ]
    return "\n".join(lines) + "\n"


def _share(resource: Resource, point: Adapted, start: Adapted) -> str:
    need = point.needs[resource.name]
    return f"{resource.show(need)} ({percent(need / start.needs[resource.name])})"


def chart(result: Result, resource: Resource) -> str:
    """Hold-out accuracy over what the networks need, as SVG; the Pareto front is joined by a line."""
    front = result.front(resource)
    every = tuple(svg.Point(p.needs[resource.name], p.holdout.metric, p.name) for p in result.points)
    best = tuple(svg.Point(p.needs[resource.name], p.holdout.metric, p.name) for p in front)
    return svg.document(
        svg.lines(
            f"{result.method} on {result.task}",
            [
                svg.Series("family", every, line=False, marks=True, names=True),
                svg.Series("Pareto front", best, marks=True),
            ],
            svg.Axis(f"{resource.name}, estimated", format=resource.show),
            svg.Axis("accuracy on the hold-out", format=percent),
        )
    )


def plain(result: Result) -> dict[str, Any]:
    """The JSON form, schema chipwise.adapted/1."""
    return {
        "schema": "chipwise.adapted/1",
        "method": result.method,
        "task": result.task,
        "source": result.source,
        "settings": dict(result.settings),
        "budget": [
            {"resource": x.resource.name, "unit": x.resource.unit, "most": x.most, "start": x.start}
            for x in result.budget.limits
        ],
        "networks": [_point(point) for point in result.points],
        "history": list(result.history),
    }


def _point(point: Adapted) -> dict[str, Any]:
    test = None if point.test is None else point.test.metric
    return {
        "name": point.name, "needs": dict(point.needs), "measured": dict(point.measured),
        "holdout": point.holdout.metric, "holdout_loss": point.holdout.loss, "test": test,
    }  # fmt: skip


def write(result: Result, folder: Path, example: Any) -> None:
    """As `Result.save` says."""
    # What the search has written as it went on is not written again.
    SearchFolder(folder, example, source=result.source).keep_all(
        result.settings, result.family, result.history, result.final
    )
    with writing(folder):
        write_json(folder / HISTORY, plain(result))
        write_text(folder / CARD, result.report())
        for resource in result.resources:
            write_text(folder / f"front-{resource.name}.svg", chart(result, resource))
