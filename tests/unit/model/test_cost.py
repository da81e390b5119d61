"""Costs of a mapping that can be followed by hand, and the known counter-example of a peer's mapper."""

import pytest

from chipwise.hardware.accelerator import Port
from chipwise.model.cost import COMPUTE, cost
from tests.unit.model.known_case import LAYER, matmul_chip, uneven_mapping


def test_energy_of_the_known_uneven_mapping():
    found = cost(LAYER, matmul_chip(), uneven_mapping())

    assert found.energy_pj == 4_841_472


def test_cycles_are_those_of_the_slowest_port():
    port = Port("dram", bits_per_cycle=1.0)
    quick = cost(LAYER, matmul_chip(), uneven_mapping())
    slow = cost(LAYER, matmul_chip((port,)), uneven_mapping())

    assert quick.bound_by == COMPUTE
    assert quick.latency_cycles == quick.counts.cycles == 64**3 / 8
    assert slow.bound_by == "dram"
    assert slow.latency_cycles == slow.off_chip_bits == (8192 + 16384 + 4096) * 16


def test_energy_by_component_and_by_tensor_sum_to_the_energy():
    found = cost(LAYER, matmul_chip(), uneven_mapping())

    assert sum(found.energy_by("component").values()) == pytest.approx(found.energy_pj)
    assert sum(found.energy_by("tensor").values()) == pytest.approx(found.energy_pj)
