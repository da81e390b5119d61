"""`chipwise adapt`: a slimmer network for a chip or a device."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chipwise.cli.options import Batch, JsonFile, one_of, whole
from chipwise.cli.output import TERMINAL, check_targets, notes, say, write_json, write_text
from chipwise.errors import InputError

if TYPE_CHECKING:
    from chipwise.adapt.result import Result

METHODS = ("netadapt", "netadapt-v2", "uniform", "magnitude", "eap")
"""As `chipwise.adapt.run` knows them; repeated here because that takes seconds to import."""

MAX_STEPS = 10_000_000

BENCHMARK = "benchmark-card.md"
"""Of a chip on the final network: the survey's specifications."""


def _from_zero(option: str) -> Callable[[str | int], int]:
    def read(value: str | int) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > MAX_STEPS:
            raise InputError(f"{option} {value}: must be a whole number from 0 to {MAX_STEPS:,}")
        return int(text)

    return read


def _share(option: str) -> Callable[[str | float], float]:
    def read(value: str | float) -> float:
        try:
            share = float(value)
        except ValueError:
            share = -1.0
        if not 0 < share <= 1:
            raise InputError(f"{option} {value}: must be a number above 0 and at most 1")
        return share

    return read


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A network of chipwise (bypass, inverted, mobile, plain, residual; widths as in mobile:width=2), which is "
        "trained first, or package.module:function, your own code, which is run and gives a trained PyTorch module.",
        show_default=False,
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="CHIP|FILE.lut",
        help="A chip (see `chipwise chips`, or a .yaml file) for modelled latency, energy (zeros save what the "
        "survey's estimation says) and energy-as-is (what they save on the chip itself), or a lookup table of measured "
        "latencies (see `chipwise measure`).  [default: no device; macs, weights, size, bops]",
        show_default=False,
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        "--budget",
        metavar="R=X,...",
        help="Per resource a fraction of the start or a quantity: latency=0.5, energy=2mJ, weights=50000. Of a chip: "
        "latency, energy, energy-as-is; always: macs, weights, size, bops.",
        show_default=False,
    ),
]
MethodName = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="|".join(METHODS),
        callback=one_of("--method", METHODS),
        help="How the network is made smaller.",
    ),
]
TaskName = Annotated[
    str,
    typer.Option(
        "--task",
        metavar="TASK",
        help="digits; images:FOLDER, cifar:FOLDER, mnist:FOLDER; or package.module:function, your own code.",
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Where networks, history, plots and a card go: a new folder, or that of the same search, which goes on "
        "where it was ended.",
        show_default=False,
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", parser=_from_zero("--seed"), help="Of data, training and search."),
]
Step = Annotated[
    float,
    typer.Option(
        "--step", metavar="X", parser=_share("--step"), help="What the first iteration saves, of the start."
    ),
]
Granularity = Annotated[
    int,
    typer.Option(
        "--granularity", metavar="N", parser=whole("--granularity", 4096), help="Filters in multiples of N."
    ),
]
Choice = Annotated[
    str,
    typer.Option(
        "--filters",
        metavar="magnitude|feature-map",
        callback=one_of("--filters", ("magnitude", "feature-map")),
        help="Which filters stay: the largest, or those that the next layers' outputs need most.",
    ),
]
Select = Annotated[
    str,
    typer.Option(
        "--select",
        metavar="accuracy|loss|ratio",
        callback=one_of("--select", ("accuracy", "loss", "ratio")),
        help="Which proposal is kept, by its score on the hold-out.",
    ),
]
Together = Annotated[
    bool,
    typer.Option(
        "--together",
        help="NetAdapt also tries, in each iteration, that all layers give the same share of their filters.",
    ),
]


def _steps(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name,
        metavar="N",
        parser=_from_zero(name),
        help=f"Steps of {what}.  [default: the task's]",
        show_default=False,
    )
    return option


MaxDrop = Annotated[
    float | None,
    typer.Option(
        "--max-drop",
        metavar="X",
        parser=_share("--max-drop"),
        help="Of eap: accuracy on the hold-out, as 0.01, that pruning may lose before the last fine-tuning.  "
        "[default: any]",
        show_default=False,
    ),
]
Base = Annotated[int | None, _steps("--base-steps", "training a network of chipwise's")]
Short = Annotated[int | None, _steps("--short-steps", "fine-tuning each proposal")]
Long = Annotated[int | None, _steps("--long-steps", "fine-tuning the final network")]
Supernet = Annotated[int | None, _steps("--supernet-steps", "training NetAdaptV2's super-network")]
Samples = Annotated[
    int,
    typer.Option(
        "--samples",
        metavar="J",
        parser=whole("--samples", 4096),
        help="NetAdaptV2's proposals per iteration.",
    ),
]
Layers = Annotated[
    int,
    typer.Option(
        "--layers", metavar="L", parser=whole("--layers", 4096), help="Layers that each of those shrinks."
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        metavar="N",
        parser=whole("--threads", 1024),
        help="Of training. One gives the same result each time, and is quickest on a busy machine.",
    ),
]


def adapt(
    model: Model,
    *,
    budget: Budget,
    on: On = None,
    method: MethodName = "netadapt",
    task: TaskName = "digits",
    out: Out = None,
    seed: Seed = 0,
    batch: Batch = 1,
    step: Step = 0.025,
    granularity: Granularity = 1,
    filters: Choice = "magnitude",
    select: Select = "accuracy",
    together: Together = False,
    base_steps: Base = None,
    short_steps: Short = None,
    long_steps: Long = None,
    samples: Samples = 8,
    layers: Layers = 2,
    supernet_steps: Supernet = None,
    max_drop: MaxDrop = None,
    threads: Threads = 1,
    json: JsonFile = None,
) -> None:
    """A slimmer network for a chip or a device, within a budget.

    After a kill, the same command goes on where it was, if it has --out.
    """
    check_targets({"--json": json})
    if out == TERMINAL:
        raise InputError("--out -: a result is a folder; name one")

    from chipwise.adapt import run
    from chipwise.adapt.extra import torch
    from chipwise.adapt.netadapt.settings import Settings
    from chipwise.report.adapted import plain

    settings = Settings(
        first_step=step,
        granularity=granularity,
        choice=filters,  # type: ignore[arg-type]  # checked above
        select=select,  # type: ignore[arg-type]
        together=together,
        short_steps=short_steps,
        long_steps=long_steps,
        samples=samples,
        layers=layers,
        supernet_steps=supernet_steps,
        max_drop=max_drop,
    )
    torch.set_num_threads(threads)
    with notes(), _progress() as told:
        result = run.adapt(
            model, task=task, budget=budget, on=on, method=method, settings=settings, folder=out, batch=batch,
            seed=seed, base_steps=base_steps, progress=told,
        )  # fmt: skip
    if out is not None and on is not None and not on.endswith(run.TABLE):
        _write_card(result, on, batch, Path(out))
    if json is not None:
        write_json("--json", json, plain(result))
    if json != TERMINAL:
        say(result.report() + (f"\nwritten to {out}\n" if out else ""))


def _write_card(result: "Result", chip: str, batch: int, folder: Path) -> None:
    """The benchmark card of the chip on the final network, with its accuracy on the test split."""
    from chipwise.adapt.shapes import layer_shapes, to_network
    from chipwise.analysis.card import card
    from chipwise.analysis.evaluate import evaluate
    from chipwise.analysis.metrics import Given
    from chipwise.report.card import card_markdown

    network = to_network(
        layer_shapes(result.model, result.example), f"{result.source or 'adapted'} ({result.method})"
    )
    score = result.final.test or result.final.holdout
    given = Given(score.metric, result.task, score.samples)
    text = card_markdown(card(evaluate(network, chip, batch, "latency"), given))
    write_text("--out", str(folder / BENCHMARK), text)


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None] | None]:
    """A bar to the budget and what was tried last, on stderr; nothing where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        job = bar.add_task("reading", total=1.0)
        yield lambda share, text: bar.update(job, completed=share, description=text[:60])
