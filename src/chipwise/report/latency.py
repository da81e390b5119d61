"""Measured latencies as a table."""

from chipwise.measure.latency.networks import MeasuredNetwork
from chipwise.report.tables import bar, percent, table
from chipwise.units import format_count, format_time


def latency_text(found: MeasuredNetwork) -> str:
    """By layer the fastest run, its share, how busy the machine was, and MACs per second."""
    total = found.latency_s
    head = ("layer", "time", "share", "", "median/min", "MAC/s")
    rows = [
        (
            shape.name,
            format_time(timing.min_s),
            percent(timing.min_s / total),
            bar(timing.min_s / total, 12),
            f"{timing.median_s / timing.min_s:.2f}",
            format_count(shape.macs / timing.min_s),
        )
        for shape, timing in found.layers
    ]
    lines = [table(head, rows, left=("layer", "")), "\n"]
    lines.append(f"sum of layers  {format_time(total)}\n")
    if found.whole is not None:
        ratio = found.whole.min_s / total
        lines.append(f"whole network  {format_time(found.whole.min_s)}, {ratio:.3f} x the sum\n")
    if found.unmeasured:
        lines.append(f"not measured: {', '.join(found.unmeasured)}\n")
    state = (
        "the machine was busy: measure again, or with more --rounds"
        if found.noisy
        else "the machine was steady"
    )
    lines.append(f"sentinels moved by up to {percent(found.drift)}: {state}\n")
    return "".join(lines)
