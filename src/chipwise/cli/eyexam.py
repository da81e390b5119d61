"""`chipwise eyexam`: why a chip does not reach its peak."""

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
    Placement,
    TimeLimit,
)
from chipwise.cli.output import TERMINAL, check_targets, say, write_json, write_text
from chipwise.cli.searching import Search


def eyexam(
    network: Network,
    on: Chip,
    *,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    json: JsonFile = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write the layers as CSV, like --json.", show_default=False
        ),
    ] = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = None,
) -> None:
    """Why a chip does not reach its peak: active PEs as constraints are put on one by one."""
    check_targets({"--json": json, "--csv": csv})
    loaded = chipwise.load_network(network)
    chip = load_chip(on, dataflow)

    from chipwise.report.eyexam import eyexam_csv, eyexam_text

    exam = Search(batch, mapspace, factors, jobs, time_limit).examine(loaded, chip)
    if json is not None:
        write_json("--json", json, exam.to_dict())
    if csv is not None:
        write_text("--csv", csv, eyexam_csv(exam))
    if TERMINAL not in (json, csv):
        say(eyexam_text(exam))
