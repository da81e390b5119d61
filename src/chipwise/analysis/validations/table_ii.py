"""Weights and MACs of well-known networks, as the survey's Table II prints them."""

from collections.abc import Iterator
from decimal import Decimal

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import Check
from chipwise.workload import registry

SOURCE = "Sze, Chen, Yang, Emer, Proc. IEEE 105(12), 2017, Table II"

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


def checks() -> Iterator[Check]:
    """Every network of the zoo that carries figures of the table."""
    for name in registry.names():
        network = registry.build(name)
        totals = describe(network).to_dict()["totals"]
        for column, (quantity, unit) in _COLUMNS.items():
            if column in network.published:
                published = network.published[column]
                yield Check(name, quantity, unit, published, totals[column], rounding(published))


def rounding(published: float) -> float:
    """How far a figure may be off if it rounds to the printed one: half a unit of its last digit, relative.

    Layers are counted, so they are whole numbers here and exact. Zeros behind the point are not known any
    more (6.0M is 6M), so such a figure gets a wider band than it could have.

    >>> rounding(5), rounding(2.0e6), round(rounding(666e6), 6)
    (0.0, 0.25, 0.000751)
    """
    if isinstance(published, int):
        return 0.0
    exponent = Decimal(f"{published:g}").normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return float(Decimal(5).scaleb(exponent - 1) / Decimal(published))
