"""Shapes of everything in an ONNX model: sizes of the inputs' axes fixed, numbers computed, branches chosen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.importers.graph import MISFITS, Shape
from chipwise.workload.importers.onnx_contrib import output_shape

_COMPUTED_NAMES = (
    "Gather Concat Unsqueeze Squeeze Slice Add Sub Mul Div Mod Cast Floor Ceil Round Min Max Reshape Identity Equal "
    "Where ReduceProd ReduceSum Neg Sqrt Not And Or Less Greater LessOrEqual GreaterOrEqual Abs Pow Range "
    "ConstantOfShape Expand Transpose"
)
_COMPUTED = frozenset(_COMPUTED_NAMES.split())
"""Operators by which exporters compute sizes; all else is left to run time."""

MOST = 4096
"""Values of the largest tensor that is computed."""

_ROUNDS = 12
"""Of computing and inferring in turn: each settles at least one chain of reshapes."""


def fix_sizes(model: Any, sizes: Mapping[str, int], shapes: Sequence[Shape] | None) -> None:
    """Put numbers in place of the symbolic axes of the inputs.

    Args:
        model: changed in place.
        sizes: per symbol (`height`) or axis of an input (`image.2`).
        shapes: whole shapes of the inputs in order, with or without the batch; they come before `sizes`.

    Raises:
        InputError: an axis without a size, named with the option that gives it; a size for no axis.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [v for v in model.graph.input if v.name not in stored and v.type.HasField("tensor_type")]
    symbols = {d.dim_param for v in inputs for d in v.type.tensor_type.shape.dim if d.dim_param}
    axes = {f"{v.name}.{i}" for v in inputs for i in range(len(v.type.tensor_type.shape.dim))}
    for key in sizes:
        if key not in symbols | axes:
            hint = did_you_mean(key, symbols or axes)
            raise InputError(f"--input-size {key}={sizes[key]}: no input has an axis {key!r}.{hint}")
    known = dict(sizes)
    for value, shape in zip(inputs, shapes or (), strict=False):
        _set_shape(value, shape, known)
    if shapes is not None and len(shapes) > len(inputs):
        raise InputError(f"--input: {len(shapes)} shapes are given, the network has {len(inputs)} inputs")
    for value in inputs:
        if not value.type.tensor_type.HasField("shape"):
            raise InputError(
                f"input {value.name!r} has no shape in the file; give it, e.g. --input 3x224x224 "
                "(example_input=(1, 3, 224, 224) in Python)"
            )
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            _fix_axis(value, axis, dim, known)
    for value in (*model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                size = known.get(dim.dim_param)
                dim.Clear()  # what follows from the inputs is inferred anew
                if size is not None:
                    dim.dim_value = size


def _set_shape(value: ValueInfoProto, shape: Shape, known: dict[str, int]) -> None:
    dims = value.type.tensor_type.shape.dim
    if len(shape) == len(dims) - 1:
        shape = (1, *shape)
    if dims and len(shape) != len(dims):
        raise InputError(f"--input {_shown(shape)}: input {value.name!r} has {len(dims)} axes")
    for dim, extent in zip(dims, shape, strict=False):
        if dim.dim_value > 0 and dim.dim_value != extent:
            raise InputError(
                f"--input {_shown(shape)}: input {value.name!r} is fixed to {dim.dim_value} where {extent} is given; "
                "export the model with dynamic axes to change it"
            )
        if dim.dim_param:
            known.setdefault(dim.dim_param, extent)
    if not dims:
        dims.extend(onnx.TensorShapeProto.Dimension(dim_value=extent) for extent in shape)
    for dim, extent in zip(dims, shape, strict=True):
        dim.dim_value = extent


def _shown(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _fix_axis(value: ValueInfoProto, axis: int, dim: Any, known: dict[str, int]) -> None:
    if dim.dim_value > 0:
        return
    symbol = dim.dim_param
    size = known.get(f"{value.name}.{axis}", known.get(symbol) if symbol else None)
    if size is None and axis == 0 and ("batch" in symbol.lower() or symbol in {"N", "n", "B", "b", "bs"}):
        size = 1
    if size is None:
        key = symbol or f"{value.name}.{axis}"
        called = f"axis {axis} ({symbol!r})" if symbol else f"axis {axis}"
        raise InputError(
            f"input {value.name!r}: {called} has no size; give one, e.g. --input-size {key}=224 "
            f"(input_size={{{key!r}: 224}} in Python)"
        )
    if size < 1:
        raise InputError(f"--input-size {symbol or axis}={size}: must be at least 1")
    if symbol:
        known[symbol] = size
    dim.Clear()
    dim.dim_value = size


def settle(model: Any) -> tuple[Any, dict[str, Shape], dict[str, int]]:
    """The model with its branches chosen; the shape and the element type of each value that has one.

    Inference and computing take turns, since one gives the other its numbers, until neither finds more.
    """
    for _ in range(_ROUNDS):
        model = _inferred(model)
        shapes, types = _shapes(model)
        missing = [n for n in model.graph.node if any(o and o not in shapes for o in n.output)]
        branches = any(n.op_type == "If" for n in model.graph.node)
        if not missing and not branches:
            break
        try:
            advanced = _advance(model, shapes, types)
        except MISFITS as error:
            raise InputError(
                f"sizes cannot be computed ({error}); check the model with onnx.checker"
            ) from None
        if not advanced:
            break
    return model, shapes, types


def _inferred(model: Any) -> Any:
    try:
        return shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    except (shape_inference.InferenceError, *MISFITS) as error:
        words = " ".join(str(error).split())[:300]
        raise InputError(f"shapes cannot be inferred: {words}; check the model with onnx.checker") from None


def _shapes(model: Any) -> tuple[dict[str, Shape], dict[str, int]]:
    graph = model.graph
    shapes: dict[str, Shape] = {}
    types: dict[str, int] = {}
    for value in (*graph.input, *graph.output, *graph.value_info):
        tensor = value.type.tensor_type
        types[value.name] = tensor.elem_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[value.name] = tuple(d.dim_value for d in tensor.shape.dim)
    for stored in graph.initializer:
        shapes[stored.name] = tuple(stored.dims)
        types[stored.name] = stored.data_type
    return shapes, types


def numbers(model: Any) -> dict[str, Any]:
    """Small stored tensors that are there, as arrays."""
    found: dict[str, Any] = {}
    for tensor in model.graph.initializer:
        _read(tensor.name, tensor, found)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.name == "value":
                    _read(node.output[0], attribute.t, found)
                elif attribute.name in {"value_int", "value_ints", "value_float", "value_floats"}:
                    found[node.output[0]] = np.array(helper.get_attribute_value(attribute))
    return found


def _read(name: str, tensor: TensorProto, found: dict[str, Any]) -> None:
    if np.prod(tensor.dims, dtype=np.float64) <= MOST and tensor.data_location != TensorProto.EXTERNAL:
        try:
            found[name] = numpy_helper.to_array(tensor)
        except MISFITS:
            return  # its data was too large to keep, or is of a kind that NumPy has not


def _advance(model: Any, shapes: dict[str, Shape], types: dict[str, int]) -> bool:
    """Compute what can be, choose branches, add shapes that onnx cannot infer; whether anything was found."""
    known, found, kept = numbers(model), False, list[NodeProto]()
    for node in model.graph.node:
        made: Any = None
        if node.op_type == "If" and node.input[0] in known:
            taken = helper.get_node_attr_value(
                node, "then_branch" if bool(np.ravel(known[node.input[0]])[0]) else "else_branch"
            )
            kept += _inlined(model, node, taken)
            found = True
            continue
        if node.op_type in {"Shape", "Size"} and node.input[0] in shapes:
            made = _of_shape(node, shapes[node.input[0]])
        elif node.op_type in _COMPUTED and not node.domain and all(not i or i in known for i in node.input):
            made = _computed(model, node, known)
        elif node.output[0] not in shapes and (shape := output_shape(node, shapes)) is not None:
            elem = types.get(node.input[0], TensorProto.FLOAT)
            model.graph.value_info.append(helper.make_tensor_value_info(node.output[0], elem, shape))
            shapes[node.output[0]] = shape
            found = True
        if made is not None and made.size <= MOST:
            known[node.output[0]] = made
            shapes[node.output[0]] = made.shape
            tensor = numpy_helper.from_array(np.ascontiguousarray(made).reshape(made.shape))
            node = helper.make_node("Constant", [], [node.output[0]], name=node.name, value=tensor)  # noqa: PLW2901
            found = True
        kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return found


def _of_shape(node: NodeProto, shape: Shape) -> Any:
    if node.op_type == "Size":
        return np.array(int(np.prod(shape, dtype=np.int64)), dtype=np.int64)
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return np.array(shape[given.get("start", 0) : given.get("end", len(shape))], dtype=np.int64)


def _computed(model: Any, node: NodeProto, known: Mapping[str, Any]) -> Any:
    """What a node on small numbers gives; None where its output would be large or onnx cannot say."""
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - half a second, for exports with dynamic sizes

    values = [known[i] for i in node.input if i]
    if node.op_type in {"ConstantOfShape", "Expand"} and np.prod(values[-1], dtype=np.float64) > MOST:
        return None
    if node.op_type == "Range" and abs((values[1] - values[0]) / (values[2] or 1)) > MOST:
        return None
    names = [i for i in node.input if i]
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in zip(names, values, strict=True)
    ]
    outputs = [helper.make_tensor_value_info(node.output[0], TensorProto.UNDEFINED, None)]
    alone = helper.make_model(
        helper.make_graph([node], "one", list({v.name: v for v in inputs}.values()), outputs),
        opset_imports=list(model.opset_import),
    )
    try:
        return np.asarray(ReferenceEvaluator(alone).run(None, dict(zip(names, values, strict=True)))[0])
    except Exception:  # noqa: BLE001 - a node that cannot be computed is merely not known beforehand
        return None


def _inlined(model: Any, node: NodeProto, taken: Any) -> Iterator[NodeProto]:
    """The nodes of a branch, its results under the names by which the If gave them."""
    renamed = {inner.name: outer for inner, outer in zip(taken.output, node.output, strict=True) if outer}
    model.graph.initializer.extend(taken.initializer)
    made = {o for inner in taken.node for o in inner.output}
    for inner in taken.node:
        copy = NodeProto()
        copy.CopyFrom(inner)
        for names in (copy.input, copy.output):
            for index, name in enumerate(names):
                names[index] = renamed.get(name, name) if name in made else name
        yield copy
    for inner, outer in renamed.items():
        if inner not in made:  # a branch may hand on what it was given
            yield helper.make_node("Identity", [inner], [outer], name=f"{node.name}.{outer}")
