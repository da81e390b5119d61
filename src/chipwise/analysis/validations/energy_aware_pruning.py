"""Energy of pruned networks by the survey's energy estimation, and that fewer weights need not take less of it.

    energy of a layer = MACs of two non-zeros x energy of one + bits accessed at each level, coded x energy of a bit

on Eyeriss, 16 b, each layer mapped anew for its densities (`hardware.zeros.estimating_zeros`), per image at the batch
sizes of the papers. Weights are dense, or as dense in every convolution, and in every fully-connected layer, as the
table prints for all of them together: densities of single layers are not published. Inputs of AlexNet are as dense as
published for the dense network, those of GoogLeNet as its non-zero MACs say, those of SqueezeNet as AlexNet's on
average. The mappings were found by studies/energy_aware_pruning.py and stand in energy_aware_pruning.json.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

from chipwise.analysis.results import LayerResult
from chipwise.analysis.stored_mappings import priced, stored
from chipwise.analysis.validation import Check
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.zeros import estimating_zeros
from chipwise.workload import registry
from chipwise.workload.densities import Densities, with_densities
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.workload.published_densities import published_densities

SOURCE = (
    "Yang, Chen, Sze, 'Designing energy-efficient CNNs using energy-aware pruning', CVPR 2017; Sze et al., Proc. IEEE "
    "105(12), 2017, Table IV and section VII-C; batch sizes 44 and 48 as quoted for the former"
)
STORED: Final = "energy_aware_pruning.json"
FACTORS: Final = "perfect"

UNEVEN = (
    "only totals are printed, so pruning is taken to be even over the convolutions; less is saved if layers with many "
    "outputs per weight are pruned less"
)


@final
@dataclass(frozen=True, slots=True)
class Case:
    """A network of the table."""

    network: str
    batch: int
    weights: Mapping[str, float]
    """Densities of convolutions (`conv`) and of fully-connected layers (`fc`)."""
    nonzero_conv_macs: float | None = None
    """As printed, from which the density of inputs follows; None: that of AlexNet's layers."""


CASES: Mapping[str, Case] = {
    "alexnet": Case("alexnet", 44, {}),
    "alexnet-eap": Case("alexnet", 44, {"conv": 351e3 / 2.3e6, "fc": 5.4e6 / 58.6e6}),
    "googlenet": Case("googlenet", 48, {}, 806e6),
    "googlenet-eap": Case("googlenet", 48, {"conv": 1.5e6 / 6.0e6, "fc": 0.87}, 220e6),
    "squeezenet": Case("squeezenet1_0", 48, {}),
}


def chip() -> Accelerator:
    """Eyeriss as the energy estimation takes it."""
    return estimating_zeros(load_accelerator("eyeriss"))


def network(name: str) -> Network:
    """A case's network with its densities and batch."""
    case = CASES[name]
    found = registry.build(case.network)
    if case.network == "alexnet":
        found = with_densities(found, published_densities("alexnet"))
    else:
        found = with_densities(found, Densities(_even_inputs(found, case)))
    weights = {layer.name: {"weight": case.weights.get(layer.kind, 1.0)} for layer in found.layers}
    return with_densities(found, Densities(weights)).with_batch(case.batch)


def _even_inputs(found: Network, case: Case) -> dict[str, dict[str, float]]:
    """One density for all maps but the image."""
    image, *others = found.layers
    if case.nonzero_conv_macs is None:
        alexnet = [layer for layer in network("alexnet").layers if layer.kind == "conv"]
        density = sum(_nonzero(layer) for layer in alexnet) / sum(layer.macs for layer in alexnet)
    else:
        rest = sum(layer.macs for layer in others if layer.kind == "conv")
        density = (case.nonzero_conv_macs / case.weights.get("conv", 1.0) - image.macs) / rest
    maps = {layer.name: {"input": density, "output": density} for layer in found.layers}
    maps[image.name] = {"input": 1.0, "output": density}
    return maps


def _nonzero(layer: Layer) -> float:
    return layer.macs * layer.tensor("input").density


def results(name: str) -> Mapping[str, LayerResult]:
    """A case's layers with their stored mappings."""
    return priced({name: stored(STORED)[name]}, {name: chip()}, network(name))[name]


def energy_of_macs(name: str) -> float:
    """Energy of one image in energies of one MAC."""
    each = chip().compute.energy["mac"].energy_pj
    return sum(result.energy_pj for result in results(name).values()) / CASES[name].batch / each


def checks() -> Iterator[Check]:
    """Ratios; then absolute energies, which the paper prints for a chip of other sizes."""
    energy = {name: energy_of_macs(name) for name in CASES}
    ratio = energy["alexnet"] / energy["alexnet-eap"]
    yield Check("AlexNet", "energy: dense / pruned", "x", 3.7, ratio, 0.15)
    ratio = energy["googlenet"] / energy["googlenet-eap"]
    yield Check("GoogLeNet", "energy: dense / pruned", "x", 1.6, ratio, 0.15, UNEVEN)
    weights = {
        n: sum(layer.volume("weight") for layer in network(n).layers) for n in ("alexnet", "squeezenet")
    }
    fewer = weights["alexnet"] / weights["squeezenet"]
    yield Check("SqueezeNet", "times fewer weights than AlexNet", "x", 50, fewer, 0.1)
    more = energy["squeezenet"] / energy["alexnet"]
    yield Check("SqueezeNet", "energy / AlexNet's, which is less", "x", 1, more, at_least=True)
    for name, value in energy.items():
        yield Check(name, "energy per image", "MACs", None, value)
