"""What the chip was measured to take, beside what the model says: rows of the two validation groups."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from chipwise.analysis.estimators.row_stationary import measured
from chipwise.analysis.estimators.row_stationary.measured import Measured
from chipwise.analysis.estimators.row_stationary.nest import folding_chip
from chipwise.analysis.estimators.row_stationary.silicon import (
    Calibration,
    LayerModel,
    bound_ms,
    calibration,
    models,
)
from chipwise.analysis.results import LayerResult
from chipwise.analysis.stored_mappings import priced, stored
from chipwise.analysis.validation import Check
from chipwise.analysis.validations.gemmini import spearman
from chipwise.workload.load import load_network

STORED: Final = "eyeriss_optima.json"
"""Mappings with the least energy, found by studies/eyeriss.py."""
NETWORKS: Final[Mapping[str, int]] = {
    "alexnet": measured.ALEXNET_BATCH,
    "vgg16": measured.VGG16_BATCH,
}
"""Batch that the chip was measured with."""

Notes = Mapping[tuple[str, str], str]
"""Why a figure is off, by item and quantity."""


def measured_pj_per_mac(row: Measured, macs: int) -> float | None:
    """Power · time / MACs."""
    if row.power_mw is None or row.total_ms is None:
        return None
    return row.power_mw * row.total_ms * 1e6 / macs


def layer_checks(
    model: LayerModel, row: Measured, bands: Mapping[str, float], notes: Notes
) -> Iterator[Check]:
    """The figures of one layer in the paper's mapping; `bands` by quantity."""
    given = calibration()
    exposed = None if row.total_ms is None else row.total_ms - (row.processing_ms or 0.0)
    pes = model.layout.active_pes(model.shape)
    for quantity, unit, published, computed in (
        ("active PEs", "PEs", row.active_pes, pes),
        ("processing time", "ms", row.processing_ms, model.processing_ms(given)),
        ("exposed transfers", "ms", exposed, model.exposed_ms),
        ("total time", "ms", row.total_ms, model.total_ms(given)),
        ("through DRAM", "MB", row.dram_mb, model.dram_mb),
        ("through DRAM, all counted", "MB", None, model.result.off_chip_bytes / 1e6),
        ("through the buffer", "MB", row.buffer_mb, model.buffer_mb),
        ("through the buffer, all counted", "MB", None, model.counted_buffer_mb),
        ("power", "mW", row.power_mw, model.power_mw(given)),
        ("energy per MAC", "pJ", measured_pj_per_mac(row, model.shape.macs), model.pj_per_mac(given)),
    ):
        band = bands.get(f"{model.name} {quantity}", bands.get(quantity))
        note = notes.get((model.name, quantity), "")
        yield Check(
            model.name, quantity, unit, published, computed, None if published is None else band, note
        )


def total_checks(network: str, total: Measured, bands: Mapping[str, float], notes: Notes) -> Iterator[Check]:
    """The figures of all layers together."""
    given, layers = calibration(), models(network, NETWORKS[network]).values()
    time_ms = sum(layer.total_ms(given) for layer in layers)
    energy_uj = sum(layer.power_mw(given) * layer.total_ms(given) for layer in layers)
    for quantity, unit, published, computed in (
        ("processing time", "ms", total.processing_ms, sum(x.processing_ms(given) for x in layers)),
        ("total time", "ms", total.total_ms, time_ms),
        ("through DRAM", "MB", total.dram_mb, sum(x.dram_mb for x in layers)),
        ("through the buffer", "MB", total.buffer_mb, sum(x.buffer_mb for x in layers)),
        ("power", "mW", total.power_mw, energy_uj / time_ms),
    ):
        band = bands.get(f"all {quantity}", bands.get(quantity))
        yield Check("all", quantity, unit, published, computed, band, notes.get(("all", quantity), ""))


def order_check(network: str, rows: Mapping[str, Measured]) -> Check:
    """Whether layers rank by energy per MAC as measured."""
    given, layers = calibration(), models(network, NETWORKS[network])
    known = [(layers[name], row) for name, row in rows.items()]
    theirs = [measured_pj_per_mac(row, layer.shape.macs) or 0.0 for layer, row in known]
    ours = [layer.pj_per_mac(given) for layer, _ in known]
    # Rounded, since 0.9 itself is to be within.
    rank = round(spearman(ours, theirs), 9)
    return Check("all", "rank correlation of energies per MAC", "", 1.0, rank, 0.1)


@lru_cache(maxsize=2)
def optima(network: str) -> Mapping[str, LayerResult]:
    """The mappings with the least energy in the mapper's uneven mapspace, dense, priced as the model is now."""
    points = {network: stored(STORED)[network]}
    loaded = load_network(network).with_batch(NETWORKS[network])
    return priced(points, {network: folding_chip()}, loaded)[network]


def optimum_checks(network: str) -> Iterator[Check]:
    """The best mappings beside the paper's, with the costs of the chip in the gallery, DRAM included."""
    given, best = calibration(), optima(network)
    for name, model in models(network, NETWORKS[network]).items():
        ratio = best[name].energy_pj / model.result.energy_pj
        yield Check(name, "energy of the best mapping / the paper's", "x", None, ratio)
        yield Check(
            name, "processing time, best mapping", "ms", None, bound_ms(best[name]) / given.efficiency
        )


def calibration_checks(given: Calibration) -> Iterator[Check]:
    """The chip's constants."""
    yield Check("chip", "efficiency", "", None, given.efficiency)
    yield Check("chip", "scale of energies", "", None, given.energy_scale)
