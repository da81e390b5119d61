"""Bits by layer: operations and sizes of quantised ResNets, widths of accumulators, energy and area by width.

HAWQ-V3's zoo prints sizes in MiB and bit operations (MACs x bits x bits) for networks of 8 and of 4 bits; with 4 the
first and the last layer keep 8. The survey gives the extra bits of accumulators for its networks, and how much less
8-bit arithmetic takes than 32-bit.
"""

from collections.abc import Iterator, Mapping
from itertools import product

from chipwise.analysis.precision import bit_operations, weight_bits
from chipwise.analysis.validation import Check
from chipwise.components.estimator import AREA, Query
from chipwise.components.registry import energy_table
from chipwise.workload import registry
from chipwise.workload.bits import Bits, with_bits
from chipwise.workload.network import Network
from chipwise.workload.numbers import accumulator_bits

SOURCE = "Yao et al., HAWQ-V3, model zoo (github.com/Zhen-Dong/HAWQ); Sze et al., Proc. IEEE 105(12), 2017"

ZOO: Mapping[tuple[str, int], tuple[float, float]] = {
    ("resnet18", 32): (44.6, 1858),
    ("resnet18", 8): (11.1, 116),
    ("resnet18", 4): (5.8, 34),
    ("resnet50", 32): (97.8, 3951),
    ("resnet50", 8): (24.5, 247),
    ("resnet50", 4): (13.1, 67),
}
"""MiB and giga bit operations."""

POPULAR = ("lenet5", "alexnet", "overfeat_fast", "vgg16", "googlenet", "resnet50")
EXTRA = (10, 16)
"""Bits of log2(C·R·S) of the networks' largest filters, the least and the most."""

SAVINGS: Mapping[tuple[str, str, str], tuple[float, float]] = {
    ("int_adder", "add", "int_adder"): (3.3, 3.8),
    ("int_adder", "add", "fp_adder"): (30.0, 116.0),
    ("int_multiplier", "multiply", "int_multiplier"): (15.5, 12.4),
    ("int_multiplier", "multiply", "fp_multiplier"): (18.5, 27.5),
}
"""Component of 8 b, its action, the component of 32 b: how many times less energy and area."""

_LEAST = "LeNet-5's largest filter has 400 terms, so 9 bits; without it GoogLeNet is the least, with 11"


def quantised(name: str, width: int) -> Network:
    """A network of one width, but for 8 bits in the first and last layer where it is less."""
    network = registry.build(name)
    layers = [layer.name for layer in network.layers]
    widths = dict.fromkeys(layers, width)
    for ends in (layers[0], layers[-1]):
        widths[ends] = max(width, 8)
    return with_bits(network, Bits({n: dict.fromkeys(("input", "weight"), w) for n, w in widths.items()}))


def checks() -> Iterator[Check]:
    """Networks, accumulators, arithmetic."""
    for (name, width), (mib, giga) in ZOO.items():
        network = quantised(name, width)
        item = f"{name}, {width} b"
        yield Check(item, "weights", "MiB", mib, weight_bits(network) / 8 / 2**20, 0.05)
        yield Check(item, "bit operations", "1e9", giga, bit_operations(network) / 1e9, 0.05)
    extra = {
        name: max(accumulator_bits(layer, 8, 8) - 16 for layer in registry.build(name).layers)
        for name in POPULAR
    }
    for name, bits in extra.items():
        yield Check(name, "bits of an accumulator beyond 2N", "b", None, bits)
    least, most = min(extra.values()), max(extra.values())
    quantity = "bits of an accumulator beyond 2N"
    yield Check("least of the networks", quantity, "b", EXTRA[0], least, 0.0, _LEAST)
    yield Check("most of the networks", quantity, "b", EXTRA[1], most, 0.0)
    table = energy_table("horowitz-45nm")
    for ((narrow, action, wide), ratios), (i, figure) in product(
        SAVINGS.items(), enumerate(("energy", "area"))
    ):
        asked = action if figure == "energy" else AREA
        small, large = table.estimate(Query(narrow, 8), asked), table.estimate(Query(wide, 32), asked)
        if small is not None and large is not None:
            item = f"{narrow} of 8 b, {wide} of 32 b"
            yield Check(item, f"ratio of {figure}", "", ratios[i], large.value / small.value, 0.02)
