"""OverFeat, the fast model: AlexNet's depth with wider layers and without groups."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder


def build() -> Network:
    """OverFeat (fast) for a 3 x 231 x 231 image.

    Source: Sermanet et al., ICLR 2014, Table 1; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().layer("conv1").macs
    109283328
    """
    net = Builder(
        "overfeat_fast",
        input_shape=(3, 231, 231),
        title="OverFeat (fast)",
        source="Sermanet, Eigen, Zhang, Mathieu, Fergus, LeCun, 'OverFeat: integrated recognition, localization "
        "and detection using convolutional networks', ICLR 2014, Table 1",
        published={
            "conv_layers": 5,
            "conv_weights": 16e6,
            "conv_macs": 2.67e9,
            "fc_layers": 3,
            "fc_weights": 130e6,
            "fc_macs": 130e6,
            "weights": 146e6,
            "macs": 2.8e9,
        },
    )
    x = net.conv("conv1", net.input, 96, 11, stride=4, padding=0)
    x = net.max_pool("pool1", x, 2, stride=2)
    x = net.conv("conv2", x, 256, 5, padding=0)
    x = net.max_pool("pool2", x, 2, stride=2)
    x = net.conv("conv3", x, 512, 3)
    x = net.conv("conv4", x, 1024, 3)
    x = net.conv("conv5", x, 1024, 3)
    x = net.max_pool("pool5", x, 2, stride=2)
    x = net.conv("fc6", x, 3072, 6, padding=0, kind="fc")
    net.fc("fc8", net.fc("fc7", x, 4096), 1000)
    return net.network()
