"""Options that several commands share, each declared once."""

import re
from collections.abc import Callable
from typing import Annotated

import typer

from chipwise.errors import InputError, did_you_mean

OBJECTIVES = ("energy", "latency", "edp", "traffic")
PLACEMENTS = ("even", "uneven")
FACTORS = ("perfect", "spatial", "imperfect", "any")
"""As the mapper knows them; repeated here because the mapper takes a second to import."""

SHOW = "show"
"""What `--mapspace` without a value stands for: print the mapspace."""

MAX_BATCH = 65536
MAX_JOBS = 1024
MAX_SECONDS = 1_000_000

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


def _objective(value: str | None) -> str | None:
    for name in () if value is None else value.split(","):
        if name.strip() not in OBJECTIVES:
            raise InputError(f"--objective {name!r} is not known." + did_you_mean(name, OBJECTIVES))
    return value


def one_of(option: str, known: tuple[str, ...]) -> Callable[[str], str]:
    """Refuses what is not known, with the nearest name."""

    def check(value: str) -> str:
        if value not in known:
            raise InputError(f"{option} {value!r} is not known." + did_you_mean(value, known))
        return value

    return check


def whole(option: str, most: int) -> Callable[[str], int]:
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
        metavar="NETWORK",
        help="A name (see `chipwise networks`), a .yaml or .onnx file, a 25-column table (.txt, .csv), an einsum, or "
        "torch:MODULE:CALLABLE, which runs that code.",
        show_default=False,
    ),
]
Chip = Annotated[
    str,
    typer.Option(
        "--on", metavar="CHIP", help="A name (see `chipwise chips`) or a .yaml file.", show_default=False
    ),
]
Dataflow = Annotated[
    str | None,
    typer.Option(
        "--dataflow",
        metavar="NAME",
        help="Lay the innermost array by this dataflow, in place of the chip's own rules: ws, os-a, os-b, os-c, nlr, "
        "rs, rs+ or is.",
        show_default=False,
    ),
]
Batch = Annotated[
    int, typer.Option("--batch", metavar="N", parser=whole("--batch", MAX_BATCH), help="Inputs at once.")
]
Objective = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="|".join(OBJECTIVES),
        callback=_objective,
        help="What the mapping of a layer minimises; edp is energy x delay, traffic is off-chip. Several, as in "
        "latency,energy: later ones decide ties.",
    ),
]
MaybeObjective = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="|".join(OBJECTIVES),
        callback=_objective,
        help="What the mapping minimises; edp is energy x delay, traffic is off-chip. Several, as in "
        "latency,energy: later ones decide ties.  [default: energy]",
        show_default=False,
    ),
]
Placement = Annotated[
    str,
    typer.Option(
        "--mapspace",
        metavar="|".join(PLACEMENTS),
        callback=one_of("--mapspace", PLACEMENTS),
        help="Which mappings are searched: uneven ones cut the tiles of each tensor on their own.",
    ),
]
PlacementOrShow = Annotated[
    str,
    typer.Option(
        "--mapspace",
        metavar="[" + "|".join(PLACEMENTS) + "]",
        callback=one_of("--mapspace", (*PLACEMENTS, SHOW)),
        help="Which mappings are searched: uneven ones cut the tiles of each tensor on their own. Without a value: "
        "print what the mapspace is, with its size.",
    ),
]
Factors = Annotated[
    str,
    typer.Option(
        "--factors",
        metavar="|".join(FACTORS),
        callback=one_of("--factors", FACTORS),
        help="Tile sizes: perfect ones divide, spatial ones leave residuals on the axes, imperfect ones everywhere; "
        "any: all sizes, for small layers.",
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
        parser=whole("--jobs", MAX_JOBS),
        help="Layers mapped side by side.  [default: one per core]",
    ),
]
Densities = Annotated[
    str | None,
    typer.Option(
        "--densities",
        metavar="FILE|published",
        help="Fractions of non-zeros by layer and tensor, from a file or as published for the network.",
        show_default=False,
    ),
]
Bits = Annotated[
    str | None,
    typer.Option(
        "--bits",
        metavar="N|FORMAT|FILE|published",
        help="Bits of values (8) or a number format (int8, bf16), of all tensors, or of some as in input=8,weight=4; "
        "a file by layer and tensor.  [default: the chip's word]",
        show_default=False,
    ),
]
Zeros = Annotated[
    str,
    typer.Option(
        "--zeros",
        metavar="chip|estimate",
        callback=one_of("--zeros", ("chip", "estimate")),
        help="What is made of zeros: what the chip does, or what the survey's energy estimation assumes of any chip "
        "(only MACs of non-zeros, data run-length coded).",
    ),
]
