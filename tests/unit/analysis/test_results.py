"""Leakage, area and power in results: with what a chip gives, and without."""

from dataclasses import replace

import pytest

import chipwise
from chipwise.components.load import accelerator_from
from chipwise.report.evaluation import evaluation_text, provenance_text
from chipwise.workload.kinds import fully_connected
from chipwise.workload.network import Network
from chipwise.yamlfile import parse_yaml

CHIP = """\
name: leaky
clock: 100 MHz
word: 16 b
technology: {node: 45 nm, voltage: 0.9 V}
energy: {table: horowitz-45nm}
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - {memory: buffer, component: sram, capacity: 16 KiB, keeps: [input, weight, output]}
  - {array: pes, axes: {rows: {size: 4}}}
  - {compute: mac, component: int_mac}
"""
NETWORK = Network("small", (fully_connected("fc1", M=8, C=12), fully_connected("fc2", M=4, C=8)))


def evaluated(*pairs: tuple[str, str]):
    text = CHIP
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return chipwise.evaluate(NETWORK, accelerator_from(parse_yaml(text, "c.yaml")), use_cache=False)


WHOLE = ("levels:", "leakage: 5 mW\nlevels:")
BUFFER = ("16 KiB,", "16 KiB, leakage: 2 mW,")
MAC = ("int_mac}", "int_mac, leakage: 10 uW}")
PER_CYCLE = ("16 KiB,", "16 KiB, energy: {leak: 3 pJ},")
CLOCK = (
    "levels:",
    "parts:\n  - {part: clock, component: clock, count: 2, area: 0.5 mm2, energy: {cycle: 7 pJ}}\nlevels:",
)


def test_a_chip_that_gives_none_has_none():
    result = evaluated()
    assert result.energy_pj == sum(layer.cost.energy_pj for layer in result.layers.values())
    totals = result.totals()
    assert (totals["leakage_energy_pj"], totals["leakage_w"]) == (0, 0)
    assert "leakage" not in result.energy_by("component")
    assert "leakage" not in evaluation_text(result)


@pytest.mark.parametrize(
    ("pairs", "watts"),
    [
        ((WHOLE,), 5e-3),
        ((BUFFER,), 2e-3),
        ((BUFFER, MAC), 2e-3 + 4 * 10e-6),  # four PEs
        ((PER_CYCLE,), 3e-12 * 100e6),
        ((WHOLE, BUFFER), 5e-3),  # the whole chip's holds for its parts
    ],
)
def test_leakage_is_power_times_latency(pairs, watts):
    plain, result = evaluated(), evaluated(*pairs)
    leaked_pj = watts * result.latency_s * 1e12
    assert result.latency_s == plain.latency_s
    assert result.energy_pj == pytest.approx(plain.energy_pj + leaked_pj)
    assert result.energy_by("component")["leakage"] == pytest.approx(leaked_pj)
    assert result.totals()["leakage_w"] == pytest.approx(watts)
    assert sum(layer.energy_pj for layer in result.layers.values()) == pytest.approx(result.energy_pj)
    assert [layer.mapping for layer in result.layers.values()] == [x.mapping for x in plain.layers.values()]
    text = evaluation_text(result)
    assert "mappings are chosen without it" in text
    assert "given in c.yaml" in provenance_text(result)


def test_what_every_cycle_costs_counts_by_its_part():
    plain, result = evaluated(), evaluated(CLOCK)
    cycles = result.latency_cycles
    assert result.energy_by("component")["clock"] == pytest.approx(2 * 7 * cycles)
    assert result.energy_pj == pytest.approx(plain.energy_pj + 14 * cycles)
    assert result.totals()["leakage_energy_pj"] == 0
    clock = result.components()["clock"]
    assert (clock["instances"], clock["area_mm2"]) == (2, 1.0)
    assert clock["power_w"] == pytest.approx(14e-12 * 100e6)


def test_leakage_can_be_estimated():
    result = evaluated(("levels:", "leakage: estimate\nlevels:"))
    parts = result.components()
    assert parts["mac"]["leakage_w"] > 0
    assert "estimated by aladdin-40nm" in parts["mac"]["leakage_source"]
    assert parts["dram"]["leakage_w"] is None  # another chip
    assert result.totals()["leakage_w"] == pytest.approx(parts["mac"]["leakage_w"])


def test_areas_add_up_and_tell_who_says_so():
    result = evaluated(("16 KiB,", "16 KiB, area: 0.3 mm2, source: its datasheet,"))
    parts, chip = result.components(), result.accelerator
    assert parts["buffer"]["area_mm2"] == 0.3
    assert parts["buffer"]["area_source"] == "given in c.yaml:8: its datasheet"
    assert parts["mac"]["area_mm2"] == pytest.approx(4 * chip.compute.area_mm2)
    assert "estimated by horowitz-45nm" in parts["mac"]["area_source"]
    assert parts["dram"]["area_mm2"] is None
    total = sum(p["area_mm2"] for p in parts.values() if p["area_mm2"] is not None)
    assert result.totals()["components_area_mm2"] == chip.components_area_mm2 == pytest.approx(total)
    # As published: it is not. Wires and control are in no sum, so the density is a bound.
    assert result.totals()["area_mm2"] is result.totals()["tops_per_mm2"] is None
    assert "mm2 estimated of its components" in evaluation_text(result)
    assert "at most " in evaluation_text(result)


def test_the_published_area_stands_before_the_sum():
    result = evaluated(("levels:", "area: 4 mm2\nlevels:"))
    assert result.totals()["area_mm2"] == 4
    assert result.totals()["tops_per_mm2"] == pytest.approx(result.tops / 4)
    assert "on 4 mm2" in evaluation_text(result)


def test_efficiency_never_stands_alone():
    result = evaluated()
    totals = result.totals()
    assert totals["tops"] == pytest.approx(2 * result.macs / result.latency_s / 1e12)
    assert totals["tops_per_w"] == pytest.approx(totals["tops"] / totals["power_w"])
    lines = evaluation_text(result).splitlines()
    at = next(i for i, line in enumerate(lines) if "TOPS/W" in line)
    assert lines[at + 1].startswith("with small, batch 1, at ")
    assert "of the peak of 0.4 GMAC/s" in lines[at + 1]


def test_parts_of_a_layer_add_up():
    layer = evaluated(BUFFER, CLOCK).layers["fc1"]
    told = layer.to_dict()
    by_both = told["energy_by_component_and_tensor_pj"]
    assert {c: pytest.approx(sum(t.values())) for c, t in by_both.items()} == told["energy_by_component_pj"]
    assert sum(told["energy_by_tensor_pj"].values()) == pytest.approx(layer.energy_pj)
    assert told["power_w"] == pytest.approx(layer.energy_pj * 1e-12 / layer.latency_s)
    assert told["leakage_energy_pj"] == pytest.approx(2e-3 * layer.latency_s * 1e12)


def test_a_part_of_no_known_area_leaves_the_sum_out():
    chip = evaluated().accelerator
    compute = replace(chip.compute, area_mm2=None)
    assert replace(chip, levels=(*chip.levels[:-1], compute)).components_area_mm2 is None
