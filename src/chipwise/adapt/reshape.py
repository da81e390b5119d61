"""What layer shapes become when filters go, without touching the network: searches ask thousands of times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chipwise.adapt.channels import ChannelGroup, Member
from chipwise.adapt.shapes import LayerShape

Widths = Mapping[ChannelGroup, int]
"""Units that remain, by group."""


def narrowed(shapes: Sequence[LayerShape], widths: Widths) -> tuple[LayerShape, ...]:
    """The shapes after the groups keep so many of their units; equal to those of the network that is cut.

    Args:
        shapes: of the network that the groups are of.
        widths: by group, how many units remain.
    """
    changes: dict[str, list[tuple[Member, int]]] = {}
    for group, width in widths.items():
        for member in group.members:
            gone = sum(len(channels) for channels in member.channels[width:])
            changes.setdefault(member.layer, []).append((member, gone))
    return tuple(_narrowed(shape, changes.get(_module(shape.name, changes), [])) for shape in shapes)


def _module(name: str, changes: Mapping[str, object]) -> str:
    """The module of a shape: a layer that runs twice is `path` and `path.2`."""
    return name if name in changes else name.rpartition(".")[0]


def _narrowed(shape: LayerShape, changes: Sequence[tuple[Member, int]]) -> LayerShape:
    for member, gone in changes:
        if member.side == "out":
            shape = replace(shape, M=shape.M - gone)
        elif member.side == "in":
            shape = replace(shape, C=shape.C - gone)
        else:  # depthwise: G = C, and M/C filters of each channel go
            times = shape.M // shape.C
            shape = replace(shape, M=shape.M - gone * times, C=shape.C - gone, G=shape.G - gone)
    return shape
