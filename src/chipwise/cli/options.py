"""Options that several commands share, each declared once."""

import re
from collections.abc import Callable
from typing import Annotated

import typer

from chipwise.errors import InputError, did_you_mean

OBJECTIVES = ("energy", "latency", "edp")
"""As the mapper knows them; repeated here because the mapper takes a second to import."""

MAX_BATCH = 65536
MAX_JOBS = 1024
MAX_SECONDS = 1_000_000

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


def _objective(value: str | None) -> str | None:
    if value is not None and value not in OBJECTIVES:
        raise InputError(f"--objective {value!r} is not known." + did_you_mean(value, OBJECTIVES))
    return value


def _whole(option: str, most: int) -> Callable[[str], int]:
    """Reads a whole number from 1 to `most`; typer's own message names neither the value nor the range."""

    def read(value: str | int) -> int:
        if not _WHOLE.fullmatch(str(value)) or not 1 <= int(value) <= most:
            raise InputError(f"{option} {value}: must be a whole number from 1 to {most}")
        return int(value)

    return read


def _seconds(value: str | float) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise InputError(
            f"--time-limit {value}: must be a number of seconds above 0, at most {MAX_SECONDS:,}"
        )
    return seconds


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
Batch = Annotated[
    int, typer.Option("--batch", metavar="N", parser=_whole("--batch", MAX_BATCH), help="Inputs at once.")
]
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
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", help="Search anew, neither reading nor keeping mappings found before."),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        parser=_seconds,
        help="Stop the search of a layer then, with the best mapping so far and its proven gap.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        parser=_whole("--jobs", MAX_JOBS),
        help="Layers mapped side by side.  [default: one per core]",
    ),
]
