"""What Eyeriss saves on zeros of AlexNet: run-length coded feature maps, and gated PEs.

Maps: every input and output of the five convolutions once, 16 b a value, three pairs of a 5 b run and a value in 64 b;
the image is not coded, as on the chip. Non-zeros are taken to be placed uniformly at random. Input densities are those
that the chip's paper prints, output densities those of Sparseloop's inputs.

Gating: a zero input keeps the filter scratchpad from being read and the MAC from switching, at its usual time. Energies
of a PE's parts are those of the most accurate estimators at 65 nm and 1.0 V, none of them fitted to this figure; clock
and control of a PE are in none.
"""

from collections.abc import Iterator
from math import prod

from chipwise.analysis.validation import Check
from chipwise.components.load import accelerator_from
from chipwise.hardware.accelerator import Accelerator
from chipwise.model.energy import mac_energy_pj
from chipwise.model.sparse import sparse_of
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.run_length import EYERISS
from chipwise.workload import registry
from chipwise.workload.densities import with_densities
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.workload.published_densities import published_densities
from chipwise.yamlfile import parse_yaml

SOURCE = (
    "Chen et al., IEEE JSSC 52(1), 2017, text and Table V; Sze et al., Proc. IEEE 105(12), 2017, section VII-B; output "
    "densities of Wu et al., Sparseloop, MICRO 2022, Table 7's inputs"
)
PADDING = {"conv2": 2, "conv3": 1, "conv4": 1, "conv5": 1}
"""Zeros around a map are not stored off chip."""

PE = """\
name: a PE of Eyeriss
technology: {node: 65 nm, voltage: 1.0 V}
clock: 200 MHz
word: 16 b
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - parallel:
      - {memory: ifmap_spad, component: register_file, capacity: 12 words, keeps: [input]}
      - memory: filter_spad # the chip's is an SRAM
        component: sram
        capacity: 224 words
        keeps: [weight]
        saves: [{when: input, gates: weight}]
      - {memory: psum_spad, component: register_file, capacity: 24 words, keeps: [output]}
  - compute: mac
    component: int_mac
    saves: [{when: input, gates: compute}]
"""


def checks() -> Iterator[Check]:
    """Traffic of maps, then energy of PEs."""
    inputs = _convolutions(
        with_densities(registry.build("alexnet"), published_densities("alexnet", "eyeriss"))
    )
    outputs = _convolutions(
        with_densities(registry.build("alexnet"), published_densities("alexnet", "sparseloop"))
    )
    raw, coded = [], []
    for i, (read, written) in enumerate(zip(inputs, outputs, strict=True)):
        sizes = _input_values(read), read.volume("output")
        raw.append(16.0 * sum(sizes))
        image = 16.0 * sizes[0]
        coded.append(_bits(sizes[0], read.tensor("input").density) if i else image)
        coded[-1] += _bits(sizes[1], written.tensor("output").density)
    yield Check("AlexNet CONV1-5", "maps: raw / coded", "x", 2.1, sum(raw) / sum(coded), band=0.05)
    for i, published in ((0, 0.30), (4, 0.75)):
        saved = 1 - coded[i] / raw[i]
        yield Check(f"AlexNet CONV{i + 1}", "share of map traffic saved", "share", published, saved, band=0.1)
    chip = accelerator_from(parse_yaml(PE, "pe.yaml"))
    spent = [_pe_energy_pj(layer, chip) for layer in inputs]
    saved = 1 - sum(gated for gated, _ in spent) / sum(dense for _, dense in spent)
    yield Check(
        "AlexNet CONV1-5", "share of PE energy saved by gating", "share", 0.45, saved, band=0.05 / 0.45
    )
    for i, (gated, dense) in enumerate(spent):
        yield Check(
            f"AlexNet CONV{i + 1}", "share of PE energy saved by gating", "share", None, 1 - gated / dense
        )


def _convolutions(network: Network) -> list[Layer]:
    return [layer for layer in network.layers if layer.kind == "conv"]


def _input_values(layer: Layer) -> int:
    """Values of the input as stored, without the zeros around it."""
    pad = 2 * PADDING.get(layer.name, 0)
    extents = (
        rank.extent(layer.dims) - (pad if len(rank.dims) > 1 else 0) for rank in layer.tensor("input").ranks
    )
    return prod(extents)


def _bits(values: int, density: float) -> float:
    return EYERISS.expected_bits((values,), Uniform(density), 16).total


def _pe_energy_pj(layer: Layer, chip: Accelerator) -> tuple[float, float]:
    """(with gating, without): per MAC one read of each operand, one read and one update of the psum, and the MAC."""
    sparse = sparse_of(layer, chip)
    own = {"input": "ifmap_spad", "weight": "filter_spad", "output": "psum_spad"}
    gated = mac_energy_pj(chip) * sparse.compute.energy
    dense = mac_energy_pj(chip)
    for tensor in layer.tensors:
        memory = chip.memory(own[tensor.name])
        for count, action in (("reads", "read"), ("updates", "write")):
            if count == "reads" or tensor.is_output:
                gated += sparse.access_pj(memory, count, tensor)
                dense += memory.energy[action].energy_pj
    return gated * layer.macs, dense * layer.macs
