"""Pruning to a budget, as methods of `chipwise adapt`: rounds are kept as they are done, so that a run goes on."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, final

from chipwise.adapt.budget import budget
from chipwise.adapt.netadapt.search import Told, settled
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.prune import eap
from chipwise.adapt.prune.magnitude import cubic, magnitude_masks
from chipwise.adapt.prune.masks import bake, densities, mask_zeros, set_masks, zeros_kept
from chipwise.adapt.prune.rows import RowSampler
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Adapted, Result, Row
from chipwise.adapt.search_folder import SearchFolder
from chipwise.adapt.shapes import LayerShape, measured_shapes
from chipwise.adapt.task import Task
from chipwise.errors import InputError

MOST_ROUNDS = 12
LEAST_DENSITY = 0.005
GRADUAL = 3
"""Rounds in which magnitude pruning comes to the density that it aims at."""


@final
class Pruning:
    """A run: its family so far, and what its networks need, with densities measured on the same images."""

    def __init__(
        self,
        method: str,
        model: Any,
        task: Task,
        wanted: Mapping[Resource, float | str],
        settings: Settings,
        watch: Sequence[Resource],
        folder: SearchFolder | None,
        progress: Told | None,
        source: str,
    ) -> None:
        self.method, self.task, self.folder, self.source = method, task, folder, source
        self.told: Told = progress or (lambda _share, _text: None)
        self.sampler = RowSampler(task.train, images=1500, rows=3000, seed=task.seed)
        self.budget = budget(wanted, self.shapes(model))
        own = {limit.resource.name for limit in self.budget.limits}
        self.resources = (
            *(limit.resource for limit in self.budget.limits),
            *(r for r in watch if r.name not in own),
        )
        long = settings.long_steps
        self.long_steps = task.long_steps if long is None else long
        short = settings.short_steps
        self.round_steps = max(1, self.long_steps // 4) if short is None else short
        limits = {limit.resource.name: limit.most for limit in self.budget.limits}
        self.question = {
            "method": method,
            "task": task.name,
            "seed": task.seed,
            "budget": limits,
            "steps": {"round": self.round_steps, "long": self.long_steps, "batch": task.batch_size},
            "learning_rate": task.learning_rate,
        }
        self.family: list[Adapted] = []
        self.history: list[Row] = []
        if folder is not None:
            self.family, self.history = folder.open(model, self.question)
        if not self.family:
            self.keep(self.point("start", model), None)

    def shapes(self, model: Any) -> tuple[LayerShape, ...]:
        """Of a baked network, with the densities that it has on real inputs."""
        return measured_shapes(model, self.sampler.inputs[:256])

    def point(self, name: str, model: Any) -> Adapted:
        """A baked network of the family."""
        shapes = self.shapes(model)
        needs = {resource.name: resource.of(shapes) for resource in self.resources}
        return Adapted(name, model, needs, self.task.evaluate(model), self.task.evaluate(model, "test"))

    def keep(self, found: Adapted, row: Row | None) -> None:
        """Add a network to the family, on disk at once."""
        self.family.append(found)
        if row is not None:
            self.history.append(row)
        if self.folder is not None:
            self.folder.keep(found, row)

    def met(self, found: Adapted) -> bool:
        """Whether a network keeps the budget."""
        return all(found.needs[x.resource.name] <= x.most * (1 + 1e-9) for x in self.budget.limits)

    def share(self) -> float:
        """How far the way to the budget is gone, by the resource that is furthest from its own."""
        needs = self.family[-1].needs
        ways = [(x.start - needs[x.resource.name]) / max(x.start - x.most, 1e-30) for x in self.budget.limits]
        return min(1.0, max(0.0, min(ways)))

    def run(self, rounds: Iterator[tuple[Any, Row]]) -> Result:
        """Take rounds until the budget is met, before and after long-term fine-tuning."""
        final = None if self.folder is None else self.folder.final(self.family[0].model)
        while final is None:
            while not self.met(self.family[-1]):
                began = time.perf_counter()
                model, row = next(rounds, (None, {}))
                if model is None:
                    self.budget.refuse(self.family[-1].needs)
                found = self.point(f"round {len(self.family)}", model)
                row = {
                    "round": len(self.family),
                    **row,
                    "densities": densities(model),
                    "needs": dict(found.needs),
                    "holdout": asdict(found.holdout),
                    "seed": self.task.seed,
                    "seconds": round(time.perf_counter() - began, 3),
                }
                self.keep(found, row)
                self.told(self.share(), f"{found.name}: {found.holdout.metric:.1%}")
            final = self._finetuned()
        return Result(
            self.method, self.task.name, self.resources, self.budget, tuple(self.family), final,
            self.task.example, tuple(self.history), self.question, self.source,
        )  # fmt: skip

    def _finetuned(self) -> Adapted | None:
        """The last network after long-term fine-tuning; None if its activations then need more than the budget."""
        self.told(1.0, "long-term fine-tuning")
        model = copy.deepcopy(self.family[-1].model)
        with settled(self.task.seed):
            self.task.finetune(model, self.long_steps, masks=zeros_kept(model))
        found = self.point("final", model)
        if not self.met(found):
            # Then pruning goes on from it; what it needs is the family's last word.
            row = {"round": len(self.family), "densities": densities(model), "needs": dict(found.needs)}
            self.keep(self.point(f"round {len(self.family)}, fine-tuned", model), row)
            return None
        if self.folder is not None:
            self.folder.keep_final(found)
        return found


def energy_aware(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    *,
    watch: tuple[Resource, ...] = (),
    folder: SearchFolder | None = None,
    progress: Told | None = None,
    source: str = "",
) -> Result:
    """Energy-aware pruning until a budget is met, then long-term fine-tuning.

    Arguments and result as `netadapt`; of the settings, the steps count: `short_steps` of each round, by default a
    quarter of the long ones.

    Raises:
        InputError: no modelled energy among the resources. BudgetError: a budget that zeros don't reach.
        TrainingError: a loss that is no number.
    """
    energy = next((r for r in (*wanted, *watch) if r.name == "energy"), None)
    if energy is None:
        raise InputError("method eap orders layers by energy; name a chip, as --on eyeriss")
    run = Pruning("eap", model, task, wanted, settings or Settings(), watch, folder, progress, source)
    asked = eap.Settings(steps=run.round_steps)

    def rounds() -> Iterator[tuple[Any, Row]]:
        while len(run.family) <= MOST_ROUNDS:
            last = run.family[-1].model
            present = mask_zeros(copy.deepcopy(last))
            turn = len(run.family) - 1

            def tell(line: str) -> None:
                run.told(run.share(), line)

            with settled(task.seed * 1000 + turn):
                order = eap.one_round(present, task, energy, run.shapes(last), run.sampler, asked, turn, tell)
            if densities(bake(present)) == densities(last):
                return
            yield present, {"order": list(order)}

    return run.run(rounds())


def magnitude(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    *,
    watch: tuple[Resource, ...] = (),
    folder: SearchFolder | None = None,
    progress: Told | None = None,
    source: str = "",
) -> Result:
    """Global magnitude pruning, gradually, to the density that a budget asks for, then long-term fine-tuning.

    Arguments, result and errors as `energy_aware`, but that no energy is needed.
    """
    run = Pruning("magnitude", model, task, wanted, settings or Settings(), watch, folder, progress, source)
    aim = _density(run, model)

    def rounds() -> Iterator[tuple[Any, Row]]:
        while True:
            turn = len(run.family) - 1
            # Fine-tuning moves activations: where they need more than was foreseen, a tenth less of the weights stays.
            now = cubic(aim, (turn + 1) / GRADUAL) if turn < GRADUAL else aim * 0.9 ** (turn - GRADUAL + 1)
            if now < LEAST_DENSITY:
                return
            present = mask_zeros(copy.deepcopy(run.family[-1].model))
            with settled(task.seed * 1000 + turn):
                set_masks(present, magnitude_masks(present, now))
                task.finetune(present, run.round_steps, seed=task.seed + turn)
            yield bake(present), {"density": now}

    return run.run(rounds())


def _density(run: Pruning, model: Any) -> float:
    """The largest density at which the network, pruned at once, meets the budget."""

    def point(density: float) -> dict[str, float]:
        trial = copy.deepcopy(model)
        set_masks(trial, magnitude_masks(trial, density))
        return run.budget.needs(run.shapes(bake(trial)))

    def met(needs: Mapping[str, float]) -> bool:
        return all(needs[x.resource.name] <= x.most for x in run.budget.limits)

    low, high = LEAST_DENSITY, 1.0
    least = point(low)
    if not met(least):
        run.budget.refuse(least)
    while high > 1.02 * low:
        middle = (low * high) ** 0.5
        if met(point(middle)):
            low = middle
        else:
            high = middle
    return low
