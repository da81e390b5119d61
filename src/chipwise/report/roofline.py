"""A roofline as text, with a plot in characters, and as an SVG chart."""

from math import log10

from chipwise.analysis.eyexam import STEPS
from chipwise.analysis.roofline import Ceiling, Point, Roofline
from chipwise.report import svg
from chipwise.report.evaluation import chip_line
from chipwise.report.tables import table
from chipwise.units import format_bandwidth, format_bytes

WIDTH, HEIGHT = 64, 16
"""Characters of the plot."""

_SHOWN = ("PEs", "array", "capacity")
"""Steps of Eyexam that are flat: the others are the roof itself, or above any peak."""


def roofline_text(roof: Roofline) -> str:
    """The whole answer to `chipwise roofline`."""
    title = f"{roof.network} on {chip_line(roof.accelerator)}; batch {roof.batch}; mappings of least {roof.objective}\n"
    parts = [title, _ceilings(roof), _layers(roof)]
    drawn = next((c for c in roof.ceilings if roof.total.intensity(c.port) is not None), None)
    if drawn is not None:
        parts.append(_plot(roof, drawn))
    return "\n".join(parts)


def _ceilings(roof: Roofline) -> str:
    head = ("ceiling", "of", "bandwidth", "ridge MAC/B", "network MAC/B", "lets be MAC/cycle")
    rows = [("peak", "compute", "", "", "", f"{roof.peak:.0f}")]
    for c in roof.ceilings:
        own = roof.total.intensity(c.port)
        lets = "" if own is None else f"{min(roof.peak, own * c.bytes_per_cycle):.4g}"
        tensors = "all tensors" if c.tensors is None else ", ".join(c.tensors)
        bandwidth = format_bandwidth(8 * c.bytes_per_cycle)
        rows.append((c.port, tensors, bandwidth, f"{c.ridge(roof.peak):.4g}", _number(own), lets))
    rows += [
        (f"Eyexam {k} {step}", "network", "", "", "", f"{roof.eyexam.active_pes[k - 1]:.4g}")
        for k, step in enumerate(STEPS, 1)
        if step in _SHOWN
    ]
    return table(head, rows, left=("ceiling", "of"))


def _layers(roof: Roofline) -> str:
    """Intensity at every memory; where nothing bounds a memory, it is told all the same."""
    memories = [m.name for m in roof.accelerator.memories]
    head = (
        "layer", *(f"{name} MAC/B" for name in memories), "at most off-chip", "attainable", "achieved", "bound by",
    )  # fmt: skip
    rows = [_row(roof, memories, p) for p in roof.points]
    return "operational intensity at every memory, MAC/cycle under all ceilings and reached\n" + table(
        head, rows, left=("layer", "bound by"), foot=_row(roof, memories, roof.total)
    )


def _row(roof: Roofline, memories: list[str], p: Point) -> tuple[str, ...]:
    moved = [p.memory_bytes[name] for name in memories]
    return (
        p.name,
        *(_number(p.macs / b if b else None) for b in moved),
        _number(p.macs / p.least_bytes),
        f"{roof.attainable(p):.4g}",
        f"{p.achieved:.4g}",
        p.bound_by,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _plot(roof: Roofline, ceiling: Ceiling) -> str:
    """Layers under one ceiling, both axes logarithmic: letters in order of the table."""
    points = [(x, p) for p in roof.points if (x := p.intensity(ceiling.port)) is not None]
    low, high = _range([x for x, _ in points] + [ceiling.ridge(roof.peak)])
    bottom, top = _range([p.achieved for _, p in points] + [roof.peak])
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]

    def place(x: float, y: float) -> tuple[int, int]:
        across = round((log10(x) - low) / (high - low) * (WIDTH - 1))
        down = round((top - log10(y)) / (top - bottom) * (HEIGHT - 1))
        return min(max(across, 0), WIDTH - 1), min(max(down, 0), HEIGHT - 1)

    for i in range(WIDTH):
        x = 10 ** (low + (high - low) * i / (WIDTH - 1))
        y = min(roof.peak, x * ceiling.bytes_per_cycle)
        if log10(y) >= bottom:
            _, down = place(x, y)
            grid[down][i] = "-" if y == roof.peak else "/"
    letters: dict[str, str] = {}
    for i, (x, p) in enumerate(points):
        across, down = place(x, p.achieved)
        letter = _letter(i)
        letters[letter] = f"{letters[letter]} {p.name}" if letter in letters else p.name
        grid[down][across] = letter if grid[down][across] in " -/" else "*"
    lines = [
        f"MAC/cycle over MAC/byte at {ceiling.port} ({format_bytes(8 * ceiling.bytes_per_cycle)}/cycle)\n"
    ]
    for i, row in enumerate(grid):
        mark = f"{10**top:.4g}" if i == 0 else f"{10**bottom:.4g}" if i == HEIGHT - 1 else ""
        lines.append(f"{mark:>8} |{''.join(row).rstrip()}\n")
    lines.append(f"{'':8} +{'-' * WIDTH}\n{'':9} {10**low:<{WIDTH // 2}.4g}{10**high:>{WIDTH // 2}.4g}\n")
    named = [f"{letter} {name}" for letter, name in letters.items()]
    lines += [f"  {', '.join(named[i : i + 6])}\n" for i in range(0, len(named), 6)]
    return "".join(lines) + ("  * several\n" if any("*" in row for row in grid) else "")


def _letter(i: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return letters[i] if i < len(letters) else "#"


def _range(values: list[float]) -> tuple[float, float]:
    """Whole powers of ten around positive values, as logarithms."""
    low = int(log10(min(values)) // 1)
    high = int(-(-log10(max(values)) // 1))
    return low, max(high, low + 1)


def roofline_svg(roof: Roofline) -> str:
    """The chart as a file of its own."""
    return svg.document(roofline_chart(roof))


def roofline_chart(roof: Roofline) -> str:
    """All ceilings, every layer at each of them, and the flat bounds of Eyexam."""
    reached = [x for c in roof.ceilings for p in roof.points if (x := p.intensity(c.port)) is not None]
    ridges = [c.ridge(roof.peak) for c in roof.ceilings]
    low, high = min([*reached, *ridges, 1.0]) / 2, max([*reached, *ridges, 1.0]) * 2
    least = min(p.achieved for p in roof.points) / 2
    series = []
    for c in roof.ceilings:
        ridge = c.ridge(roof.peak)
        start = max(low, least / c.bytes_per_cycle)
        corners = [(start, start * c.bytes_per_cycle), (ridge, roof.peak), (high, roof.peak)]
        whose = "" if c.tensors is None else f" ({', '.join(c.tensors)})"
        series.append(
            svg.Series(f"{c.port}{whose}", tuple(svg.Point(x, y) for x, y in corners if x >= start))
        )
    first = roof.ceilings[0] if roof.ceilings else None
    for step in _SHOWN:
        flat = roof.eyexam.active_pes[STEPS.index(step)]
        start = low if first is None else min(high, flat / first.bytes_per_cycle)
        series.append(svg.Series(f"Eyexam: {step}", (svg.Point(start, flat), svg.Point(high, flat))))
    for i, c in enumerate(roof.ceilings):
        dots = tuple(
            svg.Point(x, p.achieved, p.name) for p in roof.points if (x := p.intensity(c.port)) is not None
        )
        series.append(svg.Series("", dots, line=False, marks=True, names=c is first, colour=i))
    across, up = svg.Axis("MAC/byte", log=True), svg.Axis("MAC/cycle", log=True)
    title = f"{roof.network} on {roof.accelerator.name}, batch {roof.batch}: layers in the colours of their ceilings"
    return svg.lines(title, series, across, up)
