"""Llama 3 8B: thirty-two decoder blocks with grouped queries, for a prompt or for one token more."""

from typing import Annotated

from chipwise.errors import InputError
from chipwise.workload.network import Network
from chipwise.workload.operation import Operation
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_WIDTH, _HEADS, _KV_HEADS, _HEAD_DIM, _HIDDEN, _CONTEXT = 4096, 32, 8, 128, 14336, 8192


def build(
    tokens: Annotated[int, Between(1, 8192)] = 1024, cached: Annotated[int, Between(0, 8191)] = 0
) -> Network:
    """Llama 3 8B on `tokens` new tokens after `cached` ones whose keys and values are kept.

    A prompt is tokens=1024; a step of decoding is tokens=1,cached=1023. Only the last token is turned into
    logits. Scores above the diagonal are computed and discarded. Layers are named as in the Transformers library.

    Source: Grattafiori et al., 2024, Table 3.

    >>> build(tokens=1, cached=1023).layer("model.layers.0.self_attn.scores").dims
    {'B': 8, 'M': 4, 'N': 1024, 'K': 128}
    """
    if tokens + cached > _CONTEXT:
        raise InputError(
            f"network 'llama_3_8b': tokens + cached = {tokens + cached} must be at most {_CONTEXT}; take fewer of one"
        )
    net = Builder(
        "llama_3_8b",
        input_shape=(tokens,),
        title="Llama 3 8B",
        source="Grattafiori et al., 'The Llama 3 herd of models', arXiv 2407.21783, 2024, Table 3; context of the "
        "first release",
    )
    x = net.embedding("model.embed_tokens", 128256, _WIDTH, tokens)
    for index in range(32):
        x = _block(net, f"model.layers.{index}", x, cached)
    net.fc("lm_head", net.normalization("model.norm", x, "rms").part(1), 128256)
    return net.network()


def _block(net: Builder, name: str, x: Value, cached: int) -> Value:
    own = f"{name}.self_attn"
    y = net.normalization(f"{name}.input_layernorm", x, "rms")
    value = net.fc(f"{own}.v_proj", y, _KV_HEADS * _HEAD_DIM)
    query = _rotary(net, f"{own}.q_rotary", net.fc(f"{own}.q_proj", y, _HEADS * _HEAD_DIM))
    key = _rotary(net, f"{own}.k_rotary", net.fc(f"{own}.k_proj", y, _KV_HEADS * _HEAD_DIM))
    y = net.attention(
        own, query, key, value, heads=_HEADS, head_dim=_HEAD_DIM, kv_heads=_KV_HEADS, cached=cached
    )
    x = net.add(f"{own}.add", net.fc(f"{own}.o_proj", y, _WIDTH), x)
    y = net.normalization(f"{name}.post_attention_layernorm", x, "rms")
    gate = net.fc(f"{name}.mlp.gate_proj", y, _HIDDEN)
    y = net.scale(f"{name}.mlp.gate", net.fc(f"{name}.mlp.up_proj", y, _HIDDEN), gate)
    return net.add(f"{name}.mlp.add", net.fc(f"{name}.mlp.down_proj", y, _WIDTH), x)


def _rotary(net: Builder, name: str, x: Value) -> Value:
    """Pairs of features turned by an angle that grows with the position: two products and a sum per value."""
    values = x.shape[0] * x.shape[1]
    angles = x.shape[0] * _HEAD_DIM
    turned = Operation(
        name, "elementwise", operations=3 * values, reads=values + angles, writes=values, shape=x.shape
    )
    return net.emit(turned, x.shape, x)
