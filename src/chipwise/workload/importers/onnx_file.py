"""ONNX files without their weights: what is large in them is skipped before anything is parsed."""

import mmap
from pathlib import Path
from typing import Any

from chipwise.errors import InputError, MissingExtra
from chipwise.workload.importers.assemble import MAX_NODES

MAX_BYTES = 2**31
"""A protobuf message can't be longer; larger models keep their weights in files beside."""

MAX_STRUCTURE = 2**28
"""Most bytes that may remain without the weights."""

SMALL = 2**14
"""Parts up to this many bytes are kept whole: constants that say shapes and axes are far smaller."""

MAX_DEPTH = 60
"""Messages within messages; protobuf itself refuses at 100, and models nest a few."""

_DATA = frozenset({4, 5, 6, 7, 9, 10, 11})
"""Fields of a TensorProto that hold values: floats, integers, strings, raw."""

_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Where tensors lie: the message in each field of onnx.proto that leads to one."""


def read_model(path: Path) -> Any:
    """The model in a file, as onnx.ModelProto, its large tensors empty and files beside it not read.

    Raises:
        InputError: no such file, too large, cut short, or not ONNX.
        MissingExtra: onnx is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx
    except ModuleNotFoundError as error:
        raise MissingExtra("ONNX files need onnx: pip install 'chipwise[onnx]'") from error
    content = _structure(path)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise InputError(
            f"{path}: is no ONNX file, is damaged, or nests its graphs more than 100 deep; export it again"
        ) from None
    if not model.graph.node:
        raise InputError(
            f"{path}: holds no ONNX graph with nodes; check that it is the file that was exported"
        )
    total = _nodes_with_functions(path, model)
    if total > MAX_NODES:
        raise InputError(f"{path}: has {total:,} nodes, the limit is {MAX_NODES:,}; import a part of it")
    return model


def _structure(path: Path) -> bytes:
    """The file's bytes without the data of large tensors."""
    try:
        size = path.stat().st_size
        if size >= MAX_BYTES:
            raise InputError(
                f"{path}: has {size:,} bytes, an ONNX file has fewer than 2 GiB; export it with its weights beside "
                "(external data), which are not needed here"
            )
        if size == 0:
            raise InputError(f"{path}: is empty; export it again")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            content = memoryview(view)
            try:
                kept = _kept(path, content, "model", 0)
            finally:
                content.release()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give the .onnx file in it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(kept) > MAX_STRUCTURE:
        raise InputError(f"{path}: has {len(kept):,} bytes without weights, the limit is {MAX_STRUCTURE:,}")
    return kept


def _kept(path: Path, message: memoryview, kind: str, depth: int) -> bytes:
    """A message of `kind` without the data of tensors in it, if it is larger than `SMALL`."""
    if len(message) <= SMALL and kind != "model":
        return bytes(message)
    if depth > MAX_DEPTH:
        raise InputError(f"{path}: nests its graphs more than {MAX_DEPTH} messages deep; export it flat")
    found: list[bytes] = []
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(path, message, at)
        field, wire = tag >> 3, tag & 7
        if wire == 2:
            length, at = _varint(path, message, at)
            end = at + length
        else:
            end = (
                _varint(path, message, at)[1] if wire == 0 else at + {1: 8, 5: 4}.get(wire, len(message) + 1)
            )
        if field == 0 or wire not in {0, 1, 2, 5}:
            raise InputError(f"{path}: is no ONNX file, or is damaged; export it again")
        if end > len(message):
            raise _cut_short(path)
        part = _PARTS[kind].get(field) if wire == 2 else None
        if part is not None:
            # Released before the map is closed, even if an error keeps this frame alive.
            with message[at:end] as inner:
                content = _kept(path, inner, part, depth + 1)
            found += [_encoded(tag), _encoded(len(content)), content]
        elif kind != "tensor" or field not in _DATA:
            found.append(bytes(message[start:end]))
        at = end
    return b"".join(found)


def _cut_short(path: Path) -> InputError:
    return InputError(
        f"{path}: is cut short: a part of it should be longer than the file; copy or export it again"
    )


def _varint(path: Path, message: memoryview, at: int) -> tuple[int, int]:
    """A number as protobuf writes it, seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise _cut_short(path)
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise InputError(f"{path}: is no ONNX file, or is damaged; export it again")


def _encoded(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _nodes_with_functions(path: Path, model: Any) -> int:
    """Nodes once every call of a local function is replaced by its body, found without replacing any."""
    functions = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Any, calling: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in calling or len(calling) > MAX_DEPTH:
                raise InputError(
                    f"{path}: function {node.op_type!r} calls itself, or functions call each other more than "
                    f"{MAX_DEPTH} deep; export it without local functions"
                )
            if key in functions and key not in sizes:
                sizes[key] = size(functions[key].node, (*calling, key))
            total += sizes.get(key, 1) if key in functions else 1
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs):
                    total += size(graph.node, calling)
        return total

    return size(model.graph.node, ())
