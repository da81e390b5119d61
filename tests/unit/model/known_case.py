"""The 64 x 64 x 64 matmul of which a peer's mapper misses the best mapping (research, semantics, 3.4)."""

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
from chipwise.workload.kinds import matmul

TENSORS = ("input", "weight", "output")
LAYER = matmul("mm", M=64, K=64, N=64)


def _per_access(energy_pj: float) -> dict[str, ActionEnergy]:
    return {"read": ActionEnergy(energy_pj, "test"), "write": ActionEnergy(energy_pj, "test")}


def matmul_chip(ports: tuple[Port, ...] = ()) -> Accelerator:
    """DRAM at 100 pJ, 1024 words at 6 pJ, 14 x 12 PEs with 64 words at 1 pJ; networks are free."""
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


def uneven_mapping() -> Mapping:
    """The mapping that AccelForge 1.0.467 misses."""
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
