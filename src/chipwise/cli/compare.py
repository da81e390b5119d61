"""`chipwise compare`: chips, networks or dataflows side by side."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated, Any

import typer

import chipwise
from chipwise.cli.options import (
    Batch,
    Factors,
    Jobs,
    JsonFile,
    NoCache,
    Objective,
    Placement,
    TimeLimit,
)
from chipwise.cli.output import TERMINAL, check_targets, say, write_json, write_text
from chipwise.cli.waiting import interruptible
from chipwise.errors import InputError, did_you_mean

ALL = "all"
REFERENCES = ("first", "best")


def _reference(value: str) -> str:
    if value not in REFERENCES:
        raise InputError(f"--relative {value!r} is not known." + did_you_mean(value, REFERENCES))
    return value


Networks = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK[,NETWORK...]", help="Names or files, as for `evaluate`.", show_default=False
    ),
]
Chips = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="CHIP[,CHIP...]",
        help="Names (see `chipwise chips`) or .yaml files.",
        show_default=False,
    ),
]
Dataflows = Annotated[
    str | None,
    typer.Option(
        "--dataflows",
        metavar="[NAME,NAME...]",
        help="Each chip under these dataflows (rs, rs+, ws, os-a, os-b, os-c, nlr, is; without a value all), at "
        "equal area of storage and number of PEs.",
        show_default=False,
    ),
]
Relative = Annotated[
    str,
    typer.Option(
        "--relative", metavar="first|best", callback=_reference, help="What is 1.00 in relative figures."
    ),
]
CsvFile = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Write the figures as CSV, like --json.", show_default=False),
]


def compare(
    network: Networks,
    on: Chips,
    *,
    batch: Batch = 1,
    objective: Objective = "energy",
    dataflows: Dataflows = None,
    relative: Relative = "first",
    layers: Annotated[bool, typer.Option("--layers", help="Add every layer.")] = False,
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    json: JsonFile = None,
    csv: CsvFile = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = None,
    no_cache: NoCache = False,
) -> None:
    """Chips, networks or dataflows side by side.

    A chip that cannot run a network keeps its place, is named with the reason, and makes the exit code 1. Proven
    mappings are kept, so that an interrupted comparison goes on where it was.
    """
    check_targets({"--json": json, "--csv": csv})
    networks = [chipwise.load_network(name) for name in _networks(network)]
    chips = [chipwise.load_accelerator(name) for name in _names("--on", on)]
    flows = dataflows if dataflows is None else _names("--dataflows", dataflows)

    from chipwise.cli.progress import progress_bar
    from chipwise.report.compare import comparison_csv, comparison_text

    with progress_bar(sum(len(n.layers) for n in networks) * len(chips)) as progress:
        found = interruptible(
            lambda: chipwise.compare(
                networks,
                chips,
                batch,
                objective,
                dataflows=False if flows is None else True if flows == [ALL] else flows,
                reference=relative,
                mapspace=mapspace,
                factors=factors,
                workers=jobs,
                progress=progress,
                use_cache=not no_cache,
                time_limit_s=time_limit,
            )
        )
    if json is not None:
        write_json("--json", json, found.to_dict(layers=layers))
    if csv is not None:
        write_text("--csv", csv, comparison_csv(found, layers=layers))
    if TERMINAL not in (json, csv):
        say(comparison_text(found, layers=layers))
    if found.failures:
        raise typer.Exit(1)


def _networks(given: Any) -> list[Any]:
    """The networks of the argument; a PyTorch or ONNX model has been loaded by now.

    An einsum has commas of its own, so it stands alone.
    """
    from chipwise.workload.einsum import is_einsum

    if not isinstance(given, str):
        return [given]
    return [given] if is_einsum(given) else _names("NETWORK", given)


def _names(option: str, given: str) -> list[str]:
    names = [name.strip() for name in given.split(",")]
    if not all(names):
        raise InputError(f"{option} {given!r}: has an empty name; write names with single commas, as a,b,c")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{option} {given!r}: names {twice!r} twice; give each once")
    return names
