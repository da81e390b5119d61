"""`chipwise metrics`: the key metrics of a chip together, over networks and numbers of PEs."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from functools import partial
from typing import Annotated

import typer

import chipwise
from chipwise.cli.card import fraction
from chipwise.cli.chips import load_chip
from chipwise.cli.compare import Networks, _networks
from chipwise.cli.options import (
    Batch,
    Chip,
    Dataflow,
    Factors,
    Jobs,
    JsonFile,
    NoCache,
    Objective,
    Placement,
    TimeLimit,
)
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.cli.searching import Search
from chipwise.cli.waiting import interruptible
from chipwise.errors import InputError, did_you_mean

Accuracies = Annotated[
    str,
    typer.Option(
        "--accuracy",
        metavar="NETWORK=FRACTION,...",
        help="Of networks on their task, as alexnet=0.57,vgg16=71.5%.",
        show_default=False,
    ),
]


def metrics(
    network: Networks,
    on: Chip,
    *,
    accuracy: Accuracies = "",
    scale: Annotated[
        bool, typer.Option("--scale", help="Add the first network on 16 to 16384 PEs, examined by Eyexam.")
    ] = False,
    dataflow: Dataflow = None,
    batch: Batch = 1,
    objective: Objective = "energy",
    mapspace: Placement = "even",
    factors: Factors = "spatial",
    json: JsonFile = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = None,
    no_cache: NoCache = False,
) -> None:
    """Key metrics of a chip on a suite of networks: speed, energy, cost, flexibility, scalability."""
    check_target("--json", json)
    networks = [chipwise.load_network(name) for name in _networks(network)]
    chip = load_chip(on, dataflow)
    reached = _accuracies(accuracy, [loaded.name for loaded in networks])

    from chipwise.analysis.metrics import PES, Given, Scaled, scaling
    from chipwise.analysis.metrics import metrics as make
    from chipwise.cli.progress import progress_bar
    from chipwise.mapper.mapspace import Mapspace
    from chipwise.report.metrics import metrics_text

    search = Search(batch, mapspace, factors, jobs, time_limit, objective, no_cache)
    results = [search.evaluate(loaded, chip) for loaded in networks]
    given = {name: Given(value) for name, value in reached.items()}
    scaled: tuple[Scaled, ...] = ()
    if scale:
        space = Mapspace(mapspace, factors)
        with progress_bar(len(PES)) as progress:
            scale_up = partial(scaling, space=space, progress=progress, time_limit_s=time_limit)
            scaled = interruptible(lambda: scale_up(networks[0], chip, batch))
    made = make(results, given, scaled)
    if json is not None:
        write_json("--json", json, made.to_dict())
    if json != TERMINAL:
        say(metrics_text(made))


def _accuracies(text: str, names: list[str]) -> dict[str, float]:
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = (word.strip() for word in part.partition("="))
        if not sign:
            raise InputError(f"--accuracy {part!r}: must be NETWORK=FRACTION, as alexnet=0.57")
        if name not in names:
            raise InputError(
                f"--accuracy {part!r}: {name!r} is not among the networks." + did_you_mean(name, names)
            )
        found[name] = fraction("--accuracy", value)
    return found
