"""Completes a chip: every action gets its energy, from the chip itself or else from a table."""

from collections.abc import Mapping
from dataclasses import replace

from chipwise.components.registry import table_names
from chipwise.components.table import ACTIONS, AbstractEnergyTable
from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Array, Compute, Level, Memory, Parallel

NOT_MODELLED = "not modelled: neither the chip nor its table gives it"
"""Source of the zero of a network without energies."""


def with_energies(
    accelerator: Accelerator,
    table: AbstractEnergyTable | None,
    places: Mapping[str, str] | None = None,
    note: str = "",
) -> Accelerator:
    """The chip with an energy for every action that a mapping can cause.

    What the chip gives stands; the rest comes from `table`. A network's energies are often not published, so
    an array without any costs nothing, and says so.

    Args:
        accelerator: a chip whose parts hold the energies given for them, or none.
        table: gives the others; None: there are no others.
        places: where each part stands, for messages.
        note: added to the source of every energy that the table gives.

    Raises:
        InputError: a memory's read or write or the compute's mac has no energy.
    """

    def at(part: str) -> str:
        return (places or {}).get(part, f"chip {accelerator.name!r}")

    def entry(component: str, action: str, capacity_bits: int | None = None) -> ActionEnergy | None:
        if table is None:
            return None
        found = table.energy(component, action, bits=accelerator.word_bits, capacity_bits=capacity_bits)
        return found and replace(found, source=found.source + note)

    def complete(part: Memory | Compute) -> dict[str, ActionEnergy]:
        capacity_bits = part.capacity_bits if isinstance(part, Memory) else None
        found = dict(part.energy)
        for action in ("read", "write") if isinstance(part, Memory) else ("mac",):
            if action not in found:
                energy = entry(part.component, action, capacity_bits)
                if energy is None:
                    raise InputError(f"{at(part.name)}: {_missing(part, action, table)}")
                found[action] = energy
        return found

    def network(part: Array) -> dict[str, ActionEnergy]:
        nothing = ActionEnergy(0.0, NOT_MODELLED)
        return {a: part.energy.get(a) or entry("network", a) or nothing for a in ACTIONS["network"]}

    def level(part: Level) -> Level:
        if isinstance(part, Parallel):
            return Parallel(tuple(replace(m, energy=complete(m)) for m in part.memories))
        if isinstance(part, Array):
            return replace(part, energy=network(part))
        return replace(part, energy=complete(part))

    return replace(accelerator, levels=tuple(level(part) for part in accelerator.levels))


def _missing(part: Memory | Compute, action: str, table: AbstractEnergyTable | None) -> str:
    kind = "memory" if isinstance(part, Memory) else "compute"
    own = f"`energy: {{{'read: 6 pJ, write: 6 pJ' if kind == 'memory' else 'mac: 1 pJ'}}}`"
    if table is None:
        return (
            f"{kind} {part.name!r} has no energy for {action}; give it {own}, or give the chip a table, e.g. "
            f"`energy: {{table: horowitz-45nm}}` (tables: {', '.join(table_names())})"
        )
    if part.component not in table.components:
        return (
            f"{kind} {part.name!r}: component {part.component!r} is not in energy table {table.name!r}; "
            f"change it or give {own}.{did_you_mean(part.component, table.components)}"
        )
    if action not in ACTIONS[part.component]:
        fits = [c for c in table.components if action in ACTIONS[c]]
        return (
            f"{kind} {part.name!r}: component {part.component!r} has no {action}; use one of "
            f"{', '.join(fits)}, or give {own}"
        )
    unlimited = isinstance(part, Memory) and part.capacity_bits is None
    return (
        f"{kind} {part.name!r}: energy table {table.name!r} has no {action} of {part.component!r} "
        + ("without a capacity; give one, or " if unlimited else "of this width; give ")
        + own
    )
