"""Pruning until a budget is met: zeros instead of removed filters, by magnitude or by energy."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chipwise.adapt.budget import Budget, budget
from chipwise.adapt.extra import torch
from chipwise.adapt.netadapt.search import Told, settled
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.prune import eap as published
from chipwise.adapt.prune.magnitude import magnitude_masks, magnitude_pruning
from chipwise.adapt.prune.masks import bake, set_masks, zeros_kept
from chipwise.adapt.resource import Energy, Resource
from chipwise.adapt.result import Adapted, Result, Row
from chipwise.adapt.search_folder import SearchFolder
from chipwise.adapt.shapes import LayerShape, measured_shapes
from chipwise.adapt.task import Task
from chipwise.errors import InputError

STEP, LEAST = 0.93, 0.01
"""Densities that are tried: 1, 0.93, 0.93², ... down to the least."""

ROUNDS = 12
"""Of energy-aware pruning, at most; the budget ends them."""

IMAGES = 256
"""On which densities of activations are measured."""

Pruner = Callable[
    [Any, Task, Budget, Settings, tuple[Resource, ...], Told], tuple[list[Adapted], Adapted, list[Row]]
]


def magnitude(
    model: Any, task: Task, wanted: Mapping[Resource, float | str], *args: Any, **kwargs: Any
) -> Result:
    """The least pruned network that meets a budget, by magnitude over all layers, in rounds with fine-tuning.

    Arguments, result and errors as `netadapt`; of the settings, the steps of long-term fine-tuning count. Zeros bring
    nothing on a chip or a device that does not skip them, so latency is often out of reach.
    """
    return _pruned("magnitude", _by_magnitude, model, task, wanted, *args, **kwargs)


def eap(model: Any, task: Task, wanted: Mapping[Resource, float | str], *args: Any, **kwargs: Any) -> Result:
    """Energy-aware pruning until a budget is met; arguments, result and errors as `netadapt`.

    Raises:
        InputError: no energy among the resources, by which layers are ordered.
    """
    return _pruned("eap", _by_energy, model, task, wanted, *args, **kwargs)


def _pruned(
    method: str,
    pruner: Pruner,
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
    settings = settings or Settings()
    limits = budget(wanted, _shapes(model, task))
    others = [r for r in watch if r.name not in {limit.resource.name for limit in limits.limits}]
    resources = (*(limit.resource for limit in limits.limits), *others)
    steps = {"long": task.long_steps, "batch": task.batch_size}
    asked = {
        "method": method, "task": task.name, "seed": task.seed, "steps": steps,
        "budget": {limit.resource.name: limit.most for limit in limits.limits}, "settings": asdict(settings),
    }  # fmt: skip
    family, history = ([], []) if folder is None else folder.open(model, asked)
    final = None if folder is None else folder.final(model)
    if final is None:
        with settled(task.seed):
            family, final, history = pruner(
                model, task, limits, settings, resources, progress or (lambda _share, _text: None)
            )
        if folder is not None:
            folder.keep_all(family, history, final)
    return Result(
        method,
        task.name,
        resources,
        limits,
        tuple(family),
        final,
        task.example,
        tuple(history),
        asked,
        source,
    )


def _shapes(model: Any, task: Task) -> tuple[LayerShape, ...]:
    return measured_shapes(model, _images(task))


def _images(task: Task) -> Any:
    return task.train.batch(torch.arange(min(IMAGES, len(task.train))))[0]


def _adapted(name: str, model: Any, task: Task, resources: Sequence[Resource], *, test: bool) -> Adapted:
    shapes = _shapes(model, task)
    needs = {resource.name: resource.of(shapes) for resource in resources}
    return Adapted(name, model, needs, task.evaluate(model), task.evaluate(model, "test") if test else None)


def _by_magnitude(
    model: Any, task: Task, limits: Budget, settings: Settings, resources: tuple[Resource, ...], told: Told
) -> tuple[list[Adapted], Adapted, list[Row]]:
    start = _adapted("start", model, task, resources, test=True)
    steps = task.long_steps if settings.long_steps is None else settings.long_steps
    density = STEP
    while density > LEAST:
        cut = _masked(model, density)
        if limits.met(_shapes(cut, task)):
            told(0.5, f"density {density:.3f}")
            tuned = magnitude_pruning(model, task, density, rounds=3, steps=steps)
            if limits.met(_shapes(tuned, task)):  # activations change as well
                before = _adapted("pruned", cut, task, resources, test=False)
                final = _adapted("final", tuned, task, resources, test=True)
                return (
                    [start, before],
                    final,
                    [{"iteration": 1, "density": density, "needs": dict(final.needs)}],
                )
        density *= STEP
    return limits.refuse(limits.needs(_shapes(_masked(model, LEAST), task)))


def _masked(model: Any, density: float) -> Any:
    cut = copy.deepcopy(model)
    set_masks(cut, magnitude_masks(cut, density))
    return bake(cut)


def _by_energy(
    model: Any, task: Task, limits: Budget, settings: Settings, resources: tuple[Resource, ...], told: Told
) -> tuple[list[Adapted], Adapted, list[Row]]:
    energy = next((r for r in resources if isinstance(r, Energy)), None)
    if energy is None:
        raise InputError("energy-aware pruning orders layers by energy; name a chip, as --on eyeriss")
    steps = task.long_steps if settings.long_steps is None else settings.long_steps
    how = published.Settings(max_drop=0.99, rounds=ROUNDS, steps=max(1, steps // 3))
    others = [r for r in resources if r is not energy]
    rounds: list[str] = []

    def report(text: str) -> None:
        rounds.append(text)
        told(sum(line.startswith("round") for line in rounds) / ROUNDS, text)

    found = published.energy_aware_pruning(
        model, task, energy, how, budget=limits, also=others, report=report
    )
    family = [Adapted(p.name, p.model, p.needs, p.holdout) for p in found.family]
    last = found.family[-1].model
    history: list[Row] = [
        {"iteration": i, "order": list(p.order), "densities": dict(p.densities), "needs": dict(p.needs)}
        for i, p in enumerate(found.family[1:], 1)
    ]
    tuned = copy.deepcopy(last)
    task.finetune(tuned, steps, masks=zeros_kept(tuned))
    # Fine-tuning changes activations, and with them energy; a network over the budget is no answer.
    kept = tuned if limits.met(_shapes(tuned, task)) else last
    return family, _adapted("final", kept, task, resources, test=True), history
