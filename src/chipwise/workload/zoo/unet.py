"""U-Net: a plane is contracted, expanded again, and joined with what it was on the way."""

from typing import Annotated

from chipwise.errors import InputError
from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_DEPTH = 4


def build(resolution: Annotated[int, Between(188, 2044)] = 572) -> Network:
    """U-Net for one-channel images, with convolutions that use no padding, and two classes.

    The image must leave an even plane before each pooling, so its size is 16·n + 12.

    Source: Ronneberger et al., MICCAI 2015, Fig. 1.

    >>> build().layer("classes").dims["P"]
    388
    """
    if (resolution - 12) % 16:
        raise InputError(
            f"network 'unet': resolution = {resolution} leaves an odd plane before a pooling; take "
            f"{resolution - (resolution - 12) % 16} or another 16·n + 12"
        )
    net = Builder(
        "unet",
        input_shape=(1, resolution, resolution),
        title="U-Net",
        source="Ronneberger, Fischer, Brox, 'U-Net: convolutional networks for biomedical image segmentation', "
        "MICCAI 2015, Fig. 1",
    )
    x, kept = net.input, []
    for level in range(_DEPTH):
        x = _double(net, f"down{level + 1}", x, 64 << level)
        kept.append(x)
        x = net.max_pool(f"pool{level + 1}", x, 2, stride=2)
    x = _double(net, "bottom", x, 64 << _DEPTH)
    for level in reversed(range(_DEPTH)):
        x = net.transposed(f"up{level + 1}.transposed", x, 64 << level, 2)
        x = net.concat(f"up{level + 1}.concat", kept[level].cropped(*x.shape[1:]), x)
        x = _double(net, f"up{level + 1}", x, 64 << level)
    net.conv("classes", x, 2)
    return net.network()


def _double(net: Builder, name: str, x: Value, filters: int) -> Value:
    x = net.conv(f"{name}.conv1", x, filters, 3, padding=0)
    return net.conv(f"{name}.conv2", x, filters, 3, padding=0)
