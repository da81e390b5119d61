"""Which filters of a group to keep: NetAdapt's "choose which filters", by magnitude or by feature-map error."""

from collections.abc import Sequence
from typing import Any, Literal

from chipwise.adapt.channels import ChannelGroup
from chipwise.adapt.extra import nn, torch
from chipwise.adapt.task import Task
from chipwise.adapt.trace import evaluating

Choice = Literal["magnitude", "feature-map", "order"]


def chosen(model: Any, group: ChannelGroup, width: int, choice: Choice, inputs: Any) -> list[int]:
    """The units to keep, ascending.

    Args:
        model: the network that the group is of.
        group: the group.
        width: how many to keep.
        choice: `magnitude`: the largest l2 norms over all layers that make the channels. `feature-map`: those
            without which the layers that read them change their outputs least (greedily; ThiNet, ICCV 2017).
            `order`: the first ones, as in a network that was trained with ordered dropout.
        inputs: a batch of training inputs, for `feature-map`.
    """
    if choice == "order":
        return list(range(width))
    if choice == "magnitude":
        order = torch.argsort(norms(model, group), descending=True, stable=True)
        return sorted(order[:width].tolist())
    gone = _least_error(contributions(model, group, inputs), group.size - width)
    return [unit for unit in range(group.size) if unit not in gone]


def norms(model: Any, group: ChannelGroup) -> Any:
    """l2 norm of each unit: √Σ w² over its filters in all layers that make it.

    Returns:
        Tensor of as many numbers as the group has units.
    """
    squares = torch.zeros(group.size, dtype=torch.float64)
    for member in group.members:
        if member.side == "out":
            module = model.get_submodule(member.layer)
            axis = 1 if getattr(module, "transposed", False) else 0
            weight = module.weight.detach().double().transpose(0, axis)
            rows = weight.reshape(weight.shape[0], -1).square().sum(1)
            if axis and module.groups > 1:  # a transposed layer's rows hold one place of every group
                rows = rows.repeat(module.groups)
            squares += torch.stack([rows[list(channels)].sum() for channels in member.channels])
    return squares.sqrt()


def contributions(model: Any, group: ChannelGroup, inputs: Any) -> Any:
    """Gram matrix G[a, b] = Σ y_a·y_b of what each unit adds to the outputs of the layers that read it.

    Removing the units T changes those outputs by Σ over a, b in T of G[a, b], in squares.

    Returns:
        Tensor (units, units).
    """
    seen: dict[str, Any] = {}
    readers = {m.layer: m for m in group.members if m.side == "in"}

    def keep(name: str) -> Any:
        # A copy, as an activation in place may follow.
        return lambda _module, arguments: seen.__setitem__(name, arguments[0].detach().clone())

    handles = [model.get_submodule(name).register_forward_pre_hook(keep(name)) for name in readers]
    try:
        with evaluating(model):
            model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    gram = torch.zeros(group.size, group.size, dtype=torch.float64)
    with torch.no_grad():
        for name, member in readers.items():
            own = _outputs_by_unit(model.get_submodule(name), seen[name], member.channels).double()
            gram += own @ own.T
    return gram


def _outputs_by_unit(module: Any, x: Any, channels: Sequence[Sequence[int]]) -> Any:
    """What each unit's channels add to the output of a layer, one row per unit."""
    weight = module.weight
    rows = []
    for own in channels:
        index = list(own)
        if isinstance(module, nn.Linear):
            y = x[..., index] @ weight[:, index].T
        else:
            # All other channels at zero leave what these add, in any kind of convolution.
            only = torch.zeros_like(x)
            only[:, index] = x[:, index]
            bias, module.bias = module.bias, None
            try:
                y = module(only)
            finally:
                module.bias = bias
        rows.append(y.reshape(-1))
    return torch.stack(rows)


def _least_error(gram: Any, count: int) -> set[int]:
    """Units to remove, one after the other, each adding least to the error of those already removed."""
    gone: list[int] = []
    cost = gram.diagonal().clone()
    for _ in range(count):
        unit = int(torch.argmin(cost))
        gone.append(unit)
        cost += 2 * gram[unit]
        cost[unit] = torch.inf
    return set(gone)


def recalibrate(model: Any, task: Task, batches: int = 8) -> None:
    """Means and variances of batch normalisation over some training batches, in place.

    Those of a network from which filters were cut, or of one that was trained as many networks at once, are off.
    """
    norms_ = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001
    before = [m.momentum for m in norms_]
    # All else as it is evaluated: with dropout the statistics would be those of another network.
    with evaluating(model):
        for module in norms_:
            module.reset_running_stats()
            module.momentum = None  # the plain average
            module.train()
        for batch in range(batches):
            at = torch.arange(batch * task.batch_size, (batch + 1) * task.batch_size) % len(task.train)
            model(task.train.batch(at)[0])
    for module, momentum in zip(norms_, before, strict=True):
        module.momentum = momentum
