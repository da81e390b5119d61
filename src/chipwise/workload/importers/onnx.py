"""ONNX files: read without weights, shapes inferred, nodes into operators under the names that they have."""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from chipwise.errors import InputError
from chipwise.workload.importers.assemble import assemble
from chipwise.workload.importers.graph import MACS, MISFITS, Graph, Operator, Shape, Value
from chipwise.workload.importers.naming import name_of
from chipwise.workload.importers.onnx_file import read_model
from chipwise.workload.network import Network

_BITS = {2: 8, 3: 8, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 25: 2, 26: 2}
"""Widths of ONNX's element types for quantised values: of 8 bits, of 4, of 2."""

_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
"""Where torch.onnx says which module each node is from."""

_ATTENTION = "scaled_dot_product_attention"


def read_onnx(
    path: Path,
    *,
    sizes: Mapping[str, int] | None = None,
    shapes: Sequence[Shape] | None = None,
    allow_unknown: bool = False,
) -> Network:
    """The network in an ONNX file; its weights, in it or beside it, are not read.

    Args:
        path: the file.
        sizes: of symbolic axes, by symbol (`height`) or axis of an input (`image.2`); a first axis called
            batch or N is 1 if it has none.
        shapes: of the inputs in order, with or without the batch, in place of `sizes`.
        allow_unknown: count operators that are not known as the data that they move.

    Raises:
        InputError: a damaged file, an axis without a size, a shape that cannot be inferred, an unknown operator.
        MissingExtra: onnx is not installed.
    """
    model = read_model(path)
    from chipwise.workload.importers import onnx_shapes  # noqa: PLC0415 - needs the extra, of which read_model tells

    model = _inlined(path, model)
    try:
        onnx_shapes.fix_sizes(model, sizes or {}, shapes)
        model, known, types = onnx_shapes.settle(model)
        graph = _Reader(model, known, types, onnx_shapes.numbers(model)).graph(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return assemble(graph, allow_unknown=allow_unknown)


def _inlined(path: Path, model: Any) -> Any:
    if not model.functions:
        return model
    from onnx import inliner  # noqa: PLC0415 - an extra

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # noqa: BLE001 - the C++ part raises whatever its bindings choose
        raise InputError(
            f"{path}: its local functions cannot be inlined ({error}); export it without"
        ) from None


class _Reader:
    """Nodes of a model whose shapes are settled, as operators."""

    def __init__(
        self, model: Any, shapes: Mapping[str, Shape], types: Mapping[str, int], numbers: Mapping[str, Any]
    ) -> None:
        self._model = model
        self._shapes = shapes
        self._types = types
        self._numbers = numbers
        self._constants = {t.name for t in model.graph.initializer} | {
            t.values.name for t in model.graph.sparse_initializer
        }
        self._readers: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._parts: Counter[str] = Counter()

    def graph(self, path: Path) -> Graph:
        """All operators, in order."""
        graph = self._model.graph
        inputs = tuple(self._value(v.name) for v in graph.input if v.name not in self._constants)
        operators: list[Operator] = []
        for node in graph.node:
            try:
                operators += self._operators(node)
            except MISFITS as error:
                words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                raise InputError(
                    f"layer '{self._plain_name(node)} ({node.op_type})': its attributes or inputs do not fit the "
                    f"operator ({words}); export the model again"
                ) from None
        outputs = tuple(self._value(v.name) for v in graph.output)
        return Graph(path.stem, f"ONNX file {path.name}", inputs, outputs, tuple(operators))

    def _value(self, name: str) -> Value:
        bits = _BITS.get(self._types.get(name, 0))
        return Value(name, self._shapes.get(name), name in self._constants, bits)

    def _operators(self, node: Any) -> list[Operator]:
        from chipwise.workload.importers import onnx_attention, onnx_contrib, onnx_operators  # noqa: PLC0415, F401

        read = tuple(self._value(name) if name else None for name in node.input)
        written = tuple(self._value(name) for name in node.output if name)
        given = onnx_contrib.attributes(node)
        plain = onnx_operators.Node(self._plain_name(node), node.op_type, given, read, written, self._numbers)
        found = onnx_operators.translate(plain, node.domain)
        for operator in found:
            known = operator.inputs and all(v.key in self._constants for v in operator.inputs)
            if (known and operator.kind not in MACS) or operator.kind == "constant":
                self._constants.update(v.key for v in operator.outputs)
        name = self._name(node, found[-1].kind)
        return [
            Operator(name + o.name.removeprefix(plain.name), o.source, o.kind, o.inputs, o.outputs, o.facts)
            for o in found
        ]

    def _plain_name(self, node: Any) -> str:
        return str(node.name or next((o for o in node.output if o), node.op_type))

    def _name(self, node: Any, kind: str) -> str:
        """The module's path where torch.onnx has left it, else the node's own name."""
        left = {p.key: p.value for p in node.metadata_props if p.key in {_SCOPES, _CLASSES}}
        scopes, classes = _list(left.get(_SCOPES)), _list(left.get(_CLASSES))
        if len(scopes) < 2 or len(classes) < 2:
            # Most exporters name their nodes; where one does not, weights called fc.weight say more than a number.
            return str(node.name) or name_of("", "", "", "", self._parameter(node)) or self._plain_name(node)
        word = classes[-1].split(".")[1] if classes[-1].startswith("aten.") else node.op_type.lower()
        name = name_of(kind, word, scopes[-2], classes[-2], self._parameter(node))
        if word == _ATTENTION and name.endswith(_ATTENTION):
            return name + self._part(node, scopes[-1])
        return name

    def _part(self, node: Any, call: str) -> str:
        """Which product of an attention that was taken apart a node is."""
        if node.op_type == "Softmax":
            return ".softmax"
        if node.op_type != "MatMul":
            return ""
        self._parts[call] += 1
        return ".scores" if self._parts[call] == 1 else ".context"

    def _parameter(self, node: Any) -> str:
        """The name of the stored weights of a node; those of its bias where the weights have lost theirs."""
        stored = {t for t in node.input if t in self._constants and prod(self._shapes.get(t, ())) > 1}
        named = [name for name in node.input if name in stored and name.endswith(("weight", "bias"))]
        if named or node.op_type != "MatMul" or not stored:
            return named[0] if named else ""
        readers = self._readers.get(node.output[0], [])
        if len(readers) == 1 and readers[0].op_type == "Add":
            return next((name for name in readers[0].input if name.endswith("bias")), "")
        return ""


def _list(text: str | None) -> list[str]:
    """A list of texts as torch.onnx writes it."""
    try:
        found = ast.literal_eval(text) if text else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [str(item) for item in found] if isinstance(found, list) else []
