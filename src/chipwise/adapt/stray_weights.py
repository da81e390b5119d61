"""Weights outside of layers: a network that multiplies with them does MACs that no layer shape tells of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chipwise.adapt.extra import TorchDispatchMode, nn, torch, tree_flatten
from chipwise.errors import InputError

_PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "convolution", "_convolution"}


@contextmanager
def refused(model: Any, layers: tuple[Any, ...], harmless: tuple[Any, ...]) -> Iterator[None]:
    """Refuse, in a forward pass, products with matrices that modules with parts own themselves, as in `x @ self.w`.

    Position embeddings and scales are such parameters too and do no MACs, so that what is done with them decides, not
    that they are there. Networks that have none run unwatched, as quickly as ever.

    Args:
        model: the network.
        layers: what may multiply.
        harmless: modules whose weights do no MACs.

    Raises:
        InputError: with the module's and the parameter's name, from within the forward pass.
    """
    # The tensors under a parametrization are what a layer's own weights are computed from.
    spared = (*layers, *harmless, nn.utils.parametrize.ParametrizationList)
    strays = {
        _storage(parameter): (path or "model", type(module).__name__, name)
        for path, module in model.named_modules()
        if not isinstance(module, spared)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() >= 2
    }
    if not strays:
        yield
        return
    watcher = _Watcher(type(model).__name__, strays)
    handles = []
    for part in model.modules():
        if isinstance(part, layers):
            handles += [
                part.register_forward_pre_hook(watcher.enter),
                part.register_forward_hook(watcher.leave),
            ]
    try:
        with watcher:
            yield
    finally:
        for handle in handles:
            handle.remove()


class _Watcher(TorchDispatchMode):  # type: ignore[misc]  # to a type checker, PyTorch is Any
    """Looks at every operation outside of layers."""

    def __init__(self, network: str, strays: Mapping[int, tuple[str, str, str]]) -> None:
        super().__init__()
        self._network = network
        self._strays = dict(strays)
        self._depth = 0
        self._alive: list[Any] = []

    def enter(self, _module: Any, _arguments: Any) -> None:
        """A layer begins, which may read such a parameter as its input."""
        self._depth += 1

    def leave(self, _module: Any, _arguments: Any, _output: Any) -> None:
        """It ends."""
        self._depth -= 1

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        read = [v for v in tree_flatten((args, kwargs or {}))[0] if isinstance(v, torch.Tensor)]
        found = [self._strays.get(_storage(v)) for v in read]
        known = [stray for stray in found if stray is not None]
        if self._depth or not known:
            return result
        if func.overloadpacket.__name__ in _PRODUCTS:
            path, kind, name = known[0]
            raise InputError(
                f"network {self._network!r}: module {path!r} is a {kind} that multiplies with a parameter of its own, "
                f"{name!r}, which chipwise cannot count; put it into a Conv2d, ConvTranspose2d or Linear layer"
            )
        if len(known) == len(found) and isinstance(result, torch.Tensor):
            # What is computed of weights alone is weights, as a transposed copy is.
            self._strays.setdefault(_storage(result), known[0])
            self._alive.append(result)
        return result


def _storage(tensor: Any) -> int:
    """The place of a tensor's data, which its views share."""
    place: int = tensor.untyped_storage().data_ptr()
    return place
