"""Every chip of the gallery: it loads, it is complete, its numbers are the published ones."""

import math

import pytest

from chipwise.components.load import gallery_names, load_accelerator
from chipwise.hardware import gallery
from chipwise.hardware.accelerator import Array, Compute, Loops, Memory, Parallel, Route

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


def test_simple_has_no_rules():
    chip = load_accelerator("simple")
    assert chip.pes == 256
    assert len(chip.memories) == 3
    assert all(m.inner_loops == Loops() and set(m.keeps) == set(chip.tensors) for m in chip.memories)
    assert all(axis.loops == Loops() for a in chip.arrays for axis in a.axes)
