"""ResNet-50: a stem, sixteen bottleneck blocks with shortcuts, and one fully-connected layer."""

from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network

_STAGES = ((3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7))
"""Blocks, filters of the inner convolutions, and height = width of the output plane of each stage."""

_EXPANSION = 4
"""Filters of a block's last convolution per filter of its inner ones."""


def _block(name: str, *, channels: int, filters: int, plane: int, stride: int) -> tuple[Layer, ...]:
    """The three convolutions of a bottleneck, with the stride in the first as the 2015 paper has it."""
    return (
        conv(f"{name}.conv1", M=filters, C=channels, P=plane, Q=plane, R=1, S=1, stride=stride),
        conv(f"{name}.conv2", M=filters, C=filters, P=plane, Q=plane, R=3, S=3),
        conv(f"{name}.conv3", M=_EXPANSION * filters, C=filters, P=plane, Q=plane, R=1, S=1),
    )


def build() -> Network:
    """ResNet-50 for a 3 x 224 x 224 image, the original (v1) with strides in the 1 x 1 convolutions.

    Later releases move the stride to the 3 x 3 convolution ("v1.5"), which costs 4.1G MACs instead of 3.9G.
    The sum at the end of a block goes by the name of the block's last convolution, so what follows reads
    that convolution and the shortcut: the projection, or the last convolution of the block before.

    Source: He et al., CVPR 2016, Table 1; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs
    3857973248
    >>> build().sources("layer1.2.conv1")
    ('layer1.1.conv3', 'layer1.0.conv3')
    """
    layers: list[Layer] = [conv("conv1", M=64, C=3, P=112, Q=112, R=7, S=7, stride=2)]
    inputs: dict[str, tuple[str, ...]] = {}
    channels = 64
    previous: tuple[str, ...] = ("conv1",)
    for stage, (count, filters, plane) in enumerate(_STAGES, start=1):
        for index in range(count):
            name = f"layer{stage}.{index}"
            stride = 2 if stage > 1 and index == 0 else 1
            layers += _block(name, channels=channels, filters=filters, plane=plane, stride=stride)
            inputs[f"{name}.conv1"] = previous
            shortcut = previous[0]
            if index == 0:
                shortcut = f"{name}.downsample"
                width = _EXPANSION * filters
                layers.append(conv(shortcut, M=width, C=channels, P=plane, Q=plane, R=1, S=1, stride=stride))
                inputs[shortcut] = previous
                channels = width
            previous = (f"{name}.conv3", shortcut)
    layers.append(fully_connected("fc", M=1000, C=channels))
    inputs["fc"] = previous
    return Network(
        name="resnet50",
        nodes=tuple(layers),
        title="ResNet-50",
        source="He, Zhang, Ren, Sun, 'Deep residual learning for image recognition', CVPR 2016, Table 1",
        input_shape=(3, 224, 224),
        inputs=inputs,
        published={
            "conv_layers": 53,
            "conv_weights": 23.5e6,
            "conv_macs": 3.86e9,
            "fc_layers": 1,
            "fc_weights": 2e6,
            "fc_macs": 2e6,
            "weights": 25.5e6,
            "macs": 3.9e9,
        },
    )
