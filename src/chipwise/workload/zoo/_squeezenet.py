"""The SqueezeNet family: fire modules that squeeze to few channels and expand side by side."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Value

FIRES = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
"""Filters of the squeeze layer and of each of the two expand layers, by module."""


def squeezenet(
    name: str, *, title: str, source: str, resolution: int, filters: int, kernel: int, pools: tuple[int, ...]
) -> Network:
    """A SqueezeNet whose first convolution has these filters, with a pooling behind it and the modules `pools`."""
    net = Builder(name, input_shape=(3, resolution, resolution), title=title, source=source)
    x = net.conv("conv1", net.input, filters, kernel, stride=2, padding=0)
    x = net.max_pool("pool1", x, 3, stride=2, ceil=True)
    for index, (squeezed, expanded) in FIRES.items():
        x = _fire(net, f"fire{index}", x, squeezed, expanded)
        if index in pools:
            x = net.max_pool(f"pool{index}", x, 3, stride=2, ceil=True)
    net.global_pool("pool10", net.conv("conv10", x, 1000))
    return net.network()


def _fire(net: Builder, name: str, x: Value, squeezed: int, expanded: int) -> Value:
    x = net.conv(f"{name}.squeeze1x1", x, squeezed)
    small = net.conv(f"{name}.expand1x1", x, expanded)
    return net.concat(f"{name}.concat", small, net.conv(f"{name}.expand3x3", x, expanded, 3))
