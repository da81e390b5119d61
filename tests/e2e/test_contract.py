"""What `chipwise evaluate --json` promises: its form, and that its numbers agree with each other."""

import json
import math
from pathlib import Path

import jsonschema
import pytest

import chipwise
from chipwise.cli.main import main

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(Path(__file__).with_name("evaluation.schema.json").read_text(encoding="utf-8"))
TINY = [str(ROOT / "examples" / f"tiny-{what}.yaml") for what in ("network", "chip")]


ZOO = ("alexnet", "resnet50")
RUNS = [
    pytest.param(("alexnet", "eyeriss"), id="alexnet"),
    pytest.param(("resnet50", "eyeriss"), id="resnet50", marks=pytest.mark.slow),
    pytest.param(tuple(TINY), id="tiny"),
]


@pytest.fixture(scope="session", params=RUNS)
def evaluation(request, tmp_path_factory):
    """One evaluation per session, as the command writes it."""
    network, chip = request.param
    file = tmp_path_factory.mktemp("contract") / "evaluation.json"
    assert main(["evaluate", network, "--on", chip, "--json", str(file)]) == 0
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_it_has_the_promised_form(evaluation):
    jsonschema.Draft202012Validator(SCHEMA).validate(evaluation)


def test_totals_are_sums_of_layers(evaluation):
    totals, layers = evaluation["totals"], evaluation["layers"]
    for field in ("macs", "energy_pj", "latency_cycles", "latency_s", "off_chip_bytes"):
        assert totals[field] == pytest.approx(math.fsum(layer[field] for layer in layers), rel=1e-12), field


def test_totals_follow_from_each_other(evaluation):
    t, batch = evaluation["totals"], evaluation["batch"]
    assert t["energy_per_mac_pj"] == pytest.approx(t["energy_pj"] / t["macs"])
    assert t["throughput_inferences_per_s"] == pytest.approx(batch / t["latency_s"])
    assert t["power_w"] == pytest.approx(t["energy_pj"] * 1e-12 / t["latency_s"])


@pytest.mark.parametrize("field", ["energy_by_component_pj", "energy_by_tensor_pj"])
def test_parts_of_the_energy_make_the_whole(evaluation, field):
    for layer in evaluation["layers"]:
        assert math.fsum(layer[field].values()) == pytest.approx(layer["energy_pj"], rel=1e-12), layer["name"]


def test_every_layer_stands_under_its_name(evaluation):
    network = chipwise.load_network(evaluation["network"] if evaluation["network"] in ZOO else TINY[0])
    assert [layer["name"] for layer in evaluation["layers"]] == [layer.name for layer in network.layers]
    assert evaluation["totals"]["macs"] == network.macs


def test_every_cycle_is_accounted_for(evaluation):
    for layer in evaluation["layers"]:
        parts, busy = layer["latency_breakdown_cycles"], layer["cycles_by_bound"]
        assert sum(parts.values()) == pytest.approx(layer["latency_cycles"], rel=1e-12)
        assert min(parts.values()) > 0
        assert layer["bound_by"] in parts
        assert max(busy.values()) <= layer["latency_cycles"] * (1 + 1e-12)
        assert layer["active_pes"] * busy["compute"] == pytest.approx(layer["macs"])
    of_network = evaluation["latency_breakdown_cycles"]
    assert sum(of_network.values()) == pytest.approx(evaluation["totals"]["latency_cycles"], rel=1e-12)


def test_every_mapping_is_proven_and_costs_what_is_said(evaluation):
    named = evaluation["network"] in ZOO
    network = chipwise.load_network(evaluation["network"] if named else TINY[0])
    chip = chipwise.load_accelerator("eyeriss" if named else TINY[1])
    for entry in evaluation["layers"]:
        assert entry["optimality"] == {"proven": True, "gap": 0.0}
        again = chipwise.evaluate_mapping(network.layer(entry["name"]), chip, entry["mapping"])
        assert again.energy_pj == entry["energy_pj"]
        assert again.latency_cycles == entry["latency_cycles"]


def test_what_leaves_the_chip_is_what_the_outermost_memory_counts(evaluation):
    word_bytes = 2 if evaluation["accelerator"] == "eyeriss" else 1
    for layer in evaluation["layers"]:
        outermost = next(iter(layer["actions"].values()))
        values = sum(sum(counts.values()) for counts in outermost.values())
        assert layer["off_chip_bytes"] == values * word_bytes
