"""Every chip of the gallery: it loads, it is complete, its numbers are the published ones."""

import math
from pathlib import Path

import pytest

from chipwise import conv, find_mapping, fully_connected
from chipwise.components.load import gallery_names, load_accelerator
from chipwise.hardware import gallery
from chipwise.hardware.accelerator import Array, Compute, Loops, Memory, Parallel, Route
from chipwise.mapping.legality import check, utilisation
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.report.hierarchy import hierarchy_dict, hierarchy_text
from chipwise.report.listing import chip_entries, chips_text
from chipwise.workload.load import load_network

NEEDED = {Memory: {"read", "write"}, Array: {"transfer", "reduce"}, Compute: {"mac"}}


@pytest.mark.parametrize("name", gallery_names())
def test_a_chip_is_complete_and_says_where_from(name: str):
    chip = load_accelerator(name)
    assert chip.name == name
    assert chip.title
    assert chip.source
    assert "node" in chip.technology  # an FPGA's or a phone's voltage is not published
    parts = [
        p for level in chip.levels for p in (level.memories if isinstance(level, Parallel) else (level,))
    ]
    for part in parts:
        assert NEEDED[type(part)] <= set(part.energy)
        for action in part.energy.values():
            assert math.isfinite(action.energy_pj)
            assert action.energy_pj >= 0
            assert len(action.source) > 10


@pytest.mark.parametrize("name", gallery_names())
def test_a_file_is_laid_out_for_reading(name: str):
    lines = gallery.text(name).splitlines()
    assert lines[:2] == ["# yaml-language-server: $schema=../accelerator.schema.json", "#"]
    assert lines[2].startswith("# ")  # what is published, and what is quoted or chosen
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", gallery_names())
def test_a_file_read_back_is_the_chip(name: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # sources of energies name the file as it was given
    Path(f"{name}.yaml").write_text(gallery.text(name), encoding="utf-8")
    assert load_accelerator(f"{name}.yaml") == load_accelerator(name)
    assert gallery.find(name.upper().replace("_", "-")) == name


@pytest.mark.parametrize("name", gallery_names())
def test_a_chip_is_drawn(name: str):
    chip = load_accelerator(name)
    drawn = hierarchy_text(chip)
    parts = [
        *chip.memories,
        *chip.arrays,
        chip.compute,
        *(axis for array in chip.arrays for axis in array.axes),
    ]
    assert all(part.name in drawn for part in parts)
    assert max(map(len, drawn.splitlines())) <= 160
    assert len(hierarchy_dict(chip)["levels"]) == len(chip.levels)


def test_the_list_has_every_chip():
    text = chips_text(chip_entries())
    assert all(f"\n{name} " in text for name in gallery_names())


SMALL = {
    "conv": conv("small conv", M=8, C=4, P=6, Q=6, R=3, S=3),
    "fc": fully_connected("small fc", M=16, C=24),
}


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", gallery_names())
def test_a_small_layer_is_mapped(name: str, kind: str):
    chip = load_accelerator(name)
    if chip.runs and kind not in chip.runs:
        pytest.skip(f"{name} runs {', '.join(chip.runs)}")
    found = find_mapping(SMALL[kind], chip, factors="perfect", time_limit_s=20)
    assert found.cost.counts.macs == SMALL[kind].macs
    assert 0 < found.utilization <= 1
    assert found.energy_pj > 0


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["alexnet:conv3", "alexnet:fc6", "resnet50:conv1"])
@pytest.mark.parametrize("name", gallery_names())
def test_a_large_layer_is_mapped(name: str, layer: str):
    """In about ten seconds; twice that at most, so that a slow machine passes."""
    chip = load_accelerator(name)
    network, _, which = layer.partition(":")
    wanted = load_network(network).layer(which)
    if chip.runs and wanted.kind not in chip.runs:
        pytest.skip(f"{name} runs {', '.join(chip.runs)}")
    found = find_mapping(wanted, chip, time_limit_s=20)
    assert 0 < found.utilization <= 1


PUBLISHED_GOPS = {
    "eyeriss": 67.2, "eyeriss_v2": 153.6, "k40": 5046, "m40": 6844, "nn_x": 227, "npu_ip": 5000, "p100": 10610,
    "simba_chiplet": 4000, "simba_package": 128000, "snapdragon_845": 90, "snapdragon_845_gpu": 727,
    "snapdragon_855_gpu": 955, "t4": 8141, "tpu_v1": 92000, "v100": 15670,
}  # fmt: skip
"""Peaks that the sources print, in 1e9 operations per second."""


@pytest.mark.parametrize("name", PUBLISHED_GOPS)
def test_the_peak_is_the_published_one(name: str):
    peak_gops = 2 * load_accelerator(name).peak_macs_per_s / 1e9
    assert peak_gops == pytest.approx(PUBLISHED_GOPS[name], rel=5e-3)


def test_eyeriss_is_the_published_chip():
    chip = load_accelerator("eyeriss")
    assert chip.pes == 168
    assert chip.peak_macs_per_s == 33.6e9
    assert chip.area_mm2 == 12.25
    assert chip.word_bits == 16
    assert chip.memory("buffer").capacity_bits == 108 * 8192
    spads = {m.name: m.capacity_bits // 8 for m in chip.memories if m.name.endswith("_spad")}
    assert spads == {"ifmap_spad": 24, "filter_spad": 448, "psum_spad": 48}
    srams = sum(chip.instances(m) * chip.memory(m).capacity_bits for m in ("buffer", "filter_spad"))
    assert srams / 8192 == 181.5  # kB of on-chip SRAM, as printed
    dram, *psums = (port for m in chip.memories for port in m.ports)
    assert (dram.bits_per_cycle, dram.tensors) == (0.48e9 * 8 / 200e6, None)
    assert [(p.name, p.bits_per_cycle) for p in psums] == [
        ("buffer output read", 64),
        ("buffer output write", 64),
    ]


def test_eyeriss_is_row_stationary():
    chip = load_accelerator("eyeriss")
    rows, columns = chip.arrays[0].axes
    assert (rows.size, rows.loops) == (12, Loops(("R", "C", "M", "K"), ("R",)))
    assert (columns.size, columns.loops) == (14, Loops(("P", "M")))
    both = frozenset({"rows", "columns"})
    assert chip.arrays[0].route("input") == Route(both, overlapping=True, bits_per_cycle=16)
    assert chip.arrays[0].route("weight") == Route(both, bits_per_cycle=64)
    assert chip.arrays[0].route("output") == Route(frozenset({"rows"}), bits_per_cycle=128)
    for spad in ("ifmap_spad", "filter_spad", "psum_spad"):
        assert chip.memory(spad).inner_loops == Loops(("S", "C", "M", "K"), ("S",))
    assert chip.memory("buffer").inner_loops == Loops()


def test_eyeriss_costs_are_those_of_its_authors():
    chip = load_accelerator("eyeriss")
    mac_pj = chip.compute.energy["mac"].energy_pj
    assert mac_pj == pytest.approx((0.05 + 0.9) * 65 / 45 / 0.9**2, abs=0.005)
    ratios = [chip.memory(m).energy["read"].energy_pj / mac_pj for m in ("dram", "buffer", "psum_spad")]
    assert ratios == pytest.approx([200, 6, 1])
    assert chip.arrays[0].energy["transfer"].energy_pj / mac_pj == 2


@pytest.mark.parametrize(
    ("name", "parameters", "psum_kb", "ifmap_kb"),
    [
        ("conv1", (96, 1, 7, 16, 1, 1, 2), 72.2, 15.5),
        ("conv2", (64, 1, 27, 16, 2, 1, 1), 91.1, 3.8),
        ("conv3", (64, 4, 13, 16, 4, 1, 4), 84.5, 7.0),
        ("conv4", (64, 4, 13, 16, 3, 2, 2), 84.5, 10.5),
        ("conv5", (64, 4, 13, 16, 3, 2, 2), 84.5, 10.5),
    ],
)
def test_eyeriss_takes_the_published_mappings_of_alexnet(name, parameters, psum_kb, ifmap_kb):
    """JSSC table III: the mapping parameters are legal here and fill the buffer as printed."""
    m, n, e, p, q, r, t = parameters
    chip = load_accelerator("eyeriss")
    layer = load_network("alexnet").with_batch(4).layer(name)
    # Sets over filters stand in columns where one set fills the rows, as those of CONV1, else in rows.
    filters = "columns" if layer.dims["R"] > 6 else "rows"
    spatial = [Spatial(filters, "M", p)] if t > 1 else []
    spatial += [Spatial("rows", "C", q)] if r > 1 else []
    spatial += [Spatial("rows", "R", 1), Spatial("columns", "P", 1)]
    nodes = (
        *(Storage("dram", tensor) for tensor in chip.tensors),
        *([Temporal("G", 1)] if "G" in layer.dims else []),
        *(Temporal("N", n), Temporal("M", m), Temporal("P", e)),
        *(Storage("buffer", "output"), Temporal("C", q * r), Storage("buffer", "input")),
        *(Temporal("M", p * t), Temporal("N", 1), Temporal("P", min(e, 14)), Temporal("Q", 1)),
        *sorted(spatial, key=lambda node: node.axis),
        *(Storage("ifmap_spad", "input"), Storage("filter_spad", "weight"), Storage("psum_spad", "output")),
        *(Temporal("S", 1), Temporal("C", 1), Temporal("M", 1)),
    )
    check(layer, chip, Mapping(nodes))
    kib = {tensor: bits / 8192 for tensor, bits in utilisation(layer, chip, Mapping(nodes))["buffer"].items()}
    assert kib == {"output": pytest.approx(psum_kb, abs=0.05), "input": pytest.approx(ifmap_kb, abs=0.051)}


def test_simple_has_no_rules():
    chip = load_accelerator("simple")
    assert chip.pes == 256
    assert len(chip.memories) == 3
    assert all(m.inner_loops == Loops() and set(m.keeps) == set(chip.tensors) for m in chip.memories)
    assert all(not axis.loops.full for a in chip.arrays for axis in a.axes)
