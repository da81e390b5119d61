"""`chipwise evaluate`: what a network costs on a chip, and why."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import chipwise
from chipwise.cli.chips import load_chip
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

if TYPE_CHECKING:
    from chipwise.hardware.accelerator import Accelerator
    from chipwise.workload.network import Network as LoadedNetwork

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
    loaded, chip = _network(network, densities, bits), _chip(on, dataflow, zeros)

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


def _network(name: str, densities: str | None, bits: str | None) -> "LoadedNetwork":
    """With its densities and widths."""
    loaded = chipwise.load_network(name)
    if densities is not None:
        from chipwise.workload.densities import with_densities
        from chipwise.workload.published_densities import find_densities

        loaded = with_densities(loaded, find_densities(densities, loaded))
    if bits is not None:
        from chipwise.workload.bits import find_bits, with_bits

        loaded = with_bits(loaded, find_bits(bits, loaded))
    return loaded


def _chip(name: str, dataflow: str | None, zeros: str) -> "Accelerator":
    """Under a dataflow, and making of zeros what was asked for."""
    chip = load_chip(name, dataflow)
    if zeros == "estimate":
        from chipwise.hardware.zeros import estimating_zeros

        chip = estimating_zeros(chip)
    return chip


def _check_targets(json: str | None, html: str | None) -> None:
    check_target("--json", json)
    check_target("--html", html)
    if (
        json is not None
        and html is not None
        and (json == html or Path(json).resolve() == Path(html).resolve())
    ):
        raise InputError(f"--html {html}: is where --json goes as well; name two files")
