"""The page of an evaluation: whole, escaped, self-contained, accessible, and true to the result."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import chipwise
from chipwise.analysis.results import EvaluationResult
from chipwise.report.html.nest import nest
from chipwise.report.html.page import SECTIONS, html_text
from chipwise.units import format_bytes, format_energy, format_time
from chipwise.workload.network import Network

HOSTILE = "<script>alert(1)</script>\"' onload=alert(1) {{ 7*7 }} --><b>"
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Checks that tags are balanced, and keeps elements with their attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def small(**names: str) -> Network:
    layers = (
        chipwise.conv(names.get("first", "conv"), M=8, C=4, P=4, Q=4, R=3, S=3),
        chipwise.conv("twin", M=8, C=4, P=4, Q=4, R=3, S=3),
        chipwise.fully_connected("fc", M=10, C=12),
    )
    return Network(names.get("network", "small"), layers)


@pytest.fixture(scope="module")
def result() -> EvaluationResult:
    return chipwise.evaluate(small(), "eyeriss", batch=2)


@pytest.fixture(scope="module")
def page(result) -> Page:
    return Page(html_text(result))


def test_every_section_is_there_and_reached(result, page):
    keys = [section(result).key for section in SECTIONS]
    assert [s["id"] for s in page.all("section")] == keys
    targets = {a["href"] for a in page.all("a")}
    assert {f"#{key}" for key in keys} <= targets
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_figures_stand_together(result, page):
    totals = result.totals()
    assert page.text("dt") == [
        "Energy", "Latency", "Throughput", "Power", "Energy per MAC", "Utilisation", "Off-chip", "Area",
    ]  # fmt: skip
    values = page.text("strong")
    assert values[0] == format_energy(result.energy_pj)
    assert values[1] == format_time(result.latency_s)
    assert values[6] == format_bytes(8 * totals["off_chip_bytes"])


def test_every_layer_is_in_every_part_under_its_name(result, page):
    for name in result.layers:
        assert page.text("th").count(name) >= 5
    numbers = [str(i) for i in range(len(result.layers))]
    assert [tr["data-row"] for tr in page.all("tr") if "data-find" in tr] == numbers
    drawn = [article["data-row"].split() for article in page.all("article")]
    assert sorted(number for group in drawn for number in group) == numbers
    assert ["0", "1"] in drawn


def test_every_energy_has_its_source(result, page):
    cells = set(page.text("td"))
    assert {item.source for layer in result.layers.values() for item in layer.cost.energy} <= cells


def test_nothing_is_fetched_and_only_our_script_runs(page):
    (script,) = page.text("script")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    assert "url(" not in "".join(page.text("style"))
    assert "@import" not in "".join(page.text("style"))


def test_tables_and_charts_can_be_read_aloud(page):
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.get("scope") in {"col", "row"} for th in page.all("th"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("label") == [{"for": "find"}]
    assert page.all("summary")


def test_names_are_text():
    network = small(first=HOSTILE, network=HOSTILE)
    page = Page(html_text(chipwise.evaluate(network, "eyeriss")))
    assert len(page.all("script")) == 1
    assert not page.all("b")
    assert page.text("h1") == [f"{HOSTILE} on eyeriss"]
    assert page.text("th").count(HOSTILE) >= 5
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_equal_results_give_equal_pages(result):
    assert html_text(result) == html_text(chipwise.evaluate(small(), "eyeriss", batch=2))


def test_what_is_not_proven_is_warned_of(result):
    def open_gap(layer):
        return replace(layer, certificate=replace(layer.certificate, proven=False, gap=0.25))

    layers = {name: open_gap(r) if name == "fc" else r for name, r in result.layers.items()}
    text = html_text(replace(result, layers=layers))
    assert "Not proven: 1 of 3 layers" in text
    assert "fc (gap 25.0 %)" in text
    assert "Not proven" not in html_text(result)
    assert "None." in html_text(result)


def test_given_mappings_are_told_from_searched_ones(result):
    layers = {name: replace(layer, certificate=None) for name, layer in result.layers.items()}
    text = html_text(replace(result, layers=layers))
    assert "Not searched: the mapping was given for conv, twin, fc." in text
    assert "given, not searched" in text


BARE = """
name: bare
clock: 100 MHz
word: 16 b
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - {memory: registers, component: register_file, capacity: 512 B, keeps: [input, weight, output]}
  - {compute: mac, component: int_mac}
"""


def test_what_a_chip_does_not_give_is_said(tmp_path):
    file = tmp_path / "bare.yaml"
    file.write_text(BARE, encoding="utf-8")
    text = html_text(chipwise.evaluate(small(), file))
    assert "Energies of dram, mac, registers are not the chip&#39;s own: it names no table" in text
    assert "The chip gives no bandwidth of dram" in text
    assert "whose bandwidth the chip does not give" in text
    assert "estimated, of its components" in text


@pytest.mark.parametrize("mapspace", ["even", "uneven"])
@pytest.mark.parametrize("chip", ["eyeriss", "simple"])
def test_the_drawn_nest_says_what_the_printed_one_says(chip, mapspace):
    layer = chipwise.conv("conv", M=12, C=5, P=7, Q=7, R=3, S=3)
    found = chipwise.find_mapping(layer, chip, mapspace=mapspace)
    printed = [line for line in found.mapping_text.splitlines() if line.strip()]
    drawn = nest(found)
    loops = [re.sub(r"\s+#.*", "", line).lstrip("| ") for line in printed if line.startswith("|")]
    assert [line.name for line in drawn if line.what == "temporal"] == loops
    names = [part.split()[0] for line in printed if not line.startswith("|") for part in line.split(" · ")]
    assert [line.name for line in drawn if line.what != "temporal"] == names
    shares = [line.fill for line in drawn if line.what == "memory" and line.fill is not None]
    told = [int(share) for share in re.findall(r"(\d+) %", found.mapping_text)]
    assert [round(100 * share) for share in shares] == told
    (array,) = [line for line in drawn if line.what == "spatial"]
    assert f"({array.note} PEs)" in found.mapping_text
