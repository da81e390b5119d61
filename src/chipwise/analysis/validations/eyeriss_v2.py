"""Eyeriss v2 without zeros: PEs that stay active in dense networks, and what its mesh delivers.

    inferences/s = clock / Σ over layers of the cycles after step 4 of Eyexam (number and shape of PEs)

Cycles are those that dataflow and array leave possible, for all mappings; storage and bandwidth of the chip are sized
so that they cost nothing more, and off-chip bandwidth is unlimited in the paper's figures. Its speed-ups over a first
Eyeriss are of sparse networks; ours are of dense ones, with the first chip's array at as many PEs and every value once
over its buses.

The mesh delivers what PEs share once: with four PEs, a CONV layer takes two inputs and two weights for four MACs, one
tensor grouped and the other interleaved; where nothing is shared, every PE has its own (unicast).
"""

from collections.abc import Iterator
from typing import Final

from chipwise.analysis.eyexam_bounds import bounds_of
from chipwise.analysis.metrics import with_pes
from chipwise.analysis.validation import Check
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory, Route
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.model.counts import count
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

SOURCE = "Chen et al., Eyeriss v2, IEEE JETCAS 9(2), 2019, arXiv:1807.07928, text"

MOBILENET: Final = "mobilenet_v1@width=0.5,resolution=128"
CSC_BITS: Final = 12
"""A value of 8 b with its count of 4 b, as everything is stored off-chip."""

SPARSE_SPEED_UP: Final = {"alexnet": 42.5, "mobilenet": 12.6}
"""Of the sparse network on Eyeriss v2 over the dense one on the first Eyeriss."""

SPEED_UP_NOTE = (
    "computed is of dense networks and of the least cycles of the first chip; the published one has skipped zeros as "
    "well, and how the first chip was scaled is not printed in what could be read"
)
FIRST_NETWORK: Final = {"input": 1, "weight": 4, "output": 4}
"""Values per cycle that the buses of the first Eyeriss bring: 16, 64 and 64 b (JSSC 2017)."""
TRAFFIC_NOTE = (
    "computed is every value across the chip's edge once, which no mapping undercuts; with 192 KiB in 16 clusters "
    "tiles come again, and how the chip tiles its layers is not printed"
)


def cycles(network: Network, chip: Accelerator) -> float:
    """Cycles of all layers after step 4 of Eyexam."""
    return sum(bounds_of(layer, chip).array for layer in network.layers)


def first_cycles(network: Network, chip: Accelerator) -> float:
    """Cycles of the first Eyeriss: of its array, or of its buses with every value once."""
    return sum(
        max(bounds_of(layer, chip).array, *(layer.volume(t) / n for t, n in FIRST_NETWORK.items()))
        for layer in network.layers
    )


def least_bytes(layers: tuple[Layer, ...], bits: int) -> float:
    """Every value of every tensor once."""
    return sum(layer.volume(t.name) for layer in layers for t in layer.tensors) * bits / 8


def delivered(layer: Layer, spatial: tuple[Spatial, ...]) -> dict[str, float]:
    """Values per cycle that leave the buffers for 2 x 2 PEs with nothing of their own.

    Args:
        layer: what is computed.
        spatial: loops side by side; all others are in time.
    """
    tensors = ("input", "weight", "output")
    shared = {name: Route(frozenset({"rows", "columns"})) for name in tensors}
    chip = Accelerator(
        "four PEs",
        (
            Memory("buffer", "sram", tensors),
            Array("pes", (Axis("rows", 2), Axis("columns", 2)), shared),
            Compute("mac", "int_mac"),
        ),
        clock_hz=1.0,
    )
    stores = tuple(Storage("buffer", name) for name in tensors)
    laid = {loop.dim for loop in spatial}
    time = tuple(Temporal(d, 1) for d, extent in layer.dims.items() if extent > 1 and d not in laid)
    found = count(layer, chip, Mapping((*stores, *time, *spatial)))
    return {name: found.actions["buffer", name].reads / found.cycles for name in ("input", "weight")}


def checks() -> Iterator[Check]:
    """PEs, dense networks, off-chip traffic, modes of the mesh."""
    chip = load_accelerator("eyeriss_v2")
    alexnet, mobilenet = load_network("alexnet"), load_network(MOBILENET)
    yield Check("eyeriss_v2", "PEs in 8 x 2 clusters of 3 x 4", "PEs", 192, chip.instances("psum_spad"), 0.0)
    yield Check("eyeriss_v2", "MACs side by side", "MACs", 384, chip.pes, 0.0)
    macs = {n.name: sum(layer.macs for layer in n.layers) for n in (alexnet, mobilenet)}
    ratio = macs[alexnet.name] / macs[mobilenet.name]
    yield Check("alexnet / mobilenet", "MACs", "x", 14.7, ratio, 0.05 / 14.7)
    time = {n.name: cycles(n, chip) for n in (alexnet, mobilenet)}
    for n in (alexnet, mobilenet):
        yield Check(n.name, "MACs active after step 4 of Eyexam", "MACs", None, macs[n.name] / time[n.name])
        yield Check(n.name, "inferences/s, dense, at most", "1/s", None, chip.clock_hz / time[n.name])
    faster = time[alexnet.name] / time[mobilenet.name]
    yield Check("mobilenet / alexnet", "inferences/s, dense", "x", 12.6, faster, 0.1)
    first = with_pes(load_accelerator("eyeriss"), chip.instances("psum_spad"))
    for n, published in zip((alexnet, mobilenet), SPARSE_SPEED_UP.values(), strict=True):
        ratio = first_cycles(n, first) / first.clock_hz * chip.clock_hz / time[n.name]
        yield Check(n.name, "speed-up over the first Eyeriss", "x", published, ratio, 0.1, SPEED_UP_NOTE)
    convolutions = tuple(layer for layer in alexnet.layers if layer.kind != "fc")
    megabytes = least_bytes(convolutions, CSC_BITS) / 1e6
    yield Check("alexnet", "off-chip traffic of CONV layers, dense", "MB", 7.1, megabytes, 0.1, TRAFFIC_NOTE)
    yield from _modes()


def _modes() -> Iterator[Check]:
    ordinary = conv("conv", M=2, C=8, P=2, Q=1, R=1, S=1)
    both = delivered(ordinary, (Spatial("rows", "M", 1), Spatial("columns", "P", 1)))
    for name, mode in (("input", "grouped multicast"), ("weight", "interleaved multicast")):
        yield Check("CONV on four PEs", f"{name}, {mode}", "values/cycle", 2, both[name], 0.0)
    full = delivered(fully_connected("fc", M=4, C=8), (Spatial("rows", "M", 2), Spatial("columns", "M", 1)))
    yield Check("FC on four PEs", "input, broadcast", "values/cycle", None, full["input"])
    yield Check("FC on four PEs", "weight, unicast", "values/cycle", None, full["weight"])
