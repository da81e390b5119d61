"""LeNet-5: digits, the first widely used convolutional network."""

from typing import Annotated

from chipwise.workload.network import Network
from chipwise.workload.operation import Operation
from chipwise.workload.parameters import OneOf
from chipwise.workload.zoo._builder import Builder


def build(version: Annotated[str, OneOf("1998", "caffe")] = "1998") -> Network:
    """LeNet-5 for a 1 x 28 x 28 digit, padded to 32 x 32 by C1; or Caffe's network of that name, which is wider.

    C3 is taken as dense, as Table II's 2.6k weights of convolutions have it; in the paper each of its filters
    sees three to six of the six channels. The output compares with fixed codes (a distance, no MACs), so that
    two layers are fully connected, as in Table II.

    Source: LeCun et al., Proc. IEEE 86(11), 1998, Fig. 2; `published` is Table II of Sze et al., 2017.

    >>> build().macs, build("caffe").macs
    (415680, 2293000)
    """
    return _caffe() if version == "caffe" else _paper()


def _paper() -> Network:
    net = Builder(
        "lenet5",
        input_shape=(1, 28, 28),
        title="LeNet-5",
        source="LeCun, Bottou, Bengio, Haffner, 'Gradient-based learning applied to document recognition', "
        "Proc. IEEE 86(11), 1998, Fig. 2",
        published={
            "conv_layers": 2,
            "conv_weights": 2.6e3,
            "conv_macs": 283e3,
            "fc_layers": 2,
            "fc_weights": 58e3,
            "fc_macs": 58e3,
            "weights": 60e3,
            "macs": 341e3,
        },
    )
    x = net.conv("C1", net.input, 6, 5)
    x = net.average_pool("S2", x, 2, stride=2)
    x = net.conv("C3", x, 16, 5, padding=0)
    x = net.average_pool("S4", x, 2, stride=2)
    x = net.conv("C5", x, 120, 5, padding=0, kind="fc")
    x = net.fc("F6", x, 84)
    # A subtraction, a square and an addition for each of the 84 values of the 10 codes.
    distance = Operation(
        "output",
        "elementwise",
        operations=3 * 84 * 10,
        reads=84,
        writes=10,
        weights=840,
        weight_reads=840,
        shape=(10,),
    )
    net.emit(distance, (10,), x)
    return net.network()


def _caffe() -> Network:
    net = Builder(
        "lenet5",
        input_shape=(1, 28, 28),
        title="LeNet (Caffe)",
        source="BVLC Caffe, examples/mnist/lenet.prototxt, 2014, after LeCun et al., Proc. IEEE 86(11), 1998",
    )
    x = net.max_pool("pool1", net.conv("conv1", net.input, 20, 5, padding=0), 2, stride=2)
    x = net.max_pool("pool2", net.conv("conv2", x, 50, 5, padding=0), 2, stride=2)
    x = net.conv("ip1", x, 500, 4, padding=0, kind="fc")
    net.fc("ip2", x, 10)
    return net.network()
