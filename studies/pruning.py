"""Energy-aware pruning against magnitude pruning, with equal fine-tuning, on cluttered digits, over seeds.

python studies/pruning.py --seeds 0,1 --points FOLDER     runs seeds; each result is kept, so it can be killed
python studies/pruning.py --write --points FOLDER         puts what the folder holds into docs/adapt.md
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from adapt_files import least_at, section, with_error
from study_files import Points, markdown_table

from chipwise.adapt.networks import plain
from chipwise.adapt.prune.eap import Settings, energy_aware_pruning
from chipwise.adapt.prune.local import MAGNITUDE, Local, prune_locally
from chipwise.adapt.prune.magnitude import magnitude_pruning
from chipwise.adapt.prune.masks import densities, zeros_kept
from chipwise.adapt.prune.rows import RowSampler
from chipwise.adapt.resource import Energy, Macs
from chipwise.adapt.shapes import measured_shapes
from chipwise.adapt.task import Task
from chipwise.adapt.tasks.digits import FOLDS, digits

CHIP, BATCH = "eyeriss", 16
BUDGETS = (60, 300)
"""Steps of fine-tuning in all, the same for every method: little, and a third of the training."""

ROUNDS = 2
UNIFORM, GLOBAL, DROPS = (0.3, 0.2, 0.1), (0.2, 0.1, 0.05), (0.01, 0.03, 0.06)
WIDTHS, HIDDEN, BASE_STEPS = (12, 24, 24, 48, 48), 96, 1000
LOCAL = {
    "magnitude": MAGNITUDE,
    "+ restoring": Local(least_squares=False),
    "+ least squares": Local(restore=0.0),
    "both": Local(),
}
BELOW = (0.01, 0.02)
"""Accuracy below the dense network's at which energies are compared."""


def pruned(model: Any, task: Task, energy: Energy, steps: int, drop: float, **how: Any) -> Any:
    """Energy-aware pruning in so many rounds, without a floor, and the rest of the fine-tuning."""
    each = steps // (2 * ROUNDS)  # and half of all behind the last round
    settings = Settings(max_drop=0.9, drop=drop, rounds=ROUNDS, steps=each, trials=4, **how)
    found = energy_aware_pruning(model, task, energy, settings).model
    task.finetune(found, steps - ROUNDS * each, masks=zeros_kept(found), seed=task.seed + ROUNDS)
    return found


def methods(model: Any, task: Task, energy: Energy, steps: int) -> dict[str, Callable[[], Any]]:
    """What is compared, by name."""
    found: dict[str, Callable[[], Any]] = {}
    for drop in DROPS:
        found[f"EAP {drop}"] = lambda drop=drop: pruned(model, task, energy, steps, drop)
        found[f"reverse {drop}"] = lambda drop=drop: pruned(model, task, energy, steps, drop, order="reverse")
    for density in UNIFORM:
        found[f"uniform {density}"] = lambda d=density: magnitude_pruning(
            model, task, d, scope="layer", rounds=ROUNDS, steps=steps, spare=("0",)
        )
    for density in GLOBAL:
        found[f"global {density}"] = lambda d=density: magnitude_pruning(
            model, task, d, rounds=ROUNDS, steps=steps
        )
    return found


def run(seed: int, points: Points) -> None:
    """All of one seed; the fold of tested digits goes with it."""
    task = digits(seed, fold=seed % FOLDS)
    energy = Energy(CHIP, BATCH)
    torch.manual_seed(seed)
    model = plain(WIDTHS, hidden=HIDDEN)
    place = points.path.with_suffix(".pt")
    if place.exists():
        model.load_state_dict(torch.load(place, weights_only=True))
    else:
        task.finetune(model, BASE_STEPS)
        torch.save(model.state_dict(), place)
    sampler = RowSampler(task.train, images=1500, rows=8000)
    for density in (0.3, 0.2):
        for name, how in LOCAL.items():
            key = f"local {density} {name}"
            if points.get(key, "1") is None:
                found = prune_locally(copy.deepcopy(model), density, sampler, how)
                points.put(key, "1", {"test": task.evaluate(found, "test").metric})
                print(seed, key, points.get(key, "1"), flush=True)
    runs = {"dense": lambda: model}
    for steps in BUDGETS:
        runs |= {f"{steps}: {name}": make for name, make in methods(model, task, energy, steps).items()}
    for name, make in runs.items():
        if points.get(name, "1") is None:
            found = make()
            shapes = measured_shapes(found, sampler.inputs[:256])
            layers = densities(found)
            point = {
                "test": task.evaluate(found, "test").metric,
                "holdout": task.evaluate(found).metric,
                "energy_pj": energy.of(shapes),
                "macs": sum(s.macs * s.weight_density for s in shapes) / Macs().of(shapes),
                "weights": sum(layers[s.name] * s.filter_weights for s in shapes)
                / sum(s.filter_weights for s in shapes),
                "densities": layers,
            }
            points.put(name, "1", point)
            print(seed, name, point, flush=True)


def compared(seeds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Energy at equal accuracy, relative to the dense network's, by method; and ratios to energy-aware pruning."""
    rows = []
    for below in BELOW:
        at: dict[str, list[float | None]] = {}
        for found in seeds:
            dense = found["dense"]
            for method in ("EAP", "reverse", "global", "uniform"):
                curve = [
                    (p["energy_pj"], p["test"]) for n, p in found.items() if n.split()[0] in (method, "dense")
                ]
                value = least_at(curve, dense["test"] - below)
                at.setdefault(method, []).append(None if value is None else value / dense["energy_pj"])
        for method, values in at.items():
            own = [v for v in values if v is not None]
            both = [v / e for v, e in zip(values, at["EAP"], strict=True) if v is not None and e is not None]
            rows.append(
                [
                    f"{100 * below:.0f} below dense, {method}",
                    with_error(own, 3) if own else "no point so low",
                    with_error(both, 3) if both and method != "EAP" else "",
                    f"{len(own)} of {len(values)}",
                ]
            )
    return rows


def written(seeds: Sequence[dict[str, Any]]) -> str:
    """The section of the document."""
    dense = with_error([100 * s["dense"]["test"] for s in seeds])
    local = [
        [name]
        + [with_error([100 * s[f"local {d} {name}"]["test"] for s in seeds]) for d in (0.3, 0.2)]
        + [
            ""
            if name == "magnitude"
            else with_error(
                [100 * (s[f"local 0.3 {name}"]["test"] - s["local 0.3 magnitude"]["test"]) for s in seeds]
            )
        ]
        for name in LOCAL
    ]
    rows = [
        [
            name,
            with_error([100 * s[name]["test"] for s in seeds]),
            with_error([s[name]["energy_pj"] / s["dense"]["energy_pj"] for s in seeds], 3),
            f"{mean(s[name]['weights'] for s in seeds):.3f}",
            f"{mean(s[name]['macs'] for s in seeds):.3f}",
        ]
        for name in seeds[0]
        if not name.startswith("local") and all(name in s for s in seeds)
    ]
    head = ["test %, before any back-propagation", "density 0.3", "density 0.2", "over magnitude at 0.3"]
    return f"""### Pruning
Network `plain` ({WIDTHS} filters, then {HIDDEN}; {BASE_STEPS} steps) on cluttered digits, dense {dense} % on test;
{len(seeds)} seeds, each with its own fifth of the digits for test (a network's accuracy on 360 digits is known to about
one point); means ± standard errors over seeds.

{markdown_table(head, local)}
Modelled energy on `{CHIP}`, batch {BATCH}, zeros of weights and activations counted, relative to the dense network.
Each network is fine-tuned for {STEPS} steps in all: `EAP d` in {ROUNDS} rounds that lose up to d before fine-tuning;
`reverse` the same from the least energy on; `choice` the same with magnitude alone choosing weights; `uniform` and
`global` magnitude to that density in {ROUNDS} rounds, `uniform` sparing the first layer.

{markdown_table(["method", "test %", "energy", "weights", "MACs of non-zero weights"], rows)}
Energy at equal accuracy, between the points above (straight lines), and its ratio to EAP's in the same seed:

{markdown_table(["points of test accuracy, method", "energy", "/ EAP", "seeds that have it"], compared(seeds))}
"""


def main() -> None:
    """Run seeds, or write what they found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="")
    parser.add_argument("--points", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for seed in (int(s) for s in asked.seeds.split(",") if s):
        run(seed, Points(asked.points / f"pruning_{seed}.json"))
    if asked.write:
        found = [Points(path).found for path in sorted(asked.points.glob("pruning_*.json"))]
        whole = [{name: p["value"] for name, p in seed.items()} for seed in found if "EAP 0.03" in seed]
        text = written(whole)
        print(text)
        section("pruning", text)


if __name__ == "__main__":
    main()
