"""Options that several commands share, each declared once."""

from typing import Annotated

import typer

from chipwise.errors import InputError, did_you_mean

OBJECTIVES = ("energy", "latency", "edp")
"""As the mapper knows them; repeated here because the mapper takes a second to import."""

MAX_BATCH = 65536


def _objective(value: str | None) -> str | None:
    if value is not None and value not in OBJECTIVES:
        raise InputError(f"--objective {value!r} is not known." + did_you_mean(value, OBJECTIVES))
    return value


Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK", help="A name (see `chipwise networks`) or a .yaml file.", show_default=False
    ),
]
Chip = Annotated[
    str,
    typer.Option(
        "--on", metavar="CHIP", help="A name (see `chipwise chips`) or a .yaml file.", show_default=False
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, max=MAX_BATCH, help="Inputs at once.")]
Objective = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="|".join(OBJECTIVES),
        callback=_objective,
        help="What the mapping of a layer minimises; edp is energy x delay.",
    ),
]
MaybeObjective = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="|".join(OBJECTIVES),
        callback=_objective,
        help="What the mapping minimises; edp is energy x delay.  [default: energy]",
        show_default=False,
    ),
]
JsonFile = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write JSON to FILE, or to the terminal instead of the table with `-`.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, max=1024, help="Layers mapped side by side.  [default: one per core]"),
]
