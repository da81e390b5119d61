"""A network on an engine, layer by layer: with its zeros and bits, without them, and on the dense counterpart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

from chipwise.analysis.engines.engine import Engine, EngineCost, Mask
from chipwise.analysis.engines.values import unrolled
from chipwise.analysis.engines.work import WORD_BITS, Work, work_of
from chipwise.errors import InputError
from chipwise.sparsity.densities.actual import Actual
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network

SCHEMA = "chipwise.engines/1"


@final
@dataclass(frozen=True, slots=True)
class LayerRun:
    """One layer: `plain` on the counterpart, `dense` on the engine without a zero at 16 b, `cost` with both."""

    work: Work
    plain: EngineCost
    dense: EngineCost
    cost: EngineCost

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.work.name,
            "kind": self.work.kind,
            "macs": self.work.macs,
            "input_density": self.work.input_density,
            "weight_density": self.work.weight_density,
            "input_bits": self.work.input_bits,
            "weight_bits": self.work.weight_bits,
            "accumulator_bits": self.work.accumulator_bits,
            **_figures(self.plain, self.dense, self.cost),
            "energy_by_component_pj": self.cost.energy_by_component_pj(),
            "notes": dict(self.cost.notes),
        }


@final
@dataclass(frozen=True, slots=True)
class EngineRun:
    """All layers that the engine runs, and why it does not run the others."""

    engine: Engine
    network: str
    layers: tuple[LayerRun, ...]
    refused: tuple[tuple[str, str], ...]

    def total(self) -> tuple[EngineCost, EngineCost, EngineCost]:
        """Counterpart, engine without zeros, engine with them: sums over layers."""
        found = []
        for costs in (
            [layer.plain for layer in self.layers],
            [layer.dense for layer in self.layers],
            [layer.cost for layer in self.layers],
        ):
            items = tuple(item for cost in costs for item in cost.items)
            found.append(EngineCost(sum(cost.cycles for cost in costs), items))
        plain, dense, cost = found
        return plain, dense, cost

    def sources(self) -> dict[str, str]:
        """Where the energy of each component comes from, in order of appearance."""
        return {item.component: item.source for layer in self.layers for item in layer.cost.items}

    def to_dict(self) -> dict[str, Any]:
        """JSON form, schema chipwise.engines/1."""
        plain, dense, cost = self.total()
        return {
            "schema": SCHEMA,
            "engine": self.engine.name,
            "title": self.engine.title,
            "source": self.engine.source,
            "counterpart": self.engine.counterpart,
            "area": self.engine.area,
            "clock_hz": self.engine.clock_hz,
            "network": self.network,
            "totals": {
                **_figures(plain, dense, cost),
                "latency_s": cost.cycles / self.engine.clock_hz,
            },
            "layers": [layer.to_dict() for layer in self.layers],
            "refused": [{"name": name, "why": why} for name, why in self.refused],
            "energy_sources": self.sources(),
        }


def speedup(plain: EngineCost, cost: EngineCost) -> float | None:
    """Cycles of the counterpart / cycles of the engine; None where nothing is left to do."""
    return plain.cycles / cost.cycles if cost.cycles else None


def _figures(plain: EngineCost, dense: EngineCost, cost: EngineCost) -> dict[str, Any]:
    return {
        "plain_cycles": plain.cycles,
        "dense_cycles": dense.cycles,
        "cycles": cost.cycles,
        "speedup": speedup(plain, cost),
        "overhead": dense.cycles / plain.cycles - 1,
        "plain_energy_pj": plain.energy_pj,
        "dense_energy_pj": dense.energy_pj,
        "energy_pj": cost.energy_pj,
        "energy_ratio": cost.energy_pj / plain.energy_pj,
        "energy_overhead": dense.energy_pj / plain.energy_pj - 1,
    }


def run_engine(network: Network, engine: Engine) -> EngineRun:
    """Every layer of `network` on `engine`, with the densities and bits of its tensors.

    Where a layer's input and weight have actual values for a pattern, their zeros are counted.

    Raises:
        InputError: the engine runs no layer of it; values that do not fit their layer.

    >>> from chipwise.analysis.engines.registry import engine
    >>> from chipwise.workload import registry
    >>> run = run_engine(registry.build("alexnet"), engine("eie"))
    >>> [layer.work.name for layer in run.layers]
    ['fc6', 'fc7', 'fc8']
    """
    runs: list[LayerRun] = []
    refused: list[tuple[str, str]] = []
    known: dict[Work, LayerRun] = {}
    for layer in network.layers:
        why = _refusal(layer, engine)
        if why:
            refused.append((layer.name, why))
            continue
        work = work_of(layer)
        left, right = layer.tensor("input").pattern, layer.tensor("weight").pattern
        if isinstance(left, Actual) and isinstance(right, Actual):
            runs.append(_actual(layer, work, engine, left.mask, right.mask))
            continue
        # Layers that differ in name only are run once.
        nameless = replace(work, name="")
        if nameless not in known:
            known[nameless] = _run(work, engine)
        runs.append(replace(known[nameless], work=work))
    if not runs:
        reasons = "; ".join(dict.fromkeys(why for _, why in refused))
        raise InputError(f"engine {engine.name!r} runs no layer of network {network.name!r}: {reasons}")
    return EngineRun(engine, network.name, tuple(runs), tuple(refused))


def _run(work: Work, engine: Engine) -> LayerRun:
    wide = replace(work.dense(), input_bits=WORD_BITS, weight_bits=WORD_BITS)
    dense = engine.cost(wide)
    return LayerRun(work, engine.plain(work), dense, dense if work == wide else engine.cost(work))


def compare_engines(network: Network, engines: Sequence[Engine]) -> tuple[list[EngineRun], dict[str, str]]:
    """The network on each engine, and why some run none of it.

    Raises:
        InputError: no engine runs any of it; values as for `run_engine`.
    """
    runs: list[EngineRun] = []
    refused: dict[str, str] = {}
    for engine in engines:
        if all(_refusal(layer, engine) for layer in network.layers):
            refused[engine.name] = _refusal(network.layers[0], engine)
            continue
        runs.append(run_engine(network, engine))
    if not runs:
        raise InputError(f"no engine runs a layer of network {network.name!r}")
    return runs, refused


def _refusal(layer: Layer, engine: Engine) -> str:
    try:
        return engine.refusal(work_of(layer))
    except InputError as error:
        return str(error)


def _actual(layer: Layer, work: Work, engine: Engine, inputs: Mask, weights: Mask) -> LayerRun:
    left, right = unrolled(layer, work, inputs, weights)
    # Padding is zeros too, and is skipped like others.
    counted = replace(work, input_density=float(left.mean()), weight_density=float(right.mean()))
    run = _run(counted.dense(), engine)
    return LayerRun(counted, run.plain, run.dense, engine.actual(counted, left, right))


def sweep(network: Network, engine: Engine, densities: Sequence[float]) -> list[tuple[float, float, float]]:
    """(density, cycles, energy) relative to the counterpart, both operands of every layer at the same density."""
    works = [work_of(layer) for layer in network.layers]
    works = [work for work in works if not engine.refusal(work)]
    plain = [engine.plain(work) for work in works]
    cycles, energy = sum(cost.cycles for cost in plain), sum(cost.energy_pj for cost in plain)
    found = []
    for density in densities:
        costs = [engine.cost(replace(w, input_density=density, weight_density=density)) for w in works]
        found.append(
            (density, sum(c.cycles for c in costs) / cycles, sum(c.energy_pj for c in costs) / energy)
        )
    return found
