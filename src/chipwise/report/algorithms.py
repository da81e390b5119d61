"""Algorithms for convolution side by side: a network in one table, one layer in full, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from chipwise.analysis.algorithms.algorithm import Operations
from chipwise.analysis.algorithms.compare import ALGORITHMS, SCHEMA, AlgorithmResult, LayerAlgorithms
from chipwise.report.tables import table
from chipwise.units import format_count

_NAMES = tuple(a.name for a in ALGORITHMS)
_LEFT = ("layer", "algorithm", "setting", "fewest products", "fewest in all")


def algorithms_text(layers: Sequence[LayerAlgorithms], title: str, *, beforehand: bool) -> str:
    """Operations of every layer by every algorithm, and who needs the fewest; one layer alone in full."""
    if len(layers) == 1:
        return _layer_text(layers[0], title, beforehand=beforehand)
    head = ("layer", "direct", *_NAMES[2:], "redundancy", "fewest products", "fewest in all")
    rows = [
        (
            layer.layer,
            *(_operations(layer, layer.result(name)) for name in ("direct", *_NAMES[2:])),
            _redundancy(layer),
            layer.fewest_multiplications.algorithm,
            layer.fewest_weighted.algorithm,
        )
        for layer in layers
    ]
    direct = sum(layer.weighted(layer.result("direct")) for layer in layers)
    best = sum(layer.weighted(layer.fewest_weighted) for layer in layers)
    return (
        f"{title}: {_unit(layers)} of each layer\n\n"
        f"{table(head, rows, left=_LEFT)}\n"
        f"all layers direct {format_count(round(direct))}, each by its best {format_count(round(best))}, "
        f"{direct / best:.2f} times fewer\n{_notes(beforehand=beforehand)}"
    )


def _unit(layers: Sequence[LayerAlgorithms]) -> str:
    m, a = layers[0].weights
    return "multiplications + additions" if m == a == 1 else f"{m:g} x multiplications + {a:g} x additions"


def _operations(layer: LayerAlgorithms, result: AlgorithmResult) -> str:
    return "-" if result.cost is None else format_count(round(layer.weighted(result)))


def _redundancy(layer: LayerAlgorithms) -> str:
    factor = layer.result("toeplitz").redundancy
    return "-" if factor is None else f"{factor:.2f}"


def _layer_text(layer: LayerAlgorithms, title: str, *, beforehand: bool) -> str:
    head = (
        "algorithm",
        "setting",
        "products",
        "multiplications",
        "additions",
        "in all",
        "filters",
        "workspace",
    )
    rows = []
    for result in layer.results:
        cost = result.cost
        if cost is not None:
            done = result.operations
            done_counts = (cost.product.multiplications, done.multiplications, done.additions)
            stored = (cost.filter_values, cost.workspace_values)
            rows.append(
                (
                    result.algorithm,
                    result.label,
                    *map(format_count, done_counts),
                    _operations(layer, result),
                    *map(format_count, stored),
                )
            )
    counts = [format_count(value) for value in (layer.macs, *layer.values)]
    lines = [
        "{}: {} MACs, values of input {}, filters {}, output {}\n\n".format(title, *counts),
        table(head, rows, left=_LEFT),
        "\n",
    ]
    lines += [f"{r.algorithm} not: {r.why_not}\n" for r in layer.results if r.why_not is not None]
    least = layer.fewest_multiplications
    set_to = f" ({least.label})" if least.label else ""
    lines.append(
        f"fewest multiplications: {least.algorithm}{set_to}, {_times(layer, least.operations)} fewer than direct\n"
        f"fewest {_unit([layer])}: {layer.fewest_weighted.algorithm}\n"
    )
    factor = layer.result("toeplitz").redundancy
    if factor is not None:
        lines.append(f"the Toeplitz matrix holds each input value {factor:.2f} times on average\n")
    return "".join(lines) + _notes(beforehand=beforehand)


def _times(layer: LayerAlgorithms, operations: Operations) -> str:
    direct = layer.result("direct").operations.multiplications
    return (
        f"{direct / operations.multiplications:.2f} times"
        if operations.multiplications
        else "infinitely many times"
    )


def _notes(*, beforehand: bool) -> str:
    when = "once, beforehand, and are not counted" if beforehand else "anew for every batch and are counted"
    return f"filters are transformed {when}; toeplitz does the operations of direct\n"


def algorithms_dict(
    layers: Sequence[LayerAlgorithms], title: str, batch: int, *, beforehand: bool
) -> dict[str, Any]:
    """The JSON form, schema chipwise.algorithms/1."""
    weights = layers[0].weights if layers else (1.0, 1.0)
    return {
        "schema": SCHEMA,
        "network": title,
        "batch": batch,
        "filters_transformed": "beforehand" if beforehand else "every batch",
        "weights": {"multiplication": weights[0], "addition": weights[1]},
        "layers": [layer.to_dict() for layer in layers],
    }


_COLUMNS = (
    "setting",
    "multiplications",
    "additions",
    "weighted",
    "filter_values",
    "workspace_values",
    "redundancy",
    "why_not",
)


def algorithms_csv(layers: Sequence[LayerAlgorithms]) -> str:
    """One line per layer and algorithm."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["layer", "kind", "macs", "algorithm", *_COLUMNS])
    for layer in layers:
        for row in layer.to_dict()["algorithms"]:
            cells = ("" if row.get(key) is None else row[key] for key in _COLUMNS)
            writer.writerow([layer.layer, layer.kind, layer.macs, row["algorithm"], *cells])
    return stream.getvalue()
