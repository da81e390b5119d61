"""The seam behind which energies come from: a table knows components and what their actions cost."""

from abc import ABC, abstractmethod

from chipwise.hardware.accelerator import ActionEnergy

ACTIONS: dict[str, tuple[str, ...]] = {
    "dram": ("read", "write"),
    "sram": ("read", "write"),
    "register_file": ("read", "write"),
    "int_mac": ("mac",),
    "fp_mac": ("mac",),
    "network": ("transfer", "reduce"),
}
"""Primitive components and their actions, by the names that chip files use."""


class AbstractEnergyTable(ABC):
    """Energies of primitive components from one source.

    A table is final data: a frozen dataclass in a module of its own in `tables/`, made by the module's
    `build(mac_pj)`, where `mac_pj` is what the chip states for one multiply-accumulate, or None.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """As chip files write it."""

    @property
    @abstractmethod
    def components(self) -> tuple[str, ...]:
        """Components of which the table knows at least one action."""

    @abstractmethod
    def energy(
        self, component: str, action: str, *, bits: int, capacity_bits: int | None
    ) -> ActionEnergy | None:
        """Energy of one `action` on one word.

        Args:
            component: a name in `ACTIONS`.
            action: one of the component's.
            bits: width of the word.
            capacity_bits: of one instance, for memories; None where there is none or it has no limit.

        Returns:
            pJ with its source, or None for what the table does not know.
        """
