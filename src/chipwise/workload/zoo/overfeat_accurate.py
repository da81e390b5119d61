"""OverFeat, the accurate model: a layer more than the fast one, and smaller strides."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder


def build() -> Network:
    """OverFeat (accurate) for a 3 x 221 x 221 image.

    Source: Sermanet et al., ICLR 2014, Table 3.

    >>> build().layer("conv1").macs
    164602368
    """
    net = Builder(
        "overfeat_accurate",
        input_shape=(3, 221, 221),
        title="OverFeat (accurate)",
        source="Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun, 'OverFeat: integrated recognition, localization "
        "and detection using convolutional networks', ICLR 2014, Table 3",
    )
    x = net.conv("conv1", net.input, 96, 7, stride=2, padding=0)
    x = net.max_pool("pool1", x, 3, stride=3)
    x = net.conv("conv2", x, 256, 7, padding=0)
    x = net.max_pool("pool2", x, 2, stride=2)
    for index, filters in enumerate((512, 512, 1024, 1024), start=3):
        x = net.conv(f"conv{index}", x, filters, 3)
    x = net.max_pool("pool6", x, 3, stride=3)
    x = net.conv("fc7", x, 4096, 5, padding=0, kind="fc")
    net.fc("fc9", net.fc("fc8", x, 4096), 1000)
    return net.network()
