"""`chipwise roofline`: what bounds each layer, at every memory level."""

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
    Objective,
    Placement,
    TimeLimit,
)
from chipwise.cli.output import TERMINAL, check_targets, say, write_json, write_text
from chipwise.cli.searching import Search


def roofline(
    network: Network,
    on: Chip,
    *,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    objective: Objective = "energy",
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    svg: Annotated[
        str | None,
        typer.Option(
            "--svg", metavar="FILE", help="Write the chart as SVG, like --json.", show_default=False
        ),
    ] = None,
    json: JsonFile = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = None,
) -> None:
    """How fast the peak and every port let each layer be, and how fast it is."""
    check_targets({"--json": json, "--svg": svg})
    loaded = chipwise.load_network(network)
    chip = load_chip(on, dataflow)

    from chipwise.analysis.roofline import roofline as make
    from chipwise.report.roofline import roofline_svg, roofline_text

    search = Search(batch, mapspace, factors, jobs, time_limit, objective)
    exam = search.examine(loaded, chip)
    result = search.evaluate(loaded, chip)
    roof = make(result, exam)
    if json is not None:
        write_json("--json", json, roof.to_dict())
    if svg is not None:
        write_text("--svg", svg, roofline_svg(roof))
    if TERMINAL not in (json, svg):
        say(roofline_text(roof))
