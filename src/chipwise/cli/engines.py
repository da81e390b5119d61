"""`chipwise engines`: what engines for sparse and narrow networks gain, and what they cost on dense ones."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.options import Batch, JsonFile
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.errors import InputError

Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="One of them; without it, all are listed.", show_default=False),
]
MaybeNetwork = Annotated[
    str | None,
    typer.Option("--network", metavar="NETWORK", help="What it runs, as for `describe`.", show_default=False),
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
        help="Bits of values (8) or a number format (int8, bf16), of all tensors; a file by layer and tensor.  "
        "[default: 16]",
        show_default=False,
    ),
]

Values = Annotated[
    str | None,
    typer.Option(
        "--values",
        metavar="FILE.npz",
        help="Actual values, arrays LAYER.input (channels x height x width, unpadded) and LAYER.weight: their zeros "
        "are counted.",
        show_default=False,
    ),
]


def engines(
    name: Name = None,
    *,
    network: MaybeNetwork = None,
    densities: Densities = None,
    bits: Bits = None,
    values: Values = None,
    batch: Batch = 1,
    json: JsonFile = None,
) -> None:
    """Engines that skip zeros or work bit by bit, on a network.

    Cycles and energy of every layer beside those of the dense counterpart, and the overhead where nothing is zero.
    """
    check_target("--json", json)
    if name is None and network is not None:
        raise InputError(
            "engines --network: name the engine that is to run it, as in `chipwise engines scnn`"
        )
    if name is not None and network is None:
        raise InputError(f"engines {name}: --network is missing; say what is to run, as --network alexnet")

    from chipwise.analysis.engines.registry import engine, engine_names
    from chipwise.report.engines import engine_text, engines_text

    if name is None or network is None:
        every = [engine(known) for known in engine_names()]
        if json is not None:
            rows = [{"name": e.name, "title": e.title, "source": e.source} for e in every]
            write_json("--json", json, {"schema": "chipwise.engine-list/1", "engines": rows})
        if json != TERMINAL:
            say(engines_text(every))
        return

    from chipwise.analysis.engines.run import run_engine
    from chipwise.analysis.engines.values import read_values
    from chipwise.workload.bits import find_bits, with_bits
    from chipwise.workload.densities import with_densities
    from chipwise.workload.published_densities import find_densities

    chosen = engine(name)
    loaded = chipwise.load_network(network).with_batch(batch)
    if densities is not None:
        loaded = with_densities(loaded, find_densities(densities, loaded))
    if bits is not None:
        loaded = with_bits(loaded, find_bits(bits, loaded))
    run = run_engine(loaded, chosen, None if values is None else read_values(values))
    if json is not None:
        write_json("--json", json, run.to_dict())
    if json != TERMINAL:
        say(engine_text(run))
