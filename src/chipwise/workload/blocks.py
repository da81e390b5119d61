"""Constructors of what takes several nodes: attention and recurrent cells.

Each returns its nodes in execution order. Joining them to the rest of a network (`Network.inputs`) is left to
the caller; the docstrings say what each node reads.
"""

from chipwise.errors import InputError
from chipwise.workload.kinds import fully_connected, matmul
from chipwise.workload.layer import Layer
from chipwise.workload.operation import Operation
from chipwise.workload.operations import softmax

_CELLS = {"lstm": (4, 13, 1), "gru": (3, 11, 1)}
"""Gates, operations per hidden value and step, and states besides the gates that are read per hidden value."""


def attention(
    name: str,
    *,
    heads: int,
    head_dim: int,
    query_length: int,
    key_length: int | None = None,
    kv_heads: int | None = None,
    N: int = 1,
) -> tuple[Layer, Operation, Layer]:
    """Scores Q·Kᵀ, their softmax, and the context A·V, without the projections, which are `fully_connected`.

    Prefill: query_length = key_length. Decode with a cache: query_length = 1, key_length the tokens so far
    with the new one. Keys and values stand as the right operand, and as activations. Every score is computed,
    also those that a causal mask discards, as PyTorch counts them. Heads that share keys and values (grouped
    queries) become rows of one product, so that B = kv_heads and M = heads/kv_heads · query_length.

    Args:
        name: the nodes are called `name.scores` (reads queries and keys), `name.softmax` (reads the scores) and
            `name.context` (reads the softmax and the values).
        heads: query heads.
        head_dim: features of a head.
        query_length: tokens that ask.
        key_length: tokens that are looked at; query_length by default.
        kv_heads: heads of keys and values, a divisor of `heads`; as many by default.
        N: batch.

    >>> scores, _, context = attention("h0", heads=12, head_dim=64, query_length=128)
    >>> scores.macs, context.macs
    (12582912, 12582912)
    >>> decode, _, _ = attention("h0", heads=32, kv_heads=8, head_dim=128, query_length=1, key_length=1024)
    >>> decode.dims
    {'B': 8, 'M': 4, 'N': 1024, 'K': 128}
    """
    keys, shared = key_length or query_length, kv_heads or heads
    if shared < 1 or heads % shared:
        raise InputError(f"layer {name!r}: kv_heads = {shared} must divide heads = {heads}")
    rows, batch = heads // shared * query_length, shared * N
    return (
        matmul(f"{name}.scores", M=rows, K=head_dim, N=keys, batch=batch),
        softmax(f"{name}.softmax", shape=(heads, query_length, keys), N=N),
        matmul(f"{name}.context", M=rows, K=keys, N=head_dim, batch=batch),
    )


def lstm(
    name: str, *, input_size: int, hidden_size: int, steps: int, bidirectional: bool = False, N: int = 1
) -> tuple[Layer | Operation, ...]:
    """One LSTM layer over a sequence: per direction a product of the inputs, one of the states, and the gates.

    MACs = 4·hidden·(input + hidden)·steps per direction. Both products are fully-connected with N = steps
    rows. The steps of the recurrent one run in order, so that its weights are reused over N at best, on a chip
    that keeps them while the sequence runs. The gates take 13 operations per hidden value and step: 4 sums, 5
    functions, 3 products and a sum for cell and output.

    Args:
        name: the nodes are called `name.input`, `name.recurrent` (reads the gates of the step before) and
            `name.gates` (reads both); of the second direction `name.reverse.input`, ...
        input_size: features of an input.
        hidden_size: features of the state.
        steps: length of the sequence.
        bidirectional: twice, the second over the sequence from its end.
        N: batch.

    >>> product, recurrent, gates = lstm("lstm1", input_size=256, hidden_size=512, steps=10)
    >>> product.macs + recurrent.macs, gates.operations
    (15728640, 66560)
    """
    return _recurrent("lstm", name, input_size, hidden_size, steps, N, bidirectional=bidirectional)


def gru(
    name: str, *, input_size: int, hidden_size: int, steps: int, bidirectional: bool = False, N: int = 1
) -> tuple[Layer | Operation, ...]:
    """One GRU layer over a sequence, as `lstm` with three gates.

    MACs = 3·hidden·(input + hidden)·steps per direction. The gates take 11 operations per hidden value and
    step: 3 sums, 3 functions, the product with the reset gate, and 4 for the mean of old and new state.

    >>> product, recurrent, gates = gru("gru1", input_size=256, hidden_size=512, steps=10)
    >>> product.macs + recurrent.macs, gates.operations
    (11796480, 56320)
    """
    return _recurrent("gru", name, input_size, hidden_size, steps, N, bidirectional=bidirectional)


def _recurrent(
    cell: str, name: str, features: int, hidden: int, steps: int, batch: int, *, bidirectional: bool
) -> tuple[Layer | Operation, ...]:
    gates, each, states = _CELLS[cell]
    nodes: list[Layer | Operation] = []
    for prefix in (name, f"{name}.reverse") if bidirectional else (name,):
        values = hidden * steps * batch
        nodes += [
            fully_connected(f"{prefix}.input", M=gates * hidden, C=features, N=steps * batch),
            fully_connected(f"{prefix}.recurrent", M=gates * hidden, C=hidden, N=steps * batch),
            Operation(
                f"{prefix}.gates",
                "elementwise",
                operations=each * values,
                reads=(2 * gates + states) * values,
                writes=(2 if cell == "lstm" else 1) * values,
                shape=(steps, hidden),
            ),
        ]
    return tuple(nodes)
