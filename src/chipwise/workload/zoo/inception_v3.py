"""Inception-v3: factorised convolutions, 1 x 7 and 7 x 1 among them."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder, Pair, Value

Step = tuple[str, int, Pair]
"""Name, filters, filter size."""


def build() -> Network:
    """Inception-v3 for a 3 x 299 x 299 image, without the auxiliary classifier.

    Source: Szegedy et al., CVPR 2016, Table 1, with the branches' widths of the released model.

    >>> build().layer("Mixed_6b.branch7x7_2").dims["M"]
    128
    """
    net = Builder(
        "inception_v3",
        input_shape=(3, 299, 299),
        title="Inception-v3",
        source="Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, 'Rethinking the Inception architecture for computer "
        "vision', CVPR 2016; widths of the released model",
    )
    x = net.conv("Conv2d_1a_3x3", net.input, 32, 3, stride=2, padding=0)
    x = net.conv("Conv2d_2a_3x3", x, 32, 3, padding=0)
    x = net.conv("Conv2d_2b_3x3", x, 64, 3)
    x = net.max_pool("maxpool1", x, 3, stride=2)
    x = net.conv("Conv2d_3b_1x1", x, 80)
    x = net.conv("Conv2d_4a_3x3", x, 192, 3, padding=0)
    x = net.max_pool("maxpool2", x, 3, stride=2)
    for name, behind in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _narrow(net, name, x, behind)
    x = _halve(net, "Mixed_6a", x, (("branch3x3", 384, 3),), (("1", 64, 1), ("2", 96, 3), ("3", 96, 3)))
    for name, inner in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _middle(net, name, x, inner)
    three = (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3))
    seven: tuple[Step, ...] = (("1", 192, 1), ("2", 192, (1, 7)), ("3", 192, (7, 1)), ("4", 192, 3))
    x = _halve(net, "Mixed_7a", x, three, seven, second="branch7x7x3")
    for name in ("Mixed_7b", "Mixed_7c"):
        x = _wide(net, name, x)
    net.fc("fc", net.global_pool("avgpool", x), 1000)
    return net.network()


def _chain(net: Builder, x: Value, *steps: Step, halve: bool = False) -> Value:
    """Convolutions one after another; with `halve`, the last has stride 2 and no padding."""
    for index, (name, filters, kernel) in enumerate(steps, start=1):
        last = halve and index == len(steps)
        x = net.conv(name, x, filters, kernel, stride=2 if last else 1, padding=0 if last else None)
    return x


def _pooled(net: Builder, name: str, x: Value, filters: int) -> Value:
    return net.conv(
        f"{name}.branch_pool", net.average_pool(f"{name}.pool", x, 3, stride=1, padding=1), filters
    )


def _narrow(net: Builder, name: str, x: Value, behind: int) -> Value:
    five, double = f"{name}.branch5x5", f"{name}.branch3x3dbl"
    return net.concat(
        f"{name}.concat",
        net.conv(f"{name}.branch1x1", x, 64),
        _chain(net, x, (f"{five}_1", 48, 1), (f"{five}_2", 64, 5)),
        _chain(net, x, (f"{double}_1", 64, 1), (f"{double}_2", 96, 3), (f"{double}_3", 96, 3)),
        _pooled(net, name, x, behind),
    )


def _middle(net: Builder, name: str, x: Value, inner: int) -> Value:
    one, two = f"{name}.branch7x7", f"{name}.branch7x7dbl"
    kernels: tuple[Pair, ...] = (1, (7, 1), (1, 7), (7, 1), (1, 7))
    widths = (inner, inner, inner, inner, 192)
    double = [(f"{two}_{i}", m, k) for i, (m, k) in enumerate(zip(widths, kernels, strict=True), start=1)]
    return net.concat(
        f"{name}.concat",
        net.conv(f"{name}.branch1x1", x, 192),
        _chain(net, x, (f"{one}_1", inner, 1), (f"{one}_2", inner, (1, 7)), (f"{one}_3", 192, (7, 1))),
        _chain(net, x, *double),
        _pooled(net, name, x, 192),
    )


def _wide(net: Builder, name: str, x: Value) -> Value:
    three, double = f"{name}.branch3x3", f"{name}.branch3x3dbl"
    single = net.conv(f"{name}.branch1x1", x, 320)
    y = net.conv(f"{three}_1", x, 384)
    left = [net.conv(f"{three}_2{s}", y, 384, k) for s, k in (("a", (1, 3)), ("b", (3, 1)))]
    z = _chain(net, x, (f"{double}_1", 448, 1), (f"{double}_2", 384, 3))
    right = [net.conv(f"{double}_3{s}", z, 384, k) for s, k in (("a", (1, 3)), ("b", (3, 1)))]
    return net.concat(f"{name}.concat", single, *left, *right, _pooled(net, name, x, 192))


def _halve(
    net: Builder,
    name: str,
    x: Value,
    first: tuple[Step, ...],
    then: tuple[Step, ...],
    second: str = "branch3x3dbl",
) -> Value:
    return net.concat(
        f"{name}.concat",
        _chain(net, x, *((f"{name}.{n}", m, k) for n, m, k in first), halve=True),
        _chain(net, x, *((f"{name}.{second}_{n}", m, k) for n, m, k in then), halve=True),
        net.max_pool(f"{name}.pool", x, 3, stride=2),
    )
