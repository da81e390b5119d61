"""Operators outside the ONNX standard (com.microsoft), of whose outputs onnx infers no shapes."""

from collections.abc import Mapping
from math import prod
from typing import Any

from chipwise.workload.importers.graph import Shape

_AS_FIRST_INPUT_NAMES = (
    "SkipLayerNormalization SkipSimplifiedLayerNormalization SimplifiedLayerNormalization Gelu FastGelu BiasGelu "
    "QuickGelu BiasSplitGelu BiasAdd SkipGroupNorm GroupNorm RotaryEmbedding Attention MultiHeadAttention "
    "GroupQueryAttention DecoderMaskedMultiHeadAttention QAttention QLinearLeakyRelu QLinearSigmoid QLinearSoftmax "
    "LayerNormalization RMSNormalization Swish LinearAttention"
)
_AS_FIRST_INPUT = frozenset(_AS_FIRST_INPUT_NAMES.split())


def attributes(node: Any) -> dict[str, Any]:
    """A node's attributes by name."""
    from onnx import helper  # noqa: PLC0415 - an extra

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def output_shape(node: Any, shapes: Mapping[str, Shape]) -> Shape | None:
    """The shape of a node's first output, None if it is not known."""
    inputs = [shapes.get(i) for i in node.input]
    first = inputs[0] if inputs else None
    if first is None:
        return None
    given = attributes(node)
    match node.op_type:
        case "MatMulNBits" | "MatMulBnb4":
            return (*first[:-1], int(given["N"]))
        case "FusedMatMul" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat":
            second = inputs[1]
            return None if second is None else _matmul(first, second, given)
        case "GroupQueryAttention" if len(node.input) > 1 and not node.input[1]:
            # Queries, keys and values in one tensor.
            heads, shared = int(given["num_heads"]), int(given["kv_num_heads"])
            return (*first[:-1], first[-1] * heads // (heads + 2 * shared))
        case "QLinearAdd" | "QLinearMul":
            other = inputs[3] if len(inputs) > 3 else None
            return None if other is None else (first if prod(first) >= prod(other) else other)
        case name if name in _AS_FIRST_INPUT:
            return first
    return None


def _matmul(first: Shape, second: Shape, given: Mapping[str, Any]) -> Shape:
    rows = first[-1] if given.get("transA") else first[-2]
    columns = second[-2] if given.get("transB") else second[-1]
    batches = max(first[:-2], second[:-2], key=lambda s: (len(s), prod(s)))
    return (*batches, rows, columns)
