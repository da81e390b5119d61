"""What a mapping costs: counts x energy per action, and the time that compute, channels and waits need.

energy  = Σ actions x energy per action                       [pJ]
latency: `chipwise.model.latency`                              [cycles]
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import final

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapping.mapping import Mapping
from chipwise.model.actions import Counts
from chipwise.model.counts import count
from chipwise.model.energy import action_energy, static_powers
from chipwise.model.latency import COMPUTE, Timing, timing
from chipwise.model.sparse import Sparse, sparse_of
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class EnergyItem:
    """One kind of action: how often, at what energy, and where that figure comes from.

    What flows all the time is one as well: so many cycles at the energy of one.
    """

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
    moved_bits: MappingType[tuple[str, str], float]
    """In and out of every memory, all instances, by tensor: as stored, and without what zeros skip."""
    off_chip_bits: float
    macs_done: float
    """Those that no zero skips."""

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


def energy_by(items: Iterable[EnergyItem], field: str) -> dict[str, float]:
    """Energy summed by a field of the items, pJ, in order of appearance."""
    found: dict[str, float] = {}
    for item in items:
        key = getattr(item, field)
        found[key] = found.get(key, 0.0) + item.energy_pj
    return found


def static_items(chip: Accelerator, cycles: float) -> tuple[EnergyItem, ...]:
    """What flows all the time, over `cycles`: leakage as a component of its own, with the part as its action.

    It stands beside the energy of actions, which is what a mapping is chosen by.
    """
    return tuple(
        EnergyItem(
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
    counts, sparse = count(layer, chip, mapping), sparse_of(layer, chip)
    energy = tuple(_energy(sparse, counts))
    moved, outermost = _moved_bits(sparse, counts), chip.memories[0].name
    return Cost(
        counts=counts,
        energy=energy,
        timing=timing(sparse, counts),
        moved_bits=moved,
        off_chip_bits=sum(bits for (memory, _), bits in moved.items() if memory == outermost),
        macs_done=counts.macs * sparse.done,
    )


def _energy(sparse: Sparse, counts: Counts) -> Iterator[EnergyItem]:
    """Items by memory, tensor and action; two where an action towards compute is saved and the other one is not."""
    layer, chip = sparse.layer, sparse.chip
    for (name, tensor), found in counts.actions.items():
        memory = chip.memory(name)
        for action, kinds in (("read", ("reads", "drains")), ("write", ("fills", "updates"))):
            prices: dict[float, int] = {}
            for kind in kinds:
                each = sparse.access_pj(memory, kind, layer.tensor(tensor))
                prices[each] = prices.get(each, 0) + getattr(found, kind)
            source = action_energy(memory, action).source
            for each, total in prices.items():
                yield EnergyItem(name, tensor, action, total, each, source)
    arrays = {array.name: array for array in chip.arrays}
    for (name, tensor), hops in counts.hops.items():
        for kind, action in (("transfers", "transfer"), ("reductions", "reduce")):
            each = sparse.access_pj(arrays[name], kind, layer.tensor(tensor))
            source = action_energy(arrays[name], action).source
            yield EnergyItem(name, tensor, action, getattr(hops, kind), each, source)
    compute = chip.compute
    source = action_energy(compute, "mac").source
    yield EnergyItem(compute.name, "mac", "mac", counts.macs, sparse.mac_pj, source)


def _moved_bits(sparse: Sparse, counts: Counts) -> dict[tuple[str, str], float]:
    """Bits read from and written to every memory, as they are stored there."""
    found = {}
    for (memory, tensor), a in counts.actions.items():
        kinds = {"reads": a.reads, "fills": a.fills, "updates": a.updates, "drains": a.drains}
        found[memory, tensor] = sum(n * sparse.moved_bits(memory, kind, tensor) for kind, n in kinds.items())
    return found
