"""The VGG family: blocks of 3 x 3 convolutions, each followed by a pooling that halves the plane."""

from collections.abc import Mapping, Sequence

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder

SOURCE = (
    "Simonyan, Zisserman, 'Very deep convolutional networks for large-scale image recognition', ICLR 2015, "
    "configuration"
)


def vgg(
    name: str,
    convolutions: Sequence[int],
    *,
    title: str,
    source: str,
    published: Mapping[str, float] | None = None,
) -> Network:
    """A VGG with that many convolutions in each of its five blocks."""
    net = Builder(name, input_shape=(3, 224, 224), title=title, source=source, published=published)
    x = net.input
    for block, (count, filters) in enumerate(
        zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1
    ):
        for index in range(1, count + 1):
            x = net.conv(f"conv{block}_{index}", x, filters, 3)
        x = net.max_pool(f"pool{block}", x, 2, stride=2)
    # A filter as large as its input rather than C = 25088, for the reasons given for AlexNet's fc6.
    x = net.conv("fc6", x, 4096, 7, padding=0, kind="fc")
    net.fc("fc8", net.fc("fc7", x, 4096), 1000)
    return net.network()
