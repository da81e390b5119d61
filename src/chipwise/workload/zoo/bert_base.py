"""BERT-base: twelve encoder blocks of attention and a two-layer perceptron."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_WIDTH, _HEADS = 768, 12


def build(tokens: Annotated[int, Between(1, 512)] = 512) -> Network:
    """BERT-base (uncased) with its pooler; layers are named as in the Transformers library.

    Source: Devlin et al., NAACL 2019; vocabulary of the released uncased model.

    >>> build(tokens=128).layer("encoder.layer.0.attention.self.query").dims
    {'N': 128, 'M': 768, 'C': 768}
    """
    net = Builder(
        "bert_base",
        input_shape=(tokens,),
        title="BERT-base",
        source="Devlin, Chang, Lee, Toutanova, 'BERT: pre-training of deep bidirectional transformers for language "
        "understanding', NAACL 2019; vocabulary of the released uncased model",
    )
    tables = (("word", 30522), ("position", 512), ("token_type", 2))
    parts = [net.embedding(f"embeddings.{name}_embeddings", rows, _WIDTH, tokens) for name, rows in tables]
    x = net.normalization("embeddings.LayerNorm", net.add("embeddings.add", *parts), "layer")
    for index in range(12):
        x = _block(net, f"encoder.layer.{index}", x)
    net.fc("pooler.dense", x.part(1), _WIDTH)
    return net.network()


def _block(net: Builder, name: str, x: Value) -> Value:
    own = f"{name}.attention.self"
    query, key, value = (net.fc(f"{own}.{what}", x, _WIDTH) for what in ("query", "key", "value"))
    y = net.attention(own, query, key, value, heads=_HEADS, head_dim=_WIDTH // _HEADS)
    y = net.fc(f"{name}.attention.output.dense", y, _WIDTH)
    x = net.normalization(
        f"{name}.attention.output.LayerNorm", net.add(f"{name}.attention.output.add", y, x), "layer"
    )
    y = net.fc(f"{name}.output.dense", net.fc(f"{name}.intermediate.dense", x, 4 * _WIDTH), _WIDTH)
    return net.normalization(f"{name}.output.LayerNorm", net.add(f"{name}.output.add", y, x), "layer")
