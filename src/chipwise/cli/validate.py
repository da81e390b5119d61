"""`chipwise validate`: published figures beside ours."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

from chipwise.cli.options import JsonFile
from chipwise.cli.output import TERMINAL, check_target, say, write_json


def validate(
    group: Annotated[
        str | None,
        typer.Argument(metavar="GROUP", help="What to reproduce; all by default.", show_default=False),
    ] = None,
    *,
    json: JsonFile = None,
) -> None:
    """Published figures beside ours.

    The exit code is 1 if a figure is outside its band for no known reason.
    """
    check_target("--json", json)

    from chipwise.analysis import validation
    from chipwise.report.validation import validation_text

    rows = validation.validate(group)
    if json is not None:
        write_json("--json", json, validation.to_dict(rows))
    if json != TERMINAL:
        say(validation_text(rows))
    if any(row.unexplained for row in rows):
        raise typer.Exit(1)
