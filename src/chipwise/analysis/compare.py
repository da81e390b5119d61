"""Chips, networks or dataflows side by side: one column each, every figure also relative to one of them.

    relative = figure / figure of the reference column

A column that cannot be mapped keeps its place and says why; the others are not lost with it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from chipwise.analysis.equal_area import DEFAULT_DATAFLOWS, at_equal_area
from chipwise.analysis.evaluate import Progress, evaluate
from chipwise.analysis.results import EvaluationResult
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError, did_you_mean
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import names_of
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

SCHEMA = "chipwise.comparison/1"

REFERENCES = ("first", "best")

LESS_IS_BETTER = ("energy_pj", "latency_s", "power_w", "off_chip_bytes", "energy_per_mac_pj", "area_mm2")
MORE_IS_BETTER = ("throughput_inferences_per_s", "utilization", "tops_per_w")
FIGURES = (
    "energy_pj",
    "latency_s",
    "throughput_inferences_per_s",
    "power_w",
    "utilization",
    "off_chip_bytes",
    "energy_per_mac_pj",
    "area_mm2",
    "tops_per_w",
)
"""In the order of the report."""

_OPS_PER_MAC = 2


@final
@dataclass(frozen=True, slots=True)
class Column:
    """One network on one chip: its result, or why there is none."""

    network: str
    chip: Accelerator
    result: EvaluationResult | None
    failure: str | None = None
    """The message of what did not fit; None where it did."""

    @property
    def accelerator(self) -> str:
        """The chip's name."""
        return self.chip.name

    def figures(self) -> dict[str, float | None]:
        """`FIGURES` of the whole batch; all None where nothing fits, `area_mm2` also where it is not known.

        TOPS/W = 2 x MACs / energy, off-chip accesses included: of this network, batch and objective.
        """
        if self.result is None:
            return dict.fromkeys(FIGURES)
        totals = self.result.totals()
        efficiency = _OPS_PER_MAC / (self.result.energy_pj / self.result.macs)
        found: dict[str, float | None] = {name: totals.get(name) for name in FIGURES}
        return {**found, "tops_per_w": efficiency}


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Columns in the order in which they were asked for."""

    columns: tuple[Column, ...]
    batch: int
    objective: str
    reference: str
    """What is 1.00: the first column that fits, or of every figure the best one."""
    note: str = ""
    """What the chips have in common, where they were made for the comparison."""

    @property
    def failures(self) -> tuple[Column, ...]:
        """Columns without a result."""
        return tuple(column for column in self.columns if column.result is None)

    def relative(self) -> list[dict[str, float | None]]:
        """Per column, every figure / that of the reference; None where either is not known or the reference is 0."""
        figures = [column.figures() for column in self.columns]
        base = {name: self._base(name, [f[name] for f in figures]) for name in FIGURES}
        return [{name: _ratio(found[name], base[name]) for name in FIGURES} for found in figures]

    def _base(self, name: str, values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        if self.reference == "best":
            return (max if name in MORE_IS_BETTER else min)(known, default=None)
        fitting = [v for v, c in zip(values, self.columns, strict=True) if c.result is not None]
        return fitting[0] if fitting else None

    def to_dict(self, *, layers: bool = False) -> dict[str, Any]:
        """The JSON form, schema chipwise.comparison/1; `layers` adds every layer of every column."""
        columns = []
        for column, relative in zip(self.columns, self.relative(), strict=True):
            entry: dict[str, Any] = {
                "network": column.network,
                "accelerator": column.accelerator,
                "technology": dict(column.chip.technology),
                "word_bits": column.chip.word_bits,
                "pes": column.chip.pes,
                "clock_hz": column.chip.clock_hz,
                "failure": column.failure,
                "totals": column.figures(),
                "relative": relative,
            }
            if column.result is not None:
                entry["macs"] = column.result.macs
                entry["energy_by_component_pj"] = column.result.energy_by("component")
                entry["energy_by_tensor_pj"] = column.result.energy_by("tensor")
                if layers:
                    entry["layers"] = column.result.to_dict()["layers"]
            columns.append(entry)
        return {
            "schema": SCHEMA,
            "batch": self.batch,
            "objective": self.objective,
            "relative_to": self.reference,
            "note": self.note,
            "columns": columns,
        }


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def compare(
    networks: str | Path | Network | Iterable[str | Path | Network],
    chips: str | Path | Accelerator | Iterable[str | Path | Accelerator],
    batch: int = 1,
    objective: str = "energy",
    *,
    dataflows: bool | Iterable[str] = False,
    reference: str = "first",
    mapspace: str = "even",
    factors: str = "spatial",
    workers: int | None = None,
    progress: Progress | None = None,
    use_cache: bool = True,
    time_limit_s: float | None = None,
) -> Comparison:
    """Every network on every chip, side by side.

    Args:
        networks: one or several of what `evaluate` takes.
        chips: one or several of what `evaluate` takes.
        batch: inputs at once.
        objective: what each layer's mapping minimises, as for `find_mapping`.
        dataflows: in place of each chip its variants under these dataflows, True for all, at equal area of
            storage and number of PEs (`chipwise.analysis.equal_area`).
        reference: what is 1.00 in relative figures: "first" column or, figure by figure, the "best".
        mapspace: as for `find_mapping`.
        factors: as for `find_mapping`.
        workers: as for `evaluate`.
        progress: called with (layers done, layers in all, name of the layer) over all columns.
        use_cache: take (and keep) mappings found before; an interrupted comparison then goes on where it was.
        time_limit_s: for each layer, as for `evaluate`.

    Raises:
        InputError: a network, chip or dataflow that is not known, or nothing that can run. What does not fit one
            chip raises nothing: its column says so.

    >>> found = compare("lenet5", ["simple", "eyeriss"])
    >>> [column.accelerator for column in found.columns], found.relative()[0]["energy_pj"]
    (['simple', 'eyeriss'], 1.0)
    """
    names_of(objective)
    Mapspace(mapspace, factors)
    if reference not in REFERENCES:
        raise InputError(f"reference {reference!r} is not known." + did_you_mean(reference, REFERENCES))
    loaded = [load_network(source) for source in _many(networks)]
    accelerators = [load_accelerator(source) for source in _many(chips)]
    note = ""
    if dataflows is not False:
        names = DEFAULT_DATAFLOWS if dataflows is True else tuple(dataflows)
        found = [at_equal_area(chip, names) for chip in accelerators]
        accelerators = [chip for variants in found for chip in variants.chips]
        note = "\n".join(dict.fromkeys(variants.note for variants in found))
    if not loaded or not accelerators:
        raise InputError("nothing to compare: name at least one network and one chip")
    total = len(accelerators) * sum(len(network.layers) for network in loaded)
    columns: list[Column] = []
    errors: list[NoMappingError | InputError] = []
    done = 0
    for network in loaded:
        for chip in accelerators:
            try:
                result = evaluate(
                    network,
                    chip,
                    batch,
                    objective,
                    mapspace=mapspace,
                    factors=factors,
                    workers=workers,
                    progress=_shifted(progress, done, total),
                    use_cache=use_cache,
                    time_limit_s=time_limit_s,
                )
                columns.append(Column(network.name, chip, result))
            except (NoMappingError, InputError) as error:
                # What holds for all columns has been checked; a chip for FC layers alone is its own column's matter.
                errors.append(error)
                columns.append(Column(network.name, chip, None, str(error)))
            done += len(network.layers)
            if progress is not None:
                progress(done, total, chip.name)
    if len(errors) == len(columns) and isinstance(errors[0], InputError):
        raise errors[0]
    return Comparison(tuple(columns), batch, objective, reference, note)


def _many(sources: Any) -> list[Any]:
    """One source as a list of it; modules of PyTorch are iterable, so only plain collections are spread."""
    return list(sources) if isinstance(sources, list | tuple | set | frozenset) else [sources]


def _shifted(progress: Progress | None, before: int, total: int) -> Callable[[int, int, str], None] | None:
    if progress is None:
        return None

    def report(done: int, _: int, name: str) -> None:
        progress(before + done, total, name)

    return report
