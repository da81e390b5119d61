"""AlexNet: five convolutions and three fully-connected layers, the field's yardstick since Eyeriss."""

from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.network import Network


def build() -> Network:
    """AlexNet for a 3 x 227 x 227 image, with conv2, conv4 and conv5 in two groups.

    Source: Krizhevsky et al., NIPS 2012, in the shapes of Caffe's reference model; `published` is Table II
    of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().macs
    724406816
    """
    layers = (
        conv("conv1", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4),
        conv("conv2", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2),
        conv("conv3", M=384, C=256, P=13, Q=13, R=3, S=3),
        conv("conv4", M=384, C=384, P=13, Q=13, R=3, S=3, groups=2),
        conv("conv5", M=256, C=384, P=13, Q=13, R=3, S=3, groups=2),
        # A filter as large as its input rather than C = 9216: the survey and Eyeriss count fc6 so, and
        # dataflows that lay R along an axis can then use it.
        conv("fc6", M=4096, C=256, P=1, Q=1, R=6, S=6, kind="fc"),
        fully_connected("fc7", M=4096, C=4096),
        fully_connected("fc8", M=1000, C=4096),
    )
    return Network(
        name="alexnet",
        nodes=layers,
        title="AlexNet",
        source="Krizhevsky, Sutskever, Hinton, 'ImageNet classification with deep convolutional neural "
        "networks', NIPS 2012; layer shapes of the Caffe reference model",
        input_shape=(3, 227, 227),
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
