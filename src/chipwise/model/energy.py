"""Energy of one value's worth of each action: energy per word x bits / word bits."""

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Array, Compute, Memory
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
