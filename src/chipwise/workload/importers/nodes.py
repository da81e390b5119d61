"""The one place where an operator becomes nodes of a network, so that every source gives the same layers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import cast, final

from chipwise.errors import InputError
from chipwise.workload import operations
from chipwise.workload.blocks import attention, gru, lstm
from chipwise.workload.importers.graph import MISFITS, Operator, Shape, Value
from chipwise.workload.importers.products import einsum_layer, product
from chipwise.workload.kinds import convolution, fully_connected, matmul
from chipwise.workload.network import Node
from chipwise.workload.operation import Operation


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A node, and what it reads: positions of the operator's inputs, or names of earlier pieces."""

    node: Node
    reads: tuple[int | str, ...]


Builder = Callable[[str, Operator], tuple[Piece, ...]]


def build(name: str, operator: Operator) -> tuple[Piece, ...]:
    """The nodes of an operator, the first called `name` or after it.

    Raises:
        InputError: a shape that is not known, or one that the operator cannot have.
    """
    for value in (*operator.inputs[:1], *operator.outputs[:1]):
        if value.shape is None:
            raise InputError(
                f"layer {operator.shown!r}: the shape of {value.key!r} is not known and could not be inferred; "
                "write shapes into the file (onnx.shape_inference), or fix the sizes of its inputs"
            )
    try:
        return BUILDERS[operator.kind](name, operator)
    except MISFITS as error:
        shapes = ", ".join(str(list(v.shape)) for v in operator.inputs if v.shape is not None)
        raise InputError(
            f"layer {operator.shown!r}: its inputs {shapes} do not fit the operator ({_line(error)}); check the model"
        ) from None


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _shape(operator: Operator, index: int = 0) -> Shape:
    shape = operator.inputs[index].shape
    if shape is None:
        value = operator.inputs[index]
        raise InputError(f"layer {operator.shown!r}: the shape of {value.key!r} is not known")
    return shape


def _out(operator: Operator) -> Shape:
    shape = operator.outputs[0].shape
    assert shape is not None  # build has seen to it
    return shape


def _split(shape: Shape) -> tuple[int, Shape]:
    """Batch and shape of one input; the first of several axes is taken for the batch, and no count depends on it."""
    return (shape[0], shape[1:]) if len(shape) > 1 else (1, shape or (1,))


def _one(node: Node, operator: Operator) -> tuple[Piece, ...]:
    """A node that reads every input of its operator."""
    return (Piece(node, tuple(range(len(operator.inputs)))),)


def _conv(name: str, operator: Operator) -> tuple[Piece, ...]:
    x, w, out = _shape(operator), _shape(operator, 1), _out(operator)
    groups, transposed = operator.facts.get("groups", 1), operator.facts.get("transposed", False)
    rank = len(w) - 2
    if len(x) == rank + 1:  # without a batch
        x, out = (1, *x), (1, *out)
    layer = convolution(
        name,
        M=out[1],
        C=x[1],
        plane=x[2:] if transposed else out[2:],
        window=w[2:],
        N=out[0],
        stride=_each(operator.facts.get("stride", 1), rank),
        dilation=_each(operator.facts.get("dilation", 1), rank),
        groups=groups,
        transposed=transposed,
    )
    return _one(layer, operator)


def _each(value: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * rank if len(values) == 1 else values


def _product(name: str, operator: Operator) -> tuple[Piece, ...]:
    return _one(product(name, operator), operator)


def _einsum(name: str, operator: Operator) -> tuple[Piece, ...]:
    return _one(einsum_layer(name, operator.facts["equation"], operator), operator)


def _attention(name: str, operator: Operator) -> tuple[Piece, ...]:
    """Attention over inputs (queries, keys, values): facts N, heads, kv_heads, lengths and head sizes."""
    f = operator.facts
    scores, probabilities, context = attention(
        name,
        heads=f["heads"],
        head_dim=f["head_dim"],
        query_length=f["query_length"],
        key_length=f["key_length"],
        kv_heads=f["kv_heads"],
        N=f["N"],
    )
    if f["value_dim"] != f["head_dim"]:
        d = context.dims
        context = matmul(context.name, M=d["M"], K=d["K"], N=f["value_dim"], batch=d["B"])
    return (
        Piece(scores, (0, 1)),
        Piece(probabilities, (scores.name,)),
        Piece(context, (probabilities.name, 2)),
    )


def _recurrent(name: str, operator: Operator) -> tuple[Piece, ...]:
    """Recurrent layers on top of each other: `name`, `name.2`, ..., each reading all directions of the one before."""
    f = operator.facts
    cells: dict[str, Callable[..., tuple[Node, ...]]] = {"lstm": lstm, "gru": gru, "rnn": _rnn}
    shape = {k: f[k] for k in ("hidden_size", "steps", "bidirectional", "N")}
    pieces: list[Piece] = []
    features, reads = f["input_size"], cast("tuple[int | str, ...]", (0,))
    for index in range(f["layers"]):
        of_layer = name if index == 0 else f"{name}.{index + 1}"
        nodes = cells[f["cell"]](of_layer, input_size=features, **shape)
        for at in range(0, len(nodes), 3):
            feed, recurrent, gates = nodes[at : at + 3]
            # The states come from the steps before, which a graph without cycles cannot say.
            pieces += [Piece(feed, reads), Piece(recurrent, ()), Piece(gates, (feed.name, recurrent.name))]
        reads = tuple(n.name for n in nodes if n.name.endswith(".gates"))
        features = f["hidden_size"] * (2 if f["bidirectional"] else 1)
    return tuple(pieces)


def _rnn(
    name: str, *, input_size: int, hidden_size: int, steps: int, bidirectional: bool, N: int
) -> tuple[Node, ...]:
    """The plain cell: both products, their sum and one function."""
    nodes: list[Node] = []
    values = hidden_size * steps * N
    for prefix in (name, f"{name}.reverse") if bidirectional else (name,):
        nodes += [
            fully_connected(f"{prefix}.input", M=hidden_size, C=input_size, N=steps * N),
            fully_connected(f"{prefix}.recurrent", M=hidden_size, C=hidden_size, N=steps * N),
            Operation(
                f"{prefix}.gates",
                "elementwise",
                operations=2 * values,
                reads=2 * values,
                writes=values,
                shape=(steps, hidden_size),
            ),
        ]
    return tuple(nodes)


def _pool(name: str, operator: Operator) -> tuple[Piece, ...]:
    (n, shape), (_, before) = _split(_out(operator)), _split(_shape(operator))
    window = operator.facts.get("window") or tuple(
        -(-a // b) for a, b in zip(before[1:], shape[1:], strict=True)
    )
    window = _each(window, len(shape) - 1)
    average = operator.facts.get("average", False)
    return _one(
        operations.pool(name, shape=shape, input_shape=before, window=window, average=average, N=n), operator
    )


def _activation(name: str, operator: Operator) -> tuple[Piece, ...]:
    n, shape = _split(_out(operator))
    return _one(operations.activation(name, shape=shape, N=n), operator)


def _normalization(name: str, operator: Operator) -> tuple[Piece, ...]:
    n, shape = _split(_out(operator))
    scheme = operator.facts["scheme"]
    if scheme == "lrn":
        window = operator.facts.get("window", 5)
        return _one(operations.local_response_normalization(name, shape=shape, window=window, N=n), operator)
    scales = max((prod(v.shape) for v in operator.inputs[1:2] if v.constant and v.shape), default=0)
    return _one(operations.normalization(name, shape=shape, scheme=scheme, scales=scales, N=n), operator)


def _elementwise(name: str, operator: Operator) -> tuple[Piece, ...]:
    n, shape = _split(_out(operator))
    node = Operation(
        name,
        "elementwise",
        operations=max(1, len(operator.inputs) - 1) * prod(shape) * n,
        reads=sum(prod(v.shape or ()) for v in operator.inputs if not v.constant),
        writes=prod(shape) * n,
        weights=_parameters(operator.inputs),
        weight_reads=_parameters(operator.inputs),
        shape=shape,
    )
    return _one(node, operator)


def _parameters(values: tuple[Value, ...]) -> int:
    """Stored values that an operator reads beside activations; a single one is part of the instruction."""
    return sum(prod(v.shape) for v in values if v.constant and v.shape and prod(v.shape) > 1)


def _reduction(name: str, operator: Operator) -> tuple[Piece, ...]:
    """A sum, mean, maximum, ... over some axes: one operation per value that is read."""
    before, (n, shape) = prod(_shape(operator)), _split(_out(operator))
    each = operator.facts.get("operations", 1)
    node = Operation(
        name, "elementwise", operations=each * before, reads=before, writes=n * prod(shape), shape=shape
    )
    return _one(node, operator)


def _softmax(name: str, operator: Operator) -> tuple[Piece, ...]:
    shape = list(_out(operator))
    # The constructor takes rows over the last extent.
    shape.append(shape.pop(operator.facts.get("axis", -1)) if shape else 1)
    n, rest = _split(tuple(shape))
    return _one(operations.softmax(name, shape=rest, N=n), operator)


def _movement(name: str, operator: Operator) -> tuple[Piece, ...]:
    """Joining (`concat`) or another order (`shuffle`) of values; of several outputs all are written."""
    written = sum(prod(v.shape) for v in operator.outputs if v.shape is not None)
    # What gathers reads no more than it writes.
    _, shape = _split(_out(operator))
    node = Operation(name, operator.kind, operations=0, reads=written, writes=written, shape=shape)
    return _one(node, operator)


def _embedding(name: str, operator: Operator) -> tuple[Piece, ...]:
    """A look-up of inputs (table, indices)."""
    table, tokens = _shape(operator), prod(_shape(operator, 1))
    features = prod(table[1:])
    n, _ = _split(_shape(operator, 1))
    if tokens % n:
        n = 1
    node = operations.embedding(name, rows=table[0], features=features, tokens=tokens // n, N=n)
    return (Piece(node, (1,)),)


def _resize(name: str, operator: Operator) -> tuple[Piece, ...]:
    (n, shape), (_, before) = _split(_out(operator)), _split(_shape(operator))
    taps = operator.facts.get("taps", 1)
    return _one(operations.resize(name, shape=shape, input_shape=before, taps=taps, N=n), operator)


def _unknown(name: str, operator: Operator) -> tuple[Piece, ...]:
    n, shape = _split(_out(operator))
    shapes = [v.shape for v in operator.inputs if v.shape is not None and not v.constant]
    node = operations.unknown(name, shape=shape, N=n)
    reads = sum(prod(s) for s in shapes)
    weights = _parameters(operator.inputs)
    return _one(replace(node, reads=reads, weights=weights, weight_reads=weights), operator)


BUILDERS: dict[str, Builder] = {
    "conv": _conv,
    "product": _product,
    "einsum": _einsum,
    "attention": _attention,
    "recurrent": _recurrent,
    "pool": _pool,
    "activation": _activation,
    "normalization": _normalization,
    "elementwise": _elementwise,
    "reduction": _reduction,
    "softmax": _softmax,
    "concat": _movement,
    "shuffle": _movement,
    "embedding": _embedding,
    "resize": _resize,
    "unknown": _unknown,
}
