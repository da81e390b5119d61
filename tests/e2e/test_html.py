"""`--html`: written whole or refused before the work, and alive in a browser."""

import itertools
from pathlib import Path

import pytest

import chipwise
from chipwise.report.html.page import html_text
from tests.e2e.browser import CHROMIUM, MISSING, browser

CHIP = str(Path(__file__).parents[2] / "examples" / "tiny-chip.yaml")

HOSTILE = """
name: "<img src=x onerror=console.log(1)>"
layers:
  - {name: "<script>console.log(1)</script>", conv: {M: 8, C: 4, P: 4, Q: 4, R: 3, S: 3}}
  - {name: fc, fc: {M: 10, C: 12}}
"""


def test_the_page_is_written_beside_the_table(run, small, tmp_path):
    file = tmp_path / "r.html"
    assert run("evaluate", small, "--on", CHIP, "--html", str(file)) == run("evaluate", small, "--on", CHIP)
    assert file.read_text(encoding="utf-8") == html_text(chipwise.evaluate(small, CHIP))
    assert list(tmp_path.iterdir()) == [file]


def test_the_page_goes_to_the_terminal_instead_of_the_table(run, small):
    text = run("evaluate", small, "--on", CHIP, "--html", "-")
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")


def test_python_writes_the_same(small, tmp_path):
    result = chipwise.evaluate(small, CHIP)
    result.save_html(tmp_path / "a.html")
    result.save_html(str(tmp_path / "b.html"))
    a, b = ((tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert a == b == html_text(result).encode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--html", ""], "needs the name of a file"),
        (["--html", "."], "is a folder"),
        (["--html", "absent/r.html"], "no folder 'absent'"),
        (["--html", "r", "--json", "./r"], "is where --json goes as well"),
        (["--html", "-", "--json", "-"], "is where --json goes as well"),
    ],
)
def test_a_bad_place_is_refused_before_the_work(run_fails, small, arguments, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chipwise.analysis.evaluate.evaluate", None)
    assert says in run_fails(2, "evaluate", small, "--on", CHIP, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_steps_need_a_page(run_fails, small):
    assert "needs --html FILE" in run_fails(2, "evaluate", small, "--on", CHIP, "--eyexam")


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_folder_that_may_not_be_written_is_refused_before_the_work(
    run_fails, small, option, monkeypatch, tmp_path
):
    # The tests may run as a user who may write everywhere.
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("chipwise.analysis.evaluate.evaluate", None)
    target = str(tmp_path / "r.html")
    assert "you may not write to" in run_fails(2, "evaluate", small, "--on", CHIP, option, target)


# In a browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def shown(page, what: str) -> list[str]:
    """Texts of the elements that can be seen."""
    return page.run(
        f"[...document.querySelectorAll({what!r})].filter(e => e.offsetParent).map(e => e.textContent)"
    )


def test_the_filter_keeps_the_layers_that_hold_every_word(chromium, small, tmp_path):
    file = tmp_path / "r.html"
    chipwise.evaluate(small, CHIP).save_html(file)
    chromium.look()
    chromium.open(file)
    assert shown(chromium, "#layers tbody th") == ["conv", "fc"]
    for _ in range(40):
        if chromium.run("document.activeElement.id") == "find":
            break
        chromium.press("Tab", 9)
    chromium.type("fc")
    assert shown(chromium, "#layers tbody th") == ["fc"]
    assert shown(chromium, "#mappings h3") == ["fc"]
    assert shown(chromium, "#certificates tbody th") == ["fc"]
    assert chromium.run("document.getElementById('shown').textContent") == "1 of 2"
    assert chromium.run("document.querySelectorAll('#energy g.off').length") == 2
    chromium.type(" no-such")
    assert shown(chromium, "#layers tbody th") == []
    chromium.press("Escape", 27)
    assert shown(chromium, "#layers tbody th") == ["conv", "fc"]
    assert chromium.run("document.querySelectorAll('.off').length") == 0
    assert chromium.complaints == []


def test_a_layer_that_the_filter_keeps_shows_its_steps(chromium, run, small, tmp_path):
    file = tmp_path / "r.html"
    run("evaluate", small, "--on", CHIP, "--html", str(file), "--eyexam")
    chromium.look()
    chromium.open(file)
    seen = "filter(e => e.getClientRects().length).map(e => e.textContent)"
    always = [
        "Peak of small, step by step",
        "Peak of each layer: what is reached, what each step costs",
        "small on tiny, batch 1: layers in the colours of their ceilings",
    ]
    of_svg = f"[...document.querySelectorAll('#eyexam figure .h')].{seen}"
    assert chromium.run(of_svg) == always
    chromium.run("document.getElementById('find').focus()")
    chromium.type("fc")
    assert chromium.run(of_svg) == [*always, "Peak of fc"]
    chromium.press("Escape", 27)
    assert chromium.run(of_svg) == always
    assert chromium.complaints == []


def test_it_fits_a_narrow_window_and_paper(chromium, small, tmp_path):
    file = tmp_path / "r.html"
    chipwise.evaluate(small, CHIP).save_html(file)
    for width, media in itertools.product((400, 1040), ("", "print")):
        chromium.look(width, media)
        chromium.open(file)
        assert chromium.run("document.documentElement.scrollWidth") <= width or media == "print"
        assert bool(shown(chromium, "#filter label")) is (media == "")
    assert chromium.complaints == []


def test_the_dark_scheme_is_dark_on_screen_and_light_on_paper(chromium, small, tmp_path):
    file = tmp_path / "r.html"
    chipwise.evaluate(small, CHIP).save_html(file)
    paper = {}
    for scheme, media in itertools.product(("light", "dark"), ("screen", "print")):
        chromium.look(1040, media, prefers_color_scheme=scheme)
        chromium.open(file)
        paper[scheme, media] = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert paper["dark", "screen"] == "rgb(21, 24, 27)"
    assert {colour for key, colour in paper.items() if key != ("dark", "screen")} == {"rgb(255, 255, 255)"}


def test_hostile_names_do_nothing(chromium, tmp_path):
    network, file = tmp_path / "hostile.yaml", tmp_path / "r.html"
    network.write_text(HOSTILE, encoding="utf-8")
    chipwise.evaluate(network, CHIP).save_html(file)
    chromium.look()
    chromium.open(file)
    assert "<script>console.log(1)</script>" in shown(chromium, "#layers tbody th")
    assert chromium.run("document.images.length + document.scripts.length") == 1
    assert chromium.complaints == []


def test_the_page_asks_for_nothing(chromium, small, tmp_path):
    file = tmp_path / "r.html"
    chipwise.evaluate(small, CHIP).save_html(file)
    chromium.requests.clear()
    chromium.open(file)
    assert [url for url in chromium.requests if not url.startswith("data:")] == [file.as_uri()]


@pytest.mark.slow
def test_resnet_50_with_its_steps_fits_a_megabyte_and_shows_every_layer(chromium, tmp_path):
    file = tmp_path / "r.html"
    result = chipwise.evaluate("resnet50", "eyeriss")
    result.save_html(file, chipwise.eyexam_of(result))
    assert file.stat().st_size < 1_000_000
    chromium.look()
    chromium.open(file)
    assert shown(chromium, "#layers tbody th") == list(result.layers)
    assert chromium.run("document.querySelectorAll('#eyexam figure.only').length") == 21
    assert chromium.complaints == []
