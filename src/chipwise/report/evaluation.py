"""An evaluation as text: layers and totals, then what people look for: where, why, how it is known."""

from collections.abc import Callable, Sequence

from chipwise.analysis.results import EvaluationResult, LayerResult
from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.zeros import makes_something_of_zeros
from chipwise.report.dataflows import chosen_text
from chipwise.report.tables import bar, percent, shares, table
from chipwise.units import (
    format_area,
    format_bytes,
    format_count,
    format_energy,
    format_frequency,
    format_power,
    format_time,
)

COSTLY = 3
"""Layers named as the most costly."""

_LEAST = {
    "energy": "the least energy",
    "latency": "the least time",
    "edp": "the least energy x delay",
    "traffic": "the least off-chip traffic",
}
_LEFT = ("layer", "bound by", "component", "action", "source")


def evaluation_text(result: EvaluationResult) -> str:
    """The whole answer to `chipwise evaluate`, without colours."""
    parts = (
        f"{result.network} on {chip_line(result.accelerator)}; batch {result.batch}\n",
        _layers(result),
        _figures(result),
        *_zeros(result),
        _energy(result),
        _times(result),
        _costly(result),
        _certainty(result),
    )
    return "\n".join(parts) + chosen_text(result) + _left_out(result)


def chip_line(chip: Accelerator) -> str:
    """A chip in a line: PEs, clock, and what its memories hold.

    >>> from chipwise.components.load import load_accelerator
    >>> chip_line(load_accelerator("simple"))
    'simple: 256 PEs (16 x 16) at 200 MHz; buffer 128 KiB; per PE registers 512 B'
    """
    axes = " x ".join(str(axis.size) for array in chip.arrays for axis in array.axes)
    groups: dict[int, list[str]] = {}
    for memory in chip.memories[1:]:
        size = "unlimited" if memory.capacity_bits is None else format_bytes(memory.capacity_bits)
        groups.setdefault(chip.instances(memory.name), []).append(f"{memory.name} {size}")
    held = []
    for copies, memories in groups.items():
        each = "" if copies == 1 else "per PE " if copies == chip.pes else f"{copies} x "
        held.append(each + ", ".join(memories))
    pes = f"{chip.pes} PE{'s' if chip.pes > 1 else ''}" + (f" ({axes})" if " x " in axes else "")
    return "; ".join([f"{chip.name}: {pes} at {format_frequency(chip.clock_hz)}", *held])


def _layers(result: EvaluationResult) -> str:
    head = (
        "layer", "MACs", "energy", "pJ/MAC", "time", "active PEs", "utilisation", "off-chip", "bound by",
    )  # fmt: skip
    totals = result.totals()
    rows = [_row(name, layer) for name, layer in result.layers.items()]
    compute_cycles = sum(layer.cost.counts.cycles for layer in result.layers.values())
    foot = (
        "total",
        format_count(result.macs),
        format_energy(result.energy_pj),
        f"{result.energy_pj / result.macs:.3g}",
        format_time(result.latency_s),
        f"{result.macs / compute_cycles:.1f}",
        percent(_number(totals["utilization"])),
        format_bytes(8 * _number(totals["off_chip_bytes"])),
        "",
    )
    return table(head, rows, left=_LEFT, foot=foot)


def _row(name: str, layer: LayerResult) -> tuple[str, ...]:
    return (
        name,
        format_count(layer.layer.macs),
        format_energy(layer.energy_pj),
        f"{layer.energy_pj / layer.layer.macs:.3g}",
        format_time(layer.latency_s),
        f"{layer.cost.active_pes:.1f}",
        percent(layer.utilization),
        format_bytes(8 * layer.off_chip_bytes),
        layer.cost.bound_by,
    )


def _number(value: float | None) -> float:
    assert value is not None
    return value


def _figures(result: EvaluationResult) -> str:
    """The figures by which chips are compared, side by side: any of them alone misleads."""
    totals, chip, batch = result.totals(), result.accelerator, result.batch
    what = "inference" if batch == 1 else f"batch of {batch}"
    speed = f"{_number(totals['throughput_inferences_per_s']):.3g} inferences/s"
    power = format_power(_number(totals["power_w"]))
    density, area = _density(result)
    reached = f"{result.tops:.3g} TOPS, {_number(totals['tops_per_w']):.3g} TOPS/W{density}"
    share = percent(_number(totals["utilization"]))
    peak = f"{chip.peak_macs_per_s / 1e9:.4g} GMAC/s"
    cost = f"{format_energy(result.energy_pj)} and {format_time(result.latency_s)} per {what}"
    return (
        f"{cost}: {speed} at {power}; {reached}\n"
        f"with {result.network}, batch {batch}, at {share} of the peak of {peak}{area}; with off-chip "
        f"accesses, {format_bytes(8 * _number(totals['off_chip_bytes']))}\n{_leakage(result)}"
    )


def _zeros(result: EvaluationResult) -> list[str]:
    """What zeros save, and cost where there are none; or that they are known and the chip makes nothing of them."""
    zeros = result.zeros()
    if result.dense and (zeros is None or zeros.costs_nothing):
        return []
    if zeros is not None:
        gain = (
            f"  {zeros.less_energy:.3g}x less energy and {zeros.less_time:.3g}x less time than without compression, "
            "gating and skipping, on the same mappings\n"
        )
        energy, time = 100 * zeros.energy_overhead, 100 * zeros.time_overhead
        return [f"zeros\n{gain}  on dense data they cost {energy:+.3g} % energy and {time:+.3g} % time\n"]
    hint = "`--zeros estimate` takes the chip as if it did"
    chip = result.accelerator.name
    return [f"zeros\n  {chip} makes nothing of them, so densities change no figure; {hint}\n"]


def _density(result: EvaluationResult) -> tuple[str, str]:
    """TOPS/mm2 and of what: the chip as published, or at most, of what its components are estimated at."""
    published, estimated = result.accelerator.area_mm2, result.accelerator.components_area_mm2
    if published is not None:
        return f", {result.tops / published:.3g} TOPS/mm2", f", on {published:.4g} mm2"
    if estimated is None:
        return "", ""
    less = f", at most {result.tops / estimated:.3g} TOPS/mm2"
    return less, f", on at least the {estimated:.4g} mm2 estimated of its components"


def _leakage(result: EvaluationResult) -> str:
    """One line on what flows all the time, where the chip gives it."""
    leaked = _number(result.totals()["leakage_energy_pj"])
    if not leaked:
        return ""
    watts = format_power(_number(result.totals()["leakage_w"]))
    share = percent(leaked / result.energy_pj)
    return (
        f"leakage: {watts} x {format_time(result.latency_s)} = {format_energy(leaked)}, {share} of the energy; "
        "mappings are chosen without it\n"
    )


def _energy(result: EvaluationResult) -> str:
    rows = [
        (name, format_energy(value), share)
        for name, value, share in component_shares(result.energy_by("component"), result.accelerator)
    ]
    tensors = ", ".join(f"{name} {percent(share)}" for name, _, share in shares(result.energy_by("tensor")))
    return f"energy by component\n{_bars(rows)}  by tensor: {tensors}\n"


def component_shares(energy_pj: dict[str, float], chip: Accelerator) -> list[tuple[str, float, float]]:
    """(component, pJ, share), the largest first; what an array's network costs goes by that name."""
    arrays = {array.name for array in chip.arrays}
    return shares({f"{name} network" if name in arrays else name: e for name, e in energy_pj.items()})


def _times(result: EvaluationResult) -> str:
    """Every cycle once: compute, waits, and channels that hold them up; and what bounds how many layers."""
    layers: dict[str, int] = {}
    for layer in result.layers.values():
        layers[layer.cost.bound_by] = layers.get(layer.cost.bound_by, 0) + 1
    rows = [
        (name, f"bounds {layers[name]} of {len(result.layers)} layers" if name in layers else "", share)
        for name, _, share in shares(result.breakdown)
    ]
    overlapped = result.overlapped_cycles / result.accelerator.clock_hz
    more = f"  and {format_time(overlapped)} of starts behind layers before\n" if overlapped else ""
    return f"what takes the time\n{_bars(rows)}{more}"


def _bars(rows: Sequence[tuple[str, str, float]]) -> str:
    """Name, figure, share and a bar of the share, in columns."""
    names = max(len(name) for name, _, _ in rows)
    figures = max(len(figure) for _, figure, _ in rows)
    return "".join(
        f"  {name:{names}}  {figure:>{figures}}  {percent(share):>7}  {bar(share)}".rstrip() + "\n"
        for name, figure, share in rows
    )


def _costly(result: EvaluationResult) -> str:
    """Ranked by what was minimised; the product counts energy times time of the layer."""
    rank: dict[str, Callable[[LayerResult], float]] = {
        "energy": lambda layer: layer.energy_pj,
        "latency": lambda layer: layer.latency_cycles,
        "edp": lambda layer: layer.energy_pj * layer.latency_cycles,
        "traffic": lambda layer: layer.off_chip_bytes,
    }
    chosen = sorted(result.layers.items(), key=lambda item: -rank[_first(result)](item[1]))[:COSTLY]
    names = max(len(name) for name, _ in chosen)
    told = [
        f"  {name:{names}}  {percent(layer.energy_pj / result.energy_pj):>7} of the energy  "
        f"{percent(layer.latency_cycles / result.latency_cycles):>7} of the time\n"
        for name, layer in chosen
    ]
    return "".join(["most costly layers\n", *told])


def _first(result: EvaluationResult) -> str:
    """The name that decides first in an objective."""
    return result.objective.split(",")[0].strip()


def _certainty(result: EvaluationResult) -> str:
    layers = list(result.layers.values())
    mapped = {layer.layer.shape_key: layer for layer in layers}
    certificates = [layer.certificate for layer in mapped.values() if layer.certificate]
    mapspace = sum(certificate.mapspace for certificate in certificates)
    least, gap = _LEAST[_first(result)], max(certificate.gap for certificate in certificates)
    proven = sum(certificate.proven for certificate in certificates)
    if proven == len(mapped):
        known = f"each one taken is proven to need {least} there (gap 0)"
    else:
        known = f"{proven} of those taken are proven to need {least} there, the others within {percent(gap)}"
    shapes = f"{len(mapped)} distinct shapes of {len(layers)} layers"
    return (
        f"mappings\n  {mapspace:.2g} in the {certificates[0].placement} mapspace, for {shapes}\n  {known}\n"
    )


def _left_out(result: EvaluationResult) -> str:
    """One line on operations without MACs: they are in no figure above, and that must not go unsaid."""
    operations = result.operations
    if not operations:
        return ""
    kinds = ", ".join(dict.fromkeys(operation.kind for operation in operations))
    does = format_count(sum(operation.operations for operation in operations))
    moved = format_bytes(8 * result.operations_bytes)
    nodes = "1 node" if len(operations) == 1 else f"{len(operations)} nodes"
    return (
        f"\nnot included: {nodes} without MACs ({kinds}), {does} operations; apart from the layers they move at "
        f"least {moved} off-chip\n"
    )


def provenance_text(result: EvaluationResult) -> str:
    """What each kind of action costs, who says so, how often it happens and what that makes."""
    counts: dict[tuple[str, str, float, str], float] = {}
    for layer in result.layers.values():
        for item in layer.energy_items:
            key = (item.component, item.action, item.energy_pj_each, item.source)
            counts[key] = counts.get(key, 0) + item.count
    if makes_something_of_zeros(result.accelerator):
        counts = _on_average(counts)
    where = "\nwhere the energies come from\n" + _provenance(counts, result.energy_pj)
    return where + _components(result)


def _on_average(counts: dict[tuple[str, str, float, str], float]) -> dict[tuple[str, str, float, str], float]:
    """One row for an action whose energy depends on the zeros of each layer."""
    times: dict[tuple[str, str, str], float] = {}
    spent: dict[tuple[str, str, str], float] = {}
    for (component, action, each, source), n in counts.items():
        key = component, action, source
        times[key] = times.get(key, 0.0) + n
        spent[key] = spent.get(key, 0.0) + n * each
    return {
        (component, action, spent[component, action, source] / n if n else 0.0, source): n
        for (component, action, source), n in times.items()
    }


def _components(result: EvaluationResult) -> str:
    """Area, leakage and power of every part, with who says so."""
    head = ("component", "class", "copies", "area", "leakage", "energy", "power", "source")
    parts = result.components()
    sources = list(
        dict.fromkeys(s for p in parts.values() for s in (p["area_source"], p["leakage_source"]) if s)
    )

    def cited(*given: str | None) -> str:
        return "".join(f"[{sources.index(s) + 1}]" for s in dict.fromkeys(given) if s)

    rows = [
        (
            name,
            part["class"],
            str(part["instances"]),
            "" if part["area_mm2"] is None else format_area(part["area_mm2"]),
            "" if part["leakage_w"] is None else format_power(part["leakage_w"]),
            format_energy(part["energy_pj"]),
            format_power(part["power_w"]),
            cited(part["area_source"], part["leakage_source"]),
        )
        for name, part in parts.items()
    ]
    chip, known = result.accelerator, result.accelerator.components_area_mm2
    total = "" if known is None else f"{format_area(known)} of components"
    if chip.area_mm2 is not None:
        total += f"{'; ' if total else ''}the whole chip has {format_area(chip.area_mm2)} ({chip.source or 'as given'})"
    notes = "".join(f"[{number}] {source}\n" for number, source in enumerate(sources, 1))
    body = table(head, rows, left=(*_LEFT, "class")) + (total + "\n" if total else "")
    return f"\nwhat the components take\n{body}{notes}"


def _provenance(counts: dict[tuple[str, str, float, str], float], total_pj: float) -> str:
    sources = list(dict.fromkeys(source for _, _, _, source in counts))
    head = ("component", "action", "pJ each", "times", "energy", "share", "source")
    rows: list[Sequence[str]] = [
        (
            component,
            action,
            f"{each:.4g}",
            format_count(times),
            format_energy(times * each),
            percent(times * each / total_pj),
            f"[{sources.index(source) + 1}]",
        )
        for (component, action, each, source), times in counts.items()
    ]
    notes = "".join(f"[{number}] {source}\n" for number, source in enumerate(sources, 1))
    return table(head, rows, left=_LEFT) + notes
