"""CNN0 of the first TPU, as far as published: a stand-in with its layers, weights and MACs."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder
from chipwise.workload.zoo._tpu import SOURCE


def build() -> Network:
    """Sixteen 3 x 3 convolutions of 236 filters on planes of 19 x 19.

    Published are 16 CONV layers, 8M weights and, for 8 inputs at once, 2888 MACs per weight: 2888/8 = 361 is
    19 x 19, each weight's uses for one input. Filter size and equal widths are assumed.

    Source: Jouppi et al., ISCA 2017, Table 1.

    >>> network = build()
    >>> 8 * network.macs / sum(layer.volume("weight") for layer in network.layers)
    2888.0
    """
    net = Builder(
        "tpu_cnn0",
        input_shape=(236, 19, 19),
        title="TPU v1 CNN0 (stand-in)",
        source=f"{SOURCE} 16 CONV layers, 8M weights and 2888 MACs per weight byte at batch 8, no shapes; equal "
        "layers here",
    )
    x = net.input
    for index in range(1, 17):
        x = net.conv(f"conv{index}", x, 236, 3)
    return net.network()
