"""SRAM, register files, queues and adder trees of any size, at 45 nm.

- sram, register_file: the laws of `memory_points`, fitted to published memories; the mean error of the fit is their
  inaccuracy. A value costs its share of an access, bits / width. Banks divide the capacity, not the area.
- Area of a register file: flip-flops, as Aladdin's (5.98 um2 per bit at 40 nm), each further port as much again.
  A denser one is an SRAM, and a chip file then says so.
- fifo: a register file and the increment of one of its pointers, Aladdin's counter (0.25 pJ for 32 b at 40 nm).
- adder_tree: n - 1 adders of Horowitz's figure, each level one bit wider than the one before.
- sram leakage and latency: no published points were at hand, so they stay unknown here.
"""

import json
from dataclasses import dataclass
from functools import cache
from math import ceil, log2
from typing import Final, final

from chipwise.components.estimator import AREA, AbstractEstimator, Estimate, Query
from chipwise.components.memory_points import FILE, NODE_NM, VOLTAGE_V
from chipwise.components.published import not_in_macs
from chipwise.components.scaling import area_factor, energy_factor
from chipwise.components.tables.horowitz_45nm import INT_ADD, INT_ADD_UM2, power_law

NAME: Final = "analytical"
FLIP_FLOP_UM2_40NM: Final = 5.98
COUNT_PJ_PER_BIT_40NM: Final = 0.25074 / 32


@final
@dataclass(frozen=True, slots=True)
class Analytical(AbstractEstimator):
    """Power laws in width, depth and ports."""

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """Memories on the chip, and adder trees."""
        return ("sram", "register_file", "fifo", "adder_tree")

    @property
    def range(self) -> str:
        """Sizes of the fitted points."""
        return "SRAM of 128 B to 28 MiB by 8-512 b, register files of 32 B to 1 KiB by 16-64 b"

    @property
    def node_nm(self) -> float:
        """45 nm."""
        return NODE_NM

    @property
    def voltage_v(self) -> float:
        """0.9 V."""
        return VOLTAGE_V

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The law of the component.

        >>> small = Analytical().estimate(Query("sram", 16, capacity_bits=2**16), "read")
        >>> large = Analytical().estimate(Query("sram", 16, capacity_bits=2**20), "read")
        >>> small.value < large.value
        True
        """
        if query.component == "adder_tree":
            return _tree(query, figure)
        if query.component not in self.components or query.bank_bits is None:
            return None
        if figure == AREA:
            return _sram_area(query) if query.component == "sram" else _flip_flops(query)
        if figure not in {"read", "write"}:
            return None
        found = _access(query, "sram" if query.component == "sram" else "register_file")
        return _with_pointer(query, found) if query.component == "fifo" else found


@cache
def laws() -> dict[str, dict[str, float]]:
    """The committed result of the fit."""
    found: dict[str, dict[str, float]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def _access(query: Query, kind: str) -> Estimate:
    law = laws()[f"{kind} energy_pj"]
    assert query.bank_bits is not None
    width = query.access_bits
    depth = max(1.0, query.bank_bits / width)
    access = law["k"] * width ** law["width"] * depth ** law["depth"]
    access *= float(query.ports ** law.get("ports", 0.0))
    source = f"{NAME}: {width} b by {depth:.4g}" + (f", {query.ports} ports" if query.ports > 1 else "")
    return Estimate(access * query.bits / width, _accuracy(law), source + _fitted(law))


def _sram_area(query: Query) -> Estimate:
    law = laws()["sram area_mm2"]
    assert query.bank_bits is not None
    one = law["k"] * query.bank_bits ** law["capacity"] * query.ports ** law["ports"]
    source = f"{NAME}: {query.banks} x {query.bank_bits} b{_fitted(law)}"
    return Estimate(query.banks * one, _accuracy(law), source)


def _flip_flops(query: Query) -> Estimate:
    assert query.capacity_bits is not None
    um2 = FLIP_FLOP_UM2_40NM * area_factor(40, NODE_NM) * query.capacity_bits * query.ports
    how = f"{query.capacity_bits} flip-flops of 5.98 um2 at 40 nm (Shao et al., Aladdin, ISCA 2014)"
    return Estimate(um2 * 1e-6, 50, f"{NAME}: {how}")


def _with_pointer(query: Query, found: Estimate) -> Estimate:
    assert query.bank_bits is not None
    bits = max(1, ceil(log2(max(2, query.bank_bits // query.access_bits))))
    pointer = COUNT_PJ_PER_BIT_40NM * bits * energy_factor(40, 0.9, NODE_NM, VOLTAGE_V)
    source = f"{found.source} + a pointer of {bits} b (Aladdin's counter)"
    return Estimate(found.value + pointer, found.accuracy, source)


def _tree(query: Query, figure: str) -> Estimate | None:
    if figure not in {"add", AREA}:
        return None
    points = INT_ADD if figure == "add" else INT_ADD_UM2
    total, left, bits = 0.0, query.ways, query.bits
    while left > 1:
        total += (left // 2) * power_law(points, bits, beyond=1)
        left, bits = left - left // 2, bits + 1
    scale = 1.0 if figure == "add" else 1e-6
    how = f"{query.ways - 1} adders of {query.bits} b and wider (Horowitz, ISSCC 2014)"
    return Estimate(total * scale, 70, f"{NAME}: {how}")


def _accuracy(law: dict[str, float]) -> float:
    return 100 * (1 - law["mean_error"])


def _fitted(law: dict[str, float]) -> str:
    mean, largest = 100 * law["mean_error"], 100 * law["largest_error"]
    return f"; fitted to {law['points']:.0f} published memories, mean error {mean:.0f} %, largest {largest:.0f} %"


def build(mac_pj: float | None) -> AbstractEstimator:
    """The laws; they are in pJ."""
    not_in_macs(NAME, mac_pj)
    return Analytical()
