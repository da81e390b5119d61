"""`chipwise algorithms`: what computing a layer on a CPU or GPU takes, by each way there is."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.options import Batch, JsonFile
from chipwise.cli.output import TERMINAL, check_targets, say, write_json, write_text
from chipwise.errors import InputError, did_you_mean

FILTERS = ("beforehand", "each-batch")


def _filters(value: str) -> str:
    if value not in FILTERS:
        raise InputError(f"--filters {value!r} is not known." + did_you_mean(value, FILTERS))
    return value


def _weights(value: str) -> tuple[float, float]:
    """`3:1`, what a multiplication and an addition count."""
    try:
        first, second = (float(part) for part in value.split(":"))
    except ValueError:
        raise InputError(
            f"--weights {value!r}: must be two numbers, of a multiplication and of an addition, as 3:1"
        ) from None
    return first, second


def algorithms(
    what: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK|LAYER",
            help="A network, or one layer as for `map` (alexnet:conv2, conv:M=96,C=3,P=55,Q=55,R=11,S=11,stride=4).",
            show_default=False,
        ),
    ],
    *,
    batch: Batch = 1,
    weights: Annotated[
        str,
        typer.Option(
            "--weights", metavar="W:V", help="What a multiplication and an addition count in the sum."
        ),
    ] = "1:1",
    filters: Annotated[
        str,
        typer.Option(
            "--filters",
            metavar="|".join(FILTERS),
            callback=_filters,
            help="When filters are transformed; beforehand, it is not counted.",
        ),
    ] = "beforehand",
    json: JsonFile = None,
    csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="Write a table as CSV, like --json.", show_default=False),
    ] = None,
) -> None:
    """Direct, Toeplitz, FFT, Winograd or Strassen, layer by layer.

    Multiplications, additions and storage of each, and which takes the fewest.
    """
    check_targets({"--json": json, "--csv": csv})

    from chipwise.cli.layer_spec import load_layer
    from chipwise.report.algorithms import algorithms_csv, algorithms_dict, algorithms_text
    from chipwise.workload.layer import Layer

    # An imported network has been loaded by now.
    is_layer = isinstance(what, str) and ":" in what
    chosen = (
        load_layer(what) if is_layer else what if isinstance(what, Layer) else chipwise.load_network(what)
    )
    title, beforehand = (what if is_layer else chosen.name), filters == FILTERS[0]
    found = chipwise.compare_algorithms(
        chosen.with_batch(batch), weights=_weights(weights), filters_beforehand=beforehand
    )
    if not found:
        raise InputError(f"network {title!r} has no layers with MACs, so there is nothing to compare")
    if json is not None:
        write_json("--json", json, algorithms_dict(found, title, batch, beforehand=beforehand))
    if csv is not None:
        write_text("--csv", csv, algorithms_csv(found))
    if TERMINAL not in (json, csv):
        heading = f"{title}, batch {batch}" if batch > 1 else title
        say(algorithms_text(found, heading, beforehand=beforehand))
