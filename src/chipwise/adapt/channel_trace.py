"""Follow every channel through one forward pass, by labels of the shape of the values themselves.

Each value of a feature map carries the number of its channel. A layer with weights reads the labels of its input and
gives its output new ones; whatever only moves values (views, concatenation, transposition, padding, ...) is applied
to the labels as it is to the values; whatever works value by value ties the labels that meet. So residuals,
concatenation, flattening, splits and gates need no rules of their own. What is not known holds its channels.

A dependency graph of gradients (Torch-Pruning) guesses these maps from shapes; its version 1.6.1 maps
`flatten(cat(a, b))` to wrong columns, which is why channels are followed here instead.
"""

from collections.abc import Callable
from typing import Any

from chipwise.adapt.channels import ChannelGroup
from chipwise.adapt.extra import TorchDispatchMode, nn, torch, tree_flatten, tree_map
from chipwise.adapt.labels import Labels
from chipwise.adapt.networks.bypass import Bypass
from chipwise.adapt.trace import run
from chipwise.errors import InputError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BY_CHANNEL = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.PReLU)  # noqa: SLF001
MIXING = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
"""Normalise over channels, so that what is left depends on what goes: their channels are held."""
KNOWN = (*CONVOLUTIONS, nn.Linear, *BY_CHANNEL, *MIXING)

_MOVES = {
    "view", "_unsafe_view", "reshape", "permute", "transpose", "t", "cat", "stack", "unsqueeze", "squeeze", "expand",
    "clone", "detach", "alias", "contiguous", "_to_copy", "unfold", "flip", "roll", "pixel_shuffle", "pixel_unshuffle",
    "constant_pad_nd", "reflection_pad2d", "replication_pad2d", "lift_fresh", "_reshape_alias", "repeat",
}  # fmt: skip
_PARTS = {"split", "split_with_sizes", "chunk", "unbind"}
_CHOICES = {"slice", "select", "narrow", "index_select", "index"}
_VALUE_BY_VALUE = {
    "add", "sub", "rsub", "mul", "div", "neg", "abs", "pow", "sqrt", "rsqrt", "exp", "log", "maximum", "minimum",
    "relu", "hardtanh", "sigmoid", "hardsigmoid", "silu", "hardswish", "gelu", "elu", "leaky_relu", "tanh", "mish",
    "softplus", "clamp", "clamp_min", "clamp_max", "dropout", "where", "log_sigmoid_forward", "threshold",
}  # fmt: skip
_PLACE_BY_PLACE = {
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_avg_pool1d",
    "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_bilinear2d", "upsample_bicubic2d",
    "upsample_linear1d", "upsample_trilinear3d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
}  # fmt: skip
_REDUCTIONS = {"mean", "sum", "amax", "amin", "var", "std", "linalg_vector_norm"}
_IGNORED = {"empty_like", "zeros_like", "ones_like", "full_like", "bernoulli_"}


def groups_of(model: Any, example: Any) -> tuple[ChannelGroup, ...]:
    """As `channels.channel_groups` says, untried.

    Raises:
        InputError: a module whose weights cannot be cut, by name; a forward that fails.
    """
    _check_modules(model)
    labels = Labels()
    mode = _Following(labels)
    handles = []
    for path, module in model.named_modules():
        if isinstance(module, KNOWN):
            handles.append(module.register_forward_pre_hook(mode.enter))
            handles.append(module.register_forward_hook(mode.leave(path)))
        elif isinstance(module, Bypass):
            handles.append(module.register_forward_hook(mode.held("other channels pass by beside it")))
    try:
        with mode:
            result = run(model, example)
    finally:
        for handle in handles:
            handle.remove()
    leaves, _ = tree_flatten(dict(result) if hasattr(result, "items") else result)
    for leaf in leaves:
        labels.hold(_labels(leaf), "it makes the network's output")
    return labels.groups()


def _check_modules(model: Any) -> None:
    for path, module in model.named_modules():
        if nn.utils.parametrize.is_parametrized(module):
            raise InputError(
                f"module {path!r} has parametrized weights (masks?); make them plain first with "
                "torch.nn.utils.parametrize.remove_parametrizations"
            )
        if isinstance(module, nn.MultiheadAttention) or (
            not isinstance(module, KNOWN) and next(iter(module.parameters(recurse=False)), None) is not None
        ):
            raise InputError(
                f"network {type(model).__name__!r}: module {path or 'model'!r} is a {type(module).__name__}, whose "
                "weights chipwise cannot cut; supported are convolutions, Linear, batch and instance normalisation, "
                "PReLU, LayerNorm and GroupNorm"
            )


def _labels(value: Any) -> Any:
    return getattr(value, "chipwise_labels", None) if isinstance(value, torch.Tensor) else None


def _axes(func: Any, args: Any, kwargs: Any, dims: int) -> list[int]:
    """The axes that a reduction reduces; all of them where it names none."""
    names = [a.name for a in func._schema.arguments]  # noqa: SLF001 - the only description of an operation there is
    given = dict(zip(names, args, strict=False)) | kwargs
    axes = given.get("dim")
    axes = [axes] if isinstance(axes, int) else axes
    return [axis % dims for axis in axes or range(dims)]


class _Following(TorchDispatchMode):  # type: ignore[misc]  # to a type checker, PyTorch is Any
    """Labels what every operation of a forward pass returns."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._known = labels
        self._depth = 0

    def enter(self, _module: Any, _arguments: Any) -> None:
        """A layer begins: what it does inside is its own."""
        self._depth += 1

    def leave(self, path: str) -> Callable[[Any, Any, Any], None]:
        """The hook that labels the output of the layer at `path`."""

        def hook(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
            self._depth -= 1
            if self._depth == 0:
                output.chipwise_labels = self._known.layer(path, module, _labels(arguments[0]), output)

        return hook

    def held(self, reason: str) -> Callable[[Any, Any, Any], None]:
        """The hook that holds what goes in and out of a module."""

        def hook(_module: Any, arguments: tuple[Any, ...], output: Any) -> None:
            self._known.hold(_labels(arguments[0]), reason)
            self._known.hold(_labels(output), reason)

        return hook

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self._depth == 0:
            self._follow(func, args, kwargs, result)
        return result

    def _follow(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        operands = [v for v in tree_flatten((args, kwargs))[0] if isinstance(v, torch.Tensor)]
        if all(_labels(v) is None for v in operands):
            return
        name = func.overloadpacket.__name__
        name = name if name.endswith("__") else name.removesuffix("_")
        known = self._known
        if any(isinstance(v, nn.Parameter) for v in operands):
            self._hold(operands, "it meets weights outside a layer")
            return
        first = _labels(operands[0])
        if (
            name == "constant_pad_nd"
            and first is not None
            and (wider := known.padded(first, result.shape)) is not None
        ):
            result.chipwise_labels = wider
            return
        if name in _MOVES:
            result.chipwise_labels = known.moved(self._moved(func, args, kwargs), first)
        elif name in _PARTS:
            parts = self._moved(func, args, kwargs)
            known.tie_parts(parts, first)
            for part, own in zip(result, parts, strict=True):
                part.chipwise_labels = own
        elif name in _CHOICES:
            chosen = self._moved(func, args, kwargs)
            known.chosen(chosen, first)
            result.chipwise_labels = chosen
        elif name in _VALUE_BY_VALUE:
            out = result[0] if isinstance(result, tuple) else result
            out.chipwise_labels = known.met([(v.shape, _labels(v)) for v in operands], out.shape)
        elif name in _PLACE_BY_PLACE:
            out = result[0] if isinstance(result, tuple) else result
            out.chipwise_labels = known.per_channel(first, out.shape)
        elif name in _REDUCTIONS and not isinstance(result, tuple):
            result.chipwise_labels = known.reduced(
                first, _axes(func, args, kwargs, first.dim()), result.shape
            )
        elif name not in _IGNORED:
            self._hold(operands, f"it meets the operation {name}, which chipwise does not follow")

    def _hold(self, operands: list[Any], reason: str) -> None:
        for value in operands:
            self._known.hold(_labels(value), reason)

    @staticmethod
    def _moved(func: Any, args: Any, kwargs: Any) -> Any:
        """The operation on the labels in place of the values; unlabelled values count as label 0."""

        def swap(value: Any) -> Any:
            if not isinstance(value, torch.Tensor) or not value.is_floating_point():
                return value
            own = _labels(value)
            # Contiguous: labels are expanded, and a view would not go through.
            return torch.zeros(value.shape, dtype=torch.int64) if own is None else own.contiguous()

        kwargs = {k: v for k, v in kwargs.items() if k not in {"dtype", "memory_format", "device", "layout"}}
        if func.overloadpacket.__name__ == "_to_copy":
            return swap(args[0])
        if func.overloadpacket.__name__ == "_reshape_alias":
            return swap(args[0]).reshape(args[1])
        return func(*tree_map(swap, args), **kwargs)
