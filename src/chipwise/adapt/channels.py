"""Channel groups: which filters of which layers must go together, so that what is left is a network.

A residual addition ties the filters of its operands; a depthwise layer ties its outputs to its inputs; a grouped
layer, a split or a channel shuffle ties places of equal parts; concatenation shifts channels; flattening turns one
channel into many. `channel_trace` finds all of that by following every channel through one forward pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, final

from chipwise.errors import InputError, did_you_mean

Side = Literal["out", "in", "through"]


@final
@dataclass(frozen=True, slots=True)
class Member:
    """One side of one layer in a group: for every unit of the group, the channels that it has there."""

    layer: str
    """Path of the module."""
    side: Side
    """`out`: it makes the channels; `in`: it reads them; `through`: one at a time (normalisation, depthwise)."""
    channels: tuple[tuple[int, ...], ...]

    def removed(self, units: Sequence[int]) -> list[int]:
        """Channels of these units, ascending."""
        return sorted(c for unit in units for c in self.channels[unit])


@final
@dataclass(frozen=True, slots=True)
class ChannelGroup:
    """Channels that the same layers make, in units that can only be removed whole.

    A unit is one filter of one layer in a plain network, and one filter of each where layers are tied.
    """

    name: str
    """The first layer that makes the channels."""
    members: tuple[Member, ...]
    held: str = ""
    """Why nothing can be removed; empty where it can."""

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.members[0].channels)

    @property
    def producers(self) -> tuple[str, ...]:
        """Layers whose filters go."""
        return tuple(m.layer for m in self.members if m.side == "out")

    @property
    def consumers(self) -> tuple[str, ...]:
        """Layers whose input channels go."""
        return tuple(m.layer for m in self.members if m.side == "in")


Keep = Mapping[ChannelGroup, Sequence[int]]


def channel_groups(
    model: Any, example: Any, *, verify: bool = True, needed: bool = True
) -> tuple[ChannelGroup, ...]:
    """The channel groups of a network, in order of their first layer.

    Every group that is not held is tried out by its first unit, which stands for the others: with the weights that
    read it set to 0, removing it must leave the outputs as they are, or the group is held, with the reason.

    Args:
        model: a torch.nn.Module; left as it was.
        example: one input or a tuple of them, batch first.
        verify: False skips the trial, for a network that is a cut-down one of a tried network.
        needed: False takes a network in which nothing can be removed, too.

    Raises:
        InputError: a module whose weights cannot be cut, by name; nothing can be removed at all.
    """
    from chipwise.adapt import channel_trace, surgery  # noqa: PLC0415 - groups are data; only this needs PyTorch

    groups = channel_trace.groups_of(model, example)
    if verify:
        groups = surgery.verified(model, example, groups)
    if needed and all(group.held for group in groups):
        reasons = "; ".join(f"{group.name}: {group.held}" for group in groups[:6])
        raise InputError(f"network {type(model).__name__!r} has no filters that can be removed ({reasons})")
    return groups


def remove_filters(model: Any, group: ChannelGroup, keep: Sequence[int]) -> Any:
    """A copy of `model` that keeps, of `group`, the units `keep` alone.

    Raises:
        InputError: as `remove_channels`.
    """
    return remove_channels(model, {group: keep})


def remove_channels(model: Any, keep: Keep) -> Any:
    """A copy of `model` that keeps, of each group, the units named; `model` itself is left as it was.

    Args:
        model: the network that the groups are of.
        keep: units to keep by group; groups that are not named stay whole.

    Raises:
        InputError: a held group, a unit that is not there, none kept, a network of another shape.
    """
    from chipwise.adapt import surgery  # noqa: PLC0415 - as above

    for group, units in keep.items():
        if group.held:
            raise InputError(f"filters of {group.name!r} cannot be removed: {group.held}")
        if not units:
            raise InputError(f"group {group.name!r}: at least one unit must be kept")
        if bad := [u for u in units if not 0 <= u < group.size]:
            raise InputError(f"group {group.name!r} has units 0 to {group.size - 1}, not {bad[0]}")
    return surgery.cut(model, keep)


def named(groups: Sequence[ChannelGroup], name: str) -> ChannelGroup:
    """The group of this name.

    Raises:
        InputError: there is none, with the nearest name.
    """
    by_name = MappingProxyType({group.name: group for group in groups})
    if name not in by_name:
        raise InputError(f"no channel group {name!r}." + did_you_mean(name, by_name))
    return by_name[name]
