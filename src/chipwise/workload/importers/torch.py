"""PyTorch models: torch.export lists their operators without computing; what does not export is recorded."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from chipwise.errors import InputError, MissingExtra, first_line
from chipwise.workload.importers.assemble import assemble
from chipwise.workload.importers.fx import graph_of
from chipwise.workload.importers.graph import Graph
from chipwise.workload.importers.inputs import Example
from chipwise.workload.importers.own_code import is_own_code, made_by
from chipwise.workload.network import Network


def is_module(candidate: object) -> bool:
    """Whether `candidate` is a torch.nn.Module; asks without importing torch, which then is loaded already."""
    return any(
        c.__module__ == "torch.nn.modules.module" and c.__name__ == "Module" for c in type(candidate).__mro__
    )


def module_of(spec: str) -> Any:
    """The model that `package.module:callable` makes: the user's own code, found as Python finds it, is run.

    The callable may also be a model itself. The working folder is searched too, as `python -m` does.

    Raises:
        InputError: not of this form, nothing of that name, code that raises, or something that is no model.
    """
    _torch()
    if not is_own_code(spec):
        raise InputError(
            f"network 'torch:{spec}': must be torch:package.module:callable, as torch:models.vit:tiny"
        )
    made = made_by(spec, f"network 'torch:{spec}'", lambda found: found if is_module(found) else found())
    if not is_module(made):
        raise InputError(f"network 'torch:{spec}': gives {type(made).__name__}, which is no torch.nn.Module")
    return made


def read_module(module: Any, example_input: Any, *, allow_unknown: bool = False) -> Network:
    """The network of a torch.nn.Module, in evaluation mode, with the shapes that `example_input` gives rise to.

    Args:
        module: the model; neither its weights nor its mode are changed.
        example_input: a tensor, a tuple of arguments, a dict of keyword arguments; or a shape with its batch.
        allow_unknown: count operators that are not known as the data that they move.

    Raises:
        InputError: no example, a forward that raises, an operator that is not known.
    """
    torch = _torch()
    positional, named = _arguments(torch, module, example_input)
    with _evaluating(torch, module):
        graph, note = _graph(torch, module, positional, named)
    if note:
        warnings.warn(note, stacklevel=2)
    return assemble(graph, allow_unknown=allow_unknown)


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415 - a second to import, and an extra
    except ModuleNotFoundError as error:
        raise MissingExtra("PyTorch models need torch: pip install 'chipwise[torch]'") from error
    return torch


def _arguments(torch: Any, module: Any, example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of forward, on the module's device and in its precision."""
    name = type(module).__name__
    if example is None:
        raise InputError(
            f"network {name!r}: a PyTorch model needs an example input; give example_input=torch.zeros(1, 3, 224, 224) "
            "or its shape (1, 3, 224, 224); --input 3x224x224 on the command line"
        )
    first = next((p for p in module.parameters() if p.is_floating_point()), None)
    device = None if first is None else first.device
    dtype = None if first is None else first.dtype

    def tensor(value: Any) -> Any:
        if isinstance(value, Example):
            kind = torch.int64 if value.whole else dtype
            return torch.zeros((1, *value.shape), dtype=kind, device=device)
        if isinstance(value, torch.Tensor):
            return value if device is None else value.to(device)
        if _is_shape(value):
            return torch.zeros(tuple(value), dtype=dtype, device=device)
        return value

    if isinstance(example, Mapping):
        return (), {key: tensor(value) for key, value in example.items()}
    if isinstance(example, torch.Tensor) or _is_shape(example):
        return (tensor(example),), {}
    if isinstance(example, list | tuple):
        return tuple(tensor(value) for value in example), {}
    raise InputError(
        f"network {name!r}: example_input = {type(example).__name__} must be a tensor, a tuple or dict of tensors, "
        "or a shape"
    )


def _is_shape(value: Any) -> bool:
    """Whether a tuple of whole numbers is meant as a shape; a batch of 0 or less is a mistake that torch names."""
    return isinstance(value, list | tuple) and len(value) > 0 and all(type(v) is int for v in value)


@contextmanager
def _evaluating(torch: Any, module: Any) -> Iterator[None]:
    """Evaluation mode, no gradients, nothing said by torch; the modes of all parts are put back."""
    modes = [(part, part.training) for part in module.modules()]
    quiet = logging.root.manager.disable
    try:
        module.eval()
        logging.disable(logging.CRITICAL)
        # An export that fails prints the graph so far.
        with (
            torch.no_grad(),
            warnings.catch_warnings(),
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(quiet)
        for part, training in modes:
            part.training = training


def _graph(torch: Any, module: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Graph, str]:
    """The operators, and what the user should know of how they were found."""
    from chipwise.workload.importers.record import Tensors  # noqa: PLC0415 - subclasses what torch brings

    name = type(module).__name__
    try:
        program = torch.export.export(Tensors(module), positional, named, strict=False)
        graph = graph_of(program, name, "inner")
        unknown = {o.source for o in graph.operators if o.kind == "unknown"}
        if unknown:
            # Only what is not known is taken apart: the rest would lose its attention and its recurrent layers.
            table = {op: f for op, f in torch.export.default_decompositions().items() if str(op) in unknown}
            graph = graph_of(program.run_decompositions(table), name, "inner") if table else graph
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code runs here, and may raise anything
        graph, how = _recorded(module, positional, named)
        why = first_line(error) or type(error).__name__
        return graph, f"{name} does not export ({why}); its layers are those of one run {how}"
    return graph, ""


def _recorded(module: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Graph, str]:
    """What one run does, without data, or with the example's where values decide the way."""
    from chipwise.workload.importers.record import record  # noqa: PLC0415 - as above

    for fake, how in ((True, "without data"), (False, "with the example's data")):
        try:
            return record(module, positional, named, fake=fake), how
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            failure = error
    given = ", ".join(_shown(v) for v in (*positional, *named.values())) or "no arguments"
    raise InputError(
        f"network {type(module).__name__!r}: its forward raises {type(failure).__name__}: {first_line(failure)}; "
        f"check the example input, {given}"
    ) from failure


def _shown(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{list(shape)} of {value.dtype}" if shape is not None else repr(value)[:80]
