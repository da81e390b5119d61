"""Seconds, nodes and mapspace size of the mapper per distinct layer, and AccelForge's cases beside its own times.

    python benchmarks/mapper.py                     all of it, some minutes
    python benchmarks/mapper.py --write             the same, into docs/performance.md
    python benchmarks/mapper.py --on CHIP [--objective O] [--mapspace M] [--factors F] NETWORK ...

Times are CPU seconds of one core with kernels compiled and nothing cached, the least of three where a search takes
less than a second; on a shared machine compare runs by nodes.
"""

import argparse
import os
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper import entries, uneven
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import objective_for
from chipwise.mapper.question import Clock, Question
from chipwise.mapper.search import best_of, search
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
ACCELFORGE_CHIP = Path(__file__).resolve().parent / "accelforge" / "eyeriss-like.yaml"
LIMIT_S = 10.0
REPEATS = 3

ACCELFORGE = [
    (conv("1x1", M=256, C=1024, P=14, Q=14, R=1, S=1), 600_911_872, 10.1),
    (conv("3x3", M=256, C=256, P=14, Q=14, R=3, S=3), 969_613_312, 49.5),
]
"""Layer, optimum and seconds on two cores of AccelForge 1.0.467 (shared/research, the issue of the mapper)."""


class Row(NamedTuple):
    """One search."""

    network: str
    layer: str
    seconds: float
    preparing: float
    """Seconds of it before the first node: classes, tables of tile sizes, columns of bounds."""
    nodes: int
    leaves: int
    mapspace: float
    value: float
    gap: float | None


class Case(NamedTuple):
    """What is searched, and with which question."""

    networks: tuple[str, ...]
    chip: str
    objective: str = "energy"
    space: Mapspace = Mapspace()


UNEVEN = Mapspace("uneven", "perfect")
ALL = ("alexnet", "vgg16", "resnet50", "transformer")
CASES = [
    Case(ALL, "eyeriss", space=UNEVEN),
    Case(ALL, "eyeriss"),
    Case(ALL, "simple"),
    Case(("transformer",), "simple", space=UNEVEN),
    Case(("resnet50",), "eyeriss", "latency", UNEVEN),
    Case(("resnet50",), "eyeriss", "edp", UNEVEN),
    Case(("transformer",), "eyeriss", space=Mapspace("uneven", "imperfect")),
]


def transformer_block() -> list[Layer]:
    """The matrix products of one GPT-like block: width 768, 12 heads, 1024 tokens; and a large one."""
    tokens, width, heads = 1024, 768, 12
    return [
        matmul("query, key, value", M=tokens, K=width, N=3 * width),
        matmul("scores", M=tokens, K=width // heads, N=tokens, batch=heads),
        matmul("context", M=tokens, K=tokens, N=width // heads, batch=heads),
        matmul("projection", M=tokens, K=width, N=width),
        matmul("up", M=tokens, K=width, N=4 * width),
        matmul("down", M=tokens, K=4 * width, N=width),
        matmul("768 x 3072 x 4096", M=768, K=3072, N=4096),
    ]


def layers_of(network: str) -> list[Layer]:
    """One layer per distinct shape."""
    layers = transformer_block() if network == "transformer" else load_network(network).layers
    return list({layer.shape_key: layer for layer in reversed(layers)}.values())[::-1]


def measure(network: str, layer: Layer, chip: Accelerator, case: Case) -> Row:
    """Search one layer, thrice if it is quick: other work on the machine makes times longer, never shorter."""
    rows = [searched(network, layer, chip, case)]
    while rows[0].seconds < 1 and len(rows) < REPEATS:
        entries.forget()
        rows.append(searched(network, layer, chip, case))
    return min(rows, key=lambda row: row.seconds)


def searched(network: str, layer: Layer, chip: Accelerator, case: Case) -> Row:
    """Search one layer."""
    begin = time.process_time()
    with Clock(LIMIT_S) as clock:
        question = Question(layer, chip, objective_for(chip, case.objective), case.space, clock)
        prepared = time.process_time() - begin
        found = best_of(question, clock)
    seconds = time.process_time() - begin
    if found is None:
        return Row(network, layer.name, seconds, prepared, 0, 0, 0.0, 0.0, None)
    c = found.certificate
    gap = 0.0 if c.proven else c.gap
    return Row(network, layer.name, seconds, prepared, c.nodes, c.leaves, c.mapspace, c.value, gap)


def table(case: Case, rows: list[Row]) -> str:
    """Rows as markdown."""
    lines = [
        f"### {case.chip}, {case.objective}, {case.space.placement}, {case.space.factors}\n",
        "| network | layer | seconds | preparing | nodes | priced exactly | mapspace | |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for r in rows:
        state = "proven"
        if r.gap is None:
            state = f"nothing found in {LIMIT_S:.0f} s"
        elif r.gap:
            state = f"stopped, gap {r.gap:.1%}"
        lines.append(
            f"| {r.network} | {r.layer} | {r.seconds:.3f} | {r.preparing:.3f} | {r.nodes:,} | {r.leaves:,} | "
            f"{r.mapspace:.1e} | {state} |"
        )
    for network in case.networks:
        seconds = [r.seconds for r in rows if r.network == network]
        if seconds:
            lines.append(
                f"\n{network}: median {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s, "
                f"all {len(seconds)} shapes {sum(seconds):.2f} s"
            )
    return "\n".join(lines) + "\n"


def run(case: Case) -> list[Row]:
    """Search all layers of a case."""
    chip = load_accelerator(case.chip)
    search(fully_connected("warm up", M=8, C=8), chip, case.objective)
    rows = []
    for network in case.networks:
        # What layers of one network share is part of the mapper; what other networks left behind is not.
        entries.forget()
        uneven.forget()
        for layer in layers_of(network):
            rows.append(measure(network, layer, chip, case))
            print(
                f"  {network:12}{layer.name:24}{rows[-1].seconds:9.3f} s{rows[-1].nodes:>13,} nodes",
                flush=True,
            )
    return rows


def targets(found: dict[Case, list[Row]]) -> str:
    """What DESIGN asks of the mapper, and what is reached."""
    energy, *others = (seconds_of(found, case, "resnet50") for case in (CASES[0], CASES[4], CASES[5]))
    perfect, imperfect = (seconds_of(found, case, "transformer") for case in (CASES[0], CASES[6]))
    open_ones = sum(row.gap != 0 for row in found[CASES[6]])
    left = f", {open_ones} of {len(imperfect)} not proven in {LIMIT_S:.0f} s" if open_ones else ""
    slowest = max(sum(times) / sum(energy) for times in others)
    rows = [
        ("ResNet-50 layers, median", f"{statistics.median(energy):.3f} s", "0.05 s"),
        ("ResNet-50 layers, worst", f"{max(energy):.2f} s", "1 s"),
        ("ResNet-50, all shapes", f"{sum(energy):.2f} s", "3 s"),
        ("matrix products of a transformer, worst", f"{max(perfect):.2f} s", "0.5 s"),
        ("latency or EDP against energy, ResNet-50", f"{slowest:.1f} times", "3 times"),
        (
            "imperfect against perfect, transformer",
            f"{sum(imperfect) / sum(perfect):.0f} times{left}",
            "5 times",
        ),
    ]
    lines = ["### Targets\n", "On eyeriss, uneven, perfect, if nothing else is said.\n"]
    lines += ["| | reached | target |", "|---|--:|--:|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return "\n".join(lines) + "\n"


def seconds_of(found: dict[Case, list[Row]], case: Case, network: str) -> list[float]:
    """Seconds of a network's layers."""
    return [row.seconds for row in found[case] if row.network == network]


def beside_accelforge() -> str:
    """Optima and times beside AccelForge's, on the same unit-cost chip."""
    chip = load_accelerator(ACCELFORGE_CHIP)
    search(fully_connected("warm up", M=8, C=8), chip)
    lines = [
        "### Beside AccelForge 1.0.467\n",
        "Unit-cost chip (benchmarks/accelforge/eyeriss-like.yaml), energy, perfect, uneven; AccelForge on 2 cores.\n",
        "| layer | AccelForge | seconds | chipwise | seconds | proven | times faster |",
        "|---|--:|--:|--:|--:|---|--:|",
    ]
    for layer, theirs, their_seconds in ACCELFORGE:
        row = measure("", layer, chip, Case((), "", space=UNEVEN))
        lines.append(
            f"| {layer.name} | {theirs:,} | {their_seconds} | {row.value:,.0f} | {row.seconds:.3f} | "
            f"{'yes' if row.gap == 0 else 'no'} | {their_seconds / row.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def page(parts: list[str]) -> str:
    """docs/performance.md."""
    stamp = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[0]
    head = (
        "# How fast the mapper is\n\n"
        "Written by `python benchmarks/mapper.py --write`; do not edit.\n\n"
        f"{stamp}, CPU seconds of one core of {os.cpu_count()} ({platform.machine()}, "
        f"Python {platform.python_version()}), load {load:.1f} at the end of the run, which makes cores slower; "
        "kernels compiled, nothing cached. "
        f"A search that takes longer than {LIMIT_S:.0f} s is stopped and says so.\n\n"
    )
    return head + "\n".join(parts)


def main() -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help="default: all cases of docs/performance.md")
    parser.add_argument("--on", default="eyeriss")
    parser.add_argument("--objective", default="energy")
    parser.add_argument("--mapspace", default="even")
    parser.add_argument("--factors", default="spatial")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    space = Mapspace(options.mapspace, options.factors)
    cases = (
        [Case(tuple(options.networks), options.on, options.objective, space)] if options.networks else CASES
    )
    found = {}
    for case in cases:
        print(f"{case.chip}, {case.objective}, {case.space.placement}, {case.space.factors}", flush=True)
        found[case] = run(case)
    parts = [table(case, rows) for case, rows in found.items()]
    if not options.networks:
        parts = [targets(found), beside_accelforge(), *parts]
    print("\n".join(parts))
    if options.write:
        PAGE.write_text(page(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
