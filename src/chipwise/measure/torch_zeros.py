"""Zeros in a PyTorch model: every operator of one evaluation pass is seen where it computes."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipwise.errors import ChipwiseError, InputError, MissingExtra, first_line
from chipwise.measure.densities import MeasuredDensities, Progress, as_array, images_in, provenance
from chipwise.measure.images import read_inputs
from chipwise.measure.zeros import Array, LayerZeros, Zeros, checked
from chipwise.workload.importers.naming import name_of
from chipwise.workload.importers.torch import module_of, read_module

try:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
except ModuleNotFoundError as missing:  # pragma: no cover - the extra is installed where this is tested
    raise MissingExtra("PyTorch models need torch: pip install 'chipwise[torch]'") from missing

_CONVOLUTIONS = ("convolution", "_convolution", "conv1d", "conv2d", "conv3d", "mkldnn_convolution")
_PRODUCTS = {"addmm": (1, 2), "mm": (0, 1), "linear": (0, 1), "bmm": (0, 1)}
"""Positions of what may be input and weights."""

_NORMALIZATIONS = (
    "native_batch_norm",
    "_native_batch_norm_legit_no_training",
    "batch_norm",
    "cudnn_batch_norm",
)
_ACTIVATIONS = (
    "relu",
    "hardtanh",
    "clamp",
    "clamp_min",
    "leaky_relu",
    "elu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "tanh",
    "hardswish",
    "hardsigmoid",
    "softplus",
    "threshold",
    "_prelu_kernel",
)


class _Watcher(TorchDispatchMode):  # type: ignore[misc]
    """Counts zeros at operators that read a stored weight, and at the activations that follow them."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.layers: dict[str, LayerZeros] = {}
        self.scopes: list[tuple[str, str]] = [("", _class_of(module))]
        self.products: dict[int, LayerZeros] = {}
        """Products of activations, in order."""
        self.images = 1
        self._turn = 0
        self._called: Counter[str] = Counter()
        self._pending: dict[int, tuple[str, int, Zeros]] = {}
        """By storage: the layer whose output lies there, its channel axis, and its zeros before this batch."""
        self._parameters = {_storage(p): (path, p) for path, p in reversed(list(module.named_parameters()))}

    def begin(self, images: int) -> None:
        """A batch of so many images comes."""
        self.images = images
        self._turn = 0
        self._called.clear()
        self._pending.clear()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator, and look at what it read and wrote if it is one of ours."""
        word = func._schema.name.partition("::")[2].rstrip("_")  # noqa: SLF001 - where torch keeps the name
        before = self._pending.get(_storage(args[0])) if args and _is_tensor(args[0]) else None
        read = {_storage(a) for a in args if _is_tensor(a)}
        result = func(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple | list) and result else result
        if not _is_tensor(first):
            return result
        if _storage(first) not in read:
            # The allocator gives out storage again: what lay there is gone.
            self._pending.pop(_storage(first), None)
        if word in _CONVOLUTIONS:
            self._layer("conv", word, args[0], args[1], first, 1)
        elif word in _PRODUCTS:
            x, w = (args[i] for i in _PRODUCTS[word])
            self._layer("product", word, x, w, first, -1)
        elif before is not None and word in _NORMALIZATIONS:
            self._pending[_storage(first)] = before
        elif before is not None and word in _ACTIVATIONS:
            self._activated(before, first)
        return result

    def _layer(self, kind: str, word: str, x: Any, w: Any, out: Any, axis: int) -> None:
        found = self._parameters.get(_storage(w))
        if found is None:
            if kind == "product":
                self._moving(x, w, out)
            return
        path, parameter = found
        name = name_of(kind, word, *self.scopes[-1], path)
        self._called[name] += 1
        if self._called[name] > 1:
            name = f"{name}.{self._called[name]}"
        zeros = self.layers.setdefault(name, LayerZeros())
        if zeros.weight is None:
            zeros.weight = Zeros()
            zeros.weight.add(checked(_values(parameter), name, "weight"), 1, 0)
        zeros.input.add(checked(_values(x), name, "input"), self.images, axis)
        before = zeros.output
        zeros.output = _copy(before)
        zeros.output.add(checked(_values(out), name, "output"), self.images, axis)
        self._pending[_storage(out)] = (name, axis, before)

    def _moving(self, x: Any, w: Any, out: Any) -> None:
        """A product of activations, which has no name here: it is known by its turn."""
        at = self._turn
        self._turn += 1
        zeros = self.products.setdefault(at, LayerZeros(weight=Zeros()))
        assert zeros.weight is not None
        for tensor, counted, what in (
            (x, zeros.input, "input"),
            (w, zeros.weight, "weight"),
            (out, zeros.output, "output"),
        ):
            counted.add(checked(_values(tensor), f"product {at + 1} of activations", what), self.images, -1)

    def _activated(self, pending: tuple[str, int, Zeros], out: Any) -> None:
        name, axis, before = pending
        # Zeros of the values before the activation are no longer of interest.
        zeros = _copy(before)
        zeros.add(checked(_values(out), name, "output"), self.images, axis)
        self.layers[name].output = zeros


def measure_module(
    module: Any, batches: Iterable[Any], *, limit: int | None, data: str, progress: Progress | None
) -> MeasuredDensities:
    """As `densities.measure_densities` says."""
    watcher = _Watcher(module)
    done, example = 0, None
    with _watched(module, watcher):
        for given in batches:
            arguments, images = _arguments(module, given)
            if limit is not None and images > limit - done:
                arguments, images = tuple(a[: limit - done] for a in arguments), limit - done
            example = arguments if example is None else example
            watcher.begin(images)
            _run(module, arguments)
            done += images
            if progress is not None:
                progress(done)
            if limit is not None and done >= limit:
                break
    if example is None:
        raise InputError("there are no batches to measure with; give at least one")
    layers, unmeasured = _of_network(
        module, example, watcher.layers, watcher.products, done / images_in(_values(example[0]))
    )
    record = provenance(f"{type(module).__name__} (PyTorch)", _digest(module), data, ["torch"])
    return MeasuredDensities(layers, done, record, unmeasured)


def measure_module_on(
    spec: str,
    data: str | Path,
    *,
    batch: int = 1,
    limit: int | None = None,
    normalize: str = "imagenet",
    shape: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> MeasuredDensities:
    """As `onnx_zeros.measure_onnx`, of the module that the user's code makes.

    Args:
        spec: `package.module:callable`; that code is run.
        data: a folder of images, for which `shape` is needed, or an .npz file.
        batch: images at once.
        limit: most images.
        normalize: of images.
        shape: of one input.
        progress: told how many images are done.
    """
    module = module_of(spec)
    inputs = read_inputs(data, name="input", shape=shape, batch=batch, limit=limit, normalize=normalize)
    shown = Path(data).name or str(data)
    found = measure_module(module, inputs.batches(), limit=None, data=shown, progress=progress)
    return replace(found, provenance={**found.provenance, "preprocessing": inputs.preprocessing})


def _run(module: Any, arguments: tuple[Any, ...]) -> None:
    try:
        module(*arguments)
    except ChipwiseError:
        raise
    except Exception as error:  # the user's code runs here, and may raise anything
        shown = ", ".join(str(list(a.shape)) for a in arguments)
        raise InputError(
            f"network {type(module).__name__!r}: its forward raises {type(error).__name__}: {first_line(error)}; check "
            f"the batch, of shape {shown}"
        ) from error


def _arguments(module: Any, given: Any) -> tuple[tuple[Any, ...], int]:
    """Tensors on the module's device, and how many images they are."""
    first = next((p for p in module.parameters() if p.is_floating_point()), None)
    tensors = []
    for value in given if isinstance(given, tuple | list) else (given,):
        tensor = value if _is_tensor(value) else torch.from_numpy(as_array(value).copy())
        if first is not None:
            tensor = tensor.to(first.device, first.dtype if tensor.is_floating_point() else None)
        as_array(_values(tensor))
        tensors.append(tensor)
    return tuple(tensors), images_in(_values(tensors[0])) if tensors else 0


def _of_network(
    module: Any,
    example: tuple[Any, ...],
    found: dict[str, LayerZeros],
    products: dict[int, LayerZeros],
    batches: float,
) -> tuple[dict[str, LayerZeros], tuple[str, ...]]:
    """The layers in the order of the imported network, and those that were not seen."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = read_module(module, example, allow_unknown=True)
    except ChipwiseError:
        # A model that cannot be imported as a whole has layers all the same.
        return found, tuple(f"product {at + 1} of activations" for at in products)
    names = [layer.name for layer in network.layers]
    moving = [layer for layer in network.layers if layer.name not in found and layer.kind == "matmul"]
    if len(moving) == len(products):
        # By their order, if their sizes say the same.
        pairs = list(zip(moving, products.values(), strict=True))
        if all(layer.volume("output") * batches == zeros.output.values for layer, zeros in pairs):
            found = found | {layer.name: zeros for layer, zeros in pairs}
    ordered = {name: found[name] for name in names if name in found}
    return ordered, tuple(name for name in names if name not in found)


@contextmanager
def _watched(module: Any, watcher: _Watcher) -> Iterator[None]:
    """Evaluation mode without gradients, with the watcher on; everything is put back."""
    modes = [(part, part.training) for part in module.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as stack:
        for path, part in module.named_modules():
            if path:
                stack.callback(part.register_forward_pre_hook(_entering(watcher, path, part)).remove)
                stack.callback(part.register_forward_hook(_leaving(watcher), always_call=True).remove)
        try:
            module.eval()
            # The fast path of transformers is one operator, in which nothing can be seen.
            torch.backends.mha.set_fastpath_enabled(False)
            with torch.no_grad(), watcher:
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            for part, training in modes:
                part.training = training


def _entering(watcher: _Watcher, path: str, part: Any) -> Any:
    def enter(*_: Any) -> None:
        watcher.scopes.append((path, _class_of(part)))

    return enter


def _leaving(watcher: _Watcher) -> Any:
    def leave(*_: Any) -> None:
        watcher.scopes.pop()

    return leave


def _class_of(module: Any) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _storage(tensor: Any) -> int:
    """The place of a tensor's data, which its views share."""
    place: int = tensor.untyped_storage().data_ptr()
    return place


def _values(tensor: Any) -> Array:
    held = tensor.detach().cpu()
    # NumPy has no bfloat16; zeros stay zeros.
    values: Array = (held.float() if held.dtype is torch.bfloat16 else held).numpy()
    return values


def _copy(zeros: Zeros) -> Zeros:
    of_channel = None if zeros.of_channel is None else zeros.of_channel.copy()
    return Zeros(zeros.values, zeros.zeros, zeros.runs, list(zeros.images), list(zeros.longest), of_channel)


def _digest(module: Any) -> str:
    """SHA-256 of all parameters and buffers, with their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if _is_tensor(tensor):
            digest.update(name.encode())
            digest.update(_values(tensor).tobytes())
    return digest.hexdigest()
