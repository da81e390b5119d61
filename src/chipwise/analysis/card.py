"""A benchmark card: every specification that the 2017 survey asks of a design, and the gates of a user's requirements.

The specifications are those of Table V of Sze et al., Proc. IEEE 105(12), 2017, arXiv:1703.09039, section VIII: without
the accuracy on a task, or the off-chip traffic, a design can look as good as one likes. What nobody has given stands
there as missing. Gates are passed in the survey's order: accuracy, latency and throughput, energy and power, cost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, final

from chipwise.analysis.metrics import Given, storage_bits
from chipwise.analysis.results import EvaluationResult
from chipwise.errors import InputError, did_you_mean
from chipwise.units import (
    area_mm2,
    capacity_bits,
    energy_pj,
    format_area,
    format_bytes,
    format_energy,
    format_power,
    format_time,
    power_w,
    time_s,
)

SCHEMA = "chipwise.card/1"

PUBLISHED, GIVEN, MODELLED, MISSING = "published", "given", "modelled", "missing"
"""Who says so: the chip's source, the user, chipwise, nobody."""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One specification; `value` None where it is missing."""

    metric: str
    name: str
    value: str | float | int | None
    unit: str = ""
    how: str = MODELLED
    note: str = ""


@final
@dataclass(frozen=True, slots=True)
class Gate:
    """One requirement: whether it is met, None where what it asks for is not known."""

    stage: str
    requirement: str
    value: str
    met: bool | None


@final
@dataclass(frozen=True, slots=True)
class Card:
    """The specifications of one design on one network, and how it fares against requirements."""

    network: str
    accelerator: str
    entries: tuple[Entry, ...]
    gates: tuple[Gate, ...]

    @property
    def missing(self) -> list[str]:
        """Names of specifications that nobody has given."""
        return [e.name for e in self.entries if e.how == MISSING]

    @property
    def fails_at(self) -> Gate | None:
        """The first gate that is not shown to be passed."""
        return next((gate for gate in self.gates if not gate.met), None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, schema chipwise.card/1."""
        failed = self.fails_at
        return {
            "schema": SCHEMA,
            "network": self.network,
            "accelerator": self.accelerator,
            "specifications": [
                {
                    "metric": e.metric,
                    "name": e.name,
                    "value": e.value,
                    "unit": e.unit,
                    "how": e.how,
                    "note": e.note,
                }
                for e in self.entries
            ],
            "missing": self.missing,
            "gates": [
                {"stage": g.stage, "requirement": g.requirement, "value": g.value, "met": g.met}
                for g in self.gates
            ],
            "fails_at": None if failed is None else failed.stage,
        }


def card(result: EvaluationResult, given: Given | None = None, require: str = "") -> Card:
    """The card of an evaluation.

    Args:
        result: what was evaluated.
        given: what only the user knows, such as the accuracy.
        require: requirements such as "latency<=10ms,energy<=5mJ,accuracy>=0.57"; energy is per inference, latency that
            of the batch.

    Raises:
        InputError: a requirement that cannot be read.
    """
    given = given or Given()
    return Card(
        result.network,
        result.accelerator.name,
        tuple(_entries(result, given)),
        tuple(gates_of(result, given, require)),
    )


def _known(
    metric: str, name: str, value: str | float | None, unit: str = "", *, how: str, note: str = ""
) -> Entry:
    return Entry(
        metric, name, None if value == "" else value, unit, MISSING if value in (None, "") else how, note
    )


def _entries(result: EvaluationResult, given: Given) -> list[Entry]:
    return [*_cost(result), *_accuracy(result, given), *_speed(result), *_power(result), *_setup(given)]


def _cost(result: EvaluationResult) -> list[Entry]:
    chip, metric = result.accelerator, "cost"
    technology = ", ".join(f"{value}" for value in chip.technology.values())
    area, whose = result.area_mm2, PUBLISHED if chip.area_mm2 is not None else MODELLED
    kilobytes = storage_bits(chip) / 8e3
    return [
        _known(metric, "process technology", technology, how=PUBLISHED),
        _known(metric, "core area", area, "mm2", how=whose),
        _known(metric, "on-chip memory", kilobytes, "kB", how=PUBLISHED),
        _known(metric, "multipliers", chip.pes, how=PUBLISHED),
        _known(
            metric, "core area per multiplier", None if area is None else area / chip.pes, "mm2", how=whose
        ),
        _known(metric, "on-chip memory per multiplier", kilobytes / chip.pes, "kB", how=PUBLISHED),
    ]


def _accuracy(result: EvaluationResult, given: Given) -> list[Entry]:
    metric, chip = "accuracy", result.accelerator
    layers = [r.layer for r in result.layers.values()]
    tensors = [t for layer in layers for t in layer.tensors]
    known = [t for t in tensors if t.density_known]
    sparse = any(t.density < 1 for t in known)
    bits: dict[str, set[int]] = {}
    for t in tensors:
        bits.setdefault(t.name, set()).add(chip.bits(t.bits))
    width = {name: "/".join(str(b) for b in sorted(found)) for name, found in bits.items()}
    kinds = ", ".join(dict.fromkeys(layer.kind for layer in layers))
    return [
        Entry(metric, "network", f"{result.network}, {len(layers)} layers ({kinds})", how=GIVEN),
        _known(metric, "accuracy", given.accuracy, how=GIVEN, note=given.task),
        Entry(
            metric,
            "dense or sparse",
            "sparse" if sparse else "dense",
            how=GIVEN if known else MODELLED,
            note="" if known else "no densities given",
        ),
        Entry(metric, "supported layers", ", ".join(chip.runs) or "all that have a mapping", how=PUBLISHED),
        _known(metric, "bits per weight", width.get("weight"), how=PUBLISHED),
        _known(metric, "bits per input activation", width.get("input"), how=PUBLISHED),
    ]


def _speed(result: EvaluationResult) -> list[Entry]:
    metric, totals = "latency and throughput", result.totals()
    return [
        Entry(metric, "batch size", result.batch, how=GIVEN),
        Entry(metric, "run time", 1e3 * result.latency_s, "ms", note="of the batch"),
        Entry(metric, "throughput", totals["throughput_inferences_per_s"], "inferences/s"),
        Entry(metric, "utilisation", totals["utilization"], note="of peak"),
    ]


def _power(result: EvaluationResult) -> list[Entry]:
    metric, totals = "power and energy", result.totals()
    power, off_chip = totals["power_w"], totals["off_chip_bytes"]
    assert power is not None
    assert off_chip is not None
    outermost = result.accelerator.memories[0].name
    beyond = result.energy_by("component").get(outermost, 0.0) / result.energy_pj
    return [
        Entry(
            metric, "power", 1e3 * power, "mW", note=f"of which {100 * beyond:.3g} % off-chip ({outermost})"
        ),
        Entry(metric, "energy per inference", 1e-9 * result.energy_pj / result.batch, "mJ"),
        Entry(metric, "off-chip accesses per inference", 1e-6 * off_chip / result.batch, "MB"),
    ]


def _setup(given: Given) -> list[Entry]:
    metric = "test setup"
    return [
        Entry(
            metric,
            "measured or simulated",
            "modelled",
            note="chipwise: exact counts x energies of each action",
        ),
        Entry(
            metric, "synthesis or place and route", "neither", note="the chip's own figures are of its source"
        ),
        _known(metric, "images tested", given.images, how=GIVEN),
    ]


# Gates

_Reader = Callable[[str], float]


@final
@dataclass(frozen=True, slots=True)
class _Quantity:
    """What may be required: at which stage, read how, found where, told how, and which way is good."""

    stage: str
    read: _Reader
    find: Callable[[EvaluationResult, Given], float | None]
    tell: Callable[[float], str]
    example: str
    at_least: bool = False


def _number(text: str) -> float:
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        value = nan
    if not isfinite(value):
        raise InputError(f"{text!r} is not a number")
    return value


def _rate(text: str) -> float:
    return _number(text.removesuffix("/s").strip())


_ACCURACY, _SPEED, _ENERGY, _COST = "accuracy", "latency and throughput", "energy and power", "cost"

_QUANTITIES = {
    "accuracy": _Quantity(
        _ACCURACY, _number, lambda _, g: g.accuracy, lambda v: f"{v:.4g}", "0.57", at_least=True
    ),
    "latency": _Quantity(_SPEED, time_s, lambda r, _: r.latency_s, format_time, "10 ms"),
    "throughput": _Quantity(
        _SPEED, _rate, lambda r, _: r.batch / r.latency_s, lambda v: f"{v:.3g}/s", "30/s", at_least=True
    ),
    "energy": _Quantity(_ENERGY, energy_pj, lambda r, _: r.energy_pj / r.batch, format_energy, "5 mJ"),
    "power": _Quantity(
        _ENERGY, power_w, lambda r, _: r.energy_pj * 1e-12 / r.latency_s, format_power, "300 mW"
    ),
    "off_chip": _Quantity(
        _ENERGY,
        lambda text: float(capacity_bits(text)),
        lambda r, _: 8 * sum(layer.off_chip_bytes for layer in r.layers.values()) / r.batch,
        format_bytes,
        "4 MB",
    ),
    "area": _Quantity(_COST, area_mm2, lambda r, _: r.area_mm2, format_area, "10 mm2"),
    "storage": _Quantity(
        _COST,
        lambda text: float(capacity_bits(text)),
        lambda r, _: float(storage_bits(r.accelerator)),
        format_bytes,
        "200 KiB",
    ),
    "pes": _Quantity(_COST, _number, lambda r, _: float(r.accelerator.pes), lambda v: f"{v:.0f}", "256"),
}


@final
@dataclass(frozen=True, slots=True)
class _Requirement:
    """One requirement as it was read."""

    name: str
    sign: str
    wanted: str
    limit: float


def check_requirements(require: str) -> None:
    """Refuse requirements that cannot be read, before anything is mapped.

    Raises:
        InputError: one that cannot be read, with what can be required.
    """
    _read(require)


def _read(require: str) -> list[_Requirement]:
    found = []
    for text in filter(None, (part.strip() for part in require.split(","))):
        sign = ">=" if ">=" in text else "<="
        name, given, wanted = (part.strip() for part in text.partition(sign))
        if not given or not wanted:
            raise InputError(f"requirement {text!r} must be NAME<=VALUE or NAME>=VALUE, as latency<=10ms")
        if name not in _QUANTITIES:
            raise InputError(
                f"requirement {text!r}: {name!r} is not known." + did_you_mean(name, _QUANTITIES)
            )
        quantity = _QUANTITIES[name]
        good = ">=" if quantity.at_least else "<="
        if sign != good:
            raise InputError(
                f"requirement {text!r} asks for the worse side; write {name}{good}{quantity.example}"
            )
        try:
            limit = quantity.read(wanted)
        except InputError as error:
            raise InputError(f"requirement {text!r}: {error}; as {name}{good}{quantity.example}") from None
        found.append(_Requirement(name, sign, wanted, limit))
    return found


def gates_of(result: EvaluationResult, given: Given, require: str) -> list[Gate]:
    """The requirements in the order in which a design must pass them.

    Raises:
        InputError: one that cannot be read, with what can be required.
    """
    stages = list(dict.fromkeys(q.stage for q in _QUANTITIES.values()))
    found = []
    for asked in _read(require):
        quantity = _QUANTITIES[asked.name]
        value = quantity.find(result, given)
        met = None
        if value is not None:
            met = value >= asked.limit if quantity.at_least else value <= asked.limit
        told = "not known" if value is None else quantity.tell(value)
        found.append(Gate(quantity.stage, f"{asked.name} {asked.sign} {asked.wanted}", told, met))
    return sorted(found, key=lambda gate: stages.index(gate.stage))
