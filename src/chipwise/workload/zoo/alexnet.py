"""AlexNet: five convolutions and three fully-connected layers, the field's yardstick since Eyeriss."""

from chipwise.workload import operations
from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value


def build() -> Network:
    """AlexNet for a 3 x 227 x 227 image, with conv2, conv4 and conv5 in two groups.

    Source: Krizhevsky et al., NIPS 2012, in the shapes of Caffe's reference model; `published` is Table II
    of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs
    724406816
    """
    net = Builder(
        "alexnet",
        input_shape=(3, 227, 227),
        title="AlexNet",
        source="Krizhevsky, Sutskever, Hinton, 'ImageNet classification with deep convolutional neural "
        "networks', NIPS 2012; layer shapes of the Caffe reference model",
        published={
            "conv_layers": 5,
            "conv_weights": 2.3e6,
            "conv_macs": 666e6,
            "fc_layers": 3,
            "fc_weights": 58.6e6,
            "fc_macs": 58.6e6,
            "weights": 61e6,
            "macs": 724e6,
        },
    )
    x = net.conv("conv1", net.input, 96, 11, stride=4, padding=0)
    x = net.max_pool("pool1", _norm(net, "norm1", x), 3, stride=2)
    x = net.conv("conv2", x, 256, 5, groups=2)
    x = net.max_pool("pool2", _norm(net, "norm2", x), 3, stride=2)
    x = net.conv("conv3", x, 384, 3)
    x = net.conv("conv4", x, 384, 3, groups=2)
    x = net.conv("conv5", x, 256, 3, groups=2)
    x = net.max_pool("pool5", x, 3, stride=2)
    # A filter as large as its input rather than C = 9216: the survey and Eyeriss count fc6 so, and
    # dataflows that lay R along an axis can then use it.
    x = net.conv("fc6", x, 4096, 6, padding=0, kind="fc")
    net.fc("fc8", net.fc("fc7", x, 4096), 1000)
    return net.network()


def _norm(net: Builder, name: str, x: Value) -> Value:
    return net.emit(operations.local_response_normalization(name, shape=x.shape), x.shape, x)
