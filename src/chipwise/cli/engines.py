"""`chipwise engines`: what engines for sparse and narrow networks gain, and what they cost on dense ones."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated, Any

import typer

import chipwise
from chipwise.cli.options import Batch, Bits, Densities, JsonFile
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.errors import InputError

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="One of them; without it, all.",
        show_default=False,
    ),
]
MaybeNetwork = Annotated[
    str | None,
    typer.Option("--network", metavar="NETWORK", help="What it runs, as for `describe`.", show_default=False),
]


def engines(
    name: Name = None,
    *,
    network: MaybeNetwork = None,
    densities: Densities = None,
    bits: Bits = None,
    batch: Batch = 1,
    json: JsonFile = None,
) -> None:
    """Engines that skip zeros or work bit by bit, on a network.

    Cycles and energy of every layer beside those of the dense counterpart, and the overhead where nothing is zero.
    """
    check_target("--json", json)
    if name is not None and network is None:
        raise InputError(f"engines {name}: --network is missing; say what is to run, as --network alexnet")

    from chipwise.analysis.engines.registry import engine, engine_names
    from chipwise.report.engines import (
        comparison_dict,
        comparison_text,
        engine_text,
        engines_dict,
        engines_text,
    )

    chosen = [engine(known) for known in (engine_names() if name is None else [name])]
    if network is None:
        _show(json, engines_dict(chosen), engines_text(chosen))
        return

    from chipwise.analysis.engines.run import compare_engines, run_engine
    from chipwise.workload.bits import find_bits, with_bits
    from chipwise.workload.densities import with_densities
    from chipwise.workload.published_densities import find_densities

    loaded = chipwise.load_network(network).with_batch(batch)
    if densities is not None:
        loaded = with_densities(loaded, find_densities(densities, loaded))
    if bits is not None:
        loaded = with_bits(loaded, find_bits(bits, loaded))
    if name is None:
        runs, refused = compare_engines(loaded, chosen)
        _show(json, comparison_dict(runs, refused), comparison_text(runs, refused))
        return
    run = run_engine(loaded, chosen[0])
    _show(json, run.to_dict(), engine_text(run))


def _show(json: str | None, data: Any, text: str) -> None:
    if json is not None:
        write_json("--json", json, data)
    if json != TERMINAL:
        say(text)
