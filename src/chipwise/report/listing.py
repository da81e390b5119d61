"""What there is, as tables and as plain data: networks, chips, a network's layers."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from chipwise.analysis.statistics import (
    KindStatistics,
    LayerStatistics,
    NetworkStatistics,
    describe,
    operation_totals,
)
from chipwise.components.load import gallery_names, load_accelerator
from chipwise.report.hierarchy import format_peak
from chipwise.report.tables import table
from chipwise.units import format_bytes, format_count, format_frequency
from chipwise.workload import registry

_LEFT = (
    "network",
    "chip",
    "title",
    "layer",
    "kind",
    "dims",
    "input",
    "group",
    "item",
    "quantity",
    "unit",
    "agrees",
    "source",
    "parameters",
    "memories",
)


def describe_text(statistics: NetworkStatistics) -> str:
    """Layers, totals, the two halves of the survey's Tables II and IV, and operations by kind."""
    head = ["layer", "kind", "dims", "MACs", "weights", "inputs", "outputs", "MACs/value"]
    rows = [_layer_cells(layer) for layer in statistics.layers]
    foot = [
        "total",
        "",
        f"{len(statistics.layers)} layers",
        format_count(statistics.macs),
        format_count(statistics.weights),
        format_count(statistics.input_activations),
        format_count(statistics.activations),
        f"{statistics.macs_per_value:.3g}",
    ]
    if any(layer.densities for layer in statistics.layers):
        head += ["NZ weights", "NZ MACs"]
        for cells, layer in zip(rows, statistics.layers, strict=True):
            cells += [_known(layer.nonzero_weights), _known(layer.nonzero_macs)]
        foot += [_known(statistics.nonzero_weights), _known(statistics.nonzero_macs)]
    size = f", input {' x '.join(map(str, statistics.input))}" if statistics.input else ""
    lines = [f"{statistics.network}{size}\n\n"]
    if rows:
        lines += [table(head, rows, left=_LEFT, foot=foot), "\n"]
    for kind, group in (("conv", statistics.conv), ("fc", statistics.fc)):
        if group.layers:
            lines.append(f"{kind:4}  {_half(group)}\n")
    if len(head) > 8:
        lines.append(
            "NZ: not zero; MACs as if zeros of weights and inputs were independent; - where not known\n"
        )
    lines.append(_operations(statistics))
    fused = sum(len(layer.fused) for layer in statistics.layers)
    if fused or statistics.free:
        lines.append(
            f"\nwithout nodes of their own: done with a layer (batch norm, activations) {fused}, "
            f"free (views, dropout) {len(statistics.free)}; --json names them\n"
        )
    return "".join(lines)


def _layer_cells(layer: LayerStatistics) -> list[str]:
    return [
        layer.name,
        layer.kind,
        _dims(layer),
        format_count(layer.macs),
        format_count(layer.weights),
        format_count(layer.input_activations),
        format_count(layer.output_activations),
        f"{layer.macs_per_value:.3g}",
    ]


def _known(value: int | None) -> str:
    return "-" if value is None else format_count(value)


def _half(group: KindStatistics) -> str:
    """Table II's row of one kind of layer, with Table IV's figures where they are known."""
    counts = f"{format_count(group.weights)} weights, {format_count(group.macs)} MACs"
    shapes = (
        f"filter sizes {_list(group.filter_sizes)}, channels {_range(group.channels)}, filters "
        f"{_range(group.filters)}, strides {_list(group.strides)}"
    )
    known = [
        f"{format_count(count)} {what}"
        for what, count in (("weights", group.nonzero_weights), ("MACs", group.nonzero_macs))
        if count is not None
    ]
    layers = f"{group.layers} layer{'s' if group.layers > 1 else ''}"
    return "; ".join([f"{layers}, {counts}", shapes, *([f"not zero {', '.join(known)}"] if known else [])])


def _operations(statistics: NetworkStatistics) -> str:
    """Operations by kind: a hundred of them would hide the layers."""
    groups = statistics.by_kind
    if not groups:
        return ""
    head = ("without MACs", "nodes", "operations", "reads", "writes", "weights")
    everything = operation_totals(statistics.operations)
    cells = [
        (
            kind,
            str(group.count),
            *map(format_count, (group.operations, group.reads, group.writes, group.weights)),
        )
        for kind, group in (*groups.items(), ("total", everything))
    ]
    return "\n" + table(head, cells[:-1], left=(*_LEFT, head[0]), foot=cells[-1])


def _dims(layer: LayerStatistics) -> str:
    """Extents other than 1; MACs tell nothing about the shape."""
    dims = " ".join(f"{d}{extent}" for d, extent in layer.dims.items() if extent > 1)
    steps = dict.fromkeys(layer.stride or (1,))
    stride = "" if steps.keys() == {1} else f" /{'x'.join(map(str, steps))}"
    return (dims or "1") + stride


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _range(values: Sequence[int]) -> str:
    return "-".join(map(str, dict.fromkeys(values)))


def describe_csv(statistics: NetworkStatistics) -> str:
    """One line per layer; extents of dimensions in columns of their own."""
    entries = [layer.to_dict() for layer in statistics.layers]
    dims = list(dict.fromkeys(d for entry in entries for d in entry["dims"]))
    fields = [key for key in (entries[0] if entries else ()) if key != "dims"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*fields, *dims])
    for entry in entries:
        writer.writerow([*(_cell(entry[f]) for f in fields), *(entry["dims"].get(d, "") for d in dims)])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return "" if value is None else value


def network_entries() -> list[dict[str, Any]]:
    """The zoo: name, title, source, input, layers, operations, weights, MACs, parameters."""
    found = []
    for name in registry.names():
        network = registry.build(name)
        statistics = describe(network)
        found.append(
            {
                "name": name,
                "title": network.title,
                "source": network.source,
                "input": list(network.input_shape),
                "layers": len(network.layers),
                "operations": len(network.operations),
                "weights": statistics.weights,
                "macs": statistics.macs,
                "parameters": [parameter.to_dict() for parameter in registry.parameters(name)],
            }
        )
    return found


def networks_text(entries: Sequence[dict[str, Any]]) -> str:
    """The zoo as a table, and how to ask for what is not the default."""
    head = ("network", "input", "layers", "weights", "MACs", "source", "parameters")
    rows = [
        (
            e["name"],
            " x ".join(map(str, e["input"])),
            str(e["layers"]),
            format_count(e["weights"]),
            format_count(e["macs"]),
            _cited(e["source"]),
            ",".join(f"{p['name']}={_plain(p['default'])}" for p in e["parameters"]),
        )
        for e in entries
    ]
    asked = next((e for e in entries if e["parameters"]), None)
    hint = ""
    if asked is not None:
        first = asked["parameters"][0]
        hint = (
            f"\nParameters stand behind an @, as in {asked['name']}@{first['name']}={_plain(first['default'])}; "
            "--json FILE lists what each may be, and sources in full.\n"
        )
    return table(head, rows, left=_LEFT) + hint


def _cited(source: str) -> str:
    """First author and year of a source.

    >>> _cited("Tan, Le, 'EfficientNet: rethinking ...', ICML 2019, Table 1")
    'Tan 2019'
    """
    author = source.partition(",")[0].removesuffix(" et al.")
    year = re.search(r"\b(?:19|20)\d\d\b", source)
    return f"{author} {year[0]}" if year else author


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def chip_entries() -> list[dict[str, Any]]:
    """The gallery: name, title, source, technology, PEs, clock, word, area, memories."""
    found = []
    for name in gallery_names():
        chip = load_accelerator(name)
        memories = [
            {
                "name": memory.name,
                "component": memory.component,
                "capacity_bits": memory.capacity_bits,
                "instances": chip.instances(memory.name),
            }
            for memory in chip.memories
        ]
        found.append(
            {
                "name": name,
                "title": chip.title,
                "source": chip.source,
                "technology": dict(chip.technology),
                "pes": chip.pes,
                "clock_hz": chip.clock_hz,
                "word_bits": chip.word_bits,
                "area_mm2": chip.area_mm2,
                "peak_macs_per_s": chip.peak_macs_per_s,
                "runs": list(chip.runs),
                "dataflows": list(chip.dataflows),
                "memories": memories,
            }
        )
    return found


def chips_text(entries: Sequence[dict[str, Any]]) -> str:
    """The gallery as a table; memories on chip only."""
    head = ("chip", "node", "PEs", "clock", "peak", "word", "on chip", "memories", "source")
    rows = [
        (
            e["name"],
            e["technology"].get("node", ""),
            str(e["pes"]),
            format_frequency(e["clock_hz"]),
            format_peak(e["peak_macs_per_s"]),
            f"{e['word_bits']} b",
            format_bytes(sum((m["capacity_bits"] or 0) * m["instances"] for m in e["memories"])),
            ", ".join(map(_memory, e["memories"][1:])),
            _cited(e["source"]),
        )
        for e in entries
    ]
    return table(head, rows, left=_LEFT) + "\n`chipwise show CHIP` draws one; sources in full: --json FILE\n"


def _memory(entry: dict[str, Any]) -> str:
    """A memory with all its copies.

    >>> _memory({"name": "spad", "capacity_bits": 192, "instances": 168})
    '168 x spad 24 B'
    """
    size = "unlimited" if entry["capacity_bits"] is None else format_bytes(entry["capacity_bits"])
    copies = "" if entry["instances"] == 1 else f"{entry['instances']} x "
    return f"{copies}{entry['name']} {size}"
