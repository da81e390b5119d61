"""`chipwise show`; `map` and `evaluate` under a dataflow."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]

LAYER = "conv:M=8,C=4,P=8,Q=8,R=3,S=3"


def test_a_layer_is_mapped_under_a_dataflow(run):
    text = run("map", LAYER, "--on", "simple", "--dataflow", "OS_A", "--no-cache", "--factors", "perfect")
    assert "on simple (os-a): 256 PEs" in text.splitlines()[0]
    assert run("map", LAYER, "--on", "simple", "--dataflow", "os-a", "--mapspace").count("registers") == 2


def test_a_network_is_evaluated_under_a_dataflow(run, small):
    data = json.loads(
        run("evaluate", small, "--on", "simple", "--dataflow", "nlr", "--no-cache", "--json", "-")
    )
    assert data["accelerator"] == "simple (nlr)"
    assert "registers" not in data["layers"][0]["actions"]


def test_what_cannot_be_laid_is_refused(run_fails):
    error = run_fails(2, "map", LAYER, "--on", "simple", "--dataflow", "os")
    assert "dataflow 'os' is one of os-a, os-b, os-c; say which" in error
    assert "no memory inside its array" in run_fails(2, "map", LAYER, "--on", "diannao", "--dataflow", "rs")


def test_a_chip_says_what_it_runs(run_fails):
    error = run_fails(2, "evaluate", "alexnet", "--on", "eie")
    assert "chip 'eie' runs fc layers only, not conv1 (conv)" in error


def test_a_chip_is_drawn(run, tmp_path):
    drawn = run("show", "EYERISS")
    assert drawn == (ROOT / "tests" / "golden" / "show_eyeriss.txt").read_text(encoding="utf-8")
    file = tmp_path / "mine.yaml"
    file.write_text(run("show", "eyeriss", "--yaml"), encoding="utf-8")
    assert run("show", str(file)) == drawn


def test_a_chip_has_a_structure(run, tmp_path):
    data = json.loads(run("show", "simba_chiplet", "--json", "-"))
    assert (data["schema"], data["pes"]) == ("chipwise.accelerator/1", 1024)
    kinds = [next(iter(level)) for level in data["levels"]]
    assert kinds == ["memory", "memory", "array", "parallel", "array", "memory", "compute"]
    assert data["levels"][2]["axes"][0] == {"name": "pe_rows", "size": 4, "loops": ["C", "K"], "full": []}
    assert data["levels"][3]["parallel"][1]["instances"] == 16
    file = tmp_path / "chip.json"
    assert run("show", "simba_chiplet", "--json", str(file)) == run("show", "simba_chiplet")
    assert json.loads(file.read_text(encoding="utf-8")) == data


def test_what_cannot_be_shown_is_refused(run_fails, tmp_path):
    assert "drop --json" in run_fails(2, "show", "eyeriss", "--yaml", "--json", "-")
    assert "Did you mean 'eyeriss'?" in run_fails(2, "show", "eyeris", "--yaml")
    assert "Did you mean 'eyeriss'?" in run_fails(2, "show", "eyeris")
