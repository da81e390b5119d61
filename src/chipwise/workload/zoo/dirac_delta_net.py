"""DiracDeltaNet: ShuffleNetV2 with shifts in place of spatial filters, made for an FPGA."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value

_BASE = 116
_EXPANSION = 2


def build() -> Network:
    """DiracDeltaNet for a 3 x 224 x 224 image: 1 x 1 convolutions, 2 x 2 pooling, shifts, shuffles, concatenation.

    Widths are the defaults of the authors' training script, which by its documentation are those of the paper.

    Source: Yang et al., FPGA 2019, and the authors' released code.

    >>> {layer.dims["R"] for layer in build().layers if layer.kind == "conv"}
    {1}
    """
    net = Builder(
        "dirac_delta_net",
        input_shape=(3, 224, 224),
        title="DiracDeltaNet",
        source="Yang, Huang, Wu, Zhang, Ma, Gambardella, Blott, Lavagno, Vissers, Wawrzynek, Keutzer, 'Synetgy: "
        "algorithm-hardware co-design for ConvNet accelerators on embedded FPGAs', FPGA 2019; widths of the "
        "authors' code",
    )
    x = net.input
    for index, filters in ((1, 32), (2, 64)):
        x = net.conv(f"conv{index}", x, filters)
        x = net.max_pool(f"pool{index}", x, 2, stride=2, padding=1)
        x = net.shift(f"shift{index}", x)
    for stage, count in enumerate((4, 8, 4), start=1):
        for index in range(count):
            x = _block(net, f"layer{stage}.{index}", x, _BASE << (stage - 1), halve=index == 0)
    x = net.conv("conv3", x, 1024)
    net.fc("linear", net.global_pool("avgpool", x), 1000)
    return net.network()


def _block(net: Builder, name: str, x: Value, filters: int, *, halve: bool) -> Value:
    half = filters // 2
    # The first block of all splits its channels although it halves the plane, as the authors' code does.
    left = right = x if halve and x.channels != 64 else x.part(x.channels // 2)
    if halve:
        left = net.conv(f"{name}.shortcut.0", net.max_pool(f"{name}.shortcut.pool", left, 2, stride=2), half)
    right = net.conv(f"{name}.conv1", right, _EXPANSION * half)
    if halve:
        right = net.max_pool(f"{name}.pool", right, 2, stride=2)
    right = net.conv(f"{name}.conv3", net.shift(f"{name}.shift2", right), half)
    return net.shuffle(f"{name}.shuffle", net.concat(f"{name}.concat", left, right))
