"""ViT-B/16: an image as 196 patches through twelve encoder blocks."""

from dataclasses import replace
from typing import Annotated

from chipwise.workload import operations
from chipwise.workload.network import Network
from chipwise.workload.parameters import OneOf
from chipwise.workload.zoo._builder import Builder, Value

_WIDTH, _HEADS, _PATCH = 768, 12, 16


def build(resolution: Annotated[int, OneOf(224, 384)] = 224) -> Network:
    """ViT-B/16; layers are named as in timm.

    Source: Dosovitskiy et al., ICLR 2021, Table 1; fine-tuned at 384 there.

    >>> build().layer("blocks.0.attn.qkv").dims
    {'N': 197, 'M': 2304, 'C': 768}
    """
    net = Builder(
        "vit_b16",
        input_shape=(3, resolution, resolution),
        title="ViT-B/16",
        source="Dosovitskiy et al., 'An image is worth 16x16 words: transformers for image recognition at scale', "
        "ICLR 2021, Table 1",
    )
    x = net.conv("patch_embed.proj", net.input, _WIDTH, _PATCH, stride=_PATCH, padding=0)
    shape = (x.shape[1] * x.shape[2] + 1, _WIDTH)
    # What is learnt and not computed: the class token, and a position for each token.
    token = operations.movement("cls_token", kind="concat", shape=shape, input_shapes=(x.shape,))
    x = net.emit(replace(token, weights=_WIDTH, weight_reads=_WIDTH), shape, x)
    position = operations.elementwise("pos_embed", shape=shape, operands=1)
    weights = shape[0] * _WIDTH
    x = net.emit(replace(position, weights=weights, weight_reads=weights), shape, x)
    for index in range(12):
        x = _block(net, f"blocks.{index}", x)
    net.fc("head", net.normalization("norm", x, "layer").part(1), 1000)
    return net.network()


def _block(net: Builder, name: str, x: Value) -> Value:
    y = net.fc(f"{name}.attn.qkv", net.normalization(f"{name}.norm1", x, "layer"), 3 * _WIDTH)
    y = net.attention(f"{name}.attn", y, heads=_HEADS, head_dim=_WIDTH // _HEADS)
    x = net.add(f"{name}.add1", net.fc(f"{name}.attn.proj", y, _WIDTH), x)
    y = net.fc(f"{name}.mlp.fc1", net.normalization(f"{name}.norm2", x, "layer"), 4 * _WIDTH)
    return net.add(f"{name}.add2", net.fc(f"{name}.mlp.fc2", y, _WIDTH), x)
