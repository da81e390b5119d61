"""Rows of a layer's regression: what each filter reads at sampled places, and what it should say there."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from chipwise.adapt.extra import nn, torch
from chipwise.adapt.prune.masks import prunable
from chipwise.adapt.task import Split
from chipwise.adapt.trace import evaluating

CHUNK = 250
"""Images run at once."""


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """One layer's regression Y = X·A, by groups of channels.

    x[g] has a row per sampled place and a column per weight of a filter (channel, then filter row and column);
    y[g] a column per filter, without its bias.
    """

    x: Any
    y: Any

    @cached_property
    def normal(self) -> tuple[tuple[Any, Any], ...]:
        """XᵀX and XᵀY of each group: all that fits need, whatever the weights that are kept."""
        pairs = ((x.double(), y.double()) for x, y in zip(self.x, self.y, strict=True))
        return tuple((x.T @ x, x.T @ y) for x, y in pairs)


@final
class RowSampler:
    """Takes rows of any layer at places that are drawn once, so that two networks are compared at equal places.

    Args:
        data: images are the split's first; a split of images on disk is read once.
        images: how many.
        rows: places of each layer, spread over the images.
        seed: of the places.
    """

    def __init__(self, data: Split, *, images: int = 2000, rows: int = 4000, seed: int = 0) -> None:
        count = min(images, len(data))
        drawn = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))[:count]
        self.inputs = data.batch(drawn)[0]
        self._rows = max(rows, count)
        self._seed = seed

    def outputs(self, model: Any) -> dict[str, Any]:
        """Of each prunable layer what it says at the sampled places, without bias: rows x filters."""
        layers = {path: layer for path, layer in prunable(model).items() if is_regressed(layer)}
        found: dict[str, list[Any]] = {path: [] for path in layers}

        def hook(path: str, layer: Any) -> Any:
            def take(_module: Any, _given: Any, output: Any) -> None:
                found[path].append(self._said(layer, output, len(found[path]) * CHUNK))

            return take

        self._run(model, [(layer, hook(path, layer)) for path, layer in layers.items()])
        return {path: torch.cat(parts) for path, parts in found.items() if parts}

    def rows(self, model: Any, path: str, outputs: Any) -> Rows:
        """The regression of one layer: what it reads in `model`, and `outputs` (rows x filters) as its target."""
        layer = prunable(model)[path]
        found: list[Any] = []

        def take(_module: Any, given: tuple[Any, ...], output: Any) -> None:
            found.append(self._read(layer, given[0], output, len(found) * CHUNK))

        self._run(model, [(layer, take)])
        groups = getattr(layer, "groups", 1)
        x = torch.cat(found).flatten(2).transpose(0, 1).contiguous()
        return Rows(x, outputs.reshape(len(outputs), groups, -1).transpose(0, 1).contiguous())

    def _run(self, model: Any, hooks: list[tuple[Any, Any]]) -> None:
        with ExitStack() as stack, evaluating(model):
            for part, hook in hooks:
                stack.callback(part.register_forward_hook(hook).remove)
            for batch in self.inputs.split(CHUNK):
                model(batch)

    def _places(self, images: int, first: int, rows: int, columns: int) -> tuple[Any, Any, Any]:
        """Image, row and column of the places in a chunk of images."""
        each = -(-self._rows // len(self.inputs))
        generator = torch.Generator().manual_seed(self._seed + 1 + first)
        image = torch.arange(images).repeat_interleave(each)
        at = torch.randint(rows * columns, (images * each,), generator=generator)
        return image, at // columns, at % columns

    def _said(self, layer: Any, output: Any, first: int) -> Any:
        if isinstance(layer, nn.Linear):
            image, at, _ = self._places(len(output), first, output[0].numel() // output.shape[-1], 1)
            said = output.reshape(len(output), -1, output.shape[-1])[image, at]
        else:
            image, row, column = self._places(len(output), first, *output.shape[-2:])
            said = output[image, :, row, column]
        return said if layer.bias is None else said - layer.bias

    def _read(self, layer: Any, given: Any, output: Any, first: int) -> Any:
        """Rows x groups x weights of a filter."""
        if isinstance(layer, nn.Linear):
            image, at, _ = self._places(len(output), first, output[0].numel() // output.shape[-1], 1)
            return given.reshape(len(given), -1, given.shape[-1])[image, at][:, None]
        image, row, column = self._places(len(output), first, *output.shape[-2:])
        padded = nn.functional.pad(given, layer._reversed_padding_repeated_twice)  # noqa: SLF001 - as conv itself does
        tall, wide = (
            at[:, None] * stride + torch.arange(kernel) * dilation
            for at, stride, kernel, dilation in zip(
                (row, column), layer.stride, layer.kernel_size, layer.dilation, strict=True
            )
        )
        channels = torch.arange(given.shape[1])
        read = padded[
            image[:, None, None, None],
            channels[None, :, None, None],
            tall[:, None, :, None],
            wide[:, None, None, :],
        ]
        return read.reshape(len(image), layer.groups, -1)


def is_regressed(layer: Any) -> bool:
    """Whether the layer's output is a product of rows and filters here: convolutions padded by zeros, linear ones."""
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros")
