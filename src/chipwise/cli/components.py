"""`chipwise components`: what parts are made of, and who says what they cost."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.options import JsonFile
from chipwise.cli.output import TERMINAL, check_target, say, write_json


def components(
    chip: Annotated[
        str | None,
        typer.Argument(
            metavar="CHIP",
            help="A name (see `chipwise chips`) or a .yaml file: who gives each of its figures, and what others say.",
            show_default=False,
        ),
    ] = None,
    *,
    json: JsonFile = None,
) -> None:
    """Component classes and their estimators, or where a chip's figures come from."""
    check_target("--json", json)

    from chipwise.report.components import chip_dict, chip_text, overview_dict, overview_text

    data = overview_dict() if chip is None else chip_dict(chipwise.load_accelerator(chip))
    if json is not None:
        write_json("--json", json, data)
    if json != TERMINAL:
        say(overview_text(data) if chip is None else chip_text(data))
