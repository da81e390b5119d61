"""Structured pruning by magnitude: whole filters go, with all that is tied to them, and the network gets smaller.

Unlike zeros, this makes a network faster on any device. How much each group gives is decided by filters alone here;
`netadapt` decides it by what a device needs.
"""

from collections.abc import Mapping
from typing import Any

from chipwise.adapt.channels import ChannelGroup, channel_groups, remove_channels
from chipwise.adapt.extra import torch
from chipwise.adapt.filters import norms
from chipwise.adapt.prune.magnitude import Scope, largest
from chipwise.adapt.task import Task
from chipwise.errors import InputError


def structured_keep(
    model: Any, example: Any, share: float, *, scope: Scope = "global"
) -> Mapping[ChannelGroup, list[int]]:
    """Which units of each channel group stay, those with the largest l2 norms.

    Args:
        model: the network.
        example: one input, batch first.
        share: of the units that stay, above 0 and at most 1; at least one of each group stays.
        scope: `layer` keeps that share of each group; `global` of all together, by norms relative to the root mean
            square of their group, since the norm of a filter grows with its inputs.

    Raises:
        InputError: another share or scope.
    """
    if not 0 < share <= 1:
        raise InputError(f"share = {share} must be above 0 and at most 1")
    if scope not in {"layer", "global"}:
        raise InputError(f"scope = {scope!r} must be 'layer' or 'global'")
    groups = [group for group in channel_groups(model, example) if not group.held]
    sizes = {group: norms(model, group) for group in groups}
    if scope == "layer":
        kept = {group: largest(size, max(1, round(share * len(size)))) for group, size in sizes.items()}
    else:
        relative = [size / size.square().mean().sqrt().clamp_min(1e-30) for size in sizes.values()]
        every = torch.cat(relative)
        parts = largest(every, max(1, round(share * len(every)))).split([len(size) for size in relative])
        kept = {g: mask | largest(sizes[g], 1) for g, mask in zip(sizes, parts, strict=True)}
    return {group: mask.nonzero()[:, 0].tolist() for group, mask in kept.items()}


def structured_pruning(
    model: Any, task: Task, share: float, *, scope: Scope = "global", steps: int | None = None
) -> Any:
    """A smaller, fine-tuned network; `model` is left as it is.

    Args:
        model: the network.
        task: gives the example, and fine-tunes.
        share: of the units that stay.
        scope: as for `structured_keep`.
        steps: of fine-tuning; the task's `long_steps` by default.

    Raises:
        InputError: bad arguments, a network whose channels cannot be followed. TrainingError: a loss that is no number.
    """
    found = remove_channels(model, structured_keep(model, task.example, share, scope=scope))
    task.finetune(found, task.long_steps if steps is None else steps)
    return found
