"""NetAdapt guided by latency, by MACs, and uniform width. Minutes per seed.

On a chip: depthwise and pointwise layers. On the CPU: residual blocks.

    python studies/netadapt.py [--on cpu|CHIP] [--seeds 3] [--fast] [--write]

Each seed trains its own network on its own fifth of the digits. All networks get the same number of steps of
fine-tuning. `--write` renews the section of docs/adapt.md.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import copy
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from adapt_files import section
from study_files import ROOT, Points, markdown_table

from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.uniform import uniform_width
from chipwise.adapt.netadapt.v1 import netadapt
from chipwise.adapt.networks import mobile, residual
from chipwise.adapt.resource import Latency, Macs, Resource
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.task import Task
from chipwise.adapt.tasks.digits import FOLDS, digits
from chipwise.measure.latency.networks import backend_of
from chipwise.measure.latency.table import LatencyTable

ON_CHIP = (16, 32, 48, 64, 96), (1, 2, 1, 2, 1)
"""Widths and strides of depthwise and pointwise layers."""

ON_CPU = (16, 24, 48)
"""Widths of residual blocks of 3x3 convolutions. A depthwise call costs some 85 µs on a CPU, however few its channels
are: in such a network the time that can be saved falls with the MACs, layer by layer, and both guides lead to the same
place."""

START, BY_LATENCY, BY_MACS, UNIFORM = "start", "NetAdapt, latency", "NetAdapt, MACs", "uniform width"


@dataclass(frozen=True)
class Size:
    """How much is trained."""

    base: int = 600
    short: int = 10
    tuned: int = 300
    """Steps of fine-tuning that every network gets, short-term ones included."""
    train: int = 12000
    holdout: int = 1000
    test: int = 4000
    first_step: float = 0.1


CPU = Size(base=300, tuned=200, holdout=500, test=2000)
FAST = Size(base=4, short=1, tuned=12, train=128, holdout=64, test=64, first_step=0.2)


def one_seed(seed: int, latency: Resource, share: float, size: Size) -> dict[str, dict[str, float]]:
    """By network: what it needs, and its accuracy on digits that nobody has seen."""
    task = digits(seed, fold=seed % FOLDS, train=size.train, holdout=size.holdout, test=size.test)
    torch.manual_seed(seed)
    start = residual(ON_CPU) if isinstance(latency, LatencyTable) else mobile(ON_CHIP[0], strides=ON_CHIP[1])
    task.finetune(start, size.base, learning_rate=0.1)
    settings = Settings(
        first_step=size.first_step,
        decay=0.95,
        granularity=4,
        select="loss",
        short_steps=size.short,
        long_steps=0,
    )
    found = {START: described(start, task, latency)}
    told = (
        {"progress": lambda _share, text: print(f"  {text}", file=sys.stderr)} if sys.stderr.isatty() else {}
    )

    by_latency = netadapt(start, task, {latency: share}, settings, watch=(Macs(),), **told)
    found[BY_LATENCY] = tuned(by_latency.model, len(by_latency.history), task, latency, size)
    # As in the paper's table: with MACs for a guide, until there are fewer of them than latency led to.
    macs = str(int(0.95 * found[BY_LATENCY]["macs"]))
    by_macs = netadapt(start, task, {Macs(): macs}, settings, watch=(latency,), **told)
    found[BY_MACS] = tuned(by_macs.model, len(by_macs.history), task, latency, size)
    uniform = uniform_width(start, task, {latency: share}, settings)
    found[UNIFORM] = tuned(uniform.model, 1, task, latency, size)
    return found


def tuned(model: Any, iterations: int, task: Task, latency: Resource, size: Size) -> dict[str, float]:
    """The network after the rest of its steps."""
    model = copy.deepcopy(model)
    task.finetune(model, max(0, size.tuned - iterations * size.short))
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


def spread(values: Sequence[float], scale: float, digits_: int) -> str:
    """Mean +- standard error."""
    error = stdev(values) / len(values) ** 0.5 * scale if len(values) > 1 else float("nan")
    return f"{mean(values) * scale:.{digits_}f} ± {error:.{digits_}f}"


def table(seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> str:
    """Markdown: one row per method, over all seeds; below, paired differences."""
    measured = "measured_s" in seeds[0][START]
    head = ["network", "test accuracy, %", "MACs, M", "latency, µs"] + (
        ["measured whole, µs"] if measured else []
    )
    rows = []
    for name in seeds[0]:
        own = [found[name] for found in seeds]
        row = [name, spread([f["test"] for f in own], 100, 2), spread([f["macs"] for f in own], 1e-6, 2)]
        row.append(spread([f["latency_s"] for f in own], 1e6, 1))
        rows.append(row + ([spread([f["measured_s"] for f in own], 1e6, 1)] if measured else []))
    return markdown_table(head, rows) + "\n" + "\n".join(differences(seeds)) + "\n"


def differences(seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Latency-guided NetAdapt against the others, seed by seed."""
    key = "measured_s" if "measured_s" in seeds[0][START] else "latency_s"
    lines = []
    for other in (BY_MACS, UNIFORM):
        macs = [f[other]["macs"] / f[BY_LATENCY]["macs"] - 1 for f in seeds]
        lut = [f[other]["latency_s"] / f[BY_LATENCY]["latency_s"] - 1 for f in seeds]
        test = [f[other]["test"] - f[BY_LATENCY]["test"] for f in seeds]
        told = f"{signed(macs, '% MACs')}, {signed(lut, '% latency')}"
        if key == "measured_s":
            whole = [f[other][key] / f[BY_LATENCY][key] - 1 for f in seeds]
            told += f", {signed(whole, '% time of whole runs')}"
        lines.append(f"- {other}, against latency: {told}, {signed(test, 'points of accuracy')}.")
    return lines


def signed(values: Sequence[float], what: str) -> str:
    """Mean difference with its standard error, and whether it is more than two of those."""
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("inf")
    clear = "" if abs(mean(values)) > 2 * error else " (within the noise)"
    return f"{mean(values) * 100:+.1f} ± {error * 100:.1f} {what}{clear}"


def main() -> int:
    """Run the study; the exit code."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--on", default="cpu", metavar="cpu|CHIP")
    options.add_argument("--share", type=float, help="of the start's latency; 0.85 on the CPU, 0.5 on a chip")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--fast", action="store_true", help="tiny, to see that it runs")
    options.add_argument("--points", type=Path, default=ROOT / "build" / "studies" / "netadapt.json")
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--write", action="store_true", help="renew docs/adapt.md")
    given = options.parse_args()
    torch.set_num_threads(1)
    cpu = given.on == "cpu"
    latency: Resource = LatencyTable.open(None, backend_of("torch")) if cpu else Latency(given.on)
    share = given.share or (0.85 if cpu else 0.5)
    seeds = []
    size = FAST if given.fast else CPU if cpu else Size()
    points = Points(given.points)
    for seed in range(given.seeds):
        key = f"{share} {size}"
        found = points.get(f"{given.on} {seed}", key) or one_seed(seed, latency, share, size)
        points.put(f"{given.on} {seed}", key, found)
        seeds.append(found)
        print(f"seed {seed}: {json.dumps(found)}", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(seeds, indent=1) + "\n", encoding="utf-8")
    shown = table(seeds)
    print(shown)
    if given.write:
        section(f"netadapt-{given.on}", text(given.on, share, shown, len(seeds)))
    return 0


def text(on: str, share: float, shown: str, seeds: int) -> str:
    """The section of docs/adapt.md."""
    where = "a CPU, measured (lookup table)" if on == "cpu" else f"{on}, modelled"
    layers = "residual blocks" if on == "cpu" else "depthwise and pointwise layers"
    return f"""### NetAdapt guided by latency and by MACs: {where}
A network of {layers} on cluttered digits, cut to {share:.0%} of its latency; the run guided by
MACs goes on to 5 % fewer MACs than that. {seeds} seeds, each with its own fifth of the digits to test on; mean ±
standard error. `python studies/netadapt.py --on {on}`.

{shown}"""


if __name__ == "__main__":
    sys.exit(main())
