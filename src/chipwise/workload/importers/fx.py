"""The graph that torch.export writes, read into operators; and calls of aten, however they were seen."""

import operator as builtin
from collections.abc import Callable, Mapping
from typing import Any

from chipwise.errors import InputError
from chipwise.workload.importers.aten import Call, translate
from chipwise.workload.importers.graph import Graph, Operator, Value
from chipwise.workload.importers.naming import name_of

_NO_OPERATORS = ("_assert", "sym_constrain", "_guard", "sym_size", "sym_numel", "sym_stride")
"""Beginnings of what checks shapes and computes nothing."""

_WRAPPERS = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
"""Calls of a part of the graph in which only gradients or precision differ."""


def call_of(
    overload: Any,
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
    outputs: tuple[Value, ...],
    scope: tuple[str, str],
    parameters: Mapping[str, str],
) -> Operator:
    """The operator of a call of `overload`, tensors in its arguments being `Value`s.

    Args:
        overload: torch's operator.
        arguments: by position.
        named: by name.
        outputs: what it gives.
        scope: path and class of the module that calls.
        parameters: path of each parameter, by the key of its value.
    """
    schema = overload._schema  # noqa: SLF001 - the only place where torch says what arguments mean
    space, _, word = schema.name.partition("::")
    given = dict(zip((a.name for a in schema.arguments), arguments, strict=False)) | dict(named)
    ordered = {a.name: given.get(a.name, a.default_value) for a in schema.arguments}
    call = Call("", str(overload), ordered, outputs)
    found = translate(call, word) if space == "aten" else call.operator("unknown")
    weight = next((parameters[v.key] for v in found.inputs if v.key in parameters), "")
    call.name = name_of(found.kind, word, *scope, weight)
    return Operator(call.name, found.source, found.kind, found.inputs, found.outputs, found.facts)


def scope_of(stack: Mapping[str, Any] | None) -> tuple[str, str]:
    """Path and class of the innermost module of torch's `nn_module_stack`."""
    if not stack:
        return "", ""
    path, kind = list(stack.values())[-1]
    if isinstance(kind, type):
        kind = f"{kind.__module__}.{kind.__qualname__}"
    return path, kind


def value_of(key: str, tensor: Any, *, constant: bool = False) -> Value:
    """The value of a tensor that has no data, or need not have."""
    shape = getattr(tensor, "shape", None)
    known = shape is not None and all(isinstance(extent, int) for extent in shape)
    return Value(key, tuple(int(e) for e in shape) if known and shape is not None else None, constant)


def graph_of(program: Any, name: str, inside: str = "") -> Graph:
    """The operators of an exported program; `inside` is the path of the model in what was exported.

    Raises:
        DependsOnValuesError: a shape is known only when the model runs.
    """
    signature = program.graph_signature
    stored = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    within = f"{inside}." if inside else ""
    reader = _Reader({key: path.removeprefix(within) for key, path in stored.items()}, inside)
    placeholders = [n for n in program.graph.nodes if n.op == "placeholder"]
    for node in placeholders:
        reader.values[node] = value_of(node.name, node.meta.get("val"), constant=node.name in stored)
    outputs = reader.read(program.graph, program.graph_module, "")
    inputs = tuple(
        reader.values[n] for n in placeholders if n.name not in stored and reader.values[n].shape is not None
    )
    given = tuple(v for v in outputs if isinstance(v, Value))
    return Graph(name, "PyTorch", inputs, given, tuple(reader.operators))


class DependsOnValuesError(Exception):
    """A shape is known only when the model runs, so that its operators can't be read from an export."""


class _Reader:
    """Walks a graph and the parts that it calls; `values` holds what each of its nodes stands for."""

    def __init__(self, parameters: Mapping[str, str], inside: str) -> None:
        self._inside = inside
        self.values: dict[Any, Any] = {}
        self.operators: list[Operator] = []
        self._parameters = parameters

    def read(self, graph: Any, owner: Any, prefix: str) -> tuple[Value, ...]:
        """Append the operators of `graph`, a part of module `owner`; its outputs."""
        for node in graph.nodes:
            if node.op == "call_function":
                self._call(node, prefix)
            elif node.op == "get_attr":
                self.values[node] = self._attribute(node, owner, prefix)
            elif node.op == "output":
                found = self._resolved(node.args[0])
                return tuple(found) if isinstance(found, list | tuple) else (found,)
        return ()

    def _attribute(self, node: Any, owner: Any, prefix: str) -> Any:
        held = owner
        for part in node.target.split("."):
            held = getattr(held, part)
        return held if hasattr(held, "graph") else value_of(prefix + node.name, held, constant=True)

    def _call(self, node: Any, prefix: str) -> None:
        if node.target is builtin.getitem:
            whole, index = self.values[node.args[0]], node.args[1]
            self.values[node] = whole[index] if isinstance(whole, list | tuple) else whole
        elif hasattr(node.target, "_schema"):
            self._operator(node, prefix)
        elif getattr(node.target, "__name__", "") in _WRAPPERS:
            self._part(node, prefix)
        elif hasattr(node.target, "namespace"):
            path, _ = self._scope(node)
            raise InputError(
                f"layer {path or node.name!r}: {node.target} depends on values that are not known before the run; "
                "give the model without it, or with the choice made"
            )
        else:  # arithmetic on sizes
            self.values[node] = None

    def _part(self, node: Any, prefix: str) -> None:
        at = next(
            i
            for i, a in enumerate(node.args)
            if hasattr(self.values.get(a) if _is_node(a) else None, "graph")
        )
        part = self.values[node.args[at]]
        inner = [n for n in part.graph.nodes if n.op == "placeholder"]
        for placeholder, given in zip(inner, node.args[at + 1 :], strict=True):
            self.values[placeholder] = self._resolved(given)
        self.values[node] = self.read(part.graph, part, f"{prefix}{node.name}.")

    def _operator(self, node: Any, prefix: str) -> None:
        word = node.target._schema.name.partition("::")[2]  # noqa: SLF001 - as in call_of
        if word.startswith(_NO_OPERATORS):
            self.values[node] = None
            return
        result = node.meta.get("val")
        key = prefix + node.name
        many = isinstance(result, list | tuple)
        outputs = tuple(
            value_of(f"{key}.{i}" if many else key, tensor)
            for i, tensor in enumerate(result if many else (result,))
        )
        if any(
            hasattr(t, "shape") and v.shape is None
            for t, v in zip(result if many else [result], outputs, strict=True)
        ):
            raise DependsOnValuesError(f"the shape of what {node.target} gives depends on values")
        self.values[node] = outputs if many else outputs[0]
        self.operators.append(
            call_of(
                node.target,
                tuple(self._resolved(a) for a in node.args),
                {k: self._resolved(a) for k, a in node.kwargs.items()},
                outputs,
                self._scope(node),
                self._parameters,
            )
        )

    def _scope(self, node: Any) -> tuple[str, str]:
        path, kind = scope_of(node.meta.get("nn_module_stack"))
        return path.removeprefix(self._inside).removeprefix(".") if self._inside else path, kind

    def _resolved(self, argument: Any) -> Any:
        return mapped(argument, lambda a: self.values.get(a) if _is_node(a) else a)


def _is_node(argument: Any) -> bool:
    return hasattr(argument, "all_input_nodes")


def mapped(argument: Any, change: Callable[[Any], Any]) -> Any:
    """An argument with `change` applied to all that stands in it."""
    if isinstance(argument, list | tuple):
        return [mapped(item, change) for item in argument]
    if isinstance(argument, slice | Mapping):
        return argument
    return change(argument)
