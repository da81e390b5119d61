"""What a mapping costs: counts x energy per action, and the time that compute, channels and waits need.

energy  = Σ actions x energy per action                       [pJ]
latency: `chipwise.model.latency`                              [cycles]
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapping.mapping import Mapping
from chipwise.model.actions import Counts
from chipwise.model.counts import count
from chipwise.model.energy import action_energy, mac_energy_pj, static_powers, value_energy_pj
from chipwise.model.latency import COMPUTE, Timing, timing
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class EnergyItem:
    """One kind of action: how often, at what energy, and where that figure comes from."""

    component: str
    tensor: str
    action: str
    count: int
    energy_pj_each: float
    source: str

    @property
    def energy_pj(self) -> float:
        """Count x energy of one."""
        return self.count * self.energy_pj_each


@final
@dataclass(frozen=True, slots=True)
class StaticItem:
    """What flows all the time, as an item beside those of actions: `count` cycles at an energy of one."""

    component: str
    tensor: str
    action: str
    count: float
    energy_pj_each: float
    source: str

    @property
    def energy_pj(self) -> float:
        """Count x energy of one."""
        return self.count * self.energy_pj_each


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """Counts, energy by kind of action, and cycles by what needs them."""

    counts: Counts
    energy: tuple[EnergyItem, ...]
    timing: Timing
    off_chip_bits: int

    @property
    def energy_pj(self) -> float:
        """Energy of the whole layer."""
        return sum(item.energy_pj for item in self.energy)

    @property
    def cycles(self) -> dict[str, float]:
        """Cycles that `compute` and every channel (port, network, link) are busy."""
        return {COMPUTE: self.timing.compute, **self.timing.busy}

    @property
    def latency_cycles(self) -> float:
        """Cycles of the whole layer."""
        return float(self.timing.latency_cycles)

    @property
    def breakdown(self) -> dict[str, float]:
        """Every cycle of the latency once, by what it is spent on: compute, waits, and channels that hold it up."""
        return self.timing.breakdown

    @property
    def bound_by(self) -> str:
        """`compute`, the channel that holds it up, or the wait that takes longer than all work."""
        return self.timing.bound_by

    @property
    def active_pes(self) -> float:
        """Mean MACs per cycle of compute."""
        return self.counts.macs / self.counts.cycles

    def energy_by(self, field: str) -> dict[str, float]:
        """Energy summed by `component` or `tensor`, pJ, in order of appearance."""
        return energy_by(self.energy, field)


def energy_by(items: Iterable[EnergyItem | StaticItem], field: str) -> dict[str, float]:
    """Energy summed by a field of the items, pJ, in order of appearance."""
    found: dict[str, float] = {}
    for item in items:
        key = getattr(item, field)
        found[key] = found.get(key, 0.0) + item.energy_pj
    return found


def static_items(chip: Accelerator, cycles: float) -> tuple[StaticItem, ...]:
    """What flows all the time, over `cycles`: leakage as a component of its own, with the part as its action.

    It stands beside the energy of actions, which is what a mapping is chosen by.
    """
    return tuple(
        StaticItem(
            "leakage" if power.kind == "leakage" else power.component,
            power.kind,
            power.component if power.kind == "leakage" else power.kind,
            cycles,
            power.power_w * 1e12 / chip.clock_hz,
            power.source,
        )
        for power in static_powers(chip)
    )


def cost(layer: Layer, chip: Accelerator, mapping: Mapping) -> Cost:
    """Counts, energy and cycles of a legal mapping.

    Args:
        layer: what is computed.
        chip: what it runs on, with an energy for every action.
        mapping: a legal mapping of the layer on the chip.
    """
    counts = count(layer, chip, mapping)
    energy = tuple(_energy(layer, chip, counts))
    return Cost(counts, energy, timing(layer, chip, counts), _off_chip_bits(layer, chip, counts))


def _energy(layer: Layer, chip: Accelerator, counts: Counts) -> list[EnergyItem]:
    items = []
    for (name, tensor), actions in counts.actions.items():
        memory = chip.memory(name)
        totals = {"read": actions.reads + actions.drains, "write": actions.fills + actions.updates}
        for action, total in totals.items():
            each = value_energy_pj(chip, memory, action, layer.tensor(tensor))
            items.append(EnergyItem(name, tensor, action, total, each, action_energy(memory, action).source))
    arrays = {array.name: array for array in chip.arrays}
    for (name, tensor), hops in counts.hops.items():
        for action, total in (("transfer", hops.transfers), ("reduce", hops.reductions)):
            each = value_energy_pj(chip, arrays[name], action, layer.tensor(tensor))
            source = action_energy(arrays[name], action).source
            items.append(EnergyItem(name, tensor, action, total, each, source))
    compute = chip.compute
    source = action_energy(compute, "mac").source
    items.append(EnergyItem(compute.name, "mac", "mac", counts.macs, mac_energy_pj(chip), source))
    return items


def _off_chip_bits(layer: Layer, chip: Accelerator, counts: Counts) -> int:
    """Bits read from and written to the outermost memory."""
    outermost = chip.memories[0].name
    return sum(
        (a.reads + a.fills + a.updates + a.drains) * chip.bits(layer.tensor(tensor).bits)
        for (memory, tensor), a in counts.actions.items()
        if memory == outermost
    )
