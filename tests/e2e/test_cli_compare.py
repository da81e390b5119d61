"""`chipwise compare` as a person and a script use it."""

import csv
import io
import json

import pytest

from chipwise.cli.main import main

CRAMPED = """
name: cramped
clock: 1 MHz
word: 16 b
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - {memory: buffer, component: sram, capacity: 1 words, keeps: [input, weight, output]}
  - {compute: mac, component: int_mac}
"""


def test_chips_side_by_side(run, small):
    out = run("compare", small, "--on", "simple,eyeriss", "--layers")
    rows = [line.split() for line in out.splitlines()]
    assert next(row for row in rows if row[:1] == ["simple"])[3] == "1.00"
    assert any(row[:1] == ["eyeriss"] for row in rows)
    assert "energy by layer" in out
    assert "█" in out
    assert "off-chip accesses included" in out
    assert "eyeriss: 65 nm, words of 16 b, 168 PEs at 200 MHz" in out


def test_networks_side_by_side(run, small):
    out = run("compare", f"{small},lenet5", "--on", "simple")
    assert out.startswith("small, lenet5 on simple; batch 1")
    assert "network" in out


def test_json_and_csv(run, small, tmp_path):
    file = tmp_path / "x.csv"
    data = json.loads(run("compare", small, "--on", "simple,eyeriss", "--json", "-", "--csv", str(file)))
    assert data["schema"] == "chipwise.comparison/1"
    assert [c["accelerator"] for c in data["columns"]] == ["simple", "eyeriss"]
    assert "layers" not in data["columns"][0]
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert float(rows[1]["energy_pj"]) == data["columns"][1]["totals"]["energy_pj"]
    assert float(rows[1]["energy_pj_relative"]) == data["columns"][1]["relative"]["energy_pj"]
    layers = run("compare", small, "--on", "simple", "--layers", "--csv", "-")
    assert [row["layer"] for row in csv.DictReader(io.StringIO(layers))] == ["conv", "fc"]


def test_dataflows_at_equal_area(run, small):
    out = run("compare", small, "--on", "simple", "--dataflows", "rs,nlr")
    assert "storage of simple at equal area" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("rs ", "nlr "))] == ["rs", "nlr"]


def test_all_dataflows_where_none_is_named(run, small):
    out = run("compare", small, "--dataflows", "--on", "simple")
    assert {"ws", "os-a", "nlr", "rs+"} <= {line.split()[0] for line in out.splitlines() if line.strip()}


def test_a_chip_that_fits_nothing_is_named_and_does_not_lose_the_others(small, tmp_path, capsys):
    file = tmp_path / "cramped.yaml"
    file.write_text(CRAMPED, encoding="utf-8")
    assert main(["compare", small, "--on", f"{file},simple"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "does not run" in out
    assert "what does not run\n  cramped: " in out
    assert any(line.split()[:1] == ["simple"] for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--on", "simple,simple"], "twice"),
        (["--on", "simple,,eyeriss"], "empty name"),
        (["--on", "simpel"], "Did you mean"),
        (["--on", "simple", "--relative", "frist"], "Did you mean"),
        (["--on", "simple", "--dataflows", "wss"], "Did you mean"),
        (["--on", "simple", "--json", "-", "--csv", "-"], "would mix"),
    ],
)
def test_refusals(run_fails, small, arguments, words):
    assert words in run_fails(2, "compare", small, *arguments)
