"""Weights and MACs of well-known networks, as the survey's Table II and its text print them."""

from collections.abc import Iterator
from decimal import Decimal

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import Check
from chipwise.workload import registry

SOURCE = "Sze, Chen, Yang, Emer, Proc. IEEE 105(12), 2017, Table II and section III-B"

_COLUMNS = {
    "conv_layers": ("CONV layers", "layers"),
    "conv_weights": ("CONV weights", "weights"),
    "conv_macs": ("CONV MACs", "MACs"),
    "fc_layers": ("FC layers", "layers"),
    "fc_weights": ("FC weights", "weights"),
    "fc_macs": ("FC MACs", "MACs"),
    "weights": ("total weights", "weights"),
    "macs": ("total MACs", "MACs"),
}

_LENET = (
    "C1 on its plane of 28 x 28 takes 118k and C3 on 10 x 10 takes 240k; without padding they take 86k and 154k; "
    "no choice of the two gives 283k"
)
_GOOGLENET = (
    "Table 1 of the network's own paper adds up to 1.43G before its last module, taking 34M for conv1, which by "
    "its shape, 7 x 7 x 3 x 64 on 112 x 112, is 118M"
)
DEVIATIONS = {
    ("lenet5", "conv_macs"): _LENET,
    ("lenet5", "weights"): "2.6k + 58k = 60.6k is cut to 60k",
    ("lenet5", "macs"): _LENET,
    ("googlenet", "conv_macs"): _GOOGLENET,
    ("googlenet", "macs"): _GOOGLENET,
}
"""Why a figure does not follow from the published shapes."""

TEXT = (("lenet5@version=caffe", 431e3, 2.3e6), ("resnet152", 60e6, 11.3e9))
"""Weights and MACs in the table's footnote and in the text."""

RATIOS = (("vgg19", "vgg16", 1.27), ("overfeat_accurate", "overfeat_fast", 1.9))
"""MACs of one network over those of another, in the text."""


def checks() -> Iterator[Check]:
    """Every network of the zoo that carries figures of the table, and what the text adds."""
    for name in registry.names():
        network = registry.build(name)
        if not network.published:
            continue
        totals = describe(network).to_dict()["totals"]
        for column, (quantity, unit) in _COLUMNS.items():
            if column in network.published:
                published, note = network.published[column], DEVIATIONS.get((name, column), "")
                yield Check(name, quantity, unit, published, totals[column], rounding(published), note)
    for name, weights, macs in TEXT:
        statistics = describe(registry.build(name))
        yield Check(name, "total weights", "weights", weights, statistics.weights, rounding(weights))
        yield Check(name, "total MACs", "MACs", macs, statistics.macs, rounding(macs))
    for name, other, times in RATIOS:
        ratio = registry.build(name).macs / registry.build(other).macs
        yield Check(name, f"MACs of {other}", "x", times, ratio, rounding(times))


def rounding(published: float) -> float:
    """How far a figure may be off if it rounds to the printed one: half a unit of its last digit, relative.

    Layers are counted, so they are whole numbers here and exact. A figure is printed in thousands, millions or
    billions, so that its last digit is not above these. Zeros behind the point are not known any more (6.0M is
    6M), so such a figure gets a wider band than it could have.

    >>> rounding(5), rounding(2.0e6), round(rounding(130e6), 6)
    (0.0, 0.25, 0.003846)
    """
    if isinstance(published, int):
        return 0.0
    exponent = Decimal(f"{published:g}").normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    unit = 3 * ((len(f"{published:.0f}") - 1) // 3)
    return float(Decimal(5).scaleb(min(exponent, unit) - 1) / Decimal(published))
