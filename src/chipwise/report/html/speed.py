"""What bounds the time: every cycle once, and rooflines at the off-chip level, at every port and network."""

from collections.abc import Iterator, Sequence

from chipwise.analysis.results import EvaluationResult
from chipwise.model.latency import COMPUTE, Channel, channels
from chipwise.report.html.blocks import Block, Chart, Entry, Section, Text, entries, matrix
from chipwise.report.svg import Axis, Bar, Point, Series, bars, lines
from chipwise.report.tables import percent, shares
from chipwise.units import format_count, format_time

_AXIS = Axis(format=format_time)


def time(result: EvaluationResult) -> Section:
    """Every cycle once, of the network and of each layer, and how long compute and each channel are busy."""
    every, clock_hz = entries(result), result.accelerator.clock_hz
    spent = shares(result.breakdown)
    keys = [name for name, _, _ in spent]
    whole = [
        Bar(name, ((name, cycles / clock_hz),), note=f"{percent(share)}, {format_time(cycles / clock_hz)}")
        for name, cycles, share in spent
    ]
    rows = [
        Bar(
            entry.name,
            tuple((key, entry.result.cost.breakdown.get(key, 0.0) / clock_hz) for key in keys),
            note=f"{format_time(entry.result.latency_s)}, {entry.result.cost.bound_by}",
            row=entry.number,
        )
        for entry in every
    ]
    return Section(
        "time",
        "Time",
        (
            Text(
                "Every cycle once: compute, what cannot overlap with it, and what the slowest port or network adds "
                "to them. Behind each bar: its time, and what bounds it."
            ),
            Chart(
                bars("Time of the network by what it is spent on", whole, axis=_AXIS, keys=keys, legend=False)
            ),
            *_overlapped(result),
            Chart(bars("Time of each layer by what it is spent on", rows, axis=_AXIS, keys=keys)),
            _spent(result, every, keys),
            _busy(every),
        ),
    )


def _overlapped(result: EvaluationResult) -> Iterator[Block]:
    if result.overlapped_cycles:
        hidden = format_time(result.overlapped_cycles / result.accelerator.clock_hz)
        yield Text(
            f"Starts of layers hide {hidden} behind the layers before them; the bars of layers hold it."
        )


def _spent(result: EvaluationResult, every: Sequence[Entry], keys: Sequence[str]) -> Block:
    return matrix(
        "Cycles of each layer by what they are spent on",
        "layer",
        [*keys, "in all"],
        (
            (
                entry.name,
                entry.number,
                [
                    *(f"{entry.result.cost.breakdown.get(key, 0.0):.6g}" for key in keys),
                    f"{entry.result.latency_cycles:.6g}",
                ],
            )
            for entry in every
        ),
        ("network", *(f"{result.breakdown[key]:.6g}" for key in keys), f"{result.latency_cycles:.6g}"),
    )


def _busy(every: Sequence[Entry]) -> Block:
    needs = list(dict.fromkeys(need for entry in every for need in entry.result.cost.cycles))
    return matrix(
        "Cycles that compute and each channel are busy",
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


def roofline(result: EvaluationResult) -> Section:
    """A roofline per port and network with a bandwidth, outermost first; without a port off-chip, of its traffic."""
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
    for channel in channels(result.accelerator):
        blocks += _roof(result, _title(result, channel), list(_intensities(every, channel)), channel)
    return Section("roofline", "Roofline", tuple(blocks))


def _title(result: EvaluationResult, channel: Channel) -> str:
    chip = result.accelerator
    array = next((a for a in chip.arrays if chip.depth(a.name) == channel.depth), None)
    if array is not None:
        return f"Roofline at the network {channel.name}"
    memory = next(m for m in chip.memories if any(p.name == channel.name for p in m.ports))
    copies = chip.instances(memory.name)
    where = "off-chip" if memory is chip.memories[0] else memory.name
    busiest = f", busiest of {copies} instances" if copies > 1 else ""
    return f"Roofline at {where}, port {channel.name}{busiest}"


def _intensities(every: Sequence[Entry], channel: Channel) -> Iterator[tuple[Entry, float]]:
    """MACs per byte through a port or network; layers that do not use it have none."""
    for entry in every:
        num_bytes = entry.result.cost.cycles.get(channel.name, 0.0) * channel.bits_per_cycle / 8
        if num_bytes:
            yield entry, entry.result.layer.macs / num_bytes


def _roof(
    result: EvaluationResult, title: str, points: Sequence[tuple[Entry, float]], channel: Channel | None
) -> list[Block]:
    if not points:
        return []
    chip = result.accelerator
    peak = chip.peak_macs_per_s
    bytes_per_s = None if channel is None else channel.bits_per_cycle / 8 * chip.clock_hz
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
