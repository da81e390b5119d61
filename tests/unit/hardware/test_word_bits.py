"""What narrow values change on a chip: energy and area of its parts, and traffic, time and room of a mapping."""

import pytest

import chipwise
from chipwise.components.load import accelerator_from
from chipwise.hardware import gallery
from chipwise.workload.bits import uniform_bits, with_bits
from chipwise.workload.kinds import conv
from chipwise.workload.network import Network
from chipwise.yamlfile import parse_yaml

MAPPING = """
dram        input weight output
buffer      input, weight, output
| for P in 14
pes         rows C 16 | columns M 2
registers   input, weight, output
|   for M in 8
|     for Q in 14
|       for R in 3
|         for S in 3
mac
"""


def chip(word="16 b", compute="int_mac"):
    text = gallery.text("diannao").replace("word: 16 b", f"word: {word}").replace("int_mac", compute)
    return accelerator_from(parse_yaml(text, "chip.yaml"))


@pytest.mark.parametrize("compute", ["int_mac", "fp_mac"])
def test_a_chip_of_narrow_words_takes_less_energy_and_area(compute):
    wide, narrow = chip("16 b", compute), chip("8 b", compute)
    assert narrow.compute.energy["mac"].energy_pj < wide.compute.energy["mac"].energy_pj / 2
    assert narrow.compute.area_mm2 < wide.compute.area_mm2
    for a, b in zip(narrow.memories, wide.memories, strict=True):
        assert a.energy["read"].energy_pj < b.energy["read"].energy_pj


def test_integers_fall_faster_than_floats():
    def ratio(compute):
        return (
            chip("16 b", compute).compute.energy["mac"].energy_pj
            / chip("8 b", compute).compute.energy["mac"].energy_pj
        )

    assert ratio("int_mac") > ratio("fp_mac") > 2


def test_narrow_tensors_take_less_room_traffic_and_time_on_the_same_chip():
    layer = conv("c", M=16, C=16, P=14, Q=14, R=3, S=3)
    network = Network("own", (layer,))
    narrow = with_bits(network, uniform_bits(network, 8)).layers[0]
    wide, half = (chipwise.evaluate_mapping(each, "simple", MAPPING) for each in (layer, narrow))
    assert half.cost.off_chip_bits * 2 == wide.cost.off_chip_bits
    assert half.cost.energy_by("component")["dram"] * 2 == pytest.approx(
        wide.cost.energy_by("component")["dram"]
    )
    for port, cycles in wide.cost.cycles.items():
        if port != "compute":  # and every channel carries half
            assert half.cost.cycles[port] * 2 == pytest.approx(cycles)
    assert half.cost.latency_cycles <= wide.cost.latency_cycles
