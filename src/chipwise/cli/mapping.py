"""`chipwise map`: the best schedule of one layer, or what a given one costs."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chipwise
from chipwise.cli.chips import load_chip
from chipwise.cli.known import known_layer
from chipwise.cli.options import (
    SHOW,
    Batch,
    Bits,
    Chip,
    Dataflow,
    Densities,
    Factors,
    JsonFile,
    MaybeObjective,
    NoCache,
    PlacementOrShow,
    TimeLimit,
    Zeros,
)
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.cli.waiting import interruptible
from chipwise.errors import InputError

if TYPE_CHECKING:
    from chipwise.hardware.accelerator import Accelerator
    from chipwise.mapping.mapping import Mapping
    from chipwise.workload.layer import Layer

MAX_BYTES = 2**20
"""Largest mapping file: the reader takes 2000 lines, of which printed ones have about 60 bytes."""


LayerSpec = Annotated[
    str,
    typer.Argument(
        metavar="LAYER",
        help="NETWORK:LAYER (alexnet:conv2), a shape (conv:M=96,C=3,P=55,Q=55,R=11,S=11,stride=4; "
        "fc:M=10,C=84; matmul:M=8,K=64,N=8), or a .yaml file with one layer.",
        show_default=False,
    ),
]
NetworkOfLayer = Annotated[
    str | None,
    typer.Option("--network", metavar="NETWORK", help="The network with LAYER.", show_default=False),
]
MappingFile = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help="Cost this mapping, written as `map` prints it or as Timeloop does, instead of searching; `-` is stdin.",
        show_default=False,
    ),
]
Pareto = Annotated[
    bool,
    typer.Option("--pareto", help="All mappings that no other beats in both energy and latency, proven."),
]


def map_(
    layer: LayerSpec,
    on: Chip,
    *,
    network: NetworkOfLayer = None,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    densities: Densities = None,
    bits: Bits = None,
    zeros: Zeros = "chip",
    objective: MaybeObjective = None,
    mapspace: PlacementOrShow = "even",
    factors: Factors = "spatial",
    pareto: Pareto = False,
    json: JsonFile = None,
    mapping: MappingFile = None,
    time_limit: TimeLimit = None,
    no_cache: NoCache = False,
) -> None:
    """Best mapping of a layer on a chip.

    What is printed is also what --mapping reads.
    """
    check_target("--json", json)
    _check_questions(objective, mapping, pareto=pareto)

    from chipwise.cli.layer_spec import load_layer
    from chipwise.report.layer import front_dict, front_text, layer_dict, layer_text
    from chipwise.report.mapspace import mapspace_dict, mapspace_text

    # A layer of a PyTorch or ONNX model has been loaded by now.
    named = network or layer
    owner = named.partition(":")[0] if isinstance(named, str) else named.name
    found = known_layer(load_layer(layer, network), owner, densities, bits)
    found, chip = found.with_batch(batch), load_chip(on, dataflow, zeros)
    if mapspace == SHOW:
        _tell(json, lambda: mapspace_dict(found, chip), lambda: mapspace_text(found, chip))
        return
    if pareto:
        points = interruptible(
            lambda: chipwise.find_front(
                found, chip, mapspace=mapspace, factors=factors, time_limit_s=time_limit
            )
        )
        _tell(json, lambda: front_dict(points, batch), lambda: front_text(points, batch))
        return
    if mapping is not None:
        result = chipwise.evaluate_mapping(found, chip, _given(_read(mapping), found, chip))
    else:
        result = interruptible(
            lambda: chipwise.find_mapping(
                found,
                chip,
                objective or "energy",
                mapspace=mapspace,
                factors=factors,
                use_cache=not no_cache,
                time_limit_s=time_limit,
            )
        )
    _tell(json, lambda: layer_dict(result, batch), lambda: layer_text(result, batch))


def _check_questions(objective: str | None, mapping: str | None, *, pareto: bool) -> None:
    """Refuse options that ask for two things at once."""
    if mapping is not None and objective is not None:
        raise InputError("--mapping leaves --objective nothing to choose; drop one of them")
    if pareto and (objective is not None or mapping is not None):
        other = "--objective" if mapping is None else "--mapping"
        raise InputError(f"--pareto weighs energy against latency; drop {other}")


def _tell(json: str | None, as_dict: Callable[[], dict[str, Any]], as_text: Callable[[], str]) -> None:
    """Write JSON where it is asked for, and text unless the JSON went to the terminal."""
    if json is not None:
        write_json("--json", json, as_dict())
    if json != TERMINAL:
        say(as_text())


def _given(text: str, layer: "Layer", chip: "Accelerator") -> "Mapping | str":
    """A mapping in Timeloop's notation, or a text in chipwise's own, which `evaluate_mapping` reads."""
    from chipwise.mapping.timeloop import is_timeloop, parse_timeloop

    return parse_timeloop(text, layer, chip) if is_timeloop(text) else text


def _read(source: str) -> str:
    """The text of a mapping file, or of stdin."""
    try:
        if source == TERMINAL:
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            path = Path(source)
            if path.is_dir():
                raise InputError(f"--mapping {source}: is a folder; name a file")
            with path.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise InputError(f"--mapping {source}: is larger than {MAX_BYTES // 1024} KiB; is it a mapping?")
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"--mapping {source}: is not UTF-8 text") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--mapping {source!r}: cannot be read: {reason}") from None
