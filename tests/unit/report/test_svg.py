"""Charts: well-formed, to scale, escaped, the same bytes for the same numbers."""

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from chipwise.report.svg import Axis, Bar, Point, Series, bars, document, lines

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>\" onload='x' \x00\x1b"


def parts(chart: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(chart).iter(SVG + tag))  # noqa: S314 - written by ourselves


def rects(chart: str) -> list[tuple[float, float]]:
    """(x, width) of what stands in rows."""
    found = []
    for group in parts(chart, "g"):
        found += [(float(r.get("x")), float(r.get("width"))) for r in group.iter(SVG + "rect")]
    return found


def texts(chart: str) -> list[str]:
    return ["".join(t.itertext()) for t in parts(chart, "text")]


def test_bars_are_to_scale_and_stand_side_by_side():
    chart = bars("energy", [Bar("a", (("x", 1.0), ("y", 3.0))), Bar("b", (("x", 2.0),))])
    (ax, aw), (bx, bw), (cx, cw) = rects(chart)
    assert bw == pytest.approx(3 * aw, abs=0.05)
    assert cw == pytest.approx(2 * aw, abs=0.05)
    assert bx == pytest.approx(ax + aw, abs=0.02)
    assert cx == ax
    assert {"energy", "x", "y", "a", "b"} <= set(texts(chart))


def test_a_bar_may_start_elsewhere():
    (_, _), (x, w) = rects(bars("steps", [Bar("a", (("lost", 4.0),)), Bar("b", (("lost", 1.0),), start=3.0)]))
    (ax, aw), _ = rects(bars("steps", [Bar("a", (("lost", 4.0),)), Bar("b", (("lost", 1.0),), start=3.0)]))
    assert x + w == pytest.approx(ax + aw, abs=0.02)


def test_logarithmic_axes_put_decades_at_equal_distances():
    points = tuple(Point(10.0**i, 10.0 ** (2 * i)) for i in range(4))
    axis = Axis("n", log=True)
    chart = lines("growth", [Series("s", points, line=False, marks=True)], axis, axis)
    circles = parts(chart, "circle")
    xs, ys = ([float(c.get(k)) for c in circles] for k in ("cx", "cy"))
    assert [b - a for a, b in pairwise(xs)] == pytest.approx([xs[1] - xs[0]] * 3, abs=0.02)
    assert ys == sorted(ys, reverse=True)


def test_what_has_no_place_on_a_logarithmic_axis_is_left_out():
    points = (Point(0.0, 1.0), Point(1.0, math.inf), Point(1.0, math.nan), Point(2.0, 3.0))
    chart = lines("t", [Series("s", points, marks=True)], Axis(log=True), Axis(log=True))
    assert len(parts(chart, "circle")) == 1
    assert "nan" not in chart
    assert "inf" not in chart


@pytest.mark.parametrize("log", [False, True])
def test_nothing_and_one_point_make_a_chart_too(log: bool):
    for points in ((), (Point(1.0, 1.0, "only"),)):
        ET.fromstring(lines("t", [Series("s", points)], Axis(log=log), Axis(log=log)))  # noqa: S314
    assert rects(bars("t", [])) == []
    assert rects(bars("t", [Bar("a", (("x", 0.0),))])) == []


def test_names_do_not_lie_on_each_other():
    points = tuple(Point(1.0 + i / 100, 1.0, f"layer{i}") for i in range(50))
    axis = Axis(low=0.0, high=3.0)
    chart = lines("t", [Series("s", points, line=False, marks=True, names=True)], axis, axis)
    shown = [t for t in texts(chart) if t.startswith("layer")]
    assert 1 <= len(shown) < 50
    assert len(parts(chart, "circle")) == 50


def test_points_on_each_other_share_a_name():
    points = tuple(Point(1.0, 1.0, f"layer{i}", str(i)) for i in range(3))
    axis = Axis(low=0.0, high=3.0)
    chart = lines("t", [Series("s", points, line=False, marks=True, names=True)], axis, axis)
    assert [t for t in texts(chart) if t.startswith("layer")] == ["layer0 +2"]
    assert parts(chart, "g")[0].get("data-row") == "0 1 2"


def test_bytes_have_their_own_round_numbers():
    axis = Axis(binary=True, format=lambda b: f"{b / 1024:g}K")
    chart = bars("t", [Bar("a", (("x", 23.0 * 1024),))], axis=axis)
    assert {"0K", "5K", "10K", "20K"} <= set(texts(chart))


def test_user_text_is_inert():
    for chart in (
        bars(HOSTILE, [Bar(HOSTILE, ((HOSTILE, 1.0),), note=HOSTILE)]),
        lines(
            HOSTILE,
            [Series(HOSTILE, (Point(1.0, 1.0, HOSTILE),), marks=True, names=True)],
            Axis(HOSTILE),
            Axis(HOSTILE),
        ),
    ):
        allowed = {"svg", "g", "rect", "title", "text", "path", "circle", "polyline"}
        assert {e.tag.removeprefix(SVG) for e in ET.fromstring(chart).iter()} <= allowed  # noqa: S314
        assert not re.search(r"<script|\son\w+=\"", chart)


def test_every_picture_has_a_text_alternative():
    (svg,) = parts(bars("energy of layers", [Bar("a", (("x", 1.0),))]), "svg")
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "energy of layers: bars of 1 rows"


def test_a_file_of_its_own_is_well_formed_and_takes_nothing_from_elsewhere():
    text = document(bars("t", [Bar("a", (("x", 1.0),))]))
    assert parts(text, "style")
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert text == document(bars("t", [Bar("a", (("x", 1.0),))]))
