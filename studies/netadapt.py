"""NetAdapt guided by latency, by MACs, and uniform width: accuracy at several budgets. A quarter of an hour per seed.

On a chip: depthwise layers, in inverted residuals or in a stack of equal ones. On the CPU: residual blocks.

    python studies/netadapt.py [--on cpu|CHIP] [--network NETWORK] [--seeds 0,1,2] [--fast] [--write]

Each seed trains its own network on its own fifth of the digits. All networks get the same number of steps of
fine-tuning. `--write` renews the section of docs/adapt.md.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from adapt_files import at_equal_accuracy, noise, section, with_error
from study_files import ROOT, Points, markdown_table

from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.uniform import uniform_width
from chipwise.adapt.netadapt.v1 import netadapt
from chipwise.adapt.networks import inverted, mobile, residual
from chipwise.adapt.resource import Latency, Macs, Resource
from chipwise.adapt.result import Adapted
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.task import Task
from chipwise.adapt.tasks.digits import FOLDS, digits
from chipwise.measure.latency.networks import backend_of
from chipwise.measure.latency.table import LatencyTable

STACK = (16, 32, 64, 64, 64, 64, 64), (2, 1, 2, 1, 1, 1, 1)
"""Widths and strides of depthwise and pointwise layers: as in MobileNet, most time goes to a stack of equal ones."""

INVERTED = (16, 24, 32)
"""Widths between MobileNetV2's blocks. The depthwise layers within the blocks take nearly all of a chip's time, so that
narrow layers between them save MACs and hardly any time."""

RESIDUAL = (16, 24, 48)
"""Widths of residual blocks of 3x3 convolutions. A depthwise call costs some 85 µs on a CPU, however few its channels
are: in such a network the time that can be saved falls with the MACs, layer by layer, and both guides lead to the same
place."""

START, BY_LATENCY, BY_MACS, UNIFORM = "start", "NetAdapt, latency", "NetAdapt, MACs", "uniform width"

BELOW = (0.01, 0.02, 0.04)
"""Accuracy below the start's at which latencies are compared."""


@dataclass(frozen=True)
class Size:
    """How much is trained."""

    base: int = 2000
    short: int = 50
    """Steps of fine-tuning that each proposal gets. With ten of a thousand, the search sees which network mends
    soonest, not which is best when it has mended."""
    tuned: int = 1000
    """Steps of long-term fine-tuning; one that has fewer iterations behind it than NetAdapt's network within the same
    budget, as uniform width has, gets the short-term steps of those as well."""
    train: int = 12000
    holdout: int = 1000
    test: int = 4000
    first_step: float = 0.025
    """As published. With 0.1 a single layer must give more than half of its filters at once."""
    decay: float = 1.0
    granularity: int = 1


CPU = Size(base=300, short=10, tuned=200, holdout=500, test=2000, first_step=0.1, decay=0.95, granularity=4)
FAST = Size(base=4, short=1, tuned=12, train=128, holdout=64, test=64, first_step=0.3, granularity=4)


@dataclass(frozen=True)
class Case:
    """What is made smaller, and how far."""

    make: Callable[[], Any]
    layers: str
    shares: tuple[float, ...]
    """Of the start's latency."""
    size: Size


CASES = {
    "stack": Case(
        lambda: mobile(STACK[0], strides=STACK[1]),
        "a stack of equal depthwise and pointwise layers",
        (0.5, 0.35, 0.25),
        Size(),
    ),
    "inverted": Case(
        lambda: inverted(INVERTED),
        "inverted residuals",
        (0.5, 0.35, 0.25, 0.15),
        Size(base=1500, short=30, first_step=0.04),
    ),
    "residual": Case(lambda: residual(RESIDUAL), "residual blocks", (0.85,), CPU),
}


def one_seed(seed: int, latency: Resource, case: Case, size: Size) -> dict[str, dict[str, float]]:
    """By network: what it needs, and its accuracy on digits that nobody has seen."""
    shares = case.shares
    task = digits(seed, fold=seed % FOLDS, train=size.train, holdout=size.holdout, test=size.test)
    torch.manual_seed(seed)
    start = case.make()
    task.finetune(start, size.base, learning_rate=0.1)
    settings = Settings(
        first_step=size.first_step,
        decay=size.decay,
        granularity=size.granularity,
        select="loss",
        together=True,
        short_steps=size.short,
        long_steps=0,
    )
    told = (
        {"progress": lambda _share, text: print(f"  {text}", file=sys.stderr)} if sys.stderr.isatty() else {}
    )
    found = {START: described(start, task, latency)}
    by_latency = netadapt(start, task, {latency: min(shares)}, settings, watch=(Macs(),), **told).family
    picked = [first_within(by_latency, "latency", share) for share in shares]
    # As in the paper's table: with MACs for a guide, until there are fewer of them than latency led to.
    most = [0.95 * by_latency[at].needs["macs"] / by_latency[0].needs["macs"] for at in picked]
    by_macs = netadapt(start, task, {Macs(): most[-1]}, settings, watch=(latency,), **told).family
    for share, at, macs in zip(shares, picked, most, strict=True):
        for name, family, index in (
            (BY_LATENCY, by_latency, at),
            (BY_MACS, by_macs, first_within(by_macs, "macs", macs)),
            (UNIFORM, uniform_width(start, task, {latency: share}, settings).family, 1),
        ):
            steps = size.tuned + max(0, at - index) * size.short
            found[f"{share:.0%}: {name}"] = tuned(family[index].model, steps, task, latency)
    return found


def first_within(family: Sequence[Adapted], resource: str, share: float) -> int:
    """Index of the first network that needs at most a share of what the start needs."""
    most = share * family[0].needs[resource] * (1 + 1e-9)
    return next(index for index, point in enumerate(family) if point.needs[resource] <= most)


def tuned(model: Any, steps: int, task: Task, latency: Resource) -> dict[str, float]:
    """The network after long-term fine-tuning."""
    model = copy.deepcopy(model)
    task.finetune(model, steps)
    return described(model, task, latency)


def described(model: Any, task: Task, latency: Resource) -> dict[str, float]:
    """What a network needs, and how well it does."""
    shapes = layer_shapes(model, task.example)
    found = {
        "macs": Macs().of(shapes),
        "latency_s": latency.of(shapes),
        "test": task.evaluate(model, "test").metric,
        "holdout": task.evaluate(model, "holdout").metric,
    }
    if isinstance(latency, LatencyTable):
        found["measured_s"] = latency.whole(model, task.example)
    return found


def table(seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    """Markdown: one row per method and budget, over all seeds; below, paired differences."""
    measured = "measured_s" in seeds[0][START]
    head = ["network", "test accuracy, %", "MACs, M", "latency, µs"] + (
        ["measured whole, µs"] if measured else []
    )
    columns = [("test", 100, 2), ("macs", 1e-6, 2), ("latency_s", 1e6, 1)]
    columns += [("measured_s", 1e6, 1)] if measured else []
    rows = [
        [name, *(with_error([f[name][key] * scale for f in seeds], places) for key, scale, places in columns)]
        for name in seeds[0]
    ]
    lines = [line for share in shares_of(seeds) for line in differences(seeds, share)]
    return markdown_table(head, rows) + "\n" + "\n".join(lines) + "\n\n" + compared(seeds)


def shares_of(seeds: Sequence[Mapping[str, Any]]) -> list[str]:
    """The budgets, as names of networks begin."""
    return list(dict.fromkeys(name.split(":")[0] for name in seeds[0] if ":" in name))


def differences(seeds: Sequence[Mapping[str, Mapping[str, float]]], share: str) -> list[str]:
    """Latency-guided NetAdapt against the others, seed by seed."""
    lines = []
    own = [f[f"{share}: {BY_LATENCY}"] for f in seeds]
    for name in (BY_MACS, UNIFORM):
        others = [f[f"{share}: {name}"] for f in seeds]
        parts = []
        for key, what in (
            ("macs", "% MACs"),
            ("latency_s", "% latency"),
            ("measured_s", "% time of whole runs"),
        ):
            if key in own[0]:
                parts.append(signed([o[key] / m[key] - 1 for o, m in zip(others, own, strict=True)], what))
        points = [o["test"] - m["test"] for o, m in zip(others, own, strict=True)]
        slower = sum(o["latency_s"] > m["latency_s"] for o, m in zip(others, own, strict=True))
        parts.append(f"{signed(points, 'points')}; it is slower in {slower} of {len(own)} seeds")
        lines.append(f"- {share}: {name}, against latency: {', '.join(parts)}.")
    return lines


def compared(seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    """Latency of each method where straight lines between its networks lose so much accuracy, over NetAdapt's."""
    curves = {
        method: [
            [(1e6 * f["latency_s"], f["test"]) for name, f in found.items() if name.endswith((method, START))]
            for found in seeds
        ]
        for method in (BY_LATENCY, BY_MACS, UNIFORM)
    }
    rows = []
    for below in BELOW:
        accuracies = [found[START]["test"] - below for found in seeds]
        told = f"{100 * below:.0f} below the start"
        rows += at_equal_accuracy(curves, accuracies, told, 1, lambda r: signed([v - 1 for v in r], "%"))
    head = [
        "points of test accuracy, method",
        "latency, µs",
        "over NetAdapt by latency",
        "seeds that have it",
    ]
    return markdown_table(head, rows)


def signed(values: Sequence[float], what: str) -> str:
    """Mean difference with its standard error, and whether it is more than two of those."""
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("inf")
    return f"{mean(values) * 100:+.1f} ± {error * 100:.1f} {what}{noise(values)}"


def main() -> int:
    """Run the study; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--on", default="cpu", metavar="cpu|CHIP")
    options.add_argument("--network", choices=list(CASES), help="residual on the CPU, inverted on a chip")
    options.add_argument("--seeds", default="0,1,2", help="as 0,1,2; those that are kept are not run again")
    options.add_argument("--fast", action="store_true", help="tiny, to see that it runs")
    options.add_argument(
        "--points",
        type=Path,
        default=ROOT / "build" / "studies",
        help="folder: a seed is kept when it is done",
    )
    options.add_argument("--write", action="store_true", help="renew docs/adapt.md")
    given = options.parse_args()
    torch.set_num_threads(1)
    cpu = given.on == "cpu"
    latency: Resource = LatencyTable.open(None, backend_of("torch")) if cpu else Latency(given.on)
    network = given.network or ("residual" if cpu else "inverted")
    case = CASES[network]
    size = FAST if given.fast else case.size
    name = f"netadapt-{given.on}-{network}"
    seeds = []
    for seed in (int(s) for s in given.seeds.split(",")):
        points, key = Points(given.points / f"{name}-{seed}.json"), f"{case.shares} {size}"
        found = points.get("networks", key) or one_seed(seed, latency, case, size)
        points.put("networks", key, found)
        seeds.append(found)
        print(f"seed {seed} is done", file=sys.stderr)
    shown = table(seeds)
    print(shown)
    if given.write:
        section(name, text(given.on, network, size, shown, len(seeds)))
    return 0


def text(on: str, network: str, size: Size, shown: str, seeds: int) -> str:
    """The section of docs/adapt.md."""
    where = "a CPU, measured (lookup table)" if on == "cpu" else f"{on}, modelled"
    return f"""### NetAdapt guided by latency and by MACs: {network} on {where}
A network of {CASES[network].layers} on cluttered digits, cut to shares of its latency; at each, the run guided by
MACs goes on to 5 % fewer MACs than the run guided by latency has there. Iterations save {size.first_step:.1%} of the
start, proposals get {size.short} steps of fine-tuning, and every network {size.tuned} in the end; to uniform width the
short-term steps that NetAdapt took on its way to the same budget are added. {seeds} seeds, each with its own fifth of
the digits to test on; mean ± standard error. `python studies/netadapt.py --on {on} --network {network}`.

{shown}"""


if __name__ == "__main__":
    sys.exit(main())
