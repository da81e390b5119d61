"""GoogLeNet (Inception v1): nine modules of four branches side by side."""

from chipwise.workload import operations
from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value

_MODULES = {
    "inception_3a": (64, (96, 128), (16, 32), 32),
    "inception_3b": (128, (128, 192), (32, 96), 64),
    "inception_4a": (192, (96, 208), (16, 48), 64),
    "inception_4b": (160, (112, 224), (24, 64), 64),
    "inception_4c": (128, (128, 256), (24, 64), 64),
    "inception_4d": (112, (144, 288), (32, 64), 64),
    "inception_4e": (256, (160, 320), (32, 128), 128),
    "inception_5a": (256, (160, 320), (32, 128), 128),
    "inception_5b": (384, (192, 384), (48, 128), 128),
}
"""Filters: 1 x 1; 3 x 3 with its reduction before; 5 x 5 with its reduction before; behind the pooling."""


def build() -> Network:
    """GoogLeNet for a 3 x 224 x 224 image, without the auxiliary classifiers, which only training uses.

    Source: Szegedy et al., CVPR 2015, Table 1; `published` is Table II of Sze et al., Proc. IEEE 105(12), 2017.

    >>> build().layer("inception_3a.1x1").macs
    9633792
    """
    net = Builder(
        "googlenet",
        input_shape=(3, 224, 224),
        title="GoogLeNet",
        source="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, 'Going deeper with "
        "convolutions', CVPR 2015, Table 1",
        published={
            "conv_layers": 57,
            "conv_weights": 6.0e6,
            "conv_macs": 1.43e9,
            "fc_layers": 1,
            "fc_weights": 1e6,
            "fc_macs": 1e6,
            "weights": 7e6,
            "macs": 1.43e9,
        },
    )
    x = net.conv("conv1", net.input, 64, 7, stride=2)
    x = net.max_pool("pool1", x, 3, stride=2, ceil=True)
    x = net.conv("conv2_reduce", _norm(net, "norm1", x), 64)
    x = net.conv("conv2", x, 192, 3)
    x = net.max_pool("pool2", _norm(net, "norm2", x), 3, stride=2, ceil=True)
    for name in _MODULES:
        x = _module(net, name, x)
        if name in {"inception_3b", "inception_4e"}:
            x = net.max_pool(f"pool{name[-2]}", x, 3, stride=2, ceil=True)
    net.fc("fc", net.global_pool("pool5", x), 1000)
    return net.network()


def _module(net: Builder, name: str, x: Value) -> Value:
    single, three, five, behind = _MODULES[name]
    branches = [net.conv(f"{name}.1x1", x, single)]
    for kernel, (reduced, filters) in ((3, three), (5, five)):
        branch = net.conv(f"{name}.{kernel}x{kernel}_reduce", x, reduced)
        branches.append(net.conv(f"{name}.{kernel}x{kernel}", branch, filters, kernel))
    pooled = net.max_pool(f"{name}.pool", x, 3, stride=1, padding=1)
    branches.append(net.conv(f"{name}.pool_proj", pooled, behind))
    return net.concat(f"{name}.output", *branches)


def _norm(net: Builder, name: str, x: Value) -> Value:
    return net.emit(operations.local_response_normalization(name, shape=x.shape), x.shape, x)
