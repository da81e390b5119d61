"""Energy-aware pruning (Yang, Chen and Sze, CVPR 2017): energy decides the order of layers, feature maps the weights.

    repeat
        order layers by their energy in the present network, most first
        for each layer: prune it as far as the energy saved is worth the loss on the hold-out (local.py)
        fine-tune the whole network by back-propagation, with masks
    until accuracy falls below the floor; what was above it last is returned

How far a single layer goes is not published. Here energy has a price, and each layer goes to the density d at which

    loss on the hold-out with the layer at d + price · energy of the layer at d / energy of the network

is least. One price for all layers is what the least energy at a loss asks for, wherever the loss comes from. Accuracy
that may fall by a share in each layer instead (equal, or in proportion to energy) was tried: it spends loss on layers
that give little for it, and decides by a handful of images.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, log
from typing import Any, Literal, final

from chipwise.adapt.budget import Budget
from chipwise.adapt.prune.local import USUAL, Local, prune_layer
from chipwise.adapt.prune.masks import bake, densities, mask_of, prunable, set_mask, set_weight
from chipwise.adapt.prune.rows import Rows, RowSampler, is_regressed
from chipwise.adapt.resource import Resource
from chipwise.adapt.shapes import LayerShape, measured_shapes
from chipwise.adapt.task import Score, Task
from chipwise.errors import InputError

Order = Literal["energy", "reverse", "network"]

STEP = 0.6
"""Between densities that are tried."""

Report = Callable[[str], None]
"""Told what was done, in a line."""


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """Of energy-aware pruning."""

    max_drop: float = 0.01
    """The floor: accuracy on the hold-out that the network may lose in all."""
    price: float = 0.2
    """Loss on the hold-out that saving all of the network's energy would be worth, before fine-tuning."""
    rounds: int = 3
    """At most."""
    steps: int = 200
    """Of fine-tuning in each round."""
    rate: float = 0.4
    """Of the task's learning rate in it: a few steps at the whole of it cost more than they mend."""
    order: Order = "energy"
    local: Local = USUAL
    least_density: float = 0.02
    """Of a layer."""
    images: int = 1500
    """That rows are taken from."""
    rows: int = 8000
    """Of each layer's fit: many more than a filter has weights."""
    judged: int = 1000
    """Images of the hold-out whose loss decides a layer's density."""

    def __post_init__(self) -> None:
        if self.order not in {"energy", "reverse", "network"}:
            raise InputError(f"order = {self.order!r} must be energy, reverse or network")
        if not 0 <= self.max_drop < 1:
            raise InputError(f"max_drop = {self.max_drop} must be at least 0 and below 1")
        for name in ("price", "rate"):
            if not 0 < getattr(self, name) < inf:
                raise InputError(f"{name} = {getattr(self, name)} must be above 0")
        for name in ("rounds", "images", "rows", "judged"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} must be at least 1")
        if not 0 < self.least_density < 1:
            raise InputError(f"least_density = {self.least_density} must be between 0 and 1")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pruned:
    """A network of the family, its zeros plain weights."""

    name: str
    """`dense`, `round 1`, ..."""
    model: Any
    shapes: tuple[LayerShape, ...]
    """With measured densities."""
    needs: Mapping[str, float]
    """Of each resource, by name."""
    holdout: Score
    densities: Mapping[str, float]
    """Of weights, by layer."""
    order: tuple[str, ...] = ()
    """In which layers were pruned."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class PruningResult:
    """The family, from the dense network on; the last one keeps the accuracy floor."""

    family: tuple[Pruned, ...]
    stopped: str
    """Why no further round: `accuracy`, `rounds`, `budget`, or `nothing` where no layer could be pruned."""
    settings: Settings = field(default_factory=Settings)

    @property
    def model(self) -> Any:
        """The network that is returned."""
        return self.family[-1].model


def energy_aware_pruning(
    model: Any,
    task: Task,
    energy: Resource,
    settings: Settings | None = None,
    *,
    budget: Budget | None = None,
    also: Sequence[Resource] = (),
    report: Report | None = None,
) -> PruningResult:
    """Prune a network for energy; `model` is left as it is.

    Args:
        model: a trained network.
        task: fine-tunes, on its train split, and judges, on its hold-out.
        energy: orders the layers; any resource that heeds densities.
        settings: how far and how.
        budget: ends the rounds as soon as it is met.
        also: resources to tell besides.
        report: told about each layer and round.

    Raises:
        InputError: a network that cannot be traced. BudgetError: the rounds end and the budget is not met.
        TrainingError: a loss that is no number.
    """
    asked = settings or Settings()
    sampler = RowSampler(task.train, images=asked.images, rows=asked.rows, seed=task.seed)
    resources = (energy, *also, *(limit.resource for limit in (budget.limits if budget else ())))
    images = sampler.inputs[:256]
    tell = report or (lambda _: None)

    def point(name: str, masked: Any, order: tuple[str, ...] = ()) -> Pruned:
        plain = bake(copy.deepcopy(masked))
        shapes = measured_shapes(plain, images)
        needs = {resource.name: resource.of(shapes) for resource in resources}
        return Pruned(name, plain, shapes, needs, task.evaluate(plain), densities(plain), order)

    present = copy.deepcopy(model)
    family = [point("dense", present)]
    floor = family[0].holdout.metric - asked.max_drop
    stopped = "rounds"
    for turn in range(asked.rounds):
        if budget is not None and budget.met(family[-1].shapes):
            stopped = "budget"
            break
        order = one_round(present, task, energy, family[-1].shapes, sampler, asked, turn, tell, budget)
        after = point(f"round {turn + 1}", present, order)
        shown = energy.show(after.needs[energy.name])
        tell(f"round {turn + 1}: {after.holdout.metric:.4f} on the hold-out, {energy.name} {shown}")
        if after.holdout.metric < floor:
            stopped = "accuracy"
            break
        family.append(after)
        if after.densities == family[-2].densities:
            stopped = "nothing"
            break
    if budget is not None and not budget.met(family[-1].shapes):
        budget.refuse(budget.needs(family[-1].shapes))
    return PruningResult(tuple(family), stopped, asked)


def one_round(
    model: Any,
    task: Task,
    energy: Resource,
    shapes: Sequence[LayerShape],
    sampler: RowSampler,
    asked: Settings,
    turn: int,
    tell: Report,
    budget: Budget | None = None,
) -> tuple[str, ...]:
    """Prune and fine-tune a network once, in place; the order in which layers were pruned.

    What layers are fitted to is the network at the beginning of the round, the dense one in the first: fine-tuning
    moves normalisations, and behind those the dense network's outputs would mean something else.

    Args:
        model: the present network; masked where it was pruned before.
        task: fine-tunes and judges.
        energy: orders the layers.
        shapes: of the present network, with measured densities.
        sampler: takes rows.
        asked: how far and how.
        turn: number of the round, from 0.
        tell: told about each layer.
        budget: no layer is pruned further than it asks for.
    """
    by_path = _by_path(model, shapes)
    needs = {path: sum(energy.of_layer(shape) for shape in own) for path, own in by_path.items()}
    outputs = sampler.outputs(model)
    present = list(shapes)
    order = _ordered(needs, asked.order)
    for path in order:
        if budget is not None and budget.met(present):
            break
        rows = sampler.rows(model, path, outputs[path])
        enough = partial(_meets, budget, present, by_path[path])
        _prune_for_energy(model, path, rows, task, energy, by_path[path], sum(needs.values()), asked, enough)
        found = densities(model)[path]
        tell(f"{path}: density {found:.3f}")
        present = _at_density(present, by_path[path], found)
    task.finetune(model, asked.steps, seed=task.seed + turn, learning_rate=asked.rate * task.learning_rate)
    return tuple(order)


def _by_path(model: Any, shapes: Sequence[LayerShape]) -> dict[str, list[LayerShape]]:
    """The layers that can be fitted, with their runs: the second one is called `path.2`, and pruned with the first."""
    known = {path for path, layer in prunable(model).items() if is_regressed(layer)}
    found: dict[str, list[LayerShape]] = {}
    for shape in shapes:
        path = shape.name if shape.name in known else shape.name.rpartition(".")[0]
        if path in known:
            found.setdefault(path, []).append(shape)
    return found


def _at_density(shapes: Sequence[LayerShape], own: Sequence[LayerShape], density: float) -> list[LayerShape]:
    """The network's shapes when the layer of `own` has that density of weights; activations are as they were."""
    names = {shape.name for shape in own}
    return [replace(s, weight_density=density) if s.name in names else s for s in shapes]


def _ordered(needs: Mapping[str, float], order: Order) -> list[str]:
    """Paths in the order in which they are pruned: the first meets a network that can still give much."""
    if order == "network":
        return list(needs)
    return sorted(needs, key=lambda path: needs[path], reverse=order == "energy")


def _ladder(high: float, least: float) -> list[float]:
    """Densities to try, from the present one down: they matter by factors."""
    return [high * STEP**k for k in range(1, 1 + int(log(least / high) / log(STEP) + 1e-9))]


def _meets(
    budget: Budget | None, present: Sequence[LayerShape], own: Sequence[LayerShape], density: float
) -> bool:
    """Whether the layer of `own` at that density brings the network within the budget."""
    return budget is not None and budget.met(_at_density(present, own, density))


def _prune_for_energy(
    model: Any,
    path: str,
    rows: Rows,
    task: Task,
    energy: Resource,
    own: Sequence[LayerShape],
    whole: float,
    asked: Settings,
    enough: Callable[[float], bool],
) -> None:
    """Prune one layer, in place, to where loss and the price of its energy are least together.

    From the present density down until the loss alone is more than that: a fit costs some loss however dense the layer
    stays, which the first steps need not make up for, but from there on the loss only rises.
    """

    def price(density: float) -> float:
        needs = sum(energy.of_layer(replace(shape, weight_density=density)) for shape in own)
        return asked.price * needs / whole

    high = densities(model)[path]
    best, best_worth = None, task.evaluate(model, most=asked.judged).loss + price(high)
    for density in _ladder(high, asked.least_density):
        trial = copy.deepcopy(model)
        prune_layer(prunable(trial)[path], density, rows, asked.local)
        loss = task.evaluate(trial, most=asked.judged).loss
        if loss > best_worth:
            break
        worth = loss + price(densities(trial)[path])
        if worth < best_worth:
            best, best_worth = trial, worth
        if enough(density):
            break
    if best is not None:
        kept, layer = prunable(best)[path], prunable(model)[path]
        set_mask(layer, mask_of(kept))
        set_weight(layer, kept.weight.detach())
