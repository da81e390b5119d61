"""Results of an evaluation, per layer and in total, and their JSON form (schema chipwise.evaluation/1)."""

import itertools
from collections.abc import Mapping as MappingType
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from chipwise.analysis.statistics import operation_dict
from chipwise.analysis.zeros import Zeros, zeros_dict, zeros_of
from chipwise.hardware.accelerator import Accelerator, Array, Compute, Memory, Part
from chipwise.hardware.zeros import makes_something_of_zeros
from chipwise.mapper.search import Certificate
from chipwise.mapping.mapping import Mapping
from chipwise.mapping.text import render
from chipwise.model.cost import Cost, EnergyItem, energy_by, static_items
from chipwise.model.energy import static_powers
from chipwise.model.latency import CONFIGURATION, RAMP_UP
from chipwise.workload.layer import Layer
from chipwise.workload.operation import Operation

if TYPE_CHECKING:
    from chipwise.analysis.eyexam import Eyexam

SCHEMA = "chipwise.evaluation/1"


@final
@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer on a chip with one mapping: what it costs, what bounds it, and how it is laid out."""

    layer: Layer
    accelerator: Accelerator
    mapping: Mapping
    cost: Cost
    certificate: Certificate | None = None
    """How the mapping is known to be the best; None where it was given."""

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    @property
    def energy_pj(self) -> float:
        """Energy, pJ: of all actions, and of what flows all the time where the chip gives that."""
        return self.cost.energy_pj + self.static_energy_pj

    @property
    def static(self) -> tuple[EnergyItem, ...]:
        """Energy of what flows all the time, over the layer's latency."""
        return static_items(self.accelerator, self.latency_cycles)

    @property
    def static_energy_pj(self) -> float:
        """Energy of what flows all the time, pJ."""
        return sum(item.energy_pj for item in self.static)

    @property
    def energy_items(self) -> tuple[EnergyItem, ...]:
        """All energy, by kind of action, with the source of each figure."""
        return (*self.cost.energy, *self.static)

    def energy_by(self, field: str) -> dict[str, float]:
        """Energy by `component` or `tensor`, pJ; `leakage` is one of either where the chip gives any."""
        return energy_by(self.energy_items, field)

    @property
    def power_w(self) -> float:
        """Mean power over the layer."""
        return self.energy_pj * 1e-12 / self.latency_s

    def energy_by_component_and_tensor(self) -> dict[str, dict[str, float]]:
        """Energy of each component by tensor, pJ."""
        found: dict[str, dict[str, float]] = {}
        for item in self.energy_items:
            tensors = found.setdefault(item.component, {})
            tensors[item.tensor] = tensors.get(item.tensor, 0.0) + item.energy_pj
        return found

    @property
    def latency_cycles(self) -> float:
        """Cycles of the whole layer, by `cost.breakdown`."""
        return self.cost.latency_cycles

    @property
    def latency_s(self) -> float:
        """Latency, seconds."""
        return self.latency_cycles / self.accelerator.clock_hz

    @property
    def utilization(self) -> float:
        """MACs that are done / (PEs x cycles): the fraction of the chip's peak that is reached."""
        return self.cost.macs_done / (self.accelerator.pes * self.latency_cycles)

    @property
    def off_chip_bytes(self) -> float:
        """Bytes to and from the outermost memory."""
        return self.cost.off_chip_bits / 8

    @property
    def mapping_text(self) -> str:
        """The loop nest as `chipwise map` prints it."""
        return render(self.layer, self.accelerator, self.mapping)

    def to_dict(self) -> dict[str, Any]:
        """The layer's entry of the JSON form."""
        counts = self.cost.counts
        actions: dict[str, dict[str, dict[str, int]]] = {}
        for (memory, tensor), found in counts.actions.items():
            actions.setdefault(memory, {})[tensor] = asdict(found)
        network: dict[str, dict[str, dict[str, int]]] = {}
        for (array, tensor), hops in counts.hops.items():
            network.setdefault(array, {})[tensor] = asdict(hops)
        certificate = self.certificate
        return {
            "name": self.name,
            "kind": self.layer.kind,
            "dims": dict(self.layer.dims),
            "macs": self.layer.macs,
            "energy_pj": self.energy_pj,
            "latency_cycles": self.latency_cycles,
            "latency_s": self.latency_s,
            "active_pes": self.cost.active_pes,
            "utilization": self.utilization,
            "bound_by": self.cost.bound_by,
            "cycles_by_bound": dict(self.cost.cycles),
            "latency_breakdown_cycles": self.cost.breakdown,
            "off_chip_bytes": self.off_chip_bytes,
            "energy_by_component_pj": self.energy_by("component"),
            "energy_by_tensor_pj": self.energy_by("tensor"),
            "energy_by_component_and_tensor_pj": self.energy_by_component_and_tensor(),
            "leakage_energy_pj": self.energy_by("component").get("leakage", 0.0),
            "power_w": self.power_w,
            "actions": actions,
            "network": network,
            "mapping": self.mapping_text,
            "optimality": {
                "proven": certificate is not None and certificate.proven,
                "gap": None if certificate is None else certificate.gap,
            },
            **self._zeros(),
        }

    def _zeros(self) -> dict[str, Any]:
        chip = self.accelerator
        return {"zeros": zeros_dict(self.layer, chip)} if makes_something_of_zeros(chip) else {}


@final
@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """A network on a chip: results by layer name, and totals as if layers ran one after the other."""

    network: str
    accelerator: Accelerator
    batch: int
    objective: str
    layers: MappingType[str, LayerResult]
    operations: tuple[Operation, ...] = ()
    """What the network does besides MACs: listed, and in no figure, as the chip's model has no unit for it."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers and the whole batch."""
        return sum(r.layer.macs for r in self.layers.values())

    @property
    def utilization(self) -> float:
        """MACs that are done / (PEs x cycles)."""
        done = sum(r.cost.macs_done for r in self.layers.values())
        return done / (self.accelerator.pes * self.latency_cycles)

    @property
    def energy_pj(self) -> float:
        """Energy of the whole batch, pJ."""
        return sum(r.energy_pj for r in self.layers.values())

    @property
    def overlapped_cycles(self) -> float:
        """Cycles in which the start of a layer hides behind the one before, on a chip that prefetches.

        Of each start what does not depend on the layer before, as long as the off-chip ports have nothing else to do.
        """
        if not self.accelerator.prefetches:
            return 0.0
        off_chip = [port.name for port in self.accelerator.memories[0].ports]
        found = 0.0
        for before, after in itertools.pairwise(r.cost.timing for r in self.layers.values()):
            idle = before.latency_cycles - max((before.busy[name] for name in off_chip), default=0.0)
            found += min(after.known_before, idle)
        return found

    @property
    def latency_cycles(self) -> float:
        """Cycles for the whole batch: layers one after the other, less what overlaps."""
        return sum(r.latency_cycles for r in self.layers.values()) - self.overlapped_cycles

    @property
    def breakdown(self) -> dict[str, float]:
        """Every cycle of the latency once: compute, waits, and what the slowest channel of each layer adds to them."""
        found: dict[str, float] = {}
        for result in self.layers.values():
            for name, cycles in result.cost.breakdown.items():
                found[name] = found.get(name, 0.0) + cycles
        left = self.overlapped_cycles
        for name in (CONFIGURATION, RAMP_UP):
            hidden = min(left, found.get(name, 0.0))
            if hidden:
                found[name], left = found[name] - hidden, left - hidden
        return found

    @property
    def latency_s(self) -> float:
        """Seconds for the whole batch."""
        return self.latency_cycles / self.accelerator.clock_hz

    def energy_by(self, field: str) -> dict[str, float]:
        """Energy of all layers by `component` or `tensor`, pJ."""
        found: dict[str, float] = {}
        for result in self.layers.values():
            for key, energy_pj in result.energy_by(field).items():
                found[key] = found.get(key, 0.0) + energy_pj
        return found

    @property
    def operations_bytes(self) -> float:
        """Bytes to and from off-chip for the operations, each value once, if they run apart from the layers."""
        values = sum(o.reads + o.weight_reads + o.writes for o in self.operations)
        return values * self.accelerator.word_bits / 8

    @property
    def area_mm2(self) -> float | None:
        """Of the chip as published, else of its components, which is less; None where neither is known."""
        published = self.accelerator.area_mm2
        return self.accelerator.components_area_mm2 if published is None else published

    @property
    def tops(self) -> float:
        """10^12 operations per second reached, two to a MAC."""
        return 2e-12 * self.macs / self.latency_s

    def totals(self) -> dict[str, float | int | None]:
        """Sums over layers and what follows from them; `energy_pj` and `latency_s` are of the whole batch."""
        latency_s, area_mm2 = self.latency_s, self.accelerator.area_mm2
        return {
            "macs": self.macs,
            "energy_pj": self.energy_pj,
            "energy_per_mac_pj": self.energy_pj / self.macs,
            "latency_cycles": self.latency_cycles,
            "latency_s": latency_s,
            "throughput_inferences_per_s": self.batch / latency_s,
            "power_w": self.energy_pj * 1e-12 / latency_s,
            "utilization": self.utilization,
            "area_mm2": area_mm2,
            "off_chip_bytes": sum(r.off_chip_bytes for r in self.layers.values()),
            "leakage_energy_pj": self.energy_by("component").get("leakage", 0.0),
            "leakage_w": sum(p.power_w for p in static_powers(self.accelerator) if p.kind == "leakage"),
            "components_area_mm2": self.accelerator.components_area_mm2,
            "tops": self.tops,
            "tops_per_w": 2 * self.macs / self.energy_pj,
            # Of the chip as published: the sum of its components leaves out wires and control.
            "tops_per_mm2": None if area_mm2 is None else self.tops / area_mm2,
        }

    def components(self) -> dict[str, dict[str, Any]]:
        """Of each part: class, instances, area, leakage, energy and mean power over the network, and sources."""
        chip, energy, areas = (
            self.accelerator,
            self.energy_by("component"),
            self.accelerator.area_by_component(),
        )
        leakage = {p.component: p for p in static_powers(chip) if p.kind == "leakage"}
        found: dict[str, dict[str, Any]] = {}
        parts: list[Memory | Array | Compute | Part] = [
            *chip.memories,
            *chip.arrays,
            chip.compute,
            *chip.parts,
        ]
        for part in parts:
            name = part.name
            found[name] = {
                "class": part.component,
                "instances": part.count if isinstance(part, Part) else chip.instances(name),
                "area_mm2": areas.get(name),
                "leakage_w": leakage[name].power_w if name in leakage else None,
                "energy_pj": energy.get(name, 0.0),
                "power_w": energy.get(name, 0.0) * 1e-12 / self.latency_s,
                "area_source": part.physical.area_source or None,
                "leakage_source": leakage[name].source if name in leakage else None,
            }
        return found

    @property
    def dense(self) -> bool:
        """Whether no tensor is known to have zeros."""
        return all(t.density == 1 for result in self.layers.values() for t in result.layer.tensors)

    def zeros(self) -> Zeros | None:
        """What zeros save, and cost where there are none; None on a chip that makes nothing of them."""
        return zeros_of((r.layer, r.accelerator, r.mapping) for r in self.layers.values())

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.evaluation/1."""
        zeros = self.zeros()
        return {
            "schema": SCHEMA,
            "network": self.network,
            "accelerator": self.accelerator.name,
            "batch": self.batch,
            "objective": self.objective,
            "totals": self.totals(),
            "latency_breakdown_cycles": self.breakdown,
            "components": self.components(),
            "layers": [r.to_dict() for r in self.layers.values()],
            "operations": [operation_dict(operation) for operation in self.operations],
            **({} if zeros is None else {"zeros": zeros.to_dict()}),
        }

    def save_html(self, file: str | Path, exam: "Eyexam | None" = None) -> None:
        """Write the report with charts and mappings to `file`: one page that needs nothing else.

        Args:
            file: where to.
            exam: of `chipwise.eyexam_of(result)`, to be shown as well.

        Raises:
            OSError: `file` cannot be written. InputError: the exam is of something else.
        """
        # Results offer what stands above them; import-linter knows of this one way up, and only when it is called.
        from chipwise.report.html.page import html_text  # noqa: PLC0415

        Path(file).write_text(html_text(self, exam), encoding="utf-8")
