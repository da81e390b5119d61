"""GPT-2 (small): twelve decoder blocks, for a prompt or for one token more."""

from typing import Annotated

from chipwise.errors import InputError
from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_WIDTH, _HEADS, _CONTEXT = 768, 12, 1024


def build(
    tokens: Annotated[int, Between(1, 1024)] = 1024, cached: Annotated[int, Between(0, 1023)] = 0
) -> Network:
    """GPT-2 (small) on `tokens` new tokens after `cached` ones whose keys and values are kept.

    A prompt is tokens=1024; a step of decoding is tokens=1,cached=1023. Only the last token is turned into
    logits, by the table of the embedding (the two share their weights). Scores above the diagonal are computed
    and discarded. Layers are named as in the Transformers library.

    Source: Radford et al., 2019, Table 2 (12 layers, 768), and the released model.

    >>> build(tokens=1, cached=1023).layer("h.0.attn.scores").dims
    {'B': 12, 'M': 1, 'N': 1024, 'K': 64}
    """
    if tokens + cached > _CONTEXT:
        raise InputError(
            f"network 'gpt2': tokens + cached = {tokens + cached} must be at most {_CONTEXT}; take fewer of one"
        )
    net = Builder(
        "gpt2",
        input_shape=(tokens,),
        title="GPT-2 (small)",
        source="Radford, Wu, Child, Luan, Amodei, Sutskever, 'Language models are unsupervised multitask learners', "
        "2019, Table 2, and the released model",
    )
    words = net.embedding("wte", 50257, _WIDTH, tokens)
    x = net.add("wte_wpe", words, net.embedding("wpe", _CONTEXT, _WIDTH, tokens))
    for index in range(12):
        x = _block(net, f"h.{index}", x, cached)
    net.fc("lm_head", net.normalization("ln_f", x, "layer").part(1), 50257)
    return net.network()


def _block(net: Builder, name: str, x: Value, cached: int) -> Value:
    y = net.fc(f"{name}.attn.c_attn", net.normalization(f"{name}.ln_1", x, "layer"), 3 * _WIDTH)
    y = net.attention(f"{name}.attn", y, heads=_HEADS, head_dim=_WIDTH // _HEADS, cached=cached)
    x = net.add(f"{name}.attn.add", net.fc(f"{name}.attn.c_proj", y, _WIDTH), x)
    y = net.fc(f"{name}.mlp.c_fc", net.normalization(f"{name}.ln_2", x, "layer"), 4 * _WIDTH)
    return net.add(f"{name}.mlp.add", net.fc(f"{name}.mlp.c_proj", y, _WIDTH), x)
