"""What NetAdaptV2 changes besides the filters of channel groups: sizes of kernels, and filters beside a bypass."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from chipwise.adapt.channels import ChannelGroup, remove_channels
from chipwise.adapt.extra import nn
from chipwise.adapt.networks.bypass import Bypass
from chipwise.adapt.reshape import narrowed
from chipwise.adapt.shapes import LayerShape
from chipwise.adapt.surgery import shrink


class Knob(ABC):
    """A number of a network that a search may lower."""

    name: str
    size: int
    """Its present value."""

    @abstractmethod
    def values(self, grain: int) -> tuple[int, ...]:
        """Values below the present one, largest first, of which most are multiples of `grain`."""

    @abstractmethod
    def narrowed(self, shapes: Sequence[LayerShape], value: int) -> tuple[LayerShape, ...]:
        """Layer shapes at this value."""

    @abstractmethod
    def turn(self, model: Any, value: int) -> None:
        """Change a network in place; what stays keeps its weights."""


@final
@dataclass(frozen=True, slots=True)
class Kernel(Knob):
    """Height and width of a layer's kernel, odd; a smaller kernel is the middle of the larger one."""

    name: str
    layer: str
    size: int
    least: int = 1
    """What is left when the padding is used up: each step takes one from the padding of either side."""

    def values(self, grain: int) -> tuple[int, ...]:
        """Odd sizes; grains are of filters."""
        del grain
        return tuple(range(self.size - 2, self.least - 1, -2))

    def narrowed(self, shapes: Sequence[LayerShape], value: int) -> tuple[LayerShape, ...]:
        """R, S and the padding fall, P and Q stay."""
        cut = (self.size - value) // 2
        return tuple(
            replace(s, R=value, S=value, padding=(s.padding[0] - cut, s.padding[1] - cut))
            if _is_of(s, self.layer)
            else s
            for s in shapes
        )

    def turn(self, model: Any, value: int) -> None:
        """Crop the weights."""
        module = model.get_submodule(self.layer)
        cut = (self.size - value) // 2
        middle = module.weight.detach()[..., cut : cut + value, cut : cut + value].clone()
        module.weight = nn.Parameter(middle)
        module.kernel_size = (value, value)
        module.padding = (module.padding[0] - cut, module.padding[1] - cut)


@final
@dataclass(frozen=True, slots=True)
class Filters(Knob):
    """Filters of a bypassed layer: the first T stay, channels from T on pass by; at 0 the layer is gone."""

    name: str
    layer: str
    size: int

    def values(self, grain: int) -> tuple[int, ...]:
        """Multiples of the grain, and 0."""
        return tuple(n for n in range(self.size - 1, -1, -1) if n % min(grain, self.size) == 0)

    def narrowed(self, shapes: Sequence[LayerShape], value: int) -> tuple[LayerShape, ...]:
        """M falls; those that read the output read as many channels as before."""
        own = f"{self.layer}.conv"
        return tuple(
            replace(s, M=value) if _is_of(s, own) else s for s in shapes if not _is_of(s, own) or value > 0
        )

    def turn(self, model: Any, value: int) -> None:
        """Cut the last filters."""
        block = model.get_submodule(self.layer)
        gone = set(range(value, self.size))
        shrink(block.conv, "out", gone)
        shrink(block.norm, "through", gone)
        block.filters = value


def knobs_of(model: Any) -> tuple[Knob, ...]:
    """Bypassed layers with filters left, and kernels that can be cropped without a change of the output's size."""
    found: list[Knob] = []
    for path, module in model.named_modules():
        if isinstance(module, Bypass) and module.filters:
            found.append(Filters(f"{path} filters", path, module.filters))
        if isinstance(module, nn.Conv2d) and module.out_channels and _can_be_cropped(module):
            size = module.kernel_size[0]
            found.append(Kernel(f"{path} kernel", path, size, max(1, size - 2 * min(module.padding))))
    return tuple(found)


def _is_of(shape: LayerShape, layer: str) -> bool:
    """Whether a shape is of this convolution, which has no parts; one that runs again is `layer.2` and so on."""
    return layer in (shape.name, shape.name.rpartition(".")[0])


def _can_be_cropped(module: Any) -> bool:
    rows, columns = module.kernel_size
    return (
        rows == columns
        and rows % 2 == 1
        and rows > 1
        and module.dilation == (1, 1)
        # Values that are reflected into the padding are laid out for its size when the layer is made.
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and min(module.padding) >= 1
    )


Changes = Mapping[ChannelGroup | Knob, int]
"""By group or knob, how much remains."""


def shapes_after(shapes: Sequence[LayerShape], changes: Changes) -> tuple[LayerShape, ...]:
    """Layer shapes of the network that `changed` makes."""
    found = narrowed(shapes, {g: n for g, n in changes.items() if isinstance(g, ChannelGroup)})
    for knob, value in changes.items():
        if isinstance(knob, Knob):
            found = knob.narrowed(found, value)
    return found


def changed(model: Any, keep: Mapping[ChannelGroup, Sequence[int]], changes: Changes) -> Any:
    """A copy of `model` with the units `keep` of its groups, and its knobs turned."""
    made = remove_channels(model, keep) if keep else copy.deepcopy(model)
    for knob, value in changes.items():
        if isinstance(knob, Knob):
            knob.turn(made, value)
    return made
