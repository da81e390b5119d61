"""`chipwise describe`, `networks`, `chips`, `show` and `schema`: what there is, before anything is mapped."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.options import JsonFile, Network
from chipwise.cli.output import TERMINAL, check_target, say, write_json, write_text
from chipwise.errors import InputError, did_you_mean


def describe(
    network: Network,
    *,
    json: JsonFile = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write the layers as CSV, like --json.", show_default=False
        ),
    ] = None,
) -> None:
    """Shapes, weights and MACs of a network."""
    check_target("--json", json)
    check_target("--csv", csv)
    if json == csv == TERMINAL:
        raise InputError("--json - and --csv - would mix on the terminal; write one of them to a file")
    statistics = chipwise.describe(chipwise.load_network(network))

    from chipwise.report.listing import describe_csv, describe_text

    if json is not None:
        write_json("--json", json, statistics.to_dict())
    if csv is not None:
        write_text("--csv", csv, describe_csv(statistics))
    if TERMINAL not in (json, csv):
        say(describe_text(statistics))


def networks(*, json: JsonFile = None) -> None:
    """Networks that chipwise brings."""
    check_target("--json", json)

    from chipwise.report.listing import network_entries, networks_text

    entries = network_entries()
    if json is not None:
        write_json("--json", json, {"networks": entries})
    if json != TERMINAL:
        say(networks_text(entries))


def chips(*, json: JsonFile = None) -> None:
    """Chips that chipwise brings."""
    check_target("--json", json)

    from chipwise.report.listing import chip_entries, chips_text

    entries = chip_entries()
    if json is not None:
        write_json("--json", json, {"chips": entries})
    if json != TERMINAL:
        say(chips_text(entries))


def show(
    chip: Annotated[str, typer.Argument(metavar="CHIP", help="A name (see `chipwise chips`).")],
) -> None:
    """File of a chip, to start one's own from."""
    from chipwise.hardware import gallery

    known = gallery.find(chip)
    if known is None:
        raise InputError(
            f"chip {chip!r} is not one that chipwise brings." + did_you_mean(chip, gallery.names())
        )
    say(gallery.text(known))


def schema() -> None:
    """JSON Schema of chip files, for editors."""
    from chipwise.hardware.chip_schema import accelerator_schema

    write_json("schema", TERMINAL, accelerator_schema())
