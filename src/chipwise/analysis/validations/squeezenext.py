"""Parameters and MACs of SqueezeNext-23, as imgclsmob lists them.

Its parameters are the weights, a bias, a scale and a shift per filter, and the biases of the last layer. Its
"MACs" are half of all operations: two per MAC, four per value that is normalised, one per ReLU and per value
of a pooling window. They come out to the last printed digit by that count; without the rest, MACs are 4 % less.
"""

from collections.abc import Iterator

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import Check
from chipwise.analysis.validations.table_ii import rounding
from chipwise.workload import registry
from chipwise.workload.network import Network

SOURCE = "osmr/imgclsmob, list of PyTorch models: 1.0-SqNxt-23 and 1.0-SqNxt-23v5"

PRINTED = {"squeezenext23": (724_056, 287.28e6), "squeezenext23@version=5": (921_816, 285.82e6)}


def checks() -> Iterator[Check]:
    """Both versions of width 1."""
    for name, (count, macs) in PRINTED.items():
        network = registry.build(name)
        yield Check(name, "parameters", "parameters", count, parameters(network), 0.0)
        half = half_of_operations(network)
        yield Check(name, "half of all operations", "MACs", macs, half, rounding(macs))
        yield Check(name, "MACs alone", "MACs", None, network.macs)


def parameters(network: Network) -> int:
    """Weights, three values per filter of a convolution, one per output of the last layer."""
    statistics = describe(network)
    filters = sum(layer.filters or 0 for layer in statistics.layers if layer.kind == "conv")
    return statistics.weights + 3 * filters + statistics.layers[-1].output_activations


def half_of_operations(network: Network) -> float:
    """MACs + (4 + 1)/2 per output of a convolution, 1/2 per sum, window/2 per output of a pooling."""
    statistics = describe(network)
    outputs = sum(layer.output_activations for layer in statistics.layers if layer.kind == "conv")
    sums = sum(node.writes for node in network.operations if node.kind == "elementwise")
    windows = sum(node.writes * node.notes["window"] for node in network.operations if node.kind == "pool")
    return statistics.macs + (5 * outputs + sums + windows) / 2
