"""What bounds the time: rooflines at the off-chip level and at every port, cycles by what needs them."""

from collections.abc import Iterator, Sequence

from chipwise.analysis.results import EvaluationResult
from chipwise.hardware.accelerator import Memory, Port
from chipwise.model.latency import COMPUTE
from chipwise.report.html.blocks import Block, Chart, Entry, Section, Text, entries, matrix
from chipwise.report.svg import Axis, Bar, Point, Series, bars, lines
from chipwise.report.tables import percent, shares
from chipwise.units import format_count, format_time

_AXIS = Axis(format=format_time)


def time(result: EvaluationResult) -> Section:
    """Time of each layer, coloured by what bounds it, and the cycles that everything else would need."""
    every = entries(result)
    by_bound: dict[str, float] = {}
    for entry in every:
        bound = entry.result.cost.bound_by
        by_bound[bound] = by_bound.get(bound, 0.0) + entry.result.latency_s
    keys = [key for key, _, _ in shares(by_bound)]
    whole = [
        Bar(key, ((key, seconds),), note=f"{percent(share)}, {format_time(seconds)}")
        for key, seconds, share in shares(by_bound)
    ]
    rows = [
        Bar(
            entry.name,
            ((entry.result.cost.bound_by, entry.result.latency_s),),
            note=format_time(entry.result.latency_s),
            row=entry.number,
        )
        for entry in every
    ]
    needs = list(dict.fromkeys(need for entry in every for need in entry.result.cost.cycles))
    cycles = matrix(
        "Cycles that compute and each port need; the largest bounds the layer",
        "layer",
        [*needs, "bound by"],
        (
            (
                entry.name,
                entry.number,
                [*(f"{entry.result.cost.cycles.get(n, 0):.6g}" for n in needs), entry.result.cost.bound_by],
            )
            for entry in every
        ),
    )
    return Section(
        "time",
        "Time",
        (
            Chart(bars("Time of the network by what bounds it", whole, axis=_AXIS, keys=keys, legend=False)),
            Chart(bars("Time of each layer by what bounds it", rows, axis=_AXIS, keys=keys)),
            cycles,
        ),
    )


def roofline(result: EvaluationResult) -> Section:
    """A roofline per port with a bandwidth, outermost first; without one off-chip, of the off-chip traffic."""
    every = entries(result)
    outermost = result.accelerator.memories[0]
    blocks: list[Block] = [
        Text(
            "Every layer against the least time its MACs and its traffic allow: MAC/s cannot exceed the peak of the "
            "PEs, nor bandwidth x MACs per byte. Layers below the roof are held back by something else."
        )
    ]
    if not outermost.ports:
        points = [
            (e, e.result.layer.macs / e.result.off_chip_bytes) for e in every if e.result.off_chip_bytes
        ]
        blocks += _roof(
            result, f"Roofline at {outermost.name}, whose bandwidth the chip does not give", points, None
        )
    for memory in result.accelerator.memories:
        for port in memory.ports:
            blocks += _roof(result, _title(result, memory, port), list(_intensities(every, port)), port)
    return Section("roofline", "Roofline", tuple(blocks))


def _title(result: EvaluationResult, memory: Memory, port: Port) -> str:
    copies = result.accelerator.instances(memory.name)
    where = "off-chip" if memory is result.accelerator.memories[0] else memory.name
    busiest = f", busiest of {copies} instances" if copies > 1 else ""
    return f"Roofline at {where}, port {port.name}{busiest}"


def _intensities(every: Sequence[Entry], port: Port) -> Iterator[tuple[Entry, float]]:
    """MACs per byte through a port; layers that do not use it have none."""
    for entry in every:
        num_bytes = entry.result.cost.cycles.get(port.name, 0.0) * port.bits_per_cycle / 8
        if num_bytes:
            yield entry, entry.result.layer.macs / num_bytes


def _roof(
    result: EvaluationResult, title: str, points: Sequence[tuple[Entry, float]], port: Port | None
) -> list[Block]:
    if not points:
        return []
    chip = result.accelerator
    peak = chip.peak_macs_per_s
    bytes_per_s = None if port is None else port.bits_per_cycle / 8 * chip.clock_hz
    low, high = min(i for _, i in points), max(i for _, i in points)
    if bytes_per_s is None:
        roof = [Point(low / 2, peak), Point(high * 2, peak)]
        ceiling = f"peak {peak / 1e9:.4g} GMAC/s"
    else:
        ridge = peak / bytes_per_s
        low, high = min(low, ridge) / 2, max(high, ridge) * 2
        roof = [Point(low, low * bytes_per_s), Point(ridge, peak), Point(high, peak)]
        ceiling = f"peak {peak / 1e9:.4g} GMAC/s, {bytes_per_s / 1e9:.4g} GB/s, ridge at {ridge:.3g} MAC/B"
    bounds = dict.fromkeys(entry.result.cost.bound_by for entry, _ in points)
    series = [Series(ceiling, tuple(roof))]
    for bound in sorted(bounds, key=lambda b: (b != COMPUTE, b)):
        marks = tuple(
            Point(intensity, entry.result.layer.macs / entry.result.latency_s, entry.name, entry.number)
            for entry, intensity in points
            if entry.result.cost.bound_by == bound
        )
        series.append(Series(f"bound by {bound}", marks, line=False, marks=True, names=True))
    chart = lines(title, series, Axis("MAC/B", log=True), Axis("MAC/s", log=True))
    table = matrix(
        title,
        "layer",
        ["MAC/B", "MAC/s", "of the roof"],
        (
            (
                entry.name,
                entry.number,
                [
                    f"{intensity:.3g}",
                    format_count(rate := entry.result.layer.macs / entry.result.latency_s),
                    percent(rate / min(peak, intensity * bytes_per_s if bytes_per_s else peak)),
                ],
            )
            for entry, intensity in points
        ),
    )
    return [Chart(chart), table]
