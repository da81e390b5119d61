"""Where the cycles of every layer go, as text."""

from chipwise.analysis.results import EvaluationResult
from chipwise.report.tables import shares, table


def timing_text(result: EvaluationResult) -> str:
    """Every cycle of every layer once; the columns of a row add up to its last one."""
    keys = [name for name, _, _ in shares(result.breakdown)]
    rows = [
        (
            name,
            *(f"{layer.cost.breakdown.get(key, 0.0):,.0f}" for key in keys),
            f"{layer.latency_cycles:,.0f}",
            layer.cost.bound_by,
        )
        for name, layer in result.layers.items()
    ]
    foot = (
        "network",
        *(f"{result.breakdown[key]:,.0f}" for key in keys),
        f"{result.latency_cycles:,.0f}",
        "",
    )
    head = ("layer", *keys, "in all", "bound by")
    hidden = result.overlapped_cycles
    note = f"starts of layers hide {hidden:,.0f} cycles behind the layers before them\n" if hidden else ""
    return "\nwhere the cycles go\n" + table(head, rows, left=("layer", "bound by"), foot=foot) + note
