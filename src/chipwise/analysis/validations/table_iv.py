"""Non-zero weights and non-zero MACs of AlexNet and GoogLeNet, as the survey's Table IV prints them.

Dense networks: all weights count, and the MACs whose input is not zero, by the densities that come with the
network. Those of the convolutions were measured on other images than the table's, so their rows are shown with
their error and not judged: the 395M of the table stand for a mean density of 0.59, those of Eyeriss and CNNergy
for 0.49. The fully-connected ones agree.

Sparse networks: the table prints totals only and no densities per layer are published, so the rows say how
far off it is to take the printed total density of the weights as that of every layer, with zeros of weights and of
inputs independent: what is lost by not knowing more. They are not judged either.
"""

from collections.abc import Iterator
from typing import NamedTuple

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import Check
from chipwise.analysis.validations.table_ii import rounding
from chipwise.workload import registry
from chipwise.workload.densities import with_densities
from chipwise.workload.layer import Layer
from chipwise.workload.published_densities import published_densities

SOURCE = "Sze, Chen, Yang, Emer, Proc. IEEE 105(12), 2017, Table IV; input densities of CNNergy, IEEE TVLSI 28(8), 2020"


class Printed(NamedTuple):
    """Non-zero weights and MACs of one half of a network."""

    dense_weights: float
    dense_macs: float
    sparse_weights: float
    sparse_macs: float


PRINTED = {
    "alexnet": {
        "conv": Printed(2.3e6, 395e6, 351e3, 56.4e6),
        "fc": Printed(58.6e6, 14.5e6, 5.4e6, 1.9e6),
    },
    "googlenet": {
        "conv": Printed(6.0e6, 806e6, 1.5e6, 220e6),
        "fc": Printed(1e6, 635e3, 870e3, 663e3),
    },
}

_JUDGED = {("alexnet", "fc")}
"""Halves whose MACs follow from densities of the same kind as the table's."""


def checks() -> Iterator[Check]:
    """Weights of both networks; MACs of AlexNet, for which densities are published layer by layer."""
    for name, halves in PRINTED.items():
        weights = describe(registry.build(name))
        for kind, printed in halves.items():
            computed = {"conv": weights.conv, "fc": weights.fc}[kind].weights
            band = rounding(printed.dense_weights)
            yield Check(
                f"{name}, dense",
                f"{kind.upper()} NZ weights",
                "weights",
                printed.dense_weights,
                computed,
                band,
            )
    network = with_densities(registry.build("alexnet"), published_densities("alexnet"))
    for kind, printed in PRINTED["alexnet"].items():
        layers = [layer for layer in network.layers if layer.kind == kind]
        macs = sum(_nonzero_macs(layer) for layer in layers)
        judged = rounding(printed.dense_macs) if ("alexnet", kind) in _JUDGED else None
        quantity = f"{kind.upper()} NZ MACs"
        yield Check("alexnet, dense", quantity, "MACs", printed.dense_macs, macs, judged)
        density = printed.sparse_weights / sum(layer.volume("weight") for layer in layers)
        yield Check(
            "alexnet, sparse, weights evenly pruned", quantity, "MACs", printed.sparse_macs, macs * density
        )


def _nonzero_macs(layer: Layer) -> float:
    """MACs x density of the input."""
    return layer.macs * layer.tensor("input").density
