"""Results of an evaluation, per layer and in total, and their JSON form (schema chipwise.evaluation/1)."""

from collections.abc import Mapping as MappingType
from dataclasses import asdict, dataclass
from typing import Any, final

from chipwise.analysis.statistics import operation_dict
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.search import Certificate
from chipwise.mapping.mapping import Mapping
from chipwise.mapping.text import render
from chipwise.model.cost import Cost
from chipwise.workload.layer import Layer
from chipwise.workload.operation import Operation

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
        """Energy, pJ."""
        return self.cost.energy_pj

    @property
    def latency_cycles(self) -> float:
        """Cycles of the slowest of compute and ports."""
        return self.cost.latency_cycles

    @property
    def latency_s(self) -> float:
        """Latency, seconds."""
        return self.latency_cycles / self.accelerator.clock_hz

    @property
    def utilization(self) -> float:
        """MACs / (PEs x cycles): the fraction of the chip's peak that is reached."""
        return self.layer.macs / (self.accelerator.pes * self.latency_cycles)

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
            "off_chip_bytes": self.off_chip_bytes,
            "energy_by_component_pj": self.cost.energy_by("component"),
            "energy_by_tensor_pj": self.cost.energy_by("tensor"),
            "actions": actions,
            "network": network,
            "mapping": self.mapping_text,
            "optimality": {
                "proven": certificate is not None and certificate.proven,
                "gap": None if certificate is None else certificate.gap,
            },
        }


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
    def energy_pj(self) -> float:
        """Energy of the whole batch, pJ."""
        return sum(r.energy_pj for r in self.layers.values())

    @property
    def latency_cycles(self) -> float:
        """Cycles for the whole batch."""
        return sum(r.latency_cycles for r in self.layers.values())

    @property
    def latency_s(self) -> float:
        """Seconds for the whole batch."""
        return self.latency_cycles / self.accelerator.clock_hz

    def energy_by(self, field: str) -> dict[str, float]:
        """Energy of all layers by `component` or `tensor`, pJ."""
        found: dict[str, float] = {}
        for result in self.layers.values():
            for key, energy_pj in result.cost.energy_by(field).items():
                found[key] = found.get(key, 0.0) + energy_pj
        return found

    @property
    def operations_bytes(self) -> float:
        """Bytes to and from off-chip for the operations, each value once, if they run apart from the layers."""
        values = sum(o.reads + o.weight_reads + o.writes for o in self.operations)
        return values * self.accelerator.word_bits / 8

    def totals(self) -> dict[str, float | int | None]:
        """Sums over layers and what follows from them; `energy_pj` and `latency_s` are of the whole batch."""
        latency_s = self.latency_s
        return {
            "macs": self.macs,
            "energy_pj": self.energy_pj,
            "energy_per_mac_pj": self.energy_pj / self.macs,
            "latency_cycles": self.latency_cycles,
            "latency_s": latency_s,
            "throughput_inferences_per_s": self.batch / latency_s,
            "power_w": self.energy_pj * 1e-12 / latency_s,
            "utilization": self.macs / (self.accelerator.pes * self.latency_cycles),
            "area_mm2": self.accelerator.area_mm2,
            "off_chip_bytes": sum(r.off_chip_bytes for r in self.layers.values()),
        }

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.evaluation/1."""
        return {
            "schema": SCHEMA,
            "network": self.network,
            "accelerator": self.accelerator.name,
            "batch": self.batch,
            "objective": self.objective,
            "totals": self.totals(),
            "layers": [r.to_dict() for r in self.layers.values()],
            "operations": [operation_dict(operation) for operation in self.operations],
        }
