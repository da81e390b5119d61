"""Access costs in units of one multiply-accumulate, as the Eyeriss papers compare dataflows."""

from dataclasses import dataclass
from typing import Final, final

from chipwise.components.classes import ACTIONS
from chipwise.components.estimator import AbstractEstimator, Estimate, Query
from chipwise.errors import InputError

NAME: Final = "eyeriss-normalized"
SOURCE: Final = "Chen et al., ISCA 2016; Sze et al., Proc. IEEE 105(12), 2017, fig. 22"
UNITS: Final = {
    "dram": 200.0,
    "sram": 6.0,
    "register_file": 1.0,
    "int_mac": 1.0,
    "transfer": 2.0,
    # The adder that reduces is the PE's own and its addition part of its MAC: the energy equation of
    # ISCA 2016 charges an accumulation across the array with the hop alone.
    "reduce": 0.0,
}
"""MACs per access of one word. Published for register files of 0.5-1 kB, buffers of 100-500 kB and arrays of
200-1000 PEs; the table does not scale them, neither with capacity nor with the width of the word."""


@final
@dataclass(frozen=True, slots=True)
class EyerissNormalized(AbstractEstimator):
    """MAC 1, register file 1, hop between PEs 2, global buffer 6, DRAM 200; one unit is `mac_pj`."""

    mac_pj: float

    @property
    def name(self) -> str:
        """As chip files write it."""
        return NAME

    @property
    def components(self) -> tuple[str, ...]:
        """Components of which the table knows at least one action."""
        return ("dram", "sram", "register_file", "int_mac", "network")

    @property
    def range(self) -> str:
        """Sizes for which the ratios are published."""
        return (
            "register files of 0.5-1 kB, buffers of 100-500 kB, 200-1000 PEs, in units of the chip's own MAC"
        )

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """Units of the component x pJ of one MAC, whatever its size.

        >>> EyerissNormalized(1.69).estimate(Query("dram", 16), "read").value
        338.0
        """
        units = UNITS.get(figure if query.component == "network" else query.component)
        if units is None or figure not in ACTIONS[query.component]:
            return None
        source = f"{NAME}: {units:g} x one MAC of {self.mac_pj:g} pJ ({SOURCE})"
        return Estimate(units * self.mac_pj, 70, source)


def build(mac_pj: float | None) -> AbstractEstimator:
    """The table with one unit of `mac_pj`."""
    if mac_pj is None:
        raise InputError(
            f"energy table {NAME!r} counts in multiply-accumulates; give one, e.g. "
            f"`energy: {{table: {NAME}, mac: 1.69 pJ}}`"
        )
    return EyerissNormalized(mac_pj)
