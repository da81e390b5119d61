"""Mamba 130M: twenty-four selective state space blocks, without attention."""

from typing import Annotated

from chipwise.workload.kinds import conv1d
from chipwise.workload.network import Network
from chipwise.workload.operation import Operation
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_WIDTH, _INNER, _STATE, _TAPS, _RANK, _VOCABULARY = 768, 1536, 16, 4, 48, 50280


def build(tokens: Annotated[int, Between(1, 65536)] = 1024) -> Network:
    """Mamba 130M on `tokens` new tokens; a step of decoding is tokens=1, whatever came before.

    The scan over the state is a recurrence of products and sums value by value, so it is an operation, not a
    layer. Only the last token is turned into logits, by the table of the embedding (the two share their
    weights). Layers are named as in the Transformers library.

    Source: Gu, Dao, 2023, sections 3 and E.2, and the released model.

    >>> build(tokens=1).layer("backbone.layers.0.mixer.x_proj").dims
    {'N': 1, 'M': 80, 'C': 1536}
    """
    net = Builder(
        "mamba_130m",
        input_shape=(tokens,),
        title="Mamba 130M",
        source="Gu, Dao, 'Mamba: linear-time sequence modeling with selective state spaces', arXiv 2312.00752, 2023, "
        "and the released model",
    )
    x = net.embedding("backbone.embeddings", _VOCABULARY, _WIDTH, tokens)
    for index in range(24):
        x = _block(net, f"backbone.layers.{index}", x)
    net.fc("lm_head", net.normalization("backbone.norm_f", x, "rms").part(1), _VOCABULARY)
    return net.network()


def _block(net: Builder, name: str, x: Value) -> Value:
    tokens, own = x.shape[0], f"{name}.mixer"
    both = net.fc(f"{own}.in_proj", net.normalization(f"{name}.norm", x, "rms"), 2 * _INNER)
    layer = conv1d(f"{own}.conv1d", M=_INNER, C=_INNER, P=tokens, R=_TAPS, groups=_INNER)
    y = net.emit(layer, (tokens, _INNER), both)
    chosen = net.fc(f"{own}.x_proj", y, _RANK + 2 * _STATE)
    step = net.fc(f"{own}.dt_proj", chosen.reshaped(tokens, _RANK), _INNER)
    scanned = net.emit(_scan(f"{own}.scan", tokens), y.shape, y, step, chosen)
    gated = net.scale(f"{own}.gate", scanned, both.reshaped(*scanned.shape))
    return net.add(f"{name}.add", net.fc(f"{own}.out_proj", gated, _WIDTH), x)


def _scan(name: str, tokens: int) -> Operation:
    """H = exp(Δ·A)·h + (Δ·x)·B and y = C·h + D·x: seven operations per value of the state, three per channel.

    The state is read and written once, so it stays on the chip while the tokens run.
    """
    channels, state = tokens * _INNER, _INNER * _STATE
    weights = state + _INNER
    return Operation(
        name,
        "elementwise",
        operations=channels * (7 * _STATE + 3),
        reads=2 * channels + 2 * tokens * _STATE + state,
        writes=channels + state,
        weights=weights,
        weight_reads=weights,
        shape=(tokens, _INNER),
    )
