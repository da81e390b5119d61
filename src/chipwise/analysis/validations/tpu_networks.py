"""Layers, weights and reuse of the first TPU's applications that stand-ins can reproduce.

Every weight is one byte there, so that MACs per weight byte are MACs over weights, at the batch of the table.
"""

from collections.abc import Iterator
from typing import NamedTuple

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import Check
from chipwise.analysis.validations.table_ii import rounding
from chipwise.workload import registry

SOURCE = "Jouppi et al., ISCA 2017, Table 1"


class Printed(NamedTuple):
    """Matrix layers, weights, MACs per weight byte, batch."""

    layers: int
    weights: float
    macs_per_weight: int
    batch: int


PRINTED = {
    "tpu_mlp0": Printed(5, 20e6, 200, 200),
    "tpu_mlp1": Printed(4, 5e6, 168, 168),
    "tpu_lstm0": Printed(24, 52e6, 64, 64),
    "tpu_cnn0": Printed(16, 8e6, 2888, 8),
}


def checks() -> Iterator[Check]:
    """Layers and reuse exactly, weights to the printed digits."""
    for name, printed in PRINTED.items():
        statistics = describe(registry.build(name).with_batch(printed.batch))
        reuse = statistics.macs / statistics.weights
        yield Check(name, "FC and CONV layers", "layers", printed.layers, len(statistics.layers), 0.0)
        yield Check(
            name, "weights", "weights", printed.weights, statistics.weights, rounding(printed.weights)
        )
        yield Check(name, "MACs per weight", "MACs/weight", printed.macs_per_weight, reuse, 0.0)
