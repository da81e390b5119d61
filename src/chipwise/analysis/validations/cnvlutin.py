"""Cnvlutin against DaDianNao: the mean speed-up, from the mean density that goes with it and from measured ones.

Its networks have 44 % of zeros in the inputs of convolutions on average (Albericio et al., as quoted in
arXiv:1704.07724). Three of its six networks are in the zoo; with that density in every layer their mean must be near
the published one. Densities by layer were measured by others, on other images and with padding counted.
"""

from collections.abc import Iterator
from dataclasses import replace

from chipwise.analysis.engines.registry import engine
from chipwise.analysis.engines.run import run_engine, sweep
from chipwise.analysis.validation import Check
from chipwise.workload import registry
from chipwise.workload.densities import with_densities
from chipwise.workload.network import Network
from chipwise.workload.published_densities import published_densities

SOURCE = "Albericio et al., Cnvlutin, ISCA 2016; Sze et al., Proc. IEEE 105(12), 2017"

ZEROS = 0.44
MEAN = 1.37
EDP = 1.47
"""How many times lower in the mean, as the abstract says."""
NETWORKS = ("alexnet", "googlenet", "vgg19")

_ENERGY = (
    "memories of DaDianNao leak and refresh all the time, and lanes need buffers of their own: neither is modelled, so "
    "that fewer reads of weights save more here"
)
_MEASURED = (
    "these densities count padding as zeros and are 0.2 to 0.3 in deep layers, where the paper's mean is 0.56; zeros "
    "come in patches too, which makes lanes wait longer than uniform ones do"
)


def convolutions(name: str) -> Network:
    """The convolutions of a network of the zoo."""
    network = registry.build(name)
    return replace(network, nodes=tuple(n for n in network.layers if n.kind == "conv"), inputs={}, fused={})


def checks() -> Iterator[Check]:
    """The mean over networks at the mean density, each of them, and two with densities by layer."""
    cnv = engine("cnvlutin")
    found = {name: 1 / sweep(convolutions(name), cnv, [1 - ZEROS])[0][1] for name in NETWORKS}
    mean = sum(found.values()) / len(found)
    yield Check("mean of three networks, 44 % zeros", "speed-up", "", MEAN, mean, 0.1)
    energy = [sweep(convolutions(name), cnv, [1 - ZEROS])[0][2] for name in NETWORKS]
    edp = len(NETWORKS) / sum(e / s for e, s in zip(energy, found.values(), strict=True))
    yield Check("mean of three networks, 44 % zeros", "energy-delay product", "", EDP, edp, 0.15, _ENERGY)
    for name, value in found.items():
        yield Check(f"{name}, 44 % zeros", "speed-up", "", None, value)
    for name in ("alexnet", "vgg16"):
        network = convolutions(name)
        known = published_densities(name)
        kept = {layer.name: known.layers[layer.name] for layer in network.layers}
        network = with_densities(network, replace(known, layers=kept))
        plain, _, cost = run_engine(network, cnv).total()
        item = f"{name}, measured densities"
        yield Check(item, "speed-up", "", MEAN, plain.cycles / cost.cycles, 0.1, _MEASURED)
