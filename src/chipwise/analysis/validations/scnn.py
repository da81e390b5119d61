"""SCNN against its dense counterpart, on the inception layers of GoogLeNet with both operands at one density.

Nothing is fitted. That the sweep is of these 54 layers is quoted, not read in the paper.
"""

from collections.abc import Iterator
from dataclasses import replace

from chipwise.analysis.engines.registry import engine
from chipwise.analysis.engines.run import run_engine, speedup, sweep
from chipwise.analysis.validation import Check
from chipwise.workload import registry
from chipwise.workload.densities import with_densities
from chipwise.workload.network import Network
from chipwise.workload.published_densities import published_densities

SOURCE = "Parashar et al., SCNN, ISCA 2017, arXiv:1708.04485"

_FRAGMENTS = (
    "planes of 7 x 7 leave 3 of 4 input lanes idle here; how the simulator fills them is not published"
)
_ENERGY = "the paper's energies are of its own 16 nm library; here published ones are scaled to 16 nm"
_PRUNED = (
    "densities of another pruned AlexNet (Sparseloop's artifact); in real maps zeros come in patches, so that PEs wait "
    "longer than with uniform ones"
)


def inception() -> Network:
    """The layers of GoogLeNet's nine modules."""
    network = registry.build("googlenet")
    nodes = tuple(layer for layer in network.layers if layer.name.startswith("inception"))
    return replace(network, nodes=nodes, inputs={}, fused={})


def crossover(network: Network, figure: int) -> float:
    """The density of both operands at which cycles (1) or energy (2) are those of the counterpart."""
    low, high = 0.1, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        above = sweep(network, engine("scnn"), [middle])[0][figure] > 1
        low, high = (low, middle) if above else (middle, high)
    return (low + high) / 2


def checks() -> Iterator[Check]:
    """Both ends of the sweep, where it crosses, and AlexNet."""
    network = inception()
    dense, tenth = sweep(network, engine("scnn"), [1.0, 0.1])
    item = "googlenet, inception"
    yield Check(f"{item}, density 1", "performance / DCNN", "", 0.79, 1 / dense[1], 0.1)
    yield Check(f"{item}, density 0.1", "performance / DCNN", "", 24.0, 1 / tenth[1], 0.1)
    yield Check(item, "density of equal performance", "", 0.85, crossover(network, 1), 0.1, _FRAGMENTS)
    yield Check(f"{item}, density 1", "energy / DCNN", "", 1.33, dense[2], 0.15, _ENERGY)
    yield Check(f"{item}, density 0.1", "energy / DCNN", "", 0.06, tenth[2], 0.15, _ENERGY)
    yield Check(item, "density of equal energy", "", 0.83, crossover(network, 2), 0.1, _ENERGY)
    alexnet = with_densities(registry.build("alexnet"), published_densities("alexnet", "sparseloop"))
    plain, _, cost = run_engine(alexnet, engine("scnn")).total()
    found = speedup(plain, cost)
    if found is not None:
        yield Check("alexnet, pruned", "performance / DCNN", "", 2.37, found, 0.15, _PRUNED)
