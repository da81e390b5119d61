"""`chipwise card` and `chipwise metrics`: a design with everything that must be told of it."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from typing import Annotated

import typer

import chipwise
from chipwise.cli.chips import load_chip
from chipwise.cli.compare import Networks, _networks
from chipwise.cli.options import (
    Batch,
    Chip,
    Dataflow,
    Factors,
    Jobs,
    JsonFile,
    Network,
    NoCache,
    Objective,
    Placement,
    TimeLimit,
)
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.cli.waiting import interruptible
from chipwise.errors import InputError, did_you_mean

MAX_IMAGES = 10**9


def card(
    network: Network,
    on: Chip,
    *,
    require: Annotated[
        str,
        typer.Option(
            "--require",
            metavar="NAME<=VALUE,...",
            help="What a design must meet: accuracy, throughput (>=), latency, energy, power, off_chip, area, storage, "
            "pes (<=), as latency<=10ms,energy<=5mJ.",
            show_default=False,
        ),
    ] = "",
    accuracy: Annotated[
        str | None,
        typer.Option(
            "--accuracy",
            metavar="FRACTION",
            help="Of the network on its task, as 0.57 or 57%.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str, typer.Option("--task", metavar="TEXT", help="What the accuracy is of.", show_default=False)
    ] = "",
    images: Annotated[
        int | None,
        typer.Option(
            "--images", metavar="N", min=1, max=MAX_IMAGES, help="Inputs tested.", show_default=False
        ),
    ] = None,
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
    """Benchmark card of a design, in Markdown, and the gate of the requirements at which it fails."""
    check_target("--json", json)
    reached = None if accuracy is None else _fraction("--accuracy", accuracy)
    loaded = chipwise.load_network(network)
    chip = load_chip(on, dataflow)

    from chipwise.analysis.card import card as make
    from chipwise.analysis.card import check_requirements
    from chipwise.analysis.metrics import Given
    from chipwise.cli.progress import progress_bar
    from chipwise.report.card import card_markdown

    check_requirements(require)
    with progress_bar(len(loaded.layers)) as progress:
        result = interruptible(
            lambda: chipwise.evaluate(
                loaded,
                chip,
                batch,
                objective,
                mapspace=mapspace,
                factors=factors,
                workers=jobs,
                progress=progress,
                use_cache=not no_cache,
                time_limit_s=time_limit,
            )
        )
    made = make(result, Given(reached, task, images), require)
    if json is not None:
        write_json("--json", json, made.to_dict())
    if json != TERMINAL:
        say(card_markdown(made))
    if made.fails_at is not None:
        raise typer.Exit(1)


def metrics(
    network: Networks,
    on: Chip,
    *,
    accuracy: Annotated[
        str,
        typer.Option(
            "--accuracy",
            metavar="NETWORK=FRACTION,...",
            help="Of networks on their task, as alexnet=0.57,vgg16=71.5%.",
            show_default=False,
        ),
    ] = "",
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

    from chipwise.analysis.metrics import PES, Given, Metrics, Scaled, scaling
    from chipwise.analysis.results import EvaluationResult
    from chipwise.cli.progress import progress_bar
    from chipwise.mapper.mapspace import Mapspace
    from chipwise.report.metrics import metrics_text
    from chipwise.workload.network import Network as Loaded

    def evaluated(loaded: Loaded) -> EvaluationResult:
        with progress_bar(len(loaded.layers)) as progress:
            return interruptible(
                lambda: chipwise.evaluate(
                    loaded,
                    chip,
                    batch,
                    objective,
                    mapspace=mapspace,
                    factors=factors,
                    workers=jobs,
                    progress=progress,
                    use_cache=not no_cache,
                    time_limit_s=time_limit,
                )
            )

    results = tuple(evaluated(loaded) for loaded in networks)
    given = tuple(Given(reached.get(loaded.name)) for loaded in networks)
    scaled: tuple[Scaled, ...] = ()
    if scale:
        space = Mapspace(mapspace, factors)
        with progress_bar(len(PES)) as progress:
            scaled = interruptible(
                lambda: scaling(
                    networks[0], chip, batch, space=space, progress=progress, time_limit_s=time_limit
                )
            )
    made = Metrics(chip, results, given, scaled)
    if json is not None:
        write_json("--json", json, made.to_dict())
    if json != TERMINAL:
        say(metrics_text(made))


def _fraction(option: str, text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{option} {text!r}: must be a fraction from 0 to 1, as 0.57 or 57%")
    return value


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
        found[name] = _fraction("--accuracy", value)
    return found
