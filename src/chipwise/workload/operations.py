"""Constructors of operations: what each costs, by a formula that is written once.

Shapes are those of one input, channels first and without the batch: (C, H, W), (features,) or
(tokens, features); N is the batch. An operation is an addition, a multiplication, a comparison, a division
or one call of any other function (exp, tanh, a look-up). Every value is read once and written once: reuse
by windows that overlap, and fusion with a layer, are not charged.
"""

from collections.abc import Sequence
from math import prod

from chipwise.errors import InputError
from chipwise.workload.operation import Operation

Shape = Sequence[int]

_PER_VALUE = {"batch": 2, "layer": 7, "group": 7, "instance": 7, "rms": 4}
_WEIGHTS_PER_SCALE = {"rms": 1}


def pool(
    name: str, *, shape: Shape, input_shape: Shape, window: Shape, average: bool = False, N: int = 1
) -> Operation:
    """Pooling in one to three dimensions: outputs x (Π window − 1) comparisons or, for an average, x Π window.

    Args:
        name: the operation's name.
        shape: of the output, (C, P, Q).
        input_shape: of the input, (C, H, W), without padding.
        window: extents of the window, (R, S).
        average: averages take an addition less than the window and one division; maxima the comparisons alone.
        N: batch.

    >>> pool("pool1", shape=(96, 27, 27), input_shape=(96, 55, 55), window=(3, 3)).operations
    559872
    """
    each = prod(window) - (0 if average else 1)
    return _operation(name, "pool", shape, each * prod(shape), prod(input_shape), N, {"window": prod(window)})


def global_pool(name: str, *, input_shape: Shape, average: bool = True, N: int = 1) -> Operation:
    """Pooling of each channel's whole plane into one value.

    >>> global_pool("gap", input_shape=(2048, 7, 7)).writes
    2048
    """
    shape = (input_shape[0], *(1 for _ in input_shape[1:]))
    return pool(name, shape=shape, input_shape=input_shape, window=input_shape[1:], average=average, N=N)


def activation(name: str, *, shape: Shape, operations_per_value: int = 1, N: int = 1) -> Operation:
    """A function of each value alone (ReLU, sigmoid, GELU, ...): one operation per value, or as many as given.

    >>> activation("relu1", shape=(96, 55, 55)).operations
    290400
    """
    return _operation(name, "activation", shape, operations_per_value * prod(shape), prod(shape), N)


def normalization(
    name: str, *, shape: Shape, scheme: str = "batch", scales: int | None = None, N: int = 1
) -> Operation:
    """Normalisation: operations per value by scheme.

    batch: 2, scale and shift with the statistics folded in. layer, group, instance: 7, namely sum, subtract,
    square, sum, divide, scale, shift. rms: 4, namely square, sum, divide, scale. What is done once per group of
    values (a root) is left out.

    Args:
        name: the operation's name.
        shape: of input and output.
        scheme: batch, layer, group, instance or rms.
        scales: learnt scales, each with a shift except for rms: one per channel (the first extent) by default, for
            layer and rms one per feature (the last); 0 without any.
        N: batch.

    >>> norm = normalization("bn1", shape=(64, 112, 112))
    >>> norm.operations, norm.weights
    (1605632, 128)
    """
    if scheme not in _PER_VALUE:
        raise InputError(f"layer {name!r}: scheme = {scheme!r} must be one of {', '.join(_PER_VALUE)}")
    if scales is None:
        scales = shape[-1] if scheme in {"layer", "rms"} else shape[0]
    weights = scales * _WEIGHTS_PER_SCALE.get(scheme, 2)
    operations = _PER_VALUE[scheme] * prod(shape)
    return _operation(name, "normalization", shape, operations, prod(shape), N, weights=weights)


def local_response_normalization(name: str, *, shape: Shape, window: int = 5, N: int = 1) -> Operation:
    """Normalisation over neighbouring channels: window + 4 operations per value.

    A square, window − 1 additions, a scale, a shift, a power and a division.

    >>> local_response_normalization("norm1", shape=(96, 55, 55)).operations
    2613600
    """
    return _operation(name, "normalization", shape, (window + 4) * prod(shape), prod(shape), N)


def elementwise(
    name: str, *, shape: Shape, operands: int = 2, input_shapes: Sequence[Shape] | None = None, N: int = 1
) -> Operation:
    """A sum or product of tensors, value by value: max(1, operands − 1) operations per value.

    Args:
        name: the operation's name.
        shape: of the output.
        operands: tensors that are read, each of the output's shape; one if the other is a constant.
        input_shapes: the operands' own shapes, where one is broadcast; replaces `operands`.
        N: batch.

    >>> add = elementwise("add", shape=(256, 56, 56))
    >>> add.operations, add.reads
    (802816, 1605632)
    >>> elementwise("excite", shape=(64, 8, 8), input_shapes=[(64, 8, 8), (64, 1, 1)]).reads
    4160
    """
    shapes = [shape] * operands if input_shapes is None else input_shapes
    if not shapes:
        raise InputError(f"layer {name!r}: needs at least one operand")
    reads = sum(prod(s) for s in shapes)
    return _operation(name, "elementwise", shape, max(1, len(shapes) - 1) * prod(shape), reads, N)


def softmax(name: str, *, shape: Shape, N: int = 1) -> Operation:
    """Softmax over the last extent n: 5·n − 2 operations per row.

    n − 1 comparisons for the largest, n subtractions, n exponentials, n − 1 additions, n divisions.

    >>> softmax("probabilities", shape=(12, 128, 128)).operations
    979968
    """
    rows, n = prod(shape[:-1]), shape[-1]
    return _operation(name, "softmax", shape, rows * (5 * n - 2), prod(shape), N)


def movement(
    name: str, *, kind: str, shape: Shape, input_shapes: Sequence[Shape] | None = None, N: int = 1
) -> Operation:
    """Values that are read and written elsewhere, without arithmetic.

    Args:
        name: the operation's name.
        kind: concat, shuffle, shift, unknown.
        shape: of the output.
        input_shapes: what is read; the output's shape by default.
        N: batch.

    >>> movement("cat", kind="concat", shape=(256, 28, 28)).writes
    200704
    """
    reads = sum(prod(s) for s in ([shape] if input_shapes is None else input_shapes))
    return _operation(name, kind, shape, 0, reads, N)


def concat(name: str, *, shape: Shape, N: int = 1) -> Operation:
    """Tensors joined into one of `shape`: every value copied, the most it can cost.

    >>> concat("cat", shape=(256, 28, 28)).reads
    200704
    """
    return movement(name, kind="concat", shape=shape, N=N)


def shuffle(name: str, *, shape: Shape, N: int = 1) -> Operation:
    """Values in another order: channel shuffle, transpose, space to depth.

    >>> shuffle("shuffle", shape=(116, 28, 28)).operations
    0
    """
    return movement(name, kind="shuffle", shape=shape, N=N)


def shift(name: str, *, shape: Shape, N: int = 1) -> Operation:
    """Each channel moved by a pixel, as Wu et al., CVPR 2018, use in place of spatial filters.

    >>> shift("shift", shape=(64, 56, 56)).writes
    200704
    """
    return movement(name, kind="shift", shape=shape, N=N)


def embedding(name: str, *, rows: int, features: int, tokens: int, N: int = 1) -> Operation:
    """Look-up of `tokens` rows in a table of `rows` x `features`: one operation per token.

    >>> table = embedding("wte", rows=50257, features=768, tokens=1024)
    >>> table.weights, table.weight_reads
    (38597376, 786432)
    """
    return Operation(
        name,
        "embedding",
        operations=tokens * N,
        reads=tokens * N,
        writes=tokens * features * N,
        weights=rows * features,
        weight_reads=tokens * features * N,
        shape=(tokens, features),
    )


def resize(name: str, *, shape: Shape, input_shape: Shape, taps: int = 1, N: int = 1) -> Operation:
    """A plane resampled: 2·taps − 1 operations per output, none for nearest neighbours (one tap).

    Args:
        name: the operation's name.
        shape: of the output.
        input_shape: of the input.
        taps: inputs weighed for an output: 1 nearest, 2 linear, 4 bilinear, 8 trilinear, 16 bicubic.
        N: batch.

    >>> resize("up", shape=(64, 56, 56), input_shape=(64, 28, 28), taps=4).operations
    1404928
    """
    each = 0 if taps == 1 else 2 * taps - 1
    return _operation(name, "resize", shape, each * prod(shape), prod(input_shape), N, {"taps": taps})


def unknown(name: str, *, shape: Shape, input_shapes: Sequence[Shape] = (), N: int = 1) -> Operation:
    """An operator that chipwise does not know, as the data it moves: its inputs read, its output written.

    >>> unknown("custom", shape=(10,), input_shapes=[(4,), (6,)]).reads
    10
    """
    return movement(name, kind="unknown", shape=shape, input_shapes=input_shapes, N=N)


def _operation(
    name: str,
    kind: str,
    shape: Shape,
    operations: int,
    reads: int,
    batch: int,
    notes: dict[str, int] | None = None,
    *,
    weights: int = 0,
) -> Operation:
    if any(extent < 1 for extent in shape):
        raise InputError(f"layer {name!r}: shape = {tuple(shape)} must have extents of at least 1")
    return Operation(
        name,
        kind,
        operations=operations * batch,
        reads=reads * batch,
        writes=prod(shape) * batch,
        weights=weights,
        weight_reads=weights,
        shape=tuple(shape),
        notes=notes or {},
    )
