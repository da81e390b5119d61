"""How each layer is laid out, drawn, and how it is known that no other mapping is better."""

from chipwise.analysis.results import EvaluationResult
from chipwise.report.html.blocks import Entry, Nest, Row, Section, Table, Text, entries
from chipwise.report.html.nest import nest
from chipwise.report.tables import percent
from chipwise.units import format_count, format_energy, format_time


def mappings(result: EvaluationResult) -> Section:
    """Loop nests; layers that share a shape and a mapping share a drawing."""
    groups: dict[object, list[Entry]] = {}
    for entry in entries(result):
        groups.setdefault((entry.result.layer.shape_key, entry.result.mapping), []).append(entry)
    drawn = tuple(_nest(group) for group in groups.values())
    how = (
        "Outermost first. A memory holds tiles of tensors from its line on, a loop repeats what is indented below it, "
        "an array does its loops side by side. Bars tell how full a memory or an array is."
    )
    return Section("mappings", "Mappings", (Text(how), *drawn))


def _nest(group: list[Entry]) -> Nest:
    first = group[0].result
    names = [entry.name for entry in group]
    note = (
        f"{first.layer.kind}, {format_energy(first.energy_pj)}, {format_time(first.latency_s)}, "
        f"bound by {first.cost.bound_by}" + (f"; {len(group)} layers of this shape" if len(group) > 1 else "")
    )
    numbers = " ".join(entry.number for entry in group)
    return Nest(", ".join(names), note, numbers, nest(first), first.mapping_text)


def certificates(result: EvaluationResult) -> Section:
    """Of each layer: what is proven, within which mapspace, and after how much work."""
    head = (
        "layer", "proven", "gap", "minimised", "value", "bound", "mapspace", "mappings in it", "nodes", "cut by bound",
        "cut by fit", "complete",
    )  # fmt: skip
    how = (
        "Proven: no mapping in the mapspace is better than the one taken; a bound has cut off what was not looked at. "
        "Energy is in pJ, latency in cycles, edp in pJ x cycles, traffic in bits."
    )
    table = Table(
        "Certificate of each layer",
        head,
        tuple(_certificate(entry) for entry in entries(result)),
        frozenset({"proven", "minimised", "mapspace"}),
    )
    return Section("certificates", "Certificates", (Text(how), table))


def _certificate(entry: Entry) -> Row:
    found = entry.result.certificate
    if found is None:
        return Row((entry.name, "given, not searched", *([""] * 10)), entry.number)
    return Row(
        (
            entry.name,
            "yes" if found.proven else "no",
            percent(found.gap),
            found.objective,
            f"{found.value:.6g}",
            f"{found.bound:.6g}",
            f"{found.placement}, {found.factors}",
            f"{found.mapspace:.3g}",
            *map(format_count, (found.nodes, found.pruned_by_bound, found.pruned_by_fit, found.leaves)),
        ),
        entry.number,
    )
