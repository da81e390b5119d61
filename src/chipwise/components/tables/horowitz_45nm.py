"""The rough energies of 45 nm that architects quote, and the rules by which the gaps are filled.

- add: power law between the entries, linear in bits beyond them.
- multiply: power law between the entries (exponent 1.98), quadratic in bits beyond them.
- floating point: the power law through FP16 and FP32 at other widths (energies: exponents 1.17
  and 1.75).
- areas: by the same laws as the energies.
- int_mac: a multiplication and an addition of twice the width, which the product has.
- SRAM: power law in the capacity between the entries, square root of the capacity beyond them, since word and
  bit lines grow with the side of the array. Linear in the bits of an access; writes cost as much as reads.
- register file: the same law at small sizes. It gives 0.31 pJ per 16 b at 128 B where Pedram et al.,
  IEEE Design & Test 2017, have 0.23 pJ.
- DRAM: linear in bits; writes cost as much as reads.
- wires: not in the source, so a network's `transfer` is unknown here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Final, final

from chipwise.components.classes import ACTIONS
from chipwise.components.estimator import AREA, AbstractEstimator, Estimate, Query
from chipwise.errors import InputError

NAME: Final = "horowitz-45nm"
SOURCE: Final = "Horowitz, ISSCC 2014, fig. 1.1.9, 45 nm 0.9 V"

Points = tuple[tuple[float, float], ...]

# pJ by bits. The 16-bit addition is not in the figure but in Sze's transcription of it (2020 tutorial).
INT_ADD: Final[Points] = ((8, 0.03), (16, 0.05), (32, 0.1))
INT_MULTIPLY: Final[Points] = ((8, 0.2), (32, 3.1))
FP_ADD: Final = {16: 0.4, 32: 0.9}
FP_MULTIPLY: Final = {16: 1.1, 32: 3.7}
FP_LEAST_BITS: Final = 4
FP_MOST_BITS: Final = 64

SRAM: Final[Points] = ((8 * 2**13, 10.0), (32 * 2**13, 20.0), (2**23, 100.0))
"""pJ of 64 bits by capacity in bits: caches of 8 KiB, 32 KiB and 1 MiB."""
SRAM_ACCESS_BITS: Final = 64
DRAM_PJ_PER_BIT: Final = 640 / 32

# um2 by bits. Only their ratios are printed in the survey (3.8, 116, 12.4 and 27.5 for 8 b against 32 b and FP32).
INT_ADD_UM2: Final[Points] = ((8, 36.0), (16, 67.0), (32, 137.0))
INT_MULTIPLY_UM2: Final[Points] = ((8, 282.0), (32, 3495.0))
FP_ADD_UM2: Final = {16: 1360.0, 32: 4184.0}
FP_MULTIPLY_UM2: Final = {16: 1640.0, 32: 7700.0}
AREA_SOURCE: Final = (
    "as quoted with Horowitz, ISSCC 2014, 45 nm; ratios checked against Sze et al., Proc. IEEE 105(12), 2017"
)


@final
@dataclass(frozen=True, slots=True)
class Horowitz45nm(AbstractEstimator):
    """Arithmetic, caches and DRAM at 45 nm."""

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """Components of which the table knows at least one action."""
        return (
            *("dram", "sram", "register_file", "int_mac", "fp_mac", "network"),
            *("int_adder", "int_multiplier", "fp_adder", "fp_multiplier"),
        )

    @property
    def range(self) -> str:
        """What is printed; the rest follows by the rules of this module."""
        return "integers of 8-32 b, FP16 and FP32, caches of 8 KiB to 1 MiB"

    @property
    def node_nm(self) -> float:
        """45 nm."""
        return 45.0

    @property
    def voltage_v(self) -> float:
        """0.9 V."""
        return 0.9

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The entry, or the value that the rules of this module put between entries.

        >>> table = Horowitz45nm()
        >>> table.estimate(Query("sram", 32, capacity_bits=8 * 8192), "read").value
        5.0
        >>> table.estimate(Query("dram", 32), "read").value
        640.0
        """
        component, bits = query.component, query.bits
        if figure == AREA:
            return _area(component, bits)
        if figure not in ACTIONS.get(component, ()) or component not in self.components:
            return None
        if component == "dram":
            return _given(DRAM_PJ_PER_BIT * bits, f"640 pJ per 32 b, linear to {bits} b", 60)
        if component in {"sram", "register_file"}:
            return None if query.bank_bits is None else _memory(bits, query.bank_bits)
        if component.startswith("fp_"):
            return _floating(component, bits)
        if component == "int_mac":
            multiply = power_law(INT_MULTIPLY, bits, beyond=2)
            add = power_law(INT_ADD, 2 * bits, beyond=1)
            how = f"multiply {bits} b {multiply:.3g} pJ + add {2 * bits} b {add:.3g} pJ"
            return _given(multiply + add, how, 80)
        if component == "int_multiplier":
            return _given(power_law(INT_MULTIPLY, bits, beyond=2), f"one multiplication of {bits} b", 80)
        if figure in {"reduce", "add"}:
            return _given(power_law(INT_ADD, bits, beyond=1), f"one addition of {bits} b", 80)
        return None


def power_law(points: Points, x: float, *, beyond: float) -> float:
    """Value on the straight lines through `points` in log-log, with slope `beyond` outside of them.

    >>> round(power_law(((8, 0.2), (32, 3.1)), 16, beyond=2), 3)
    0.787
    """
    (x0, y0), (x1, y1) = points[0], points[-1]
    if x <= x0:
        return float(y0 * (x / x0) ** beyond)
    if x >= x1:
        return float(y1 * (x / x1) ** beyond)
    above = next(i for i, (at, _) in enumerate(points) if at >= x)
    (x0, y0), (x1, y1) = points[above - 1], points[above]
    if x == x1:
        return y1
    return exp(log(y0) + log(y1 / y0) * log(x / x0) / log(x1 / x0))


def power_law_through(entries: Mapping[int, float], x: float) -> float:
    """Value of the power law through the two entries, exact at both.

    >>> round(power_law_through({16: 1.0, 32: 4.0}, 8), 3)
    0.25
    """
    (x0, y0), (x1, y1) = sorted(entries.items())
    at = entries.get(int(x)) if x == int(x) else None
    return at if at is not None else float(y0 * (x / x0) ** (log(y1 / y0) / log(x1 / x0)))


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table; it is in pJ, so a chip's `mac_pj` has no place in it."""
    if mac_pj is not None:
        raise InputError(
            f"energy table {NAME!r} is in pJ and takes no `mac`; delete it, or give the compute its own "
            "`energy: {mac: ...}`"
        )
    return Horowitz45nm()


def _memory(bits: int, capacity_bits: int) -> Estimate:
    access = power_law(SRAM, capacity_bits, beyond=0.5)
    size = f"{capacity_bits / 8:.0f} B" if capacity_bits < 2**13 else f"{capacity_bits / 2**13:g} KiB"
    return _given(
        access * bits / SRAM_ACCESS_BITS,
        f"caches of 8 KiB, 32 KiB and 1 MiB at 10, 20 and 100 pJ per 64 b; as the root of the capacity to "
        f"{size}, linear to {bits} b",
        55 if SRAM[0][0] <= capacity_bits <= SRAM[-1][0] else 40,
    )


def _floating(component: str, bits: int) -> Estimate | None:
    if not FP_LEAST_BITS <= bits <= FP_MOST_BITS:
        return None
    add, multiply = (power_law_through(entries, bits) for entries in (FP_ADD, FP_MULTIPLY))
    printed = bits in FP_ADD
    name = f"FP{bits}" if printed else f"{bits} b by the power law through FP16 and FP32,"
    accuracy = 85 if printed else 60
    if component == "fp_mac":
        return _given(multiply + add, f"{name} multiply and add", accuracy)
    if component == "fp_adder":
        return _given(add, f"{name} add", accuracy)
    return _given(multiply, f"{name} multiply", accuracy)


def _area(component: str, bits: int) -> Estimate | None:
    if component == "int_mac":
        um2 = power_law(INT_MULTIPLY_UM2, bits, beyond=2) + power_law(INT_ADD_UM2, 2 * bits, beyond=1)
    elif component == "int_multiplier":
        um2 = power_law(INT_MULTIPLY_UM2, bits, beyond=2)
    elif component == "int_adder":
        um2 = power_law(INT_ADD_UM2, bits, beyond=1)
    elif component.startswith("fp_") and FP_LEAST_BITS <= bits <= FP_MOST_BITS:
        of = {"fp_adder": (1, 0), "fp_multiplier": (0, 1), "fp_mac": (1, 1)}[component]
        add, multiply = (power_law_through(entries, bits) for entries in (FP_ADD_UM2, FP_MULTIPLY_UM2))
        um2 = of[0] * add + of[1] * multiply
    else:
        return None
    return Estimate(um2 * 1e-6, 75, f"{NAME}: {um2:.4g} um2 ({AREA_SOURCE})")


def _given(energy_pj: float, how: str, accuracy: float) -> Estimate:
    return Estimate(energy_pj, accuracy, f"{NAME}: {how} ({SOURCE})")
