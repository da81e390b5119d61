"""Rooflines against their definition, and their charts."""

from xml.etree import ElementTree as ET

import pytest

import chipwise
from chipwise.analysis.roofline import Roofline, roofline
from chipwise.report.roofline import roofline_svg, roofline_text


@pytest.fixture(scope="module")
def roof() -> Roofline:
    network, chip = chipwise.load_network("lenet5"), chipwise.load_accelerator("eyeriss")
    return roofline(chipwise.evaluate(network, chip), chipwise.eyexam(network, chip))


def test_no_layer_is_above_its_roof(roof):
    for point in (*roof.points, roof.total):
        assert point.achieved <= roof.attainable(point) * (1 + 1e-9)


def test_attainable_is_macs_over_cycles_of_the_slowest_port(roof):
    result = chipwise.evaluate("lenet5", "eyeriss")
    for point in roof.points:
        cycles = result.layers[point.name].cost.cycles
        slowest = max(c for name, c in cycles.items() if name != "compute")
        assert roof.attainable(point) == pytest.approx(min(168, point.macs / slowest))


def test_tensors_have_ceilings_of_their_own(roof):
    of = {c.port: c.tensors for c in roof.ceilings}
    assert of == {
        "dram": None,
        "buffer output read": ("output",),
        "buffer output write": ("output",),
        **{f"pes {tensor}": (tensor,) for tensor in ("input", "weight", "output")},
    }
    dram = roof.ceilings[0]
    assert (dram.bytes_per_cycle, dram.ridge(168)) == (pytest.approx(2.4), pytest.approx(70))


def test_intensity_off_chip_is_at_most_that_of_every_value_once(roof):
    for point in roof.points:
        assert point.macs / point.memory_bytes["dram"] <= point.macs / point.least_bytes * (1 + 1e-9)


def test_one_mac_of_a_scratchpad_reads_a_weight_of_two_bytes(roof):
    """Nothing else than fills adds to it: at most 0.5 MAC/byte."""
    for point in roof.points:
        assert point.macs / point.memory_bytes["filter_spad"] <= 0.5


def test_text_and_chart(roof):
    text = roofline_text(roof)
    assert all(p.name in text for p in roof.points)
    assert "Eyexam 4 array" in text
    root = ET.fromstring(roofline_svg(roof))  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert len(root.findall(".//{*}circle")) == 6 * len(roof.points)
    assert roof.to_dict()["schema"] == "chipwise.roofline/1"


def test_a_chip_without_ports_has_the_peak_alone():
    from dataclasses import replace

    from chipwise.analysis.eyexam_search import without

    chip = replace(without(chipwise.load_accelerator("simple"), ports=True), name="endless")
    network = chipwise.load_network("lenet5")
    roof = roofline(chipwise.evaluate(network, chip), chipwise.eyexam(network, chip))
    assert roof.ceilings == ()
    assert roof.attainable(roof.total) == 256
    assert "peak" in roofline_text(roof)
    ET.fromstring(roofline_svg(roof))  # noqa: S314 - our own


def test_networks_are_ceilings_of_what_they_carry():
    result = chipwise.evaluate("lenet5", "tpu_v1")
    roof = roofline(result)
    network = next(c for c in roof.ceilings if c.port == "matrix_unit weight")
    assert (network.memory, network.tensors, network.bytes_per_cycle) == ("matrix_unit", ("weight",), 256)
    for point in roof.points:
        busy = result.layers[point.name].cost.cycles["matrix_unit weight"]
        assert point.intensity("matrix_unit weight") * 256 == pytest.approx(point.macs / busy)
