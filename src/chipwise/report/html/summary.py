"""What it costs in all, what to be careful of, and the layers in one table."""

from collections.abc import Iterator

from chipwise.analysis.results import EvaluationResult
from chipwise.components.energies import NOT_MODELLED
from chipwise.report.evaluation import chip_line
from chipwise.report.html.blocks import Entry, Figure, Figures, Row, Section, Table, Text, entries
from chipwise.report.tables import percent
from chipwise.units import (
    format_area,
    format_bytes,
    format_count,
    format_energy,
    format_power,
    format_time,
)

_NO_TABLE = "names no table"
"""What the source of an energy says where the chip leaves the choice to the estimators."""


def summary(result: EvaluationResult) -> Section:
    """The figures by which designs are compared, together: any of them alone misleads."""
    return Section("summary", "Summary", (Text(_what(result)), Figures(tuple(_figures(result)))))


def _what(result: EvaluationResult) -> str:
    chip = result.accelerator
    title = f" ({chip.title})" if chip.title else ""
    return (
        f"{result.network}, batch {result.batch}, mapped for {result.objective}, on {chip_line(chip)}{title}."
        + (f" Source of the chip: {chip.source}." if chip.source else "")
    )


def _figures(result: EvaluationResult) -> Iterator[Figure]:
    totals, chip, batch = result.totals(), result.accelerator, result.batch
    numbers = {key: value or 0.0 for key, value in totals.items()}
    each = "per inference" if batch == 1 else f"for the batch of {batch}"
    yield Figure("Energy", format_energy(result.energy_pj), f"{each}, off-chip accesses included")
    yield Figure("Latency", format_time(result.latency_s), f"{each}, {result.latency_cycles:,.0f} cycles")
    yield Figure(
        "Throughput",
        f"{numbers['throughput_inferences_per_s']:.3g} inferences/s",
        f"at batch {batch}; the peak would be {chip.peak_macs_per_s / 1e9:.4g} GMAC/s",
    )
    yield Figure("Power", format_power(numbers["power_w"]), "mean while it runs, off-chip accesses included")
    yield Figure(
        "Energy per MAC",
        f"{numbers['energy_per_mac_pj']:.3g} pJ",
        f"{format_count(result.macs)} MACs; {2 / numbers['energy_per_mac_pj']:.3g} TOPS/W reached, not peak",
    )
    yield Figure(
        "Utilisation",
        percent(numbers["utilization"]),
        f"of {chip.pes} PE{'s' if chip.pes > 1 else ''} over the whole time, waiting for memories included",
    )
    zeros = result.zeros()
    if zeros is not None and not (result.dense and zeros.costs_nothing):
        energy, time = 100 * zeros.energy_overhead, 100 * zeros.time_overhead
        yield Figure(
            "Zeros",
            f"{zeros.less_energy:.3g}x less energy",
            f"and {zeros.less_time:.3g}x less time than without compression, gating and skipping; on dense data they "
            f"cost {energy:+.3g} % energy and {time:+.3g} % time",
        )
    off_chip = numbers["off_chip_bytes"]
    yield Figure("Off-chip", format_bytes(8 * off_chip), f"{off_chip / result.macs:.3g} B per MAC, {each}")
    if result.area_mm2 is None:
        yield Figure("Area", "not known", "neither published nor estimated for every part")
    else:
        how = "estimated, of its components" if chip.area_mm2 is None else "as published"
        yield Figure("Area", format_area(result.area_mm2), ", ".join([how, *chip.technology.values()]))


def warnings(result: EvaluationResult) -> Section:
    """Whatever a reader must know before quoting a number."""
    found = list(_warnings(result))
    return Section("warnings", "Warnings", tuple(map(Text, found or ["None."])))


def _warnings(result: EvaluationResult) -> Iterator[str]:
    open_gaps = {
        name: layer.certificate.gap
        for name, layer in result.layers.items()
        if layer.certificate is not None and not layer.certificate.proven
    }
    if open_gaps:
        yield (
            f"Not proven: {len(open_gaps)} of {len(result.layers)} layers stand with a mapping that is the best found, "
            f"not proven the best: {_some([f'{n} (gap {percent(g)})' for n, g in open_gaps.items()])}."
        )
    given = [name for name, layer in result.layers.items() if layer.certificate is None]
    if given:
        yield f"Not searched: the mapping was given for {_some(given)}."
    if result.operations:
        kinds = ", ".join(dict.fromkeys(operation.kind for operation in result.operations))
        does = format_count(sum(operation.operations for operation in result.operations))
        yield (
            f"Not included: {len(result.operations)} nodes without MACs ({kinds}), {does} operations; apart from the "
            f"layers they move at least {format_bytes(8 * result.operations_bytes)} off-chip."
        )
    items = [item for layer in result.layers.values() for item in layer.energy_items]
    unnamed = {item.component for item in items if _NO_TABLE in item.source}
    if unnamed:
        yield (
            f"Energies of {_some(sorted(unnamed))} are not the chip's own: it names no table, and the most accurate "
            "estimator was taken for each; the last section says which."
        )
    nothing = NOT_MODELLED.partition(":")[0]
    free = {item.component for item in items if item.count and item.source.startswith(nothing)}
    if free:
        yield f"Counted as free, as no source gives its energy: {_some(sorted(free))}."
    outermost = result.accelerator.memories[0]
    if not outermost.ports:
        yield f"The chip gives no bandwidth of {outermost.name}: off-chip accesses take no time here."


def _some(names: list[str], most: int = 12) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def layers(result: EvaluationResult) -> Section:
    """Every layer in a row; the filter looks here."""
    every = entries(result)
    head = (
        "layer", "kind", "shape", "MACs", "energy", "share", "pJ/MAC", "time", "active PEs", "utilisation", "off-chip",
        "bound by",
    )  # fmt: skip
    foot = (
        "total", "", "", format_count(result.macs), format_energy(result.energy_pj), "",
        f"{result.energy_pj / result.macs:.3g}", format_time(result.latency_s), "",
        percent(result.utilization),
        format_bytes(8 * sum(e.result.off_chip_bytes for e in every)), "",
    )  # fmt: skip
    table = Table(
        "Cost of each layer",
        head,
        tuple(_layer(entry, result.energy_pj) for entry in every),
        frozenset({"kind", "shape", "bound by"}),
        foot,
    )
    return Section("layers", "Layers", (table,))


def _layer(entry: Entry, energy_pj: float) -> Row:
    found = entry.result
    layer, cost = found.layer, found.cost
    cells = (
        entry.name,
        layer.kind,
        " ".join(f"{d}{extent}" for d, extent in layer.dims.items() if extent > 1) or "1",
        format_count(layer.macs),
        format_energy(found.energy_pj),
        percent(found.energy_pj / energy_pj),
        f"{found.energy_pj / layer.macs:.3g}",
        format_time(found.latency_s),
        f"{cost.active_pes:.1f}",
        percent(found.utilization),
        format_bytes(8 * found.off_chip_bytes),
        cost.bound_by,
    )
    proven = "proven" if found.certificate and found.certificate.proven else "unproven"
    return Row(cells, entry.number, f"{entry.name} {layer.kind} {cost.bound_by} {proven}".lower())
