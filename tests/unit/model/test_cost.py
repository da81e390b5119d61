"""Costs of a mapping that can be followed by hand, and the known counter-example of a peer's mapper."""

import pytest

from chipwise.hardware.accelerator import (
    Accelerator,
    ActionEnergy,
    Array,
    Axis,
    Compute,
    Memory,
    Port,
    Route,
)
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.model.cost import COMPUTE, cost
from chipwise.workload.kinds import matmul

TENSORS = ("input", "weight", "output")


def _per_access(energy_pj: float) -> dict[str, ActionEnergy]:
    return {"read": ActionEnergy(energy_pj, "test"), "write": ActionEnergy(energy_pj, "test")}


def _matmul_chip(ports: tuple[Port, ...] = ()) -> Accelerator:
    both = Route(frozenset({"x", "y"}))
    return Accelerator(
        "known case",
        (
            Memory("dram", "dram", TENSORS, energy=_per_access(100.0), ports=ports),
            Memory("buffer", "sram", TENSORS, capacity_bits=1024 * 16, energy=_per_access(6.0)),
            Array("pes", (Axis("x", 14), Axis("y", 12)), dict.fromkeys(TENSORS, both)),
            Memory("rf", "register_file", TENSORS, capacity_bits=64 * 16, energy=_per_access(1.0)),
            Compute("mac", "int_mac", {"mac": ActionEnergy(1.0, "test")}),
        ),
        clock_hz=1e6,
    )


def _uneven_mapping() -> Mapping:
    """The uneven mapping of a 64 x 64 x 64 matmul that AccelForge 1.0.467 misses (research, section 3.4)."""
    return Mapping(
        (
            Storage("dram", "input"),
            Storage("dram", "weight"),
            Storage("dram", "output"),
            Temporal("N", 32),
            Temporal("M", 16),
            Storage("buffer", "output"),
            Temporal("K", 16),
            Storage("buffer", "input"),
            Temporal("N", 16),
            Storage("buffer", "weight"),
            Spatial("x", "N", 8),
            Spatial("y", "M", 4),
            Storage("rf", "output"),
            Temporal("K", 1),
            Storage("rf", "input"),
            Temporal("N", 1),
            Storage("rf", "weight"),
            Temporal("M", 1),
        )
    )


def test_energy_of_the_known_uneven_mapping():
    found = cost(matmul("mm", M=64, K=64, N=64), _matmul_chip(), _uneven_mapping())

    assert found.energy_pj == 4_841_472


def test_cycles_are_those_of_the_slowest_port():
    layer, port = matmul("mm", M=64, K=64, N=64), Port("dram", bits_per_cycle=1.0)
    quick = cost(layer, _matmul_chip(), _uneven_mapping())
    slow = cost(layer, _matmul_chip((port,)), _uneven_mapping())

    assert quick.bound_by == COMPUTE
    assert quick.latency_cycles == quick.counts.cycles == 64**3 / 8
    assert slow.bound_by == "dram"
    assert slow.latency_cycles == slow.off_chip_bits == (8192 + 16384 + 4096) * 16


def test_energy_by_component_and_by_tensor_sum_to_the_energy():
    found = cost(matmul("mm", M=64, K=64, N=64), _matmul_chip(), _uneven_mapping())

    assert sum(found.energy_by("component").values()) == pytest.approx(found.energy_pj)
    assert sum(found.energy_by("tensor").values()) == pytest.approx(found.energy_pj)
