"""EIE on the fully-connected layers of AlexNet, VGG-16 and NeuralTalk: theoretical and actual times.

The times are printed in the paper's Table IV. Densities of weights and inputs are those widely quoted from its Table
III; they were not read there, and those of weights are rounded to whole per cents: 4 % may be 3.5 or 4.5.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chipwise.analysis.engines.designs.eie import ENGINE
from chipwise.analysis.engines.work import Work
from chipwise.analysis.validation import Check

SOURCE = "Han et al., EIE, ISCA 2016, tables II, IV and V (transcribed in github.com/cucapra/fodlam, raw/eie-raw.csv)"


class Layer(NamedTuple):
    """Inputs, outputs, densities of weights and inputs; microseconds, theoretical and actual."""

    inputs: int
    outputs: int
    weight_density: float
    input_density: float
    theoretical_us: float
    actual_us: float


LAYERS: Mapping[str, Layer] = {
    "alexnet fc6": Layer(9216, 4096, 0.09, 0.351, 28.1, 30.3),
    "alexnet fc7": Layer(4096, 4096, 0.09, 0.353, 11.7, 12.2),
    "alexnet fc8": Layer(4096, 1000, 0.25, 0.375, 8.9, 9.9),
    "vgg16 fc6": Layer(25088, 4096, 0.04, 0.183, 28.1, 34.4),
    "vgg16 fc7": Layer(4096, 4096, 0.04, 0.375, 7.9, 8.7),
    "vgg16 fc8": Layer(4096, 1000, 0.23, 0.411, 7.3, 8.4),
    "neuraltalk We": Layer(4096, 600, 0.10, 1.0, 5.2, 8.0),
    "neuraltalk Wd": Layer(600, 8791, 0.11, 1.0, 13.0, 13.9),
    "neuraltalk LSTM": Layer(1201, 2400, 0.10, 1.0, 6.5, 7.5),
}

BAND = 0.15

POWER_W = 0.59
SHARES: Mapping[str, tuple[tuple[str, ...], float]] = {
    "weights": (("weights",), 0.5411),
    "pointers": (("pointers",), 0.1973),
    "arithmetic and codebook": (("mac", "codebook"), 0.1268),
    "activations and sums": (("sums",), 0.1225),
}
"""Parts of a PE's power: ours, and that of SpmatRead, PtrRead, ArithmUnit and ActRW."""

_CORRELATED = "densities alone miss it: likely, inputs that are often active keep more weights than others do"
_NOTES = {
    "alexnet fc8": f"{_CORRELATED}; published above VGG's fc8, whose densities give more",
    "vgg16 fc6": f"{_CORRELATED}; the theoretical time would need over 5 % of weights",
}


def work(name: str) -> Work:
    """A layer of `LAYERS` as engines see it."""
    layer = LAYERS[name]
    return Work(
        name, "fc", 1, 1, 1, layer.inputs, (1, 1), layer.outputs, 1, 1, layer.inputs,
        input_density=layer.input_density, weight_density=layer.weight_density,
    )  # fmt: skip


def checks() -> Iterator[Check]:
    """Work / 64 PEs and time with queues, and the work without padding beside it."""
    for name, layer in LAYERS.items():
        cost = ENGINE.cost(work(name))
        us = 1e6 / ENGINE.clock_hz
        note = _NOTES.get(name, "")
        theoretical = cost.notes["theoretical_cycles"] * us
        bare = layer.inputs * layer.outputs * layer.weight_density * layer.input_density / ENGINE.pes * us
        yield Check(name, "theoretical time", "us", layer.theoretical_us, theoretical, BAND, note)
        yield Check(name, "actual time", "us", layer.actual_us, cost.cycles * us, BAND, note)
        yield Check(name, "theoretical time without padding", "us", layer.theoretical_us, bare)
    yield from _power()


def _power() -> Iterator[Check]:
    """Of AlexNet's fc7, whose rate the paper prints with the power."""
    cost = ENGINE.cost(work("alexnet fc7"))
    watts = cost.energy_pj * 1e-12 * ENGINE.clock_hz / cost.cycles
    yield Check("alexnet fc7", "power", "W", POWER_W, watts, BAND)
    parts = cost.energy_by_component_pj()
    for name, (ours, published) in SHARES.items():
        share = sum(parts[part] for part in ours) / cost.energy_pj
        yield Check(f"alexnet fc7, {name}", "share of power", "", published, share)
