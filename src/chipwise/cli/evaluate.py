"""`chipwise evaluate`: what a network costs on a chip, and why."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from pathlib import Path
from typing import Annotated

import typer

from chipwise.cli.chips import load_chip
from chipwise.cli.known import known_network
from chipwise.cli.options import (
    Batch,
    Bits,
    Chip,
    Dataflow,
    Densities,
    Factors,
    Jobs,
    JsonFile,
    Network,
    NoCache,
    Objective,
    Placement,
    TimeLimit,
    Zeros,
)
from chipwise.cli.output import TERMINAL, check_target, say, write_json, write_text
from chipwise.cli.searching import Search
from chipwise.errors import InputError

HtmlFile = Annotated[
    str | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write a report with charts and mappings to FILE, one page that needs nothing else.",
        show_default=False,
    ),
]
WithEyexam = Annotated[
    bool,
    typer.Option("--eyexam", help="Add to --html what each step of Eyexam leaves, seconds per layer more."),
]


def evaluate(
    network: Network,
    on: Chip,
    *,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    densities: Densities = None,
    bits: Bits = None,
    zeros: Zeros = "chip",
    objective: Objective = "energy",
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    json: JsonFile = None,
    html: HtmlFile = None,
    eyexam: WithEyexam = False,
    jobs: Jobs = None,
    why: Annotated[
        bool,
        typer.Option(
            "--why", help="Add where all cycles go, what every kind of action costs, and who says so."
        ),
    ] = False,
    time_limit: TimeLimit = None,
    no_cache: NoCache = False,
) -> None:
    """Cost of a network on a chip, and why.

    Every layer is mapped so that it takes the least energy (or time, or energy x delay), proven.
    """
    _check_targets(json, html)
    if eyexam and html is None:
        raise InputError(
            "--eyexam adds to the page, so it needs --html FILE; without one use `chipwise eyexam`"
        )
    loaded, chip = known_network(network, densities, bits), load_chip(on, dataflow, zeros)

    from chipwise.report.evaluation import evaluation_text, provenance_text

    search = Search(batch, mapspace, factors, jobs, time_limit, objective, no_cache)
    result = search.evaluate(loaded, chip)
    exam = search.examine(loaded, chip) if eyexam else None
    if json is not None:
        write_json("--json", json, result.to_dict())
    if html is not None:
        from chipwise.report.html.page import html_text

        write_text("--html", html, html_text(result, exam))
    if TERMINAL not in {json, html}:
        say(evaluation_text(result))
        if why:
            from chipwise.report.timing import timing_text

            say(timing_text(result) + provenance_text(result))


def _check_targets(json: str | None, html: str | None) -> None:
    check_target("--json", json)
    check_target("--html", html)
    if (
        json is not None
        and html is not None
        and (json == html or Path(json).resolve() == Path(html).resolve())
    ):
        raise InputError(f"--html {html}: is where --json goes as well; name two files")
