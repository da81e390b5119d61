"""What zeros save on a chip, and what looking for them costs where there are none."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, final

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.zeros import makes_something_of_zeros, without_zeros
from chipwise.mapping.mapping import Mapping
from chipwise.model.cost import cost, static_items
from chipwise.model.sparse import sparse_of
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class Zeros:
    """Energy and time of the mappings found, three ways; on the same mappings, so that nothing else differs."""

    energy_pj: float
    latency_cycles: float
    plain_energy_pj: float
    """On the chip without compression, gating and skipping, whatever the data."""
    plain_latency_cycles: float
    dense_energy_pj: float
    """On the chip as it is, if no value were zero."""
    dense_latency_cycles: float

    @property
    def less_energy(self) -> float:
        """Times less energy than without."""
        return self.plain_energy_pj / self.energy_pj

    @property
    def less_time(self) -> float:
        """Times less time than without."""
        return self.plain_latency_cycles / self.latency_cycles

    @property
    def energy_overhead(self) -> float:
        """More energy on dense data than without, as a fraction."""
        return self.dense_energy_pj / self.plain_energy_pj - 1

    @property
    def time_overhead(self) -> float:
        """More time on dense data than without, as a fraction."""
        return self.dense_latency_cycles / self.plain_latency_cycles - 1

    @property
    def costs_nothing(self) -> bool:
        """Whether dense data take just as much as without."""
        return max(abs(self.energy_overhead), abs(self.time_overhead)) < 1e-9

    def to_dict(self) -> dict[str, float]:
        """The JSON form."""
        return {
            "less_energy": self.less_energy,
            "less_time": self.less_time,
            "energy_overhead_on_dense": self.energy_overhead,
            "time_overhead_on_dense": self.time_overhead,
        }


def zeros_of(layers: Iterable[tuple[Layer, Accelerator, Mapping]]) -> Zeros | None:
    """What zeros save over layers with their chip and mapping; None on chips that make nothing of them."""
    found = [
        (
            _priced(layer, chip, mapping),
            _priced(layer, without_zeros(chip), mapping),
            _dense(layer, chip, mapping),
        )
        for layer, chip, mapping in layers
        if makes_something_of_zeros(chip)
    ]
    if not found:
        return None
    ours, plain, dense = (
        [sum(column) for column in zip(*way, strict=True)] for way in zip(*found, strict=True)
    )
    return Zeros(*ours, *plain, *dense)


def _priced(layer: Layer, chip: Accelerator, mapping: Mapping) -> tuple[float, float]:
    """Energy with what flows all the time, and cycles."""
    found = cost(layer, chip, mapping)
    cycles = found.latency_cycles
    return found.energy_pj + sum(item.energy_pj for item in static_items(chip, cycles)), cycles


def _dense(layer: Layer, chip: Accelerator, mapping: Mapping) -> tuple[float, float]:
    """Of the layer without zeros; a tensor that the chip can only store with its pattern keeps it."""
    for t in layer.tensors:
        full = replace(
            layer,
            tensors=tuple(replace(o, density=1.0, pattern=None) if o == t else o for o in layer.tensors),
        )
        try:
            sparse_of(full, chip)
        except InputError:
            continue
        layer = full
    return _priced(layer, chip, mapping)


def zeros_dict(layer: Layer, chip: Accelerator) -> dict[str, Any]:
    """Factors of one layer for the JSON form: how tensors are stored, and which accesses and MACs are left."""
    sparse = sparse_of(layer, chip)
    parts: dict[str, dict[str, Any]] = {}
    for (part, tensor), stored in sparse.stored.items():
        passed = sparse.passed[part, tensor]
        served = sparse.served.get((part, tensor), passed)
        parts.setdefault(part, {})[tensor] = {
            "format": stored.format,
            "bits_per_value": stored.bits,
            "metadata_bits_per_value": stored.metadata_bits,
            "accesses_left_energy": served.energy,
            "accesses_left_time": served.time,
        }
    macs = {"left_energy": sparse.compute.energy, "left_time": sparse.compute.time, "done": sparse.done}
    return {"densities": {t.name: t.density for t in layer.tensors}, "stored": parts, "macs": macs}
