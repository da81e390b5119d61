"""Eyeriss, the chip, as measured on AlexNet and VGG-16 (JSSC 2017): layouts, traffic, time, power, and the optimum."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from chipwise.analysis.estimators.row_stationary import measured
from chipwise.analysis.estimators.row_stationary.figures import NETWORKS, STORED, optima
from chipwise.analysis.estimators.row_stationary.nest import folding_chip, mapping_of
from chipwise.analysis.estimators.row_stationary.silicon import calibration, models
from chipwise.analysis.stored_mappings import stored
from chipwise.analysis.validation import validate
from chipwise.components.load import load_accelerator
from chipwise.mapping.legality import check
from chipwise.mapping.text import parse, render

BOTH = pytest.mark.parametrize("network", NETWORKS)


@functools.cache
def figures(network):
    return {(row.item, row.quantity): row for row in validate(f"eyeriss-{network}")}


def computed(network, quantity, items):
    return [figures(network)[item, quantity].computed for item in items]


@BOTH
def test_rows_outside_their_band_say_why(network):
    assert [row for row in figures(network).values() if row.unexplained] == []


def test_the_rule_gives_all_of_table_iii():
    layers = models("alexnet", 4)
    assert {name: row.layout for name, row in measured.TABLE_III.items()} == {
        name: layer.layout for name, layer in layers.items()
    }


def test_alexnet_is_within_the_bands():
    rows = figures("alexnet")
    out = {key for key, row in rows.items() if row.within is False}
    assert out == {("conv3", "through the buffer"), ("all", "through the buffer")}


def test_active_pes_and_allocations_are_exact():
    rows = figures("alexnet")
    assert computed("alexnet", "active PEs", measured.ALEXNET) == [154, 135, 156, 156, 156]
    for name, row in measured.TABLE_III.items():
        assert rows[name, "psums in the buffer"].computed == pytest.approx(row.psum_kib, abs=0.05)
        assert rows[name, "ifmaps in the buffer"].computed == pytest.approx(row.ifmap_kib, abs=0.05)


def test_traffic_of_alexnet_by_the_closed_form():
    found = computed("alexnet", "through DRAM", measured.ALEXNET)
    assert found == pytest.approx([4.90, 3.71, 2.74, 1.97, 1.24], abs=0.01)
    found = computed("alexnet", "through the buffer", measured.ALEXNET)
    assert found == pytest.approx([17.6, 75.8, 70.1, 37.4, 24.9], abs=0.05)


def test_all_thirteen_layers_of_vgg16_have_figures():
    rows = figures("vgg16")
    layers = {item for item, quantity in rows if quantity == "processing time"} - {"all"}
    assert len(layers) == 13
    for quantity in ("processing time", "power"):
        known = {item for item in layers if rows[item, quantity].published is not None}
        assert known == set(measured.VGG16)
        assert all(rows[item, quantity].within for item in known)


def test_vgg16_waits_for_psums_and_alexnet_for_macs():
    bounds = {
        network: {
            name: layer.bound_ms > 1.001 * layer.result.cost.cycles["compute"] / 2e5
            for name, layer in models(network, batch).items()
        }
        for network, batch in NETWORKS.items()
    }
    assert all(waits == (not name.startswith("conv5")) for name, waits in bounds["vgg16"].items())
    assert [name for name, waits in bounds["alexnet"].items() if waits] == ["conv3"]


def test_both_constants_are_alexnets():
    given = calibration()
    assert given.efficiency == pytest.approx(0.903, abs=0.001)
    assert figures("alexnet")["all", "power"].error == pytest.approx(0, abs=1e-9)


@BOTH
def test_layers_rank_by_energy_per_mac_as_measured(network):
    assert figures(network)["all", "rank correlation of energies per MAC"].computed >= 0.9


@BOTH
def test_the_best_mapping_needs_no_more_energy_than_the_papers(network):
    best = optima(network)
    for name, model in models(network, NETWORKS[network]).items():
        assert best[name].energy_pj <= model.result.energy_pj


@BOTH
def test_the_papers_mappings_run_on_the_chip(network):
    gallery, folding = load_accelerator("eyeriss"), folding_chip()
    for name, model in models(network, NETWORKS[network]).items():
        layer = model.result.layer
        mapping = mapping_of(layer, model.layout)
        chip = folding if model.layout.folds > 1 else gallery
        check(layer, chip, mapping)
        assert parse(render(layer, chip, mapping), layer, chip) == mapping
        assert (model.layout.folds > 1) == (network == "alexnet" and name == "conv2")


@BOTH
def test_closed_forms_are_what_the_mapping_counts(network):
    for model in models(network, NETWORKS[network]).values():
        shape, layout, counts = model.shape, model.layout, model.result.cost.counts
        actions = counts.actions
        ifmaps, ofmaps = actions["buffer", "input"], actions["buffer", "output"]
        moved = ifmaps.reads + ifmaps.fills + ofmaps.reads + ofmaps.updates
        assert moved == layout.buffer_words(shape, padded=True)
        assert ofmaps.drains == shape.ofmap_words
        through = sum(actions["dram", t].reads + actions["dram", t].updates for t in ("input", "weight"))
        assert through + shape.ofmap_words == layout.dram_words(shape, padded=True)
        assert 2 * counts.capacity["buffer", "output"] == layout.psum_bytes(shape)
        assert 2 * counts.capacity["buffer", "input"] == layout.ifmap_bytes(shape)


@pytest.mark.slow
def test_the_study_finds_the_stored_mapping_again(tmp_path):
    script = Path(__file__).parents[2] / "studies" / "eyeriss.py"
    points = tmp_path / "points.json"
    command = [sys.executable, str(script), "--only", "alexnet.conv5", "--points", str(points)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (point,) = json.loads(points.read_text(encoding="utf-8")).values()
    assert point["value"] == stored(STORED)["alexnet"]["conv5"]
