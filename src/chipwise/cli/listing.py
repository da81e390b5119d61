"""`chipwise describe`, `networks`, `chips`, `show` and `schema`: what there is, before anything is mapped."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.options import JsonFile, Network
from chipwise.cli.output import TERMINAL, check_target, check_targets, say, write_json, write_text
from chipwise.errors import InputError, did_you_mean

Bits = Annotated[
    str | None,
    typer.Option(
        "--bits",
        metavar="N|FORMAT|FILE|published",
        help="Bits of values (8) or a number format (int8, bf16), of all tensors; a file by layer and tensor: adds "
        "bytes of weights, bit operations and widths of accumulators.",
        show_default=False,
    ),
]


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
    densities: Annotated[
        str | None,
        typer.Option(
            "--densities",
            metavar="FILE|published",
            help="Fractions of non-zeros by layer and tensor, from a file or as published for the network: adds "
            "non-zero weights and MACs.",
            show_default=False,
        ),
    ] = None,
    bits: Bits = None,
    energy_table: Annotated[
        str | None,
        typer.Option(
            "--energy-table",
            metavar="FILE",
            help="Write the layers as the 25 columns of the DNN energy estimation tool, like --json.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Shapes, weights and MACs of a network."""
    targets = {"--json": json, "--csv": csv, "--energy-table": energy_table}
    check_targets(targets)
    loaded = chipwise.load_network(network)

    from chipwise.analysis.precision import bits_dict, bits_of_network
    from chipwise.report.listing import describe_csv, describe_text
    from chipwise.report.precision import bits_text
    from chipwise.workload.bits import find_bits, with_bits
    from chipwise.workload.densities import with_densities
    from chipwise.workload.energy_table import write_energy_table
    from chipwise.workload.published_densities import find_densities

    if densities is not None:
        loaded = with_densities(loaded, find_densities(densities, loaded))
    widths = () if bits is None else bits_of_network(with_bits(loaded, find_bits(bits, loaded)))
    statistics = chipwise.describe(loaded)
    if json is not None:
        write_json("--json", json, statistics.to_dict() | ({"bits": bits_dict(widths)} if widths else {}))
    if csv is not None:
        write_text("--csv", csv, describe_csv(statistics))
    if energy_table is not None:
        write_text("--energy-table", energy_table, write_energy_table(loaded))
    if TERMINAL not in targets.values():
        say(describe_text(statistics) + (bits_text(widths) if widths else ""))


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
    chip: Annotated[
        str, typer.Argument(metavar="CHIP", help="A name (see `chipwise chips`) or a .yaml file.")
    ],
    *,
    json: JsonFile = None,
    yaml: Annotated[
        bool,
        typer.Option(
            "--yaml", help="Print the file of a chip that chipwise brings, to start one's own from."
        ),
    ] = False,
) -> None:
    """A chip drawn: its levels, what each holds, its arrays and networks."""
    check_target("--json", json)
    if yaml:
        if json is not None:
            raise InputError("--yaml prints the chip's file; drop --json, which writes its structure")
        say(_file_of(chip))
        return
    loaded = chipwise.load_accelerator(chip)

    from chipwise.report.hierarchy import hierarchy_dict, hierarchy_text

    if json is not None:
        write_json("--json", json, hierarchy_dict(loaded))
    if json != TERMINAL:
        say(hierarchy_text(loaded))


def _file_of(chip: str) -> str:
    """The text of a chip's file."""
    from chipwise.hardware import gallery

    known = gallery.find(chip)
    if known is None:
        raise InputError(
            f"chip {chip!r} is not one that chipwise brings." + did_you_mean(chip, gallery.names())
        )
    return gallery.text(known)


def schema() -> None:
    """JSON Schema of chip files, for editors."""
    from chipwise.hardware.chip_schema import accelerator_schema

    write_json("schema", TERMINAL, accelerator_schema())
