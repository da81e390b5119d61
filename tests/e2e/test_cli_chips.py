"""`chipwise map` and `evaluate` under a dataflow."""

import json

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
