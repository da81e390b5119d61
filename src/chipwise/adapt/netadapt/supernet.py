"""A super-network by ordered dropout: many networks, of which each is the first part of the next, trained at once.

NetAdaptV2 (CVPR 2021), section 3.2: for every image of a batch a number T is drawn per layer, and channels from T on
are zero for that image; so one pass trains as many networks as there are images. Kernels are nested in the same way,
a small one being the middle of the large one; their size is drawn per batch, as a batch has one weight.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

from chipwise.adapt.channels import ChannelGroup
from chipwise.adapt.extra import nn, torch
from chipwise.adapt.netadapt.knobs import Filters, Kernel, Knob


@contextmanager
def ordered_dropout(
    model: Any, knobs: Sequence[ChannelGroup | Knob], grain: int, seed: int
) -> Iterator[None]:
    """Train what `model` is as all its sub-networks, inside this context; its weights stay its own.

    Args:
        model: the network; in evaluation mode it runs whole.
        knobs: what sub-networks differ in.
        grain: widths are multiples of it.
        seed: of the draws.
    """
    draws = _Draws(torch.Generator().manual_seed(seed), grain)
    handles = [model.register_forward_pre_hook(draws.begin)]
    crops: list[Any] = []
    for knob in knobs:
        if isinstance(knob, ChannelGroup):
            handles += draws.mask_readers(model, knob)
        elif isinstance(knob, Filters):
            handles.append(model.get_submodule(knob.layer).register_forward_hook(draws.bypassed(knob)))
        elif isinstance(knob, Kernel):
            module = model.get_submodule(knob.layer)
            # Unsafe only in that the mask may change the shape, which it does not.
            nn.utils.parametrize.register_parametrization(module, "weight", draws.crop(knob), unsafe=True)
            crops.append(module)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module in crops:
            nn.utils.parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)


class _Draws:
    """What was drawn for this batch: a width per image and group, a size per kernel."""

    def __init__(self, generator: Any, grain: int) -> None:
        self._generator = generator
        self._grain = grain
        self._images = 0
        self._drawn: dict[str, Any] = {}
        self.training = False

    def begin(self, model: Any, arguments: tuple[Any, ...]) -> None:
        """A new batch."""
        self._images = arguments[0].shape[0]
        self._drawn = {}
        self.training = model.training

    def widths(self, knob: ChannelGroup | Knob) -> Any:
        """One width per image: a multiple of the grain, or the whole."""
        if knob.name not in self._drawn:
            grain = min(self._grain, knob.size)
            known = [n for n in range(1, knob.size + 1) if n % grain == 0 or n == knob.size]
            known += [0] if isinstance(knob, Filters) else []
            picks = torch.randint(len(known), (self._images,), generator=self._generator)
            self._drawn[knob.name] = torch.tensor(known)[picks]
        return self._drawn[knob.name]

    def size(self, knob: Kernel) -> int:
        """One kernel size for the batch."""
        if knob.name not in self._drawn:
            known = [knob.size, *knob.values(1)]
            self._drawn[knob.name] = known[int(torch.randint(len(known), (1,), generator=self._generator))]
        found: int = self._drawn[knob.name]
        return found

    def mask_readers(self, model: Any, group: ChannelGroup) -> list[Any]:
        """Hooks that zero channels where they are read, which is what their absence comes to."""
        handles = []
        for member in group.members:
            if member.side != "in":
                continue
            module = model.get_submodule(member.layer)
            linear = isinstance(module, nn.Linear)
            total = module.in_features if linear else module.in_channels
            unit = torch.full((total,), -1)
            for index, channels in enumerate(member.channels):
                unit[list(channels)] = index

            def hook(
                _module: Any, arguments: tuple[Any, ...], unit: Any = unit, linear: bool = linear
            ) -> Any:
                if not self.training:
                    return None
                x = arguments[0]
                keep = (unit[None] < self.widths(group)[:, None]).to(x.dtype)
                shape = (
                    (x.shape[0], *[1] * (x.dim() - 2), -1)
                    if linear
                    else (x.shape[0], -1, *[1] * (x.dim() - 2))
                )
                return (x * keep.reshape(shape),)

            handles.append(module.register_forward_pre_hook(hook))
        return handles

    def bypassed(self, knob: Filters) -> Any:
        """The hook after a bypassed layer: channels from T on are those of its input."""

        def hook(_module: Any, arguments: tuple[Any, ...], output: Any) -> Any:
            if not self.training:
                return None
            own = torch.arange(output.shape[1])[None] < self.widths(knob)[:, None]
            return torch.where(own[:, :, None, None], output, arguments[0])

        return hook

    def crop(self, knob: Kernel) -> Any:
        """The parametrization of a kernel: zero outside the middle."""
        return _Middle(self, knob)


@final
class _Middle(nn.Module):  # type: ignore[misc]  # to a type checker, PyTorch is Any
    def __init__(self, draws: _Draws, knob: Kernel) -> None:
        super().__init__()
        self._draws, self._knob = draws, knob

    def forward(self, weight: Any) -> Any:
        """The weight with zeros around the size that was drawn."""
        if not self._draws.training:
            return weight
        size = self._draws.size(self._knob)
        cut = (self._knob.size - size) // 2
        mask = torch.zeros_like(weight)
        mask[..., cut : cut + size, cut : cut + size] = 1
        return weight * mask
