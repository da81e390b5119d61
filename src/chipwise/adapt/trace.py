"""Layer shapes by forward hooks: one pass, quick enough to be run for every proposal of a search."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from chipwise.adapt import stray_weights
from chipwise.adapt.extra import nn, torch
from chipwise.adapt.shapes import LayerShape
from chipwise.errors import InputError
from chipwise.workload.importers.own_code import told

_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
_FUSED = {
    nn.BatchNorm1d: "batch_norm",
    nn.BatchNorm2d: "batch_norm",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Hardswish: "hardswish",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.LeakyReLU: "leaky_relu",
}
_HARMLESS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase, nn.Embedding)  # noqa: SLF001
"""Have weights and do no MACs."""


def traced(model: Any, example: Any, *, measured: bool = False) -> tuple[LayerShape, ...]:
    """As `shapes.layer_shapes` and, if `measured`, `shapes.measured_shapes` say."""
    names = _names(model)
    shapes: list[LayerShape] = []
    made: dict[int, int] = {}
    """By identity of a tensor, the layer that it is the output of."""
    alive: list[Any] = []
    called: Counter[str] = Counter()

    def hook(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        name = names.get(id(module))
        if name is None or not isinstance(output, torch.Tensor):
            return
        if isinstance(module, _LAYERS):
            called[name] += 1
            own = name if called[name] == 1 else f"{name}.{called[name]}"
            shape = _shape(own, module, arguments[0], output)
            if measured:
                shape = replace(
                    shape,
                    N=max(1, shape.N // len(arguments[0])),
                    input_density=_density(arguments[0]),
                    weight_density=_density(module.weight),
                    output_density=_density(output),
                )
            shapes.append(shape)
            made[id(output)] = len(shapes) - 1
            # An identity is free for another tensor as soon as its own is gone.
            alive.append(output)
        elif arguments and id(arguments[0]) in made and (word := _fused(module)) is not None:
            index = made.pop(id(arguments[0]))
            shapes[index] = replace(shapes[index], fused=(*shapes[index].fused, word))
            if measured and "pool" not in word:
                # What leaves the chip has been activated; pooling reads it again.
                shapes[index] = replace(shapes[index], output_density=_density(output))
            made[id(output)] = index
            alive.append(output)

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        with stray_weights.refused(model, _LAYERS, _HARMLESS):
            run(model, example)
    finally:
        handle.remove()
    if not shapes:
        raise InputError(f"network {type(model).__name__!r} runs no Conv2d, ConvTranspose2d or Linear layer")
    return tuple(shapes)


def run(model: Any, example: Any) -> Any:
    """What a network makes of an input, or a tuple of them, in evaluation mode.

    Raises:
        InputError: its forward raises, with the input that it was given.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    given = ", ".join(
        f"{_word(x.dtype)} of shape {tuple(x.shape)}" if isinstance(x, torch.Tensor) else repr(x)
        for x in inputs
    )
    advice = f"; it was given {given}, in evaluation mode: give it inputs that it takes, or mend its forward"
    with told(f"network {type(model).__name__!r}: its forward raises ", advice), evaluating(model):
        return model(*inputs)


def _word(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _names(model: Any) -> dict[int, str]:
    """Paths by module; refuses what has weights of its own and is no known layer."""
    names = {}
    for path, module in model.named_modules():
        names[id(module)] = path or "model"
        if isinstance(module, (*_LAYERS, *_HARMLESS)):
            continue
        leaf = next(module.children(), None) is None or isinstance(module, nn.MultiheadAttention)
        if leaf and any(p.dim() >= 2 for p in module.parameters(recurse=False)):
            raise InputError(
                f"network {type(model).__name__!r}: module {path or 'model'!r} is a {type(module).__name__}, whose "
                "weights chipwise cannot count; supported are Conv2d, ConvTranspose2d and Linear"
            )
    return names


def _density(tensor: Any) -> float:
    return float(torch.count_nonzero(tensor).item() / tensor.numel())


def _fused(module: Any) -> str | None:
    """The word for what runs on a layer's output, None for what is not timed with it."""
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return "global_avg_pool"
    kind = {nn.MaxPool2d: "max", nn.AvgPool2d: "avg"}.get(type(module))
    if kind is None:
        return _FUSED.get(type(module))
    sizes = (module.kernel_size, module.stride, module.padding)
    if not all(isinstance(size, int) for size in sizes) or getattr(module, "dilation", 1) not in (1, (1, 1)):
        return None
    return "{}_pool{}s{}p{}{}".format(kind, *sizes, "c" if module.ceil_mode else "")


def _shape(name: str, module: Any, given: Any, output: Any) -> LayerShape:
    dtype = _word(module.weight.dtype)
    if isinstance(module, nn.Linear):
        return LayerShape(
            name,
            "linear",
            N=given.numel() // module.in_features,
            M=module.out_features,
            C=module.in_features,
            bias=module.bias is not None,
            dtype=dtype,
        )
    rows, columns = module.kernel_size
    padding, more = module.padding, (0, 0)
    if isinstance(padding, str):
        same = padding == "same"
        reach = [d * (k - 1) * same for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        # An odd number of zeros lies on one side more; there PyTorch makes the plane larger before it convolves.
        padding, more = tuple(r // 2 for r in reach), tuple(r % 2 for r in reach)
    return LayerShape(
        name,
        "conv_transpose2d" if isinstance(module, nn.ConvTranspose2d) else "conv2d",
        N=given.shape[0] if given.dim() == 4 else 1,
        M=module.out_channels,
        C=module.in_channels,
        G=module.groups,
        H=given.shape[-2] + more[0],
        W=given.shape[-1] + more[1],
        P=output.shape[-2],
        Q=output.shape[-1],
        R=rows,
        S=columns,
        stride=module.stride,
        padding=padding,
        dilation=module.dilation,
        bias=module.bias is not None,
        dtype=dtype,
        padding_mode=module.padding_mode,
    )


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every module is as it was."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training
