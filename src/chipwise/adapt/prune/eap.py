"""Energy-aware pruning (Yang, Chen and Sze, CVPR 2017): energy decides the order of layers, feature maps the weights.

    repeat
        order layers by their energy in the present network, most first
        for each layer: prune it as far as the accuracy floor of its turn allows (local.py)
        fine-tune the whole network by back-propagation, with masks
    until accuracy falls below the floor; what was above it last is returned

How far a single layer goes is not published. Here each may cost accuracy in proportion to its energy: the floors fall
from the accuracy at the beginning of a round, a0 − drop·(energy of the layers so far)/(energy of all). With one floor
for all, the first layer would take the whole drop; with equal shares, layers of many weights and little energy lose
accuracy for nothing.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal, final

from chipwise.adapt.budget import Budget
from chipwise.adapt.prune.local import USUAL, Local, prune_layer
from chipwise.adapt.prune.masks import bake, densities, mask_of, prunable, set_mask, set_weight
from chipwise.adapt.prune.rows import RowSampler, is_regressed
from chipwise.adapt.resource import Resource
from chipwise.adapt.shapes import LayerShape, measured_shapes
from chipwise.adapt.task import Score, Task
from chipwise.errors import InputError

Order = Literal["energy", "reverse", "network"]

Report = Callable[[str], None]
"""Told what was done, in a line."""


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """Of energy-aware pruning."""

    max_drop: float = 0.01
    """The floor: accuracy on the hold-out that the network may lose in all."""
    drop: float = 0.03
    """What it may lose in each round before fine-tuning, which brings most of it back."""
    rounds: int = 3
    """At most."""
    steps: int = 200
    """Of fine-tuning in each round."""
    order: Order = "energy"
    local: Local = USUAL
    least_density: float = 0.02
    """Of a layer."""
    trials: int = 5
    """Densities tried for each layer, by bisection."""
    images: int = 1500
    """That rows are taken from."""
    rows: int = 8000
    """Of each layer's fit: many more than a filter has weights."""
    judged: int = 1000
    """Images of the hold-out by which a layer's density is decided."""

    def __post_init__(self) -> None:
        if self.order not in {"energy", "reverse", "network"}:
            raise InputError(f"order = {self.order!r} must be energy, reverse or network")
        for name in ("max_drop", "drop"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} must be at least 0 and below 1")
        for name in ("rounds", "trials", "images", "rows", "judged"):
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
        order = one_round(present, task, energy, family[-1].shapes, sampler, asked, turn, tell)
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
    """
    energies = _ordered(model, energy, shapes, asked.order)
    _prune_in_turn(model, task, energies, sampler, sampler.outputs(model), asked, tell)
    task.finetune(model, asked.steps, seed=task.seed + turn)
    return tuple(energies)


def _ordered(model: Any, energy: Resource, shapes: Sequence[LayerShape], order: Order) -> dict[str, float]:
    """Energy by layer, in the order in which they are pruned: the first meets a network that can still give much."""
    needs: dict[str, float] = {}
    known = {path for path, layer in prunable(model).items() if is_regressed(layer)}
    for shape in shapes:
        # The second run of a layer is called `path.2`, and is pruned with the first.
        path = shape.name if shape.name in known else shape.name.rpartition(".")[0]
        if path in known:
            needs[path] = needs.get(path, 0.0) + energy.of_layer(shape)
    if order == "network":
        return needs
    return {
        path: needs[path] for path in sorted(needs, key=lambda path: needs[path], reverse=order == "energy")
    }


def _prune_in_turn(
    model: Any,
    task: Task,
    energies: Mapping[str, float],
    sampler: RowSampler,
    outputs: Mapping[str, Any],
    asked: Settings,
    tell: Report,
) -> None:
    """Prune each layer in turn, in place, to the least density that keeps its floor."""
    start = task.evaluate(model, most=asked.judged).metric
    for path, so_far in zip(energies, accumulate(energies.values()), strict=True):
        floor = start - asked.drop * so_far / sum(energies.values())
        low, high = asked.least_density, densities(model)[path]
        best = None
        rows = sampler.rows(model, path, outputs[path])
        for _ in range(asked.trials):
            # Halves the ratio, not the difference: densities matter by factors.
            density = (low * high) ** 0.5
            if density > 0.97 * high:
                break
            trial = copy.deepcopy(model)
            prune_layer(prunable(trial)[path], density, rows, asked.local)
            if task.evaluate(trial, most=asked.judged).metric >= floor:
                best, high = trial, density
            else:
                low = density
        if best is not None:
            kept, layer = prunable(best)[path], prunable(model)[path]
            set_mask(layer, mask_of(kept))
            set_weight(layer, kept.weight.detach())
        tell(f"{path}: density {densities(model)[path]:.3f}")
