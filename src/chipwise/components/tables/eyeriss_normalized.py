"""Access costs in units of one multiply-accumulate, as the Eyeriss papers compare dataflows."""

from dataclasses import dataclass
from typing import Final, final

from chipwise.components.table import ACTIONS, AbstractEnergyTable
from chipwise.errors import InputError
from chipwise.hardware.accelerator import ActionEnergy

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
class EyerissNormalized(AbstractEnergyTable):
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

    def energy(
        self,
        component: str,
        action: str,
        *,
        bits: int,  # noqa: ARG002 - one unit is the MAC of this word, so it scales with it already
        capacity_bits: int | None,  # noqa: ARG002
    ) -> ActionEnergy | None:
        """Units of the component x pJ of one MAC.

        >>> EyerissNormalized(1.69).energy("dram", "read", bits=16, capacity_bits=None).energy_pj
        338.0
        """
        units = UNITS.get(action if component == "network" else component)
        if units is None or action not in ACTIONS[component]:
            return None
        return ActionEnergy(
            units * self.mac_pj, f"{NAME}: {units:g} x one MAC of {self.mac_pj:g} pJ ({SOURCE})"
        )


def build(mac_pj: float | None) -> AbstractEnergyTable:
    """The table with one unit of `mac_pj`."""
    if mac_pj is None:
        raise InputError(
            f"energy table {NAME!r} counts in multiply-accumulates; give one, e.g. "
            f"`energy: {{table: {NAME}, mac: 1.69 pJ}}`"
        )
    return EyerissNormalized(mac_pj)
