"""What subclasses torch: models by their tensors alone, and the operators that one run of a model calls."""

from contextlib import ExitStack, nullcontext
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from chipwise.workload.importers.fx import call_of, mapped, value_of
from chipwise.workload.importers.graph import Graph, Operator, Value


class Tensors(torch.nn.Module):  # type: ignore[misc]
    """A model as `inner`, of which only the tensors come out: caches and the like would keep it from exporting."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **kwargs: Any) -> list[Any]:
        """All tensors in what the model gives."""
        leaves, _ = tree_flatten(self.inner(*args, **kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def record(module: Any, positional: tuple[Any, ...], named: dict[str, Any], *, fake: bool) -> Graph:
    """The operators of one run of `module`; `fake` runs on shapes alone."""
    mode = FakeTensorMode(allow_non_fake_inputs=True) if fake else None
    scopes = [("", _class_of(module))]
    recorder = _Recorder(module, scopes)
    with ExitStack() as stack:
        for path, part in module.named_modules():
            if path:
                stack.callback(part.register_forward_pre_hook(_entering(scopes, path, part)).remove)
                stack.callback(part.register_forward_hook(_leaving(scopes), always_call=True).remove)

        def tensor(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            given = value if mode is None else mode.from_tensor(value)
            recorder.inputs.append(recorder.value(given))
            return given

        arguments = [mapped(a, tensor) for a in positional]
        keywords = {k: mapped(a, tensor) for k, a in named.items()}
        stack.enter_context(mode if mode is not None else nullcontext())
        stack.enter_context(recorder)
        stack.enter_context(_Whole(recorder))
        result = module(*arguments, **keywords)
    outputs: list[Value] = []
    tensors, _ = tree_flatten(result)
    outputs += [recorder.value(t) for t in tensors if isinstance(t, torch.Tensor)]
    return Graph(
        type(module).__name__, "PyTorch", tuple(recorder.inputs), tuple(outputs), tuple(recorder.operators)
    )


def _class_of(module: Any) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _entering(scopes: list[tuple[str, str]], path: str, part: Any) -> Any:
    return lambda *_: scopes.append((path, _class_of(part)))


def _leaving(scopes: list[tuple[str, str]]) -> Any:
    def leave(*_: Any) -> None:
        scopes.pop()

    return leave


class _Recorder(TorchDispatchMode):  # type: ignore[misc]
    """Sees every operator below autograd. Tensors are held, since their identity says what reads what."""

    def __init__(self, module: Any, scopes: list[tuple[str, str]]) -> None:
        super().__init__()
        self.inputs: list[Value] = []
        self.operators: list[Operator] = []
        self.inside = False
        """Whether an operator that is noted as a whole is running."""
        self._scopes = scopes
        self._values: dict[int, Value] = {}
        self._held: list[Any] = []
        self._parameters: dict[str, str] = {}
        for path, parameter in (*module.named_parameters(), *module.named_buffers()):
            self._parameters[self.value(parameter, constant=True).key] = path

    def value(self, tensor: Any, *, constant: bool = False) -> Value:
        """The value that a tensor is; one that no operator gave and no argument was is a constant."""
        if id(tensor) not in self._values:
            self._held.append(tensor)
            self._values[id(tensor)] = value_of(f"t{len(self._held)}", tensor, constant=constant)
        return self._values[id(tensor)]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator and note what it was."""
        result = func(*args, **(kwargs or {}))
        if not self.inside:
            self.note(func, result, args, kwargs or {})
        return result

    def note(self, func: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Add the operator `func` that has given `result`."""
        read = [mapped(a, self._read) for a in args]
        named = {k: mapped(a, self._read) for k, a in kwargs.items()}
        outputs = []
        for tensor in result if isinstance(result, list | tuple) else (result,):
            if isinstance(tensor, torch.Tensor):
                # What is written in place is a new value in the same tensor.
                self._values.pop(id(tensor), None)
                outputs.append(self.value(tensor))
        if not outputs:  # a question about a tensor
            return
        self.operators.append(
            call_of(func, tuple(read), named, tuple(outputs), self._scopes[-1], self._parameters)
        )

    def _read(self, argument: Any) -> Any:
        return self.value(argument, constant=True) if isinstance(argument, torch.Tensor) else argument


class _Whole(TorchFunctionMode):  # type: ignore[misc]
    """Notes layers whole that fall into many operators further below: a recurrent layer into one per step."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__()
        aten = torch.ops.aten
        self._recorder = recorder
        self._known = {
            torch.lstm: aten.lstm.input,
            torch.gru: aten.gru.input,
            torch.rnn_tanh: aten.rnn_tanh.input,
            torch.rnn_relu: aten.rnn_relu.input,
            torch.nn.functional.linear: aten.linear.default,
            torch.nn.functional.scaled_dot_product_attention: aten.scaled_dot_product_attention.default,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the function; note it if it is one of those."""
        known = self._known.get(func)
        if known is None:
            return func(*args, **(kwargs or {}))
        self._recorder.inside = True
        try:
            result = func(*args, **(kwargs or {}))
        finally:
            self._recorder.inside = False
        self._recorder.note(known, result, args, kwargs or {})
        return result
