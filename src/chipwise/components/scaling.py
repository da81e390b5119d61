"""Scaling of published figures to another technology and supply, 130 to 7 nm.

    energy:  E2 = E1 · (a2·V2² + b2·V2 + c2) / (a1·V1² + b1·V1 + c1)
    delay:   the same with a cubic in V
    area:    A2 = A1 · share(node2) / share(node1)

Coefficients: Stillmaker, Baas, "Scaling equations for the accurate prediction of CMOS device performance from
180 nm to 7 nm", Integration 58, 2017, tables 2, 5 and 6, as transcribed in two independent programs
(Accelergy's hwcomponents and UCLA's nodeScale, which agree). At 45 and 32 nm they have a low-power and a
high-performance process; the low-power one is taken, which joins the neighbouring nodes with less of a step.
The source has no leakage; it is scaled as energy, as hwcomponents does, for want of anything better.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import exp, log, log2
from typing import Final, final

from chipwise.components.classes import CLASSES
from chipwise.components.estimator import AREA, LATENCY, AbstractEstimator, Estimate, Query

NODES: Final = (7.0, 10.0, 14.0, 16.0, 20.0, 32.0, 45.0, 65.0, 90.0, 130.0)
AREA_OF: Final = (0.039, 0.068, 0.12, 0.13, 0.14, 0.31, 0.66, 1.0, 1.9, 4.3)
"""Of the same circuit, in units of its area at 65 nm."""
ENERGY: Final = (
    (0.1776, -0.09097, 0.02447),
    (0.2068, -0.09311, 0.02375),
    (0.2363, -0.09675, 0.02239),
    (0.2958, -0.1241, 0.03024),
    (0.373, -0.1582, 0.04104),
    (0.9559, -0.7823, 0.471),
    (1.103, -0.362, 0.2767),
    (3.755, -4.398, 1.975),
    (4.762, -4.781, 2.092),
    (7.171, -6.709, 2.904),
)
DELAY: Final = (
    (-28.58, 76.6, -70.26, 24.69),
    (-34.95, 93.65, -85.99, 30.4),
    (-40.66, 109.2, -100.6, 35.92),
    (0.0, 24.8, -47.52, 28.87),
    (0.0, 34.63, -66.37, 41.15),
    (-325.9, 1374.0, -1922.0, 913.2),
    (-285.7, 1239.0, -1795.0, 898.8),
    (-53.3, 230.4, -333.9, 178.6),
    (-60.34, 262.5, -384.2, 210.9),
    (-76.65, 334.9, -493.4, 275.8),
)
NOMINAL_V: Final = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.1, 1.2)
"""Where a chip gives none; within a step of 0.05 V of the source's nominal supplies, and so arbitrary to that."""
LEAST_V: Final = 0.6
"""Below it the parabola of 65 nm turns up again; there energy goes as the square of the voltage instead."""
MOST_V: Final = 1.3
LOST_PER_OCTAVE: Final = 10.0
"""Points of accuracy lost by doubling or halving the node: a guess. The source claims 15 % over the whole range
for logic, and says nothing of memories, whose wires scale worse."""


def nominal_v(node_nm: float) -> float:
    """Supply that a node usually has, V.

    >>> nominal_v(65), nominal_v(45)
    (1.1, 1.0)
    """
    return _at(node_nm, NOMINAL_V)


def area_factor(from_nm: float, to_nm: float) -> float:
    """Area at `to_nm` / area at `from_nm`.

    >>> round(area_factor(45, 65), 2), round(area_factor(65, 45), 2)
    (1.52, 0.66)
    """
    return _at(to_nm, AREA_OF) / _at(from_nm, AREA_OF)


def energy_factor(from_nm: float, from_v: float, to_nm: float, to_v: float) -> float:
    """Energy at `to_nm` and `to_v` / energy at `from_nm` and `from_v`.

    >>> energy_factor(45, 0.9, 45, 0.9), round(energy_factor(65, 1.0, 45, 1.0), 3)
    (1.0, 0.764)
    """
    return _energy(to_nm, to_v) / _energy(from_nm, from_v)


def delay_factor(from_nm: float, from_v: float, to_nm: float, to_v: float) -> float:
    """Delay at `to_nm` and `to_v` / delay at `from_nm` and `from_v`; voltages are held within 0.7 to 1.1 V.

    >>> delay_factor(45, 1.0, 45, 1.0), delay_factor(65, 1.0, 16, 0.8) < 1
    (1.0, True)
    """
    return _delay(to_nm, to_v) / _delay(from_nm, from_v)


def _energy(node_nm: float, voltage_v: float) -> float:
    held = min(max(voltage_v, LEAST_V), MOST_V)
    curves = tuple(a * held**2 + b * held + c for a, b, c in ENERGY)
    return _at(node_nm, curves) * (voltage_v / held) ** 2


def _delay(node_nm: float, voltage_v: float) -> float:
    v = min(max(voltage_v, 0.7), 1.1)
    return _at(node_nm, tuple(a * v**3 + b * v**2 + c * v + d for a, b, c, d in DELAY))


def _at(node_nm: float, values: tuple[float, ...]) -> float:
    """Straight lines in log-log between the nodes; beyond them the last one holds."""
    node = min(max(node_nm, NODES[0]), NODES[-1])
    i = bisect_left(NODES, node)
    if NODES[i] == node:
        return values[i]
    share = log(node / NODES[i - 1]) / log(NODES[i] / NODES[i - 1])
    return exp(log(values[i - 1]) * (1 - share) + log(values[i]) * share)


@final
@dataclass(frozen=True, slots=True)
class Scaled(AbstractEstimator):
    """Another estimator's figures at the chip's technology and voltage, where both tell theirs."""

    of: AbstractEstimator

    @property
    def name(self) -> str:
        """That of the other."""
        return self.of.name

    @property
    def components(self) -> tuple[str, ...]:
        """Those of the other."""
        return self.of.components

    @property
    def range(self) -> str:
        """That of the other, and of the scaling."""
        node = self.of.node_nm
        return self.of.range + ("" if node is None else f"; at {node:g} nm, scaled to 130-7 nm")

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The other's figure x what the published equations give for the change of technology."""
        found, node = self.of.estimate(query, figure), self.of.node_nm
        kind = CLASSES.get(query.component)
        if found is None or node is None or query.node_nm is None or (kind and not kind.scales):
            return found
        from_v = nominal_v(node) if self.of.voltage_v is None else self.of.voltage_v
        to_v = nominal_v(query.node_nm) if query.voltage_v is None else query.voltage_v
        if (node, from_v) == (query.node_nm, to_v):
            return found
        if figure == AREA:
            factor = area_factor(node, query.node_nm)
        elif figure == LATENCY:
            factor = delay_factor(node, from_v, query.node_nm, to_v)
        else:
            factor = energy_factor(node, from_v, query.node_nm, to_v)
        why = f"from {node:g} nm {from_v:g} V to {query.node_nm:g} nm {to_v:g} V (Stillmaker, Baas 2017)"
        return found.times(factor, why, less=LOST_PER_OCTAVE * abs(log2(node / query.node_nm)))
