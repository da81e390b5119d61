"""Matrix products, whatever they are called: which are fully-connected layers, which products of activations."""

from math import prod

from chipwise.errors import InputError
from chipwise.workload.importers.graph import Operator, Shape
from chipwise.workload.kinds import fully_connected, matmul
from chipwise.workload.layer import Layer


def product(name: str, operator: Operator) -> Layer:
    """The layer of a product a · b over the last two axes, others being batches that are broadcast.

    Facts `transpose_a` and `transpose_b` swap the last two axes of an operand.
    """
    a, b = (_matrix(operator, i) for i in (0, 1))
    if a[-1] != b[-2]:
        raise InputError(
            f"layer {operator.shown!r}: {a} x {b} do not multiply; their inner extents must agree"
        )
    left, right = a[:-2], b[:-2]
    batch = prod(_broadcast(operator, left, right))
    first, second = (value.constant for value in operator.inputs[:2])
    # What a linear layer takes for its weights is that, also where the model computes them from others.
    constant = (False, True) if operator.facts.get("weights") else (first, second)
    return layer_of(name, batch, (a[-2], a[-1], b[-1]), constant, (prod(left) == 1, prod(right) == 1))


def layer_of(
    name: str, batch: int, extents: tuple[int, int, int], constant: tuple[bool, ...], once: tuple[bool, bool]
) -> Layer:
    """The layer of `batch` products of extents (rows, inner, columns).

    `once` says of each operand whether all products share it. A shared constant operand makes the layer
    fully-connected; a shared activation makes the products one, with more rows or columns.
    """
    rows, inner, columns = extents
    if constant[1] and once[1]:
        return fully_connected(name, M=columns, C=inner, N=batch * rows)
    if constant[0] and once[0]:
        return fully_connected(name, M=rows, C=inner, N=batch * columns)
    if once[1]:
        return matmul(name, M=batch * rows, K=inner, N=columns, batch=1)
    if once[0]:
        return matmul(name, M=rows, K=inner, N=batch * columns, batch=1)
    return matmul(name, M=rows, K=inner, N=columns, batch=batch)


def einsum_layer(name: str, equation: str, operator: Operator) -> Layer:
    """The layer of an einsum with two operands, such as `bqd,bkd->bqk`.

    What only one operand has and the output lacks is summed before the product, as PyTorch does it, and is no MAC.
    """
    terms, output = _terms(equation, operator)
    extents: dict[str, int] = {}
    for term, value in zip(terms, operator.inputs, strict=True):
        assert value.shape is not None
        for letter, extent in zip(term, value.shape, strict=True):
            extents[letter] = max(extent, extents.get(letter, 1))
    a, b, o = set(terms[0]), set(terms[1]), set(output)

    def size(letters: set[str]) -> int:
        return prod(extents[letter] for letter in letters)

    batch, inner = a & b & o, (a & b) - o
    rows, columns = (a - b) & o, (b - a) & o
    constant = tuple(value.constant for value in operator.inputs)
    once = size(batch) == 1
    return layer_of(name, size(batch), (size(rows), size(inner), size(columns)), constant, (once, once))


def _terms(equation: str, operator: Operator) -> tuple[list[str], str]:
    """Letters of each operand and of the output; an ellipsis becomes letters of its own."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != 2 or len(operator.inputs) != 2:
        raise InputError(
            f"layer {operator.shown!r}: einsum {equation!r} has {len(terms)} operands, two are read; "
            "write it as products of two"
        )
    spare = list("αβγδεζηθικλμ")  # letters that no equation uses
    ranks = [
        len(value.shape or ()) - len(term.replace("...", ""))
        for term, value in zip(terms, operator.inputs, strict=True)
    ]
    widest = max([r for r, term in zip(ranks, terms, strict=True) if "..." in term], default=0)
    dots = "".join(spare[:widest])
    terms = [
        term.replace("...", dots[widest - rank :] if rank else "")
        for term, rank in zip(terms, ranks, strict=True)
    ]
    if not arrow:
        letters = sorted("".join(terms))
        output = dots + "".join(c for c in letters if letters.count(c) == 1 and c not in dots)
    for term, value in zip(terms, operator.inputs, strict=True):
        if len(set(term)) != len(term) or len(term) != len(value.shape or ()):
            raise InputError(
                f"layer {operator.shown!r}: einsum {equation!r} does not fit {value.shape}, or takes a diagonal; "
                "write each axis once"
            )
    return terms, output.replace("...", dots)


def _matrix(operator: Operator, index: int) -> Shape:
    """Shape of an operand as a stack of matrices."""
    shape = operator.inputs[index].shape or ()
    if not shape:
        raise InputError(
            f"layer {operator.shown!r}: operand {index + 1} is a scalar; a product needs two matrices"
        )
    if len(shape) == 1:
        return (1, *shape) if index == 0 else (*shape, 1)
    if operator.facts.get("transpose_a" if index == 0 else "transpose_b"):
        return (*shape[:-2], shape[-1], shape[-2])
    return shape


def _broadcast(operator: Operator, left: Shape, right: Shape) -> Shape:
    rank = max(len(left), len(right))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (left, right)]
    for one, other in zip(*padded, strict=True):
        if one != other and 1 not in (one, other):
            raise InputError(f"layer {operator.shown!r}: batches {left} and {right} do not broadcast")
    return tuple(max(pair) for pair in zip(*padded, strict=True))
