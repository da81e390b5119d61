"""MACs that split: two at half of the word's width, four at a quarter."""

import pytest

import chipwise
from chipwise.components.load import accelerator_from, load_accelerator
from chipwise.hardware import gallery
from chipwise.model.sparse import sparse_of, subwords
from chipwise.workload.bits import Bits, uniform_bits, with_bits
from chipwise.workload.kinds import conv
from chipwise.workload.network import Network
from chipwise.yamlfile import parse_yaml

LAYER = conv("c", M=32, C=8, P=16, Q=16, R=3, S=3)
NETWORK = Network("own", (LAYER,))
MAPPING = """
dram        input weight output
buffer      input, weight, output
| for M in 2
|   for P in 16
pes         rows M 16 | columns Q 16
sums        output
|     for C in 8
|       for R in 3
|         for S in 3
mac
"""


def at(inputs, weights):
    return with_bits(NETWORK, Bits({"c": {"input": inputs, "weight": weights, "output": 16}})).layers[0]


@pytest.mark.parametrize(
    ("inputs", "weights", "parts"),
    [(16, 16, 1), (9, 1, 1), (8, 8, 2), (8, 4, 2), (5, 5, 2), (4, 4, 4), (2, 3, 4), (1, 1, 4)],
)
def test_the_wider_operand_decides(inputs, weights, parts):
    chip = load_accelerator("envision")
    assert subwords(at(inputs, weights), chip) == parts
    assert subwords(at(inputs, weights), load_accelerator("eyeriss")) == 1
    sparse = sparse_of(at(inputs, weights), chip)
    assert sparse.compute.time == sparse.done == 1 / parts
    assert sparse.mac_pj == pytest.approx(sparse_of(LAYER, chip).mac_pj * inputs * weights / 256)


def test_time_falls_and_no_pe_is_more_than_busy():
    results = [
        chipwise.evaluate_mapping(
            with_bits(NETWORK, uniform_bits(NETWORK, bits)).layers[0], "envision", MAPPING
        )
        for bits in (16, 8, 4)
    ]
    compute = [result.cost.cycles["compute"] for result in results]
    assert compute == [compute[0], compute[0] / 2, compute[0] / 4]
    assert compute[0] == LAYER.macs / 256
    assert all(result.cost.active_pes == pytest.approx(256) for result in results)
    assert results[0].cost.latency_cycles > results[1].cost.latency_cycles > results[2].cost.latency_cycles
    assert results[0].cost.energy_pj > results[1].cost.energy_pj > results[2].cost.energy_pj


def test_energy_alone_leaves_the_time(tmp_path):
    text = gallery.text("envision").replace("narrow: split", "narrow: energy")
    narrow = sparse_of(at(8, 8), accelerator_from(parse_yaml(text, "chip.yaml")))
    assert narrow.compute.time == 1
    assert narrow.mac_pj == sparse_of(at(8, 8), load_accelerator("envision")).mac_pj
