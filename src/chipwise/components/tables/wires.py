"""Wires, buses and crossbars by their length, at the chip's own technology and voltage.

    energy of a bit [pJ] = capacitance per mm x length x V² / 4

A quarter, because half of the bits differ from those before, and a transition takes half of C·V². Repeaters are
not counted. A crossbar's values travel along one of its inputs and one of its outputs, each as long as its side:
ports x bits x pitch. The pitch of eight times the node is arbitrary; a side of 16 ports x 16 b has 92 um at 45 nm.
"""

from dataclasses import dataclass
from typing import Final, final

from chipwise.components.estimator import AREA, AbstractEstimator, Estimate, Query
from chipwise.components.published import between, not_in_macs
from chipwise.components.scaling import nominal_v

NAME: Final = "wires"
SOURCE: Final = "capacitances as in Accelergy's wire plug-in"
FF_PER_MM: Final = (
    (13.0, 247.0),
    (18.0, 266.0),
    (25.0, 288.0),
    (35.0, 315.0),
    (50.0, 345.0),
    (70.0, 367.0),
    (100.0, 403.0),
    (130.0, 430.0),
)
PITCH_NODES: Final = 8
DEFAULT_NODE_NM: Final = 45.0


@final
@dataclass(frozen=True, slots=True)
class Wires(AbstractEstimator):
    """Energy of charging wires."""

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """Whatever is mostly wire."""
        return ("wire", "multicast_bus", "network", "crossbar")

    @property
    def range(self) -> str:
        """Nodes of the capacitances."""
        return "130 to 13 nm, where a length (`hop`) is given; without repeaters"

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """Bits x energy of one bit along the length.

        >>> one = Query("wire", 1, length_mm=1.0, node_nm=50, voltage_v=1.0)
        >>> round(Wires().estimate(one, "transfer").value, 9)
        0.08625
        """
        if query.component not in self.components:
            return None
        node = query.node_nm or DEFAULT_NODE_NM
        side = query.ways * query.bits * PITCH_NODES * node * 1e-6
        if figure == AREA and query.component == "crossbar":
            return Estimate(side**2, 40, f"{NAME}: square of {side:.3g} mm, pitch of 8 x {node:g} nm")
        length = 2 * side if query.component == "crossbar" else query.length_mm
        if figure != "transfer" or length is None:
            return None
        voltage = nominal_v(node) if query.voltage_v is None else query.voltage_v
        held = min(max(node, FF_PER_MM[0][0]), FF_PER_MM[-1][0])
        farads = between(FF_PER_MM, held)[0]
        energy_pj = query.bits * length * farads * 1e-3 * voltage**2 / 4
        how = f"{query.bits} b x {length:.3g} mm x {farads:.0f} fF/mm x ({voltage:g} V)^2 / 4"
        return Estimate(energy_pj, 60, f"{NAME}: {how} ({SOURCE})")


def build(mac_pj: float | None) -> AbstractEstimator:
    """The formula; it is in pJ."""
    not_in_macs(NAME, mac_pj)
    return Wires()
