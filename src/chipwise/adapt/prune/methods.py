"""Pruning to a budget, as methods of `chipwise adapt`: rounds are kept as they are done, so that a run goes on."""

import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Unpack, final

from chipwise.adapt.budget import budget
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.prune import eap
from chipwise.adapt.prune.magnitude import cubic, magnitude_masks
from chipwise.adapt.prune.masks import bake, densities, mask_zeros, set_masks, zeros_kept
from chipwise.adapt.prune.rows import RowSampler
from chipwise.adapt.resource import Resource
from chipwise.adapt.result import Adapted, Result, Row
from chipwise.adapt.run_state import Options, RunState, settled
from chipwise.adapt.shapes import LayerShape, measured_shapes
from chipwise.adapt.task import Task
from chipwise.errors import InputError

MOST_ROUNDS = 12
FIRST_PRICE = 0.1
"""Of energy in the first round; it doubles from round to round, so that a near budget is met by cheap steps alone."""

LEAST_DENSITY = 0.005
GRADUAL = 3
"""Rounds in which magnitude pruning comes to the density that it aims at."""

JUDGED = 256
"""Images by which activations' densities are measured."""


@final
class Pruning:
    """A run, and what its networks need, with densities measured on the same images.

    Args:
        method: by name.
        model: the network to begin with.
        task: fine-tunes and judges.
        wanted: the budget.
        settings: of which the steps count.
        images: by which densities are measured.
        options: as `run_state.Options`.
    """

    def __init__(
        self,
        method: str,
        model: Any,
        task: Task,
        wanted: Mapping[Resource, float | str],
        settings: Settings,
        images: Any,
        options: Options,
    ) -> None:
        self._images = images[:JUDGED]
        self._long_steps = task.long_steps if settings.long_steps is None else settings.long_steps
        short = settings.short_steps
        self.round_steps = max(1, self._long_steps // 4) if short is None else short
        steps = {"round": self.round_steps, "long": self._long_steps}
        limits = budget(wanted, self.shapes(model))
        details = {"steps": steps, "max drop": settings.max_drop}
        self.state = RunState(method, model, task, limits, details, options)

    @property
    def last(self) -> Adapted:
        """The network of this round."""
        return self.state.family[-1]

    @property
    def turn(self) -> int:
        """Number of this round, from 0."""
        return len(self.state.family) - 1

    def shapes(self, model: Any) -> tuple[LayerShape, ...]:
        """Of a baked network, with the densities that it has on real inputs."""
        return measured_shapes(model, self._images)

    def _point(self, name: str, model: Any) -> Adapted:
        task = self.state.task
        needs = self.state.needs(self.shapes(model))
        return Adapted(name, model, needs, task.evaluate(model), task.evaluate(model, "test"))

    def run(self, model: Any, rounds: Iterator[tuple[Any, Row]]) -> Result:
        """Take rounds until the budget is met, before and after long-term fine-tuning; go on where the folder ends."""
        state = self.state
        state.open(model)
        if not state.family:
            state.keep(self._point("start", model), None)
        final = state.final()
        while final is None:
            while state.budget.over(self.last.needs):
                began = time.perf_counter()
                model, row = next(rounds, (None, {}))
                if model is None:
                    state.budget.refuse(self.last.needs)
                found = self._point(f"round {self.turn + 1}", model)
                row = {
                    "round": self.turn + 1,
                    **row,
                    "densities": densities(model),
                    "needs": dict(found.needs),
                    "holdout": asdict(found.holdout),
                    "seed": state.task.seed,
                    "seconds": round(time.perf_counter() - began, 3),
                }
                state.keep(found, row)
                state.told(state.share(found.needs), f"{found.name}: {found.holdout.metric:.1%}")
            final = self._finetuned()
        return state.result(final)

    def _finetuned(self) -> Adapted | None:
        """The last network after long-term fine-tuning; None if its activations then need more than the budget."""
        model = self.state.tuned(self._long_steps, zeros_kept)
        found = self._point("final", model)
        if self.state.budget.over(found.needs):
            # Then pruning goes on from it; what it needs is the family's last word.
            row = {"round": self.turn + 1, "densities": densities(model), "needs": dict(found.needs)}
            self.state.keep(replace(found, name=f"round {self.turn + 1}, fine-tuned"), row)
            return None
        self.state.keep_final(found)
        return found


def energy_aware(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    **options: Unpack[Options],
) -> Result:
    """Energy-aware pruning until a budget is met, then long-term fine-tuning.

    Arguments and result as `netadapt`; of the settings, the steps (`short_steps` of each round, by default a quarter of
    the long ones) and `max_drop` count.

    Raises:
        InputError: no modelled energy among the resources. BudgetError: a budget that zeros don't reach, or not
        within `max_drop`. TrainingError: a loss that is no number.
    """
    energy = next((r for r in (*wanted, *options.get("watch", ())) if r.name == "energy"), None)
    if energy is None:
        raise InputError("method eap orders layers by energy; name a chip, as --on eyeriss")
    settings = settings or Settings()
    usual = eap.Settings()
    sampler = RowSampler(task.train, images=usual.images, rows=usual.rows, seed=task.seed)
    run = Pruning("eap", model, task, wanted, settings, sampler.inputs, options)
    state = run.state
    nothing = [shape.with_densities(lambda _: 0.0) for shape in run.shapes(model)]
    if not state.budget.met(nothing):
        state.budget.refuse(state.budget.needs(nothing))

    def tell(line: str) -> None:
        state.told(state.share(run.last.needs), line)

    def rounds() -> Iterator[tuple[Any, Row]]:
        while run.turn < MOST_ROUNDS:
            _keep_floor(run, settings.max_drop)
            last, turn = run.last.model, run.turn
            present = mask_zeros(copy.deepcopy(last))
            asked = replace(usual, steps=run.round_steps, price=FIRST_PRICE * 2**turn)
            shapes = run.shapes(last)
            with settled(task.seed * 1000 + turn):
                order = eap.one_round(present, task, energy, shapes, sampler, asked, turn, tell, state.budget)
            yield bake(present), {"order": list(order), "price": asked.price}

    return run.run(model, rounds())


def _keep_floor(run: Pruning, max_drop: float | None) -> None:
    """Refuse a budget that is not met when the network has lost as much accuracy as it may."""
    start, last = run.state.family[0].holdout.metric, run.last.holdout.metric
    if max_drop is not None and last < start - max_drop:
        kept = next(point for point in reversed(run.state.family) if point.holdout.metric >= start - max_drop)
        ended = (
            f"the next round falls to {last:.1%} on the hold-out, more than max drop {max_drop:g} below {start:.1%}; "
            "allow a larger drop or more energy"
        )
        run.state.budget.refuse(kept.needs, ended)


def magnitude(
    model: Any,
    task: Task,
    wanted: Mapping[Resource, float | str],
    settings: Settings | None = None,
    **options: Unpack[Options],
) -> Result:
    """Global magnitude pruning, gradually, to the density that a budget asks for, then long-term fine-tuning.

    Arguments, result and errors as `energy_aware`, but that no energy is needed.
    """
    images = RowSampler(task.train, images=JUDGED, seed=task.seed).inputs
    run = Pruning("magnitude", model, task, wanted, settings or Settings(), images, options)
    aim = _density(run, model)

    def rounds() -> Iterator[tuple[Any, Row]]:
        while True:
            turn = run.turn
            # Fine-tuning moves activations: where they need more than was foreseen, a tenth less of the weights stays.
            now = cubic(aim, (turn + 1) / GRADUAL) if turn < GRADUAL else aim * 0.9 ** (turn - GRADUAL + 1)
            if now < LEAST_DENSITY:
                return
            present = mask_zeros(copy.deepcopy(run.last.model))
            with settled(task.seed * 1000 + turn):
                set_masks(present, magnitude_masks(present, now))
                task.finetune(present, run.round_steps, seed=task.seed + turn)
            yield bake(present), {"density": now}

    return run.run(model, rounds())


def _density(run: Pruning, model: Any) -> float:
    """The largest density at which the network, pruned at once, meets the budget."""
    limits = run.state.budget

    def point(density: float) -> dict[str, float]:
        trial = copy.deepcopy(model)
        set_masks(trial, magnitude_masks(trial, density))
        return limits.needs(run.shapes(bake(trial)))

    low, high = LEAST_DENSITY, 1.0
    least = point(low)
    if limits.over(least):
        limits.refuse(least)
    while high > 1.02 * low:
        middle = (low * high) ** 0.5
        if not limits.over(point(middle)):
            low = middle
        else:
            high = middle
    return low
