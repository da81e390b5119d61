"""`chipwise components`: what there is, and who answers for a chip."""

import json


def test_classes_compounds_and_estimators(run):
    text = run("components")
    for word in ("sram", "adder_tree", "smart_buffer", "horowitz-45nm", "analytical", "CHIPWISE_CACTI"):
        assert word in text
    told = json.loads(run("components", "--json", "-"))
    assert told["schema"] == "chipwise.components/1"
    sram = next(c for c in told["components"] if c["name"] == "sram")
    assert {"analytical", "horowitz-45nm", "pedram-45nm"} <= set(sram["estimators"])
    assert all(e["range"] and e["from"] == "chipwise" for e in told["estimators"])
    assert told["left_out"] == {}


def test_a_chips_figures_with_the_alternatives(run):
    text = run("components", "eyeriss")
    buffer = next(line for line in text.splitlines() if line.startswith("buffer") and " read " in line)
    assert "10.1 pJ [2]" in buffer  # what the chip's own table says
    assert "analytical" in buffer
    assert "horowitz-45nm" in buffer
    assert "[2] eyeriss-normalized: 6 x one MAC of 1.69 pJ" in text
    told = json.loads(run("components", "eyeriss", "--json", "-"))
    for part in told["parts"]:
        for figure in part["figures"]:
            ranked = [e["accuracy_percent"] for e in figure["estimates"]]
            assert ranked == sorted(ranked, reverse=True)
            assert all(e["source"] and e["value"] >= 0 for e in figure["estimates"])
    mac = next(p for p in told["parts"] if p["part"] == "mac")["figures"][0]
    assert mac["used"] == 1.69
    assert mac["estimates"][0]["estimator"] == "horowitz-45nm"


def test_a_chip_that_is_not_there(run_fails):
    assert "Did you mean 'eyeriss'?" in run_fails(2, "components", "eyeris")
