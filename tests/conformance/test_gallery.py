"""Every chip of the gallery: it loads, it is complete, its numbers are the published ones."""

import math

import pytest

from chipwise.components.load import gallery_names, load_accelerator
from chipwise.hardware import gallery
from chipwise.hardware.accelerator import Array, Compute, Loops, Memory, Parallel, Route
from chipwise.mapping.legality import check, utilisation
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.workload.load import load_network

NEEDED = {Memory: {"read", "write"}, Array: {"transfer", "reduce"}, Compute: {"mac"}}


@pytest.mark.parametrize("name", gallery_names())
def test_a_chip_is_complete_and_says_where_from(name: str):
    chip = load_accelerator(name)
    assert chip.name == name
    assert chip.title
    assert chip.source
    assert {"node", "voltage"} <= set(chip.technology)
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
    assert lines[0] == "# yaml-language-server: $schema=../accelerator.schema.json"
    assert max(map(len, lines)) <= 120


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
    assert chip.arrays[0].route("input") == Route(both, overlapping=True)
    assert chip.arrays[0].route("weight") == Route(both)
    assert chip.arrays[0].route("output") == Route(frozenset({"rows"}))
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
