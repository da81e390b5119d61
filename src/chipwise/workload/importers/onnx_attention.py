"""Attention as single ONNX operators: the standard's (version 23), and those of com.microsoft."""

from chipwise.errors import InputError
from chipwise.workload.importers.graph import Operator, Shape, Value
from chipwise.workload.importers.onnx_operators import RULES, Node


def _heads(node: Node, shape: Shape, attribute: str, heads: int) -> Shape:
    """(N, heads, length, size) of an operand, whose heads may lie side by side in its last axis."""
    if len(shape) == 4:
        return shape
    count = int(node.given.get(attribute, heads))
    if count < 1 or len(shape) != 3 or shape[-1] % count:
        raise InputError(
            f"layer '{node.name} ({node.op_type})': operand {list(shape)} does not split into {count} heads; "
            f"check its attribute {attribute}"
        )
    return (shape[0], count, shape[1], shape[2] // count)


def _operator(
    node: Node, operands: tuple[Value, ...], shapes: tuple[Shape, Shape, Shape], past: int
) -> Operator:
    q, k, v = shapes
    return node.operator(
        "attention",
        operands,
        N=q[0],
        heads=q[1],
        kv_heads=k[1],
        head_dim=q[3],
        value_dim=v[3],
        query_length=q[2],
        key_length=k[2] + past,
    )


def _past(node: Node, index: int) -> int:
    """Length of the cache of keys at an input, (N, heads, length, size); 0 if there is none."""
    value = node.value(index)
    return value.shape[2] if value is not None and value.shape is not None and len(value.shape) == 4 else 0


def _standard(node: Node) -> list[Operator]:
    q = _heads(node, node.shape(0), "q_num_heads", 1)
    k, v = (_heads(node, node.shape(i), "kv_num_heads", q[1]) for i in (1, 2))
    return [_operator(node, node.values(0, 1, 2), (q, k, v), _past(node, 4))]


def _projected(node: Node) -> list[Operator]:
    """com.microsoft.Attention: one product gives queries, keys and values."""
    x, weights, heads = node.shape(0), node.shape(1), int(node.given["num_heads"])
    sizes = [int(s) for s in node.given.get("qkv_hidden_sizes", [weights[1] // 3] * 3)]
    whole = Value(f"{node.outputs[0].key}.qkv", (*x[:-1], weights[1]))
    product = Operator(f"{node.name}.in_proj", node.op_type, "product", node.values(0, 1, 2), (whole,))
    q, k, v = ((x[0], heads, x[1], size // heads) for size in sizes)
    return [product, _operator(node, (whole, whole, whole), (q, k, v), 0)]


def _multi_head(node: Node) -> list[Operator]:
    """com.microsoft.MultiHeadAttention: heads side by side, keys of as many."""
    if node.value(1) is None or node.value(2) is None:
        raise InputError(
            f"layer '{node.name} ({node.op_type})': queries, keys and values packed into one tensor are not read; "
            "export it with three inputs"
        )
    q, k, v = (_heads(node, node.shape(i), "num_heads", 1) for i in (0, 1, 2))
    return [_operator(node, node.values(0, 1, 2), (q, k, v), _past(node, 6))]


def _grouped(node: Node) -> list[Operator]:
    """com.microsoft.GroupQueryAttention: keys and values of fewer heads, perhaps all in the first input."""
    heads, shared = int(node.given["num_heads"]), int(node.given["kv_num_heads"])
    n, length, width = node.shape(0)
    if node.value(1) is None:
        size = width // (heads + 2 * shared)
        x = node.values(0)[0]
        packed = (n, shared, length, size)
        return [_operator(node, (x, x, x), ((n, heads, length, size), packed, packed), _past(node, 3))]
    k, v = (_heads(node, node.shape(i), "kv_num_heads", heads) for i in (1, 2))
    queries = (n, heads, length, width // heads)
    return [_operator(node, node.values(0, 1, 2), (queries, k, v), _past(node, 3))]


def _scan(node: Node) -> list[Operator]:
    raise InputError(
        f"layer '{node.name} ({node.op_type})': what runs depends on values that are not known before the run; "
        "export the model with the loop unrolled or the branch chosen"
    )


RULES.update(
    {
        "Attention": lambda node: _projected(node) if "num_heads" in node.given else _standard(node),
        "MultiHeadAttention": _multi_head,
        "GroupQueryAttention": _grouped,
        **dict.fromkeys(("If", "Loop", "Scan", "SequenceMap"), _scan),
    }
)
