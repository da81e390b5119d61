"""The MobileNetV3 family: inverted residuals found by search, some with squeeze and excitation."""

from collections.abc import Sequence

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value, rounded

SOURCE = (
    "Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam, 'Searching for MobileNetV3', "
    "ICCV 2019, Table"
)

Row = tuple[int, int, int, bool, int]
"""Filter size, expanded channels, filters, squeeze and excitation, stride."""


def mobilenet_v3(
    name: str,
    rows: Sequence[Row],
    *,
    title: str,
    source: str,
    last: int,
    width: float,
    resolution: int,
    minimalistic: bool,
) -> Network:
    """A MobileNetV3 of these rows; minimalistic ones have 3 x 3 filters only and no squeeze and excitation."""
    net = Builder(name, input_shape=(3, resolution, resolution), title=title, source=source)
    x = net.conv("features.0.0", net.input, rounded(16 * width), 3, stride=2)
    before = 16
    for index, (kernel, expanded, filters, excite, stride) in enumerate(rows, start=1):
        # The released models scale what a block reads and multiply that, rather than scale the expansion.
        channels = (rounded(x.channels * expanded / before), rounded(filters * width))
        before = filters
        x = _block(
            net,
            f"features.{index}",
            x,
            channels,
            kernel=3 if minimalistic else kernel,
            excite=excite and not minimalistic,
            stride=stride,
        )
    x = net.conv(f"features.{len(rows) + 1}.0", x, 6 * x.channels)
    # Behind the pooling a plane of one pixel is left, where the paper's 1 x 1 convolutions are fully connected.
    # They keep their width below 1, as in the released models.
    x = net.fc("classifier.0", net.global_pool("avgpool", x), rounded(last * max(1.0, width)))
    net.fc("classifier.3", x, 1000)
    return net.network()


def _block(
    net: Builder, name: str, x: Value, channels: tuple[int, int], *, kernel: int, excite: bool, stride: int
) -> Value:
    expanded, filters = channels
    y, step = x, 0
    if expanded != x.channels:
        y, step = net.conv(f"{name}.block.0.0", x, expanded), 1
    y = net.depthwise(f"{name}.block.{step}.0", y, kernel, stride=stride)
    step += 1
    if excite:
        y = net.excite(f"{name}.block.{step}", y, rounded(expanded / 4))
        step += 1
    y = net.conv(f"{name}.block.{step}.0", y, filters)
    return net.add(f"{name}.add", y, x) if x.shape == y.shape else y
