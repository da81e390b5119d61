"""Energy-aware pruning against magnitude pruning, with equal fine-tuning, on cluttered digits, over seeds.

python studies/pruning.py --seeds 0,1 --points FOLDER     runs seeds; each result is kept, so it can be killed
python studies/pruning.py --write --points FOLDER         puts what the folder holds into docs/adapt.md
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse
import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from adapt_files import at_equal_accuracy, noise, section, with_error
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
BUDGETS = {60: 0.02, 300: 0.05}
"""Steps of fine-tuning in all, the same for every method, and the learning rate that suits them: a twentieth of the
training, where its full rate shakes networks more than it mends them, and a third of it."""

UNIFORM, GLOBAL, PRICES = (0.3, 0.2, 0.1), (0.2, 0.1, 0.05), (0.3, 1.0, 3.0, 10.0)
WIDTHS, HIDDEN, BASE_STEPS = (12, 24, 24, 48, 48), 96, 1000
LOCAL = {
    "magnitude": MAGNITUDE,
    "+ restoring": Local(least_squares=False),
    "+ least squares": Local(restore=0.0),
    "both": Local(),
    "both, by filter": Local(scope="filter"),
}
LAST = f"{max(BUDGETS)}: gradual {GLOBAL[-1]}"
"""The point that a seed's run ends with."""

LOCAL_DENSITIES = (0.3, 0.2)

BELOW = (0.01, 0.02, 0.03)
"""Accuracy below the dense network's at which energies are compared."""


def masked(model: Any, task: Task, energy: Energy) -> dict[str, Callable[[], Any]]:
    """Pruned networks before fine-tuning, by name, their zeros plain weights."""
    found: dict[str, Callable[[], Any]] = {}

    def by_energy(price: float, **how: Any) -> Any:
        settings = Settings(max_drop=0.9, price=price, rounds=1, steps=0, **how)
        return energy_aware_pruning(model, task, energy, settings).model

    def by_magnitude(density: float, **how: Any) -> Any:
        return magnitude_pruning(model, task, density, steps=0, **how)

    for price in PRICES:
        found[f"EAP {price}"] = partial(by_energy, price)
        found[f"reverse {price}"] = partial(by_energy, price, order="reverse")
    found["choice 1.0"] = partial(by_energy, 1.0, local=MAGNITUDE)
    for density in UNIFORM:
        found[f"uniform {density}"] = partial(by_magnitude, density, scope="layer", spare=("0",))
    for density in GLOBAL:
        found[f"global {density}"] = partial(by_magnitude, density)
    return found


def measured(found: Any, task: Task, energy: Energy, inputs: Any) -> dict[str, Any]:
    """How well a network does, and what it needs."""
    shapes, layers = measured_shapes(found, inputs), densities(found)
    sizes = {shape.name: shape.filter_weights for shape in shapes}
    return {
        "test": task.evaluate(found, "test").metric,
        "holdout": task.evaluate(found).metric,
        "energy_pj": energy.of(shapes),
        "macs": sum(s.macs * s.weight_density for s in shapes) / Macs().of(shapes),
        "weights": sum(layers[name] * size for name, size in sizes.items()) / sum(sizes.values()),
        "densities": layers,
    }


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
        place.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), place)
    sampler = RowSampler(task.train, images=1500, rows=8000)
    for density in LOCAL_DENSITIES:
        for name, how in LOCAL.items():
            key = f"local {density} {name}"
            if points.get(key, "1") is None:
                found = prune_locally(copy.deepcopy(model), density, sampler, how)
                points.put(key, "1", {"test": task.evaluate(found, "test").metric})
                print(seed, key, points.get(key, "1"), flush=True)
    inputs = sampler.inputs[:256]
    if points.get("dense", "1") is None:
        points.put("dense", "1", measured(model, task, energy, inputs))
    for name, make in masked(model, task, energy).items():
        names = {f"{steps}: {name}": (steps, rate) for steps, rate in BUDGETS.items()}
        if all(points.get(own, "1") is not None for own in names):
            continue
        pruned = make()
        for own, (steps, rate) in names.items():
            found = copy.deepcopy(pruned)
            task.finetune(found, steps, masks=zeros_kept(found), learning_rate=rate)
            points.put(own, "1", measured(found, task, energy, inputs))
            print(seed, own, points.get(own, "1"), flush=True)
    steps, rate = max(BUDGETS.items())
    for density in GLOBAL:
        own = f"{steps}: gradual {density}"
        if points.get(own, "1") is None:
            given = replace(task, learning_rate=rate)
            found = magnitude_pruning(model, given, density, rounds=2, steps=steps)
            points.put(own, "1", measured(found, task, energy, inputs))
            print(seed, own, points.get(own, "1"), flush=True)


def compared(seeds: Sequence[dict[str, Any]], steps: int) -> list[list[str]]:
    """Energy at equal accuracy, relative to the dense network's, by method; and ratios to energy-aware pruning."""
    named = (n.split()[1] for n in seeds[0] if n.startswith(f"{steps}: "))
    methods = dict.fromkeys(method for method in named if method != "choice")  # which has one point
    dense = [found["dense"] for found in seeds]
    curves = {
        method: [
            [
                (p["energy_pj"] / found["dense"]["energy_pj"], p["test"])
                for n, p in found.items()
                if n.startswith((f"{steps}: {method} ", "dense"))
            ]
            for found in seeds
        ]
        for method in methods
    }
    rows = []
    for below in BELOW:
        accuracies = [point["test"] - below for point in dense]
        rows += at_equal_accuracy(curves, accuracies, f"{100 * below:.0f} below dense", 3, ratio)
    return rows


def ratio(values: Sequence[float]) -> str:
    """Mean with its standard error, and whether it is further from 1 than two of those."""
    return with_error(values, 3) + noise(values, 1)


def before_training(seeds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Accuracy by how weights are chosen and fitted, and points gained over magnitude, at each density."""
    rows = []
    for name in LOCAL:
        found = {d: [100 * s[f"local {d} {name}"]["test"] for s in seeds] for d in LOCAL_DENSITIES}
        plain = [100 * s["local 0.3 magnitude"]["test"] for s in seeds]
        gained = [own - other for own, other in zip(found[0.3], plain, strict=True)]
        rows.append(
            [
                name,
                *(with_error(found[d]) for d in LOCAL_DENSITIES),
                with_error(gained) if any(gained) else "",
            ]
        )
    return rows


def points_of(seeds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """All networks: accuracy, energy, weights and MACs."""
    return [
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


def written(seeds: Sequence[dict[str, Any]]) -> str:
    """The section of the document."""
    dense = with_error([100 * s["dense"]["test"] for s in seeds])
    head = ["points of test accuracy, method", "energy", "/ EAP", "seeds that have it"]
    equal = "\n".join(
        f"{steps} steps at {rate}:\n\n{markdown_table(head, compared(seeds, steps))}"
        for steps, rate in BUDGETS.items()
    )
    densities_ = [f"density {d}" for d in LOCAL_DENSITIES]
    local = markdown_table(
        ["test %, before any back-propagation", *densities_, "over magnitude at 0.3"], before_training(seeds)
    )
    every = ["steps: method", "test %", "energy", "weights", "MACs of non-zero weights"]
    return f"""### Pruning
Network `plain` ({WIDTHS} filters, then {HIDDEN}; {BASE_STEPS} steps) on cluttered digits, dense {dense} % on test;
{len(seeds)} seeds, each with its own fifth of the digits for test (a network's accuracy on 360 digits is known to about
one point); means ± standard errors over seeds. `python studies/pruning.py`.

{local}
Modelled energy on `{CHIP}`, batch {BATCH}, zeros of weights and activations counted, relative to the dense network.
All are pruned once and fine-tuned for as many steps, but `gradual`, which is `global` in two rounds. `EAP p`:
energy-aware pruning at a price p; `reverse` the same from the least energy on; `choice` with magnitude alone choosing
weights; `uniform` and `global` magnitude to that density, `uniform` sparing the first layer. Energy at equal accuracy,
between the points below (straight lines), and its ratio to EAP's in the same seed:

{equal}
The points:

{markdown_table(every, points_of(seeds))}"""


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
    kept = [Points(path).found for path in sorted(asked.points.glob("pruning_*.json"))]
    whole = [{name: p["value"] for name, p in seed.items()} for seed in kept if LAST in seed]
    if whole:
        text = written(whole)
        print(text)
        if asked.write:
            section("pruning", text)


if __name__ == "__main__":
    main()
