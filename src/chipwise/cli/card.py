"""`chipwise card`: a design with everything that must be told of it."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.chips import load_chip
from chipwise.cli.options import (
    Batch,
    Chip,
    Dataflow,
    Factors,
    Jobs,
    JsonFile,
    Network,
    NoCache,
    Objective,
    Placement,
    TimeLimit,
    whole,
)
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.cli.searching import Search
from chipwise.errors import InputError

MAX_IMAGES = 10**9


Requirements = Annotated[
    str,
    typer.Option(
        "--require",
        metavar="NAME<=VALUE,...",
        help="What a design must meet: accuracy, throughput (>=), latency, energy, power, off_chip, area, storage, "
        "pes (<=), as latency<=10ms,energy<=5mJ.",
        show_default=False,
    ),
]
Accuracy = Annotated[
    str | None,
    typer.Option(
        "--accuracy",
        metavar="FRACTION",
        help="Of the network on its task, as 0.57 or 57%.",
        show_default=False,
    ),
]
Task = Annotated[
    str, typer.Option("--task", metavar="TEXT", help="What the accuracy is of.", show_default=False)
]
Images = Annotated[
    int | None,
    typer.Option(
        "--images",
        metavar="N",
        parser=whole("--images", MAX_IMAGES),
        help="Inputs tested.",
        show_default=False,
    ),
]


def card(
    network: Network,
    on: Chip,
    *,
    require: Requirements = "",
    accuracy: Accuracy = None,
    task: Task = "",
    images: Images = None,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    objective: Objective = "energy",
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    json: JsonFile = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = None,
    no_cache: NoCache = False,
) -> None:
    """Benchmark card of a design, in Markdown, and the gate of the requirements at which it fails."""
    check_target("--json", json)
    reached = None if accuracy is None else fraction("--accuracy", accuracy)
    loaded = chipwise.load_network(network)
    chip = load_chip(on, dataflow)

    from chipwise.analysis.card import card as make
    from chipwise.analysis.card import check_requirements
    from chipwise.analysis.metrics import Given
    from chipwise.report.card import card_markdown

    check_requirements(require)
    search = Search(batch, mapspace, factors, jobs, time_limit, objective, no_cache)
    result = search.evaluate(loaded, chip)
    made = make(result, Given(reached, task, images), require)
    if json is not None:
        write_json("--json", json, made.to_dict())
    if json != TERMINAL:
        say(card_markdown(made))
    if made.fails_at is not None:
        raise typer.Exit(1)


def fraction(option: str, text: str) -> float:
    """A fraction as 0.57 or 57%."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{option} {text!r}: must be a fraction from 0 to 1, as 0.57 or 57%")
    return value
