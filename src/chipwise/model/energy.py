"""Energy of one value's worth of each action: energy per word x bits / word bits; and power that always flows."""

from dataclasses import dataclass
from typing import final

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Array, Compute, Memory, Part
from chipwise.workload.layer import Tensor

NOTHING = ActionEnergy(0.0, "not modelled")


def action_energy(part: Memory | Array | Compute, action: str) -> ActionEnergy:
    """Energy of `action` on one word of `part`; a network without figures costs nothing and says so.

    Raises:
        InputError: a memory or the compute has no energy for it.
    """
    found = part.energy.get(action)
    if found is not None:
        return found
    if isinstance(part, Array):
        return NOTHING
    raise InputError(
        f"{part.name!r} has no energy for {action!r}; give `energy: {{{action}: 1 pJ}}` or a table that knows "
        f"component {part.component!r}"
    )


def value_energy_pj(chip: Accelerator, part: Memory | Array, action: str, tensor: Tensor) -> float:
    """Energy of `action` on one value of `tensor`, pJ: words scale with the tensor's bits."""
    return action_energy(part, action).energy_pj * chip.bits(tensor.bits) / chip.word_bits


def mac_energy_pj(chip: Accelerator) -> float:
    """Energy of one multiply-accumulate, pJ."""
    return action_energy(chip.compute, "mac").energy_pj


@final
@dataclass(frozen=True, slots=True)
class StaticPower:
    """Power of all instances of one part, whatever they do: `leakage`, or `cycle` for what every cycle costs."""

    component: str
    kind: str
    power_w: float
    source: str


def static_powers(chip: Accelerator) -> tuple[StaticPower, ...]:
    """What flows all the time, by part; nothing where the chip gives nothing.

    leakage = power of one instance x instances, or energy per cycle (`leak`) x clock x instances. A figure for the
    whole chip stands for all parts. A part's `cycle` is energy per cycle x clock x count.
    """
    found = []
    if chip.leakage_w is not None:
        found.append(StaticPower("chip", "leakage", chip.leakage_w, chip.leakage_source))
    else:
        parts: list[Memory | Array | Compute | Part] = [
            *chip.memories,
            *chip.arrays,
            chip.compute,
            *chip.parts,
        ]
        for part in parts:
            count = part.count if isinstance(part, Part) else chip.instances(part.name)
            watts, source = part.physical.leakage_w, part.physical.leakage_source
            if watts is None and "leak" in part.energy:
                watts = part.energy["leak"].energy_pj * 1e-12 * chip.clock_hz
                source = part.energy["leak"].source
            if watts is not None:
                found.append(StaticPower(part.name, "leakage", watts * count, source))
    for extra in chip.parts:
        if "cycle" in extra.energy:
            cycle = extra.energy["cycle"]
            watts = cycle.energy_pj * 1e-12 * chip.clock_hz * extra.count
            found.append(StaticPower(extra.name, "cycle", watts, cycle.source))
    return tuple(found)
