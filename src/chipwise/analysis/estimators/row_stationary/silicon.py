"""Time, traffic and power of a layer on Eyeriss, from the counts of the paper's mapping.

    processing = max(cycles of the MACs, psums through their port / 4 per cycle) / efficiency
    total      = processing + (ifmaps + ofmaps through DRAM) / 0.48 GB/s
    power      = energy_scale · Σ accesses · energy of one / total + constant power

Ifmaps and ofmaps go through the banks that the array works on, so their transfers wait; filters come through two
banks of their own while it works. DRAM is another chip and in no power here.

Ifmaps and ofmaps are run-length coded in DRAM, except for the network's first ifmap; filters are not. Where a value of
the ifmap is zero a PE reads it and does nothing else: no filter, no MAC, no psum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

from chipwise.analysis.estimators.row_stationary.measured import ALEXNET, ALEXNET_BATCH, ALEXNET_TOTAL
from chipwise.analysis.estimators.row_stationary.nest import folding_chip, mapping_of
from chipwise.analysis.estimators.row_stationary.rules import WORD_BYTES, ConvShape, RowStationary, derive
from chipwise.analysis.evaluate import evaluate_mapping
from chipwise.analysis.results import LayerResult
from chipwise.components.tables import cnnergy_65nm, nn_dataflow_eyeriss
from chipwise.model.actions import Actions
from chipwise.model.latency import COMPUTE
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.run_length import EYERISS
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network
from chipwise.workload.published_densities import published_densities

DRAM, BUFFER = "dram", "buffer"
LINK_BYTES_PER_S: Final = 0.48e9
IDLE_MW: Final = 30.0
"""What the chip takes at rest, as nn_dataflow's test of it has."""
CLOCK_MW: Final = cnnergy_65nm.CLOCK_PJ * 200e6 * 1e-9
"""The clock network, 106.3 mW as CNNergy has it; it runs whatever the PEs do."""
CONSTANT_MW: Final = CLOCK_MW + IDLE_MW

_PJ: Mapping[str, float] = {row.component: row.value for row in nn_dataflow_eyeriss.ROWS}
_OUTPUTS: Mapping[str, str] = {"alexnet": "sparseloop", "vgg16": "published"}
"""Sets with densities of ofmaps; those of ifmaps are the chip's own, or else CNNergy's."""


@final
@dataclass(frozen=True, slots=True)
class Calibration:
    """The two constants of the chip, both from AlexNet.

    `efficiency`: the share of its bound that the array sustains; the rest goes to ramp-up, to filters on their way
    into the PEs, and to configuration. `energy_scale`: on nn_dataflow's energies, which know no control.
    """

    efficiency: float
    energy_scale: float


@final
@dataclass(frozen=True, slots=True)
class LayerModel:
    """One convolution in the paper's mapping, and what it takes."""

    result: LayerResult
    layout: RowStationary
    input_density: float
    output_density: float
    is_first: bool

    @property
    def name(self) -> str:
        """Of the layer."""
        return self.result.name

    @property
    def shape(self) -> ConvShape:
        """Of the layer."""
        return ConvShape.of(self.result.layer)

    @property
    def map_mb(self) -> float:
        """MB of ifmaps and ofmaps through DRAM, coded; zeros of the padding are not stored."""
        ifmaps = self.layout.ifmap_words(self.shape) * self.layout.ifmap_loads(self.shape)
        code = 1.0 if self.is_first else coded(self.input_density)
        return (ifmaps * code + self.shape.ofmap_words * coded(self.output_density)) * WORD_BYTES / 1e6

    @property
    def filter_mb(self) -> float:
        """MB of filters from DRAM."""
        return self._words(DRAM, "weight") * WORD_BYTES / 1e6

    @property
    def dram_mb(self) -> float:
        """MB through DRAM."""
        return self.map_mb + self.filter_mb

    @property
    def buffer_mb(self) -> float:
        """MB through the buffer as the paper counts: without padding and without ofmaps that leave for DRAM."""
        return self.layout.buffer_words(self.shape) * WORD_BYTES / 1e6

    @property
    def counted_buffer_mb(self) -> float:
        """MB through the buffer as the mapping counts, all of it."""
        return (self._words(BUFFER, "input") + self._words(BUFFER, "output")) * WORD_BYTES / 1e6

    @property
    def bound_ms(self) -> float:
        """Time of the MACs or of the psum ports, whichever is longer."""
        return bound_ms(self.result)

    def processing_ms(self, given: Calibration) -> float:
        """Bound / efficiency."""
        return self.bound_ms / given.efficiency

    @property
    def exposed_ms(self) -> float:
        """Time of ifmaps and ofmaps on the link."""
        return self.map_mb * 1e6 / LINK_BYTES_PER_S * 1e3

    def total_ms(self, given: Calibration) -> float:
        """Processing + exposed."""
        return self.processing_ms(given) + self.exposed_ms

    @property
    def pe_pj(self) -> float:
        """Energy in the PEs, zeros gated, before it is scaled."""
        return self._pe_pj(self.input_density)

    @property
    def ungated_pe_pj(self) -> float:
        """Energy in the PEs if zeros were worked on as well."""
        return self._pe_pj(1.0)

    def _pe_pj(self, density: float) -> float:
        """`density` of the reads of filters, MACs and psums; what is moved into a scratchpad always is."""
        ifmap, filters, psums = (
            self._actions(memory, tensor)
            for memory, tensor in (
                ("ifmap_spad", "input"),
                ("filter_spad", "weight"),
                ("psum_spad", "output"),
            )
        )
        moved = ifmap.reads + ifmap.fills + filters.fills + psums.fills + psums.drains
        gated = filters.reads + psums.reads + psums.updates
        return moved * _PJ["register_file"] + density * (
            gated * _PJ["register_file"] + self.shape.macs * _PJ["int_mac"]
        )

    @property
    def access_pj(self) -> float:
        """Energy of all accesses on the chip, before it is scaled.

        Words on the network: what comes into the PEs, psums that one PE passes to the next, and psums between the
        buffer and the array, which chipwise's hops leave out.
        """
        hops = sum(hop.transfers for hop in self.result.cost.counts.hops.values())
        psums = self._actions(BUFFER, "output")
        hops += psums.reads + psums.updates
        buffered = self._words(BUFFER, "input") + self._words(BUFFER, "output")
        return self.pe_pj + hops * _PJ["network"] + buffered * _PJ["sram"]

    def power_mw(self, given: Calibration) -> float:
        """Mean power of the chip."""
        return given.energy_scale * self.access_pj * 1e-6 / self.total_ms(given) + CONSTANT_MW

    def pj_per_mac(self, given: Calibration) -> float:
        """Energy of the chip per MAC."""
        return self.power_mw(given) * self.total_ms(given) * 1e6 / self.shape.macs

    def _actions(self, memory: str, tensor: str) -> Actions:
        return self.result.cost.counts.actions[memory, tensor]

    def _words(self, memory: str, tensor: str) -> int:
        actions = self._actions(memory, tensor)
        return actions.reads + actions.fills + actions.updates + actions.drains


def coded(density: float) -> float:
    """Size of run-length coded values / their size as words, for values of this density.

    >>> round(coded(0.3), 3)
    0.4
    """
    values = 1_000_000
    return EYERISS.expected((values,), Uniform(density), 8 * WORD_BYTES).total / (8 * WORD_BYTES * values)


def bound_ms(result: LayerResult) -> float:
    """Time of the MACs or of the buffer's ports, whichever is longer, all else overlapped."""
    chip, cycles = result.accelerator, result.cost.cycles
    ports = [port.name for port in chip.memory(BUFFER).ports]
    return max(cycles[name] for name in (COMPUTE, *ports)) / chip.clock_hz * 1e3


def conv_layers(network: str, batch: int) -> list[Layer]:
    """The convolutions of a network of the zoo."""
    return [layer for layer in load_network(network).with_batch(batch).layers if layer.kind == "conv"]


@lru_cache(maxsize=2)
def models(network: str, batch: int) -> dict[str, LayerModel]:
    """The convolutions of `alexnet` or `vgg16`, each in the layout that `derive` finds."""
    chip = folding_chip()
    chips_own = published_densities(network, "eyeriss").layers
    all_inputs = published_densities(network).layers
    outputs = published_densities(network, _OUTPUTS[network]).layers
    found = {}
    for index, layer in enumerate(conv_layers(network, batch)):
        name, layout = layer.name, derive(ConvShape.of(layer))
        found[name] = LayerModel(
            result=evaluate_mapping(layer, chip, mapping_of(layer, layout)),
            layout=layout,
            input_density=chips_own.get(name, all_inputs[name])["input"],
            output_density=outputs[name]["output"],
            is_first=index == 0,
        )
    return found


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """Efficiency: least squares of relative errors of AlexNet's processing times. Scale: AlexNet's mean power."""
    layers = models("alexnet", ALEXNET_BATCH)
    ratios = [layers[name].bound_ms / (row.processing_ms or 0.0) for name, row in ALEXNET.items()]
    efficiency = sum(r * r for r in ratios) / sum(ratios)
    unscaled = Calibration(efficiency, 1.0)
    time_ms = sum(layer.total_ms(unscaled) for layer in layers.values())
    access_uj = sum(layer.access_pj for layer in layers.values()) * 1e-6
    assert ALEXNET_TOTAL.power_mw is not None
    return Calibration(efficiency, (ALEXNET_TOTAL.power_mw - CONSTANT_MW) * time_ms / access_uj)
