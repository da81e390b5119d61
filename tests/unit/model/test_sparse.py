"""Factors by hand: bits as stored, and what conditions leave."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.analysis.evaluate import evaluate_mapping
from chipwise.components.load import accelerator_from
from chipwise.model.sparse import Kept, sparse_of
from chipwise.sparsity.balance import slowest_share
from chipwise.sparsity.densities.structured import Structured
from chipwise.workload.kinds import conv, matmul
from chipwise.workload.layer import Layer
from chipwise.yamlfile import parse_yaml
from tests.unit.hardware.test_sparsity_file import CHIP, read


def with_density(layer: Layer, **densities: float) -> Layer:
    return replace(
        layer, tensors=tuple(replace(t, density=densities.get(t.name, t.density)) for t in layer.tensors)
    )


LAYER = matmul("mm", M=16, K=32, N=8)
FREE = accelerator_from(parse_yaml(CHIP.replace("formats: {input: bitmask}", "formats: best"), "zeros.yaml"))
"""All of its formats are free to choose."""


def test_factors_by_hand(tmp_path):
    chip = read(tmp_path)
    sparse = sparse_of(with_density(LAYER, input=0.25, weight=0.5), chip)
    # A zero input skips the weight; two of either gate the output.
    assert sparse.served["buffer", "weight"] == Kept(0.25, 0.25)
    assert sparse.served["buffer", "input"] == Kept()
    assert sparse.served["buffer", "output"] == Kept((1 - 0.75**2) * (1 - 0.5**2), 1.0)
    assert sparse.passed["buffer", "weight"] == Kept()
    assert sparse.passed["pes", "weight"] == Kept(0.25, 0.25)
    # One in four inputs and one in two weights are left; 4 PEs wait for each other every 16 MACs.
    assert sparse.compute == Kept(0.125, slowest_share(0.125, 16, 4))
    assert sparse.stored["pes", "input"].bits == 1 + 0.25 * 16
    assert sparse.moved_bits("pes", "transfers", "input") == 5
    buffer = chip.memory("buffer")
    word = buffer.energy["read"].energy_pj
    weight = sparse.stored["buffer", "weight"]
    assert weight.format == "bitmask"
    assert weight.held_bits == weight.bits == 9
    assert sparse.access_pj(buffer, "reads", LAYER.tensor("weight")) == word * 9 / 16 * 0.25
    assert sparse.access_pj(chip.memory("dram"), "reads", LAYER.tensor("input")) == pytest.approx(
        10 * sparse.stored["dram", "input"].bits / 16 + 0.5
    )
    assert (
        sparse.stored["dram", "input"].held_bits == 16
    )  # raw may be chosen, so a tile without zeros takes no more


def test_structured_zeros_leave_all_pes_the_same(tmp_path):
    layer = replace(
        LAYER,
        tensors=tuple(
            replace(t, density=0.5, pattern=Structured(2, 4)) if t.name == "weight" else t
            for t in LAYER.tensors
        ),
    )
    assert sparse_of(layer, read(tmp_path)).compute == Kept(0.5, 0.5)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_fewer_nonzeros_never_cost_more(a: float, b: float, weight: float):
    """Where formats are free to choose."""
    layer = conv("c", M=4, C=3, P=6, Q=6, R=3, S=3)
    few, many = (sparse_of(with_density(layer, input=d, weight=weight), FREE) for d in sorted((a, b)))
    for key in few.stored:
        assert few.stored[key].bits <= many.stored[key].bits + 1e-9
        assert few.stored[key].metadata_bits >= 0
        assert few.passed[key].time <= many.passed[key].time
        assert few.passed[key].energy <= many.passed[key].energy
    for key in few.served:
        assert few.served[key].energy <= many.served[key].energy
    assert few.compute.time <= many.compute.time + 1e-12
    assert few.compute.energy <= many.compute.energy


def test_without_zeros_all_factors_are_one():
    sparse = sparse_of(LAYER, FREE)
    assert {*sparse.served.values(), *sparse.passed.values(), sparse.compute} == {Kept(1.0, 1.0)}
    assert {s.bits for s in sparse.stored.values()} == {16}
    for memory in FREE.memories:
        for tensor in LAYER.tensors:
            for count, action in (("reads", "read"), ("updates", "write")):
                assert sparse.access_pj(memory, count, tensor) == memory.energy[action].energy_pj


BY_HAND = """\
name: by hand
clock: 1 GHz
word: 8 b
levels:
  - memory: dram
    component: dram
    keeps: [input, weight, output]
    bandwidth: {shared: 1 B/cycle}
    formats: {input: bitmask}
    energy: {read: 10 pJ, write: 10 pJ}
  - memory: registers
    component: register_file
    capacity: 1 KiB
    keeps: [input, weight, output]
    energy: {read: 1 pJ, write: 1 pJ}
    saves: [{when: input, skips: weight, gates: output}]
  - compute: mac
    component: int_mac
    energy: {mac: 2 pJ}
    saves: [{when: input, skips: compute}]
"""


def test_a_mapping_priced_by_hand():
    chip = accelerator_from(parse_yaml(BY_HAND, "hand.yaml"))
    layer = with_density(matmul("mm", M=4, K=8, N=2), input=0.5)
    mapping = "dram input weight output\nregisters input weight output\n| for M in 4\n| for N in 2\n| for K in 8\nmac"
    found = evaluate_mapping(layer, chip, mapping)
    # A stored input has 1 b of the mask and, half of the time, 8 b.
    dram = 10 * (32 * 5 / 8 + 16 + 8)
    fills_and_drains = 32 + 16 + 8
    inputs, weights, sums = 64, 64 * 0.5, (56 + 64) * 0.5
    assert found.energy_pj == dram + fills_and_drains + inputs + weights + sums + 64 * 2 * 0.5 == 716
    assert found.cost.off_chip_bits == 32 * 5 + 16 * 8 + 8 * 8
    # All comes in before work starts, half of the MACs are done, and all sums go out after it.
    assert found.cost.breakdown == {"compute": 32, "ramp-up": 36, "drain": 8}
    assert found.latency_cycles == 76
    assert found.utilization == 32 / 76
    dense = evaluate_mapping(matmul("mm", M=4, K=8, N=2), chip, mapping)
    assert dense.energy_pj == 10 * (32 * 9 / 8 + 16 + 8) + fills_and_drains + 64 + 64 + 120 + 128
    assert dense.latency_cycles == 64 + (32 * 9 + 16 * 8) / 8 + 8
