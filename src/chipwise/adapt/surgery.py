"""Removal of channels: slices of the weights, on a copy."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chipwise.adapt.channels import ChannelGroup, Keep, Side
from chipwise.adapt.extra import nn, torch, tree_flatten
from chipwise.adapt.trace import evaluating
from chipwise.errors import InputError, first_line


def cut(model: Any, keep: Keep) -> Any:
    """As `channels.remove_channels` says, of groups that may be cut."""
    removed: dict[tuple[str, Side], set[int]] = {}
    for group, units in keep.items():
        kept = set(units)
        gone = [unit for unit in range(group.size) if unit not in kept]
        for member in group.members:
            removed.setdefault((member.layer, member.side), set()).update(member.removed(gone))
    changed = copy.deepcopy(model)
    for (path, side), gone_there in removed.items():
        if not gone_there:
            continue
        try:
            shrink(changed.get_submodule(path), side, gone_there)
        except (AttributeError, IndexError) as error:
            raise InputError(
                f"layer {path!r} is not as the channel groups describe it ({error}); derive them anew with "
                "channel_groups(model, example)"
            ) from error
    return changed


def shrink(module: Any, side: Side, gone: set[int]) -> None:
    """Cut these channels out of one side of a layer."""
    if isinstance(module, nn.Linear):
        _linear(module, side, gone)
    elif hasattr(module, "in_channels"):
        if side == "through":
            _depthwise(module, gone)
        else:
            _convolution(module, side, gone)
    elif isinstance(module, nn.PReLU):
        _slice(module, "weight", 0, _rest(module.num_parameters, gone))
        module.num_parameters -= len(gone)
    else:
        rest = _rest(module.num_features, gone)
        for name in ("weight", "bias", "running_mean", "running_var"):
            _slice(module, name, 0, rest)
        module.num_features -= len(gone)


def _linear(module: Any, side: Side, gone: set[int]) -> None:
    if side == "out":
        rest = _rest(module.out_features, gone)
        _slice(module, "weight", 0, rest)
        _slice(module, "bias", 0, rest)
        module.out_features = len(rest)
    else:
        rest = _rest(module.in_features, gone)
        _slice(module, "weight", 1, rest)
        module.in_features = len(rest)


def _convolution(module: Any, side: Side, gone: set[int]) -> None:
    """One side: weights are (M, C/G, ...), transposed ones (C, M/G, ...); blocks of the G groups lose equal places."""
    size = module.out_channels if side == "out" else module.in_channels
    rest = _rest(size, gone)
    first_axis = (side == "out") != module.transposed
    own_block = [c for c in rest if c < size // module.groups]
    _slice(module, "weight", 0 if first_axis else 1, rest if first_axis else own_block)
    if side == "out":
        _slice(module, "bias", 0, rest)
        module.out_channels = len(rest)
    else:
        module.in_channels = len(rest)


def _depthwise(module: Any, gone: set[int]) -> None:
    """A layer of one filter, or `times`, per channel."""
    times = module.out_channels // module.in_channels
    rest = _rest(module.in_channels, gone)
    made = [c * times + i for c in rest for i in range(times)]
    _slice(module, "weight", 0, rest if module.transposed else made)
    _slice(module, "bias", 0, made)
    module.in_channels = module.groups = len(rest)
    module.out_channels = len(made)


def _rest(size: int, gone: set[int]) -> list[int]:
    rest = [c for c in range(size) if c not in gone]
    if max(gone) >= size:
        raise IndexError(f"it has {size} channels")
    return rest


def _slice(module: Any, name: str, axis: int, rest: Sequence[int]) -> None:
    value = getattr(module, name, None)
    if value is None:
        return
    chosen = torch.tensor(rest, dtype=torch.int64, device=value.device)
    new = value.detach().index_select(axis, chosen).clone()
    setattr(module, name, nn.Parameter(new, value.requires_grad) if isinstance(value, nn.Parameter) else new)


def verified(model: Any, example: Any, groups: Sequence[ChannelGroup]) -> tuple[ChannelGroup, ...]:
    """The groups, those held whose removal is not what it should be, as `channels.channel_groups` says."""
    inputs = example if isinstance(example, tuple) else (example,)
    noise = torch.Generator().manual_seed(0)
    inputs = tuple(
        torch.randn(x.shape, generator=noise, dtype=x.dtype) if x.is_floating_point() else x for x in inputs
    )
    return tuple(
        group if group.held else replace(group, held=_trial(model, inputs, group)) for group in groups
    )


def _trial(model: Any, inputs: tuple[Any, ...], group: ChannelGroup) -> str:
    """Why removing the first unit is not what ignoring it is; empty where it is."""
    blind = copy.deepcopy(model)
    for member in group.members:
        if member.side == "in":
            _ignore(blind.get_submodule(member.layer), member.removed([0]))
    expected = _run(blind, inputs)
    try:
        found = _run(cut(blind, {group: range(1, group.size)}), inputs)
    except Exception as error:  # noqa: BLE001 - the user's code runs here, and may raise anything
        what = f"{type(error).__name__}: {first_line(error, 200)}"
        return f"the network does not run without some of its filters ({what})"
    for a, b in zip(expected, found, strict=True):
        if a.shape != b.shape:
            return "the network's output changes its shape without some of its filters"
        if not torch.allclose(a, b, rtol=1e-4, atol=1e-5 * max(1.0, float(a.abs().max()))):
            return "the network's output depends on filters whose outputs nothing reads"
    return ""


def _ignore(module: Any, channels: Sequence[int]) -> None:
    """Set the weights that read these channels to 0."""
    with torch.no_grad():
        if isinstance(module, nn.Linear):
            module.weight[:, channels] = 0
        elif module.transposed:
            module.weight[channels] = 0
        else:
            block = module.in_channels // module.groups
            module.weight[:, sorted({c % block for c in channels})] = 0


def _run(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    with evaluating(model):
        result = model(*inputs)
    leaves = tree_flatten(dict(result) if hasattr(result, "items") else result)[0]
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
