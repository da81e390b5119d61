"""Charts as SVG text: horizontal (stacked) bars, lines and points, linear and logarithmic axes, legends.

Written by hand: a page then needs nothing but itself, the same numbers give the same bytes, and colours follow the
reader's light or dark scheme, which no picture of a plotting library does. A chart stands in a page whose style
sheet contains `STYLE`, or alone in a file, through `document`.

Whatever a chart is told is escaped, names of layers come from users.
"""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import final

from chipwise.report.tables import percent
from chipwise.units import format_count

COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#ccaa33", "#55bbdd", "#aa3377", "#ee8844", "#44aa99", "#9988cc", "#888888",
)  # fmt: skip
"""Told apart with any colour vision (after P. Tol, "Colour schemes", SRON/EPS/TN/09-002), on white and on black."""

_DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4")

STYLE = (
    ".chart{font:12px system-ui,sans-serif;max-width:100%;height:auto;--ink:#1c2024;--faint:#59636e;--rule:#d5dade;"
    "--paper:#fff}"
    ".chart text{fill:var(--ink)}.chart .n{fill:var(--faint)}.chart .h{font-weight:600;font-size:14px}"
    ".chart .g{stroke:var(--rule)}.chart .a{stroke:var(--faint)}.chart .s{stroke:var(--paper);stroke-width:.6}"
    ".chart polyline{fill:none;stroke-width:1.8}"
    + "".join(f".chart .c{i}{{fill:{c}}}.chart .l{i}{{stroke:{c}}}" for i, c in enumerate(COLOURS))
    + "".join(f".chart .d{i}{{stroke-dasharray:{dash}}}" for i, dash in enumerate(_DASHES) if dash)
    + "@media screen and (prefers-color-scheme:dark){.chart{--ink:#e6e9ec;--faint:#a3adb8;--rule:#3a4149;"
    "--paper:#15181b}}"
)
"""What charts look like; class names are short, as a chart repeats them thousands of times."""

WIDTH = 1100
"""Of a chart, px; it shrinks with its page."""

_CHAR, _LINE = 6.6, 16.0
"""Mean width of a character and height of a line of 12 px text: the browser's fonts cannot be measured here."""


@final
@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a bar chart: values by key, side by side from `start`; `row` becomes its `data-row`, for scripts."""

    label: str
    values: tuple[tuple[str, float], ...]
    start: float = 0.0
    note: str = ""
    """Written behind the bar."""
    row: str = ""


@final
@dataclass(frozen=True, slots=True)
class Point:
    """A point; `label` is shown beside it where there is room (`Series.names`), and when pointed at."""

    x: float
    y: float
    label: str = ""
    row: str = ""


@final
@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour: joined by a line, marked, with their names; one without a name is not in the legend."""

    name: str
    points: tuple[Point, ...]
    line: bool = True
    marks: bool = False
    names: bool = False
    colour: int | None = None
    """That of the series with this number; None: its own."""


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it says, how its numbers read, and its range (None: that of the data)."""

    label: str = ""
    log: bool = False
    binary: bool = False
    """Round numbers are those of KiB, MiB, ...; the values are bytes."""
    low: float | None = None
    high: float | None = None
    format: Callable[[float], str] = format_count


def document(chart: str) -> str:
    """A chart as a file of its own.

    >>> document('<svg class="chart"><g/></svg>').startswith('<svg class="chart"><style>')
    True
    """
    head, rest = chart.split(">", 1)
    return f"{head}><style>{STYLE}</style>{rest}\n"


def bars(
    title: str,
    rows: Sequence[Bar],
    *,
    axis: Axis | None = None,
    keys: Sequence[str] | None = None,
    width: int = WIDTH,
    legend: bool = True,
) -> str:
    """One horizontal bar per row; more than one key stacks them.

    Args:
        title: stands above the chart, and is its text alternative together with its size.
        rows: from top to bottom; values are at least 0.
        axis: of the values, linear from 0.
        keys: order of colours; by default as they appear.
        width: of the chart, px.
        legend: whether colours are named above the bars.
    """
    axis = axis or Axis()
    keys = keys or list(dict.fromkeys(key for row in rows for key, _ in row.values))
    left = min(max((_width(row.label) for row in rows), default=0.0), 240.0) + 12
    notes = max((_width(row.note) for row in rows), default=0.0)
    top, out = _head(title, keys if legend else (), width)
    most = max((row.start + sum(value for _, value in row.values) for row in rows), default=0.0)
    high = (most or 1.0) if axis.high is None else axis.high
    scale = _Scale(replace(axis, log=False, low=0.0, high=high), (), left, width - left - notes - 24)
    step = 20.0
    bottom = top + step * len(rows) + 2
    out += _ticks(scale, axis, top, bottom)
    for i, row in enumerate(rows):
        y = top + step * i
        total = sum(value for _, value in row.values)
        out.append(f'<g data-row="{_safe(row.row)}">' if row.row else "<g>")
        out.append(_text(left - 6, y + 14, _cut(row.label, left - 12), "", "end", row.label))
        at = row.start
        for key, value in row.values:
            x, wide = scale.at(at), scale.at(at + value) - scale.at(at)
            at += value
            # What is thinner than a twentieth of a pixel shows nothing, but would be in the file.
            if wide >= 0.05:
                share = f" ({percent(value / total)})" if total and len(row.values) > 1 else ""
                told = f"{row.label}: {key} {axis.format(value)}{share}"
                out.append(
                    f'<rect class="{_colour(keys.index(key))} s" x="{_n(x)}" y="{_n(y + 3)}" width="{_n(wide)}" '
                    f'height="{_n(step - 5)}"><title>{_safe(told)}</title></rect>'
                )
        if row.note:
            out.append(_text(scale.at(at) + 5, y + 14, row.note, "n"))
        out.append("</g>")
    return _chart(f"{title}: bars of {len(rows)} rows", width, bottom + (36 if axis.label else 20), out)


def lines(
    title: str, series: Sequence[Series], x: Axis, y: Axis, *, width: int = WIDTH, height: int = 420
) -> str:
    """Series over two axes.

    Args:
        title: stands above the chart, and is its text alternative together with what is drawn.
        series: drawn in this order; points where a logarithmic axis has no place are left out.
        x: the horizontal axis.
        y: the vertical axis.
        width: of the chart, px.
        height: of the plot itself, px.
    """
    kept = [(s, [p for p in s.points if _has_place(p.x, x) and _has_place(p.y, y)]) for s in series]
    every = [p for _, points in kept for p in points]
    colours = [i if s.colour is None else s.colour for i, s in enumerate(series)]
    named = [(s, colour) for s, colour in zip(series, colours, strict=True) if s.name]
    top, out = _head(title, [s.name for s, _ in named], width, [(s.line, colour) for s, colour in named])
    top += 4
    down = _Scale(y, [p.y for p in every], top + height, -height)
    left = max(_width(y.format(v)) for v in down.ticks) + (34 if y.label else 14)
    across = _Scale(x, [p.x for p in every], left, width - left - 16)
    out += _ticks(across, x, top, top + height)
    for value in down.ticks:
        at = down.at(value)
        out.append(f'<path class="g" d="M{_n(left)} {_n(at)}H{width - 16}"/>')
        out.append(_text(left - 6, at + 4, y.format(value), "n", "end"))
    if y.label:
        middle = _n(top + height / 2)
        out.append(
            f'<text class="n" text-anchor="middle" transform="translate(14 {middle}) rotate(-90)">'
            f"{_safe(y.label)}</text>"
        )
    taken: list[tuple[float, float, float, float]] = []
    for i, (line, points) in zip(colours, kept, strict=True):
        placed = [(across.at(p.x), down.at(p.y), p) for p in points]
        if line.line and placed:
            path = " ".join(f"{_n(a)},{_n(b)}" for a, b, _ in placed)
            out.append(f'<polyline class="l{i % len(COLOURS)} d{i % len(_DASHES)}" points="{path}"/>')
        if line.marks:
            out += [_mark(a, b, i, p, x, y) for a, b, p in placed]
            taken += [(a - 4, b - 4, a + 4, b + 4) for a, b, _ in placed]
    for line, points in kept:
        if line.names:
            out += _names(
                [(across.at(p.x), down.at(p.y), p) for p in points], taken, (left, top, width - 16.0)
            )
    label = f"{title}: {', '.join(s.name for s, _ in named)}; {y.label} over {x.label}"
    return _chart(label, width, top + height + (36 if x.label else 20), out)


def _mark(at: float, up: float, i: int, point: Point, x: Axis, y: Axis) -> str:
    told = f"{point.label + ': ' if point.label else ''}{x.format(point.x)}, {y.format(point.y)}"
    row = f' data-row="{_safe(point.row)}"' if point.row else ""
    return (
        f'<circle class="{_colour(i)} s" cx="{_n(at)}" cy="{_n(up)}" r="4.5"{row}>'
        f"<title>{_safe(told)}</title></circle>"
    )


def _names(
    placed: Sequence[tuple[float, float, Point]],
    taken: list[tuple[float, float, float, float]],
    room: tuple[float, float, float],
) -> list[str]:
    """Labels beside their points, right, left, above or below; one that fits nowhere is left out.

    Points that lie on each other have one label, that of the first, and how many more there are.
    """
    spots: dict[tuple[int, int], list[tuple[float, float, Point]]] = {}
    for x, y, point in placed:
        spots.setdefault((round(x / 3), round(y / 3)), []).append((x, y, point))
    out = []
    left, top, right = room
    for spot in spots.values():
        x, y, point = spot[0]
        label = point.label + (f" +{len(spot) - 1}" if len(spot) > 1 else "")
        wide = _width(label)
        for dx, dy in ((7, 4), (-7 - wide, 4), (-wide / 2, -8), (-wide / 2, 17)):
            box = (x + dx, y + dy - 11, x + dx + wide, y + dy + 2)
            inside = box[0] >= left and box[2] <= right and box[1] >= top
            if inside and not any(
                box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken
            ):
                taken.append(box)
                rows = " ".join(p.row for _, _, p in spot if p.row)
                text = _text(x + dx, y + dy, label, "n")
                out.append(f'<g data-row="{_safe(rows)}">{text}</g>' if rows else text)
                break
    return out


@final
class _Scale:
    """Where a value stands on an axis: linear or logarithmic, widened to round numbers."""

    def __init__(self, axis: Axis, values: Sequence[float], start: float, length: float) -> None:
        low = min(values, default=1.0) if axis.low is None else axis.low
        high = max(values, default=1.0) if axis.high is None else axis.high
        self.log = axis.log
        if axis.log:
            self.ticks = _decades(low, high)
        else:
            unit = 1024.0 ** math.floor(math.log(high, 1024)) if axis.binary and high > 0 else 1.0
            first = min(low, 0.0) if axis.low is None else low
            self.ticks = [unit * step for step in _round_steps(first / unit, high / unit)]
        # Bars and given ranges end where they end; what the data reach ends at the next round number.
        self.low = min(low, self.ticks[0]) if axis.low is None else low
        self.high = max(high, self.ticks[-1]) if axis.high is None else high
        self.ticks = [t for t in self.ticks if self.low <= t <= self.high * (1 + 1e-9)]
        self.start, self.length = start, length

    def at(self, value: float) -> float:
        """Position, px."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * self.length


def _round_steps(low: float, high: float) -> list[float]:
    """About six multiples of 1, 2 or 5 x a power of ten that cover the range.

    >>> _round_steps(0, 23)
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= span / 6)
    first, last = math.floor(low / step + 1e-9), max(math.ceil(high / step - 1e-9), 1)
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten that cover the range, with 2 and 5 between where they are few.

    >>> _decades(3, 40)
    [2.0, 5.0, 10.0, 20.0, 50.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    every = [m * 10.0**e for e in powers for m in steps]
    first = max(i for i, t in enumerate(every) if t <= low * (1 + 1e-9))
    last = min(i for i, t in enumerate(every) if t >= high * (1 - 1e-9))
    return every[first : max(last, first + 1) + 1]


def _has_place(value: float, axis: Axis) -> bool:
    return math.isfinite(value) and (value > 0 or not axis.log)


def _ticks(scale: _Scale, axis: Axis, top: float, bottom: float) -> list[str]:
    """Vertical rules with their numbers below, and the axis's label; numbers that would collide are left out."""
    out, free = [], -math.inf
    for value in scale.ticks:
        x = scale.at(value)
        out.append(f'<path class="g" d="M{_n(x)} {_n(top)}V{_n(bottom)}"/>')
        text = axis.format(value)
        if x - _width(text) / 2 > free:
            out.append(_text(x, bottom + 15, text, "n", "middle"))
            free = x + _width(text) / 2 + 4
    if axis.label:
        out.append(_text(scale.start + scale.length / 2, bottom + 31, axis.label, "n", "middle"))
    return out


def _head(
    title: str, keys: Sequence[str], width: int, drawn: Sequence[tuple[bool, int]] = ()
) -> tuple[float, list[str]]:
    """Title and legend, in which `drawn` tells of each key whether it is a line and its colour; the y below them."""
    out = [_text(0, 15, title, "h")]
    x, y = 0.0, 34.0
    for number, key in enumerate(keys):
        line, i = drawn[number] if drawn else (False, number)
        wide = _width(key) + 30
        if x and x + wide > width:
            x, y = 0.0, y + _LINE
        if line:
            names = f"l{i % len(COLOURS)} d{i % len(_DASHES)}"
            out.append(f'<polyline class="{names}" points="{_n(x)},{_n(y - 4)} {_n(x + 16)},{_n(y - 4)}"/>')
        else:
            out.append(f'<rect class="{_colour(i)}" x="{_n(x + 4)}" y="{_n(y - 9)}" width="10" height="10"/>')
        out.append(_text(x + 20, y, key))
        x += wide
    return (y + 10 if keys else 26.0), out


def _chart(label: str, width: int, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_safe(label)}" '
        f'viewBox="0 0 {width} {_n(height)}" width="{width}" height="{_n(height)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "", whole: str = "") -> str:
    names = f' class="{kind}"' if kind else ""
    side = f' text-anchor="{anchor}"' if anchor else ""
    hint = f"<title>{_safe(whole)}</title>" if whole not in {"", text} else ""
    return f'<text{names} x="{_n(x)}" y="{_n(y)}"{side}>{hint}{_safe(text)}</text>'


def _colour(i: int) -> str:
    return f"c{i % len(COLOURS)}"


def _safe(text: str) -> str:
    """Escaped for text and attributes; control characters, which XML cannot hold, are shown as unknown."""
    return escape("".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text))


def _width(text: str) -> float:
    """About how wide a text is, px."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text) * _CHAR


def _cut(text: str, room: float) -> str:
    """The text, or what of its beginning and end fits: layers often differ at the end only."""
    most = int(room / _CHAR)
    if _width(text) <= room + 0.5:
        return text
    return f"{text[: most // 2 - 1]}…{text[-(most - most // 2) :]}"


def _n(value: float) -> str:
    """A coordinate to a hundredth of a pixel, without zeros at the end.

    >>> _n(2.0), _n(0.127), _n(-0.001)
    ('2', '0.13', '0')
    """
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
