"""Adapter for the models of Accelergy's `hwcomponents` packages, where they are installed.

It asks `hwcomponents.get_energy`, `get_area` and `get_leak_power`, which choose among the installed models by
themselves; joules and m2 come back.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

from chipwise.components.estimator import AREA, LEAKAGE, AbstractEstimator, Estimate, Query
from chipwise.components.published import not_in_macs

NAME: Final = "hwcomponents"
CLASSES_THERE: Final = {
    "sram": "SRAM",
    "register": "Register",
    "int_adder": "IntAdder",
    "int_multiplier": "IntMultiplier",
    "int_mac": "IntMAC",
    "comparator": "Comparator",
    "counter": "Counter",
    "lpddr4": "LPDDR4",
    "lpddr": "LPDDR",
    "ddr3": "DDR3",
    "gddr5": "GDDR5",
    "hbm": "HBM2",
    "hmc": "HMC",
}


@final
@dataclass(frozen=True, slots=True)
class HwComponents(AbstractEstimator):
    """What the installed packages answer; `package` is None where there are none."""

    package: Any

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """Those with a class of the same meaning there, where the package is installed."""
        return () if self.package is None else tuple(CLASSES_THERE)

    @property
    def range(self) -> str:
        """As its models say."""
        return "absent: not installed" if self.package is None else "as its models"

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The answer of the model that hwcomponents chooses, or None where no model answers."""
        if self.package is None or query.component not in CLASSES_THERE:
            return None
        name, attributes = CLASSES_THERE[query.component], self._attributes(query)
        if figure == AREA:
            return self._asked(self.package.get_area, 1e6, name, attributes)
        if figure == LEAKAGE:
            return self._asked(self.package.get_leak_power, 1.0, name, attributes)
        if figure in {"read", "write", "add", "multiply", "mac", "compare", "count"}:
            arguments = {"bits_per_action": query.bits} if figure in {"read", "write"} else {}
            return self._asked(self.package.get_energy, 1e12, name, attributes, figure, arguments)
        return None

    def _attributes(self, query: Query) -> dict[str, Any]:
        found: dict[str, Any] = {"tech_node": (query.node_nm or 45.0) * 1e-9, "width": query.access_bits}
        if query.bank_bits is not None:
            depth = max(1, (query.capacity_bits or 0) // query.access_bits)
            found |= {"depth": depth, "n_rw_ports": query.ports, "n_banks": query.banks}
        if query.component == "int_mac":
            found |= {"multiplier_width": query.bits, "adder_width": 2 * query.bits}
            del found["width"]
        return found

    def _asked(self, ask: Callable[..., Any], factor: float, name: str, *rest: Any) -> Estimate | None:
        try:
            answer = ask(name, *rest)
        except Exception:  # noqa: BLE001 - it raises RuntimeError and others for "no model knows this"
            return None
        value = float(getattr(answer, "value", answer)) * factor
        model = getattr(answer, "model_name", "") or "its choice"
        return Estimate(value, 65, f"{NAME}: {name} by {model}")


def build(mac_pj: float | None) -> AbstractEstimator:
    """The installed packages, if there are any."""
    not_in_macs(NAME, mac_pj)
    there = importlib.util.find_spec("hwcomponents") is not None
    return HwComponents(importlib.import_module("hwcomponents") if there else None)
