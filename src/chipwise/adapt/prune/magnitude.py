"""Magnitude pruning: the smallest weights go, in each layer alike or over the whole network."""

import copy
from collections.abc import Collection, Mapping
from typing import Any, Literal

from chipwise.adapt.extra import torch
from chipwise.adapt.prune.masks import bake, prunable, set_masks
from chipwise.adapt.task import Task
from chipwise.errors import InputError

Scope = Literal["layer", "global"]


def largest(values: Any, keep: int) -> Any:
    """True for the `keep` largest values; of equal ones, the first."""
    mask = torch.zeros(values.numel(), dtype=torch.bool)
    mask[values.flatten().argsort(descending=True, stable=True)[:keep]] = True
    return mask.reshape(values.shape)


def magnitude_masks(
    model: Any, density: float, *, scope: Scope = "global", spare: Collection[str] = ()
) -> dict[str, Any]:
    """Which weights stay when the smallest |w| go, by path of the layer.

    Args:
        model: the network.
        density: fraction of weights that stay, above 0 and at most 1, of the layers that are not spared.
        scope: `layer` keeps that fraction of each layer (Han et al., NIPS 2015, with one threshold per layer), `global`
            of all layers together.
        spare: paths of layers that stay whole, such as a first one of nine weights per filter.

    Raises:
        InputError: another density or scope, a path of no layer.
    """
    if not 0 < density <= 1:
        raise InputError(f"density = {density} must be above 0 and at most 1")
    layers = prunable(model)
    unknown = sorted(set(spare) - set(layers))
    if unknown:
        raise InputError(
            f"layer {unknown[0]!r} is to be spared, but there is none; there are {', '.join(layers)}"
        )
    sizes = {path: layer.weight.detach().abs() for path, layer in layers.items() if path not in spare}
    if scope == "layer":
        return {path: largest(size, max(1, round(density * size.numel()))) for path, size in sizes.items()}
    if scope != "global":
        raise InputError(f"scope = {scope!r} must be 'layer' or 'global'")
    every = torch.cat([size.flatten() for size in sizes.values()])
    kept = largest(every, max(1, round(density * every.numel())))
    parts = kept.split([size.numel() for size in sizes.values()])
    return {path: part.reshape(sizes[path].shape) for path, part in zip(sizes, parts, strict=True)}


def cubic(density: float, share: float) -> float:
    """Density when `share` of a gradual schedule is done: 1 − s·(1 − (1 − share)³) with s = 1 − density.

    Source: Zhu and Gupta, "To prune, or not to prune", 2017.

    >>> cubic(0.2, 0.0), round(cubic(0.2, 0.5), 3), round(cubic(0.2, 1.0), 3)
    (1.0, 0.3, 0.2)
    """
    return 1 - (1 - density) * (1 - (1 - share) ** 3)


def magnitude_pruning(
    model: Any,
    task: Task,
    density: float,
    *,
    scope: Scope = "global",
    rounds: int = 1,
    steps: int | None = None,
    spare: Collection[str] = (),
) -> Any:
    """A pruned and fine-tuned copy of `model`, its zeros plain weights.

    Args:
        model: the network; is left as it is.
        task: fine-tunes.
        density: fraction of weights that stay.
        scope: as for `magnitude_masks`.
        rounds: prune and fine-tune so often, with densities along a cubic; 1 prunes at once.
        steps: of fine-tuning in all, shared by the rounds; the task's `long_steps` by default.
        spare: layers that stay whole.

    Raises:
        InputError: bad arguments. TrainingError: a loss that is no number.
    """
    if rounds < 1:
        raise InputError(f"rounds = {rounds} must be at least 1")
    pruned = copy.deepcopy(model)
    total = task.long_steps if steps is None else steps
    for turn in range(rounds):
        now = cubic(density, (turn + 1) / rounds)
        set_masks(pruned, _within(magnitude_masks(pruned, now, scope=scope, spare=spare), pruned))
        own = total * (turn + 1) // rounds - total * turn // rounds
        task.finetune(pruned, own, seed=task.seed + turn)
    return bake(pruned)


def _within(masks: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Masks without what is zero already: of too few non-zeros, zeros would count as kept."""
    layers = prunable(model)
    return {path: mask & (layers[path].weight.detach() != 0) for path, mask in masks.items()}
