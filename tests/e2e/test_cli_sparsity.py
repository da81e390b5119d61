"""`chipwise evaluate` with densities, bits and zeros."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from chipwise.sparsity.formats.spelling import parse_format

ROOT = Path(__file__).parents[2]

TINY = ("evaluate", str(ROOT / "examples" / "tiny-network.yaml"))
DENSITIES = ("--densities", str(ROOT / "examples" / "tiny-densities.yaml"))
SPARSE = ("--on", str(ROOT / "examples" / "sparse-chip.yaml"))
DENSE = ("--on", str(ROOT / "examples" / "tiny-chip.yaml"))


@pytest.fixture
def evaluated(run):
    """What `evaluate` writes as JSON."""
    return lambda *arguments: json.loads(run(*TINY, *arguments, "--json", "-"))


def test_gains_and_overheads_stand_side_by_side(run):
    told = run(*TINY, *SPARSE, *DENSITIES)
    assert "less energy and " in told
    assert "on dense data they cost +0.298 % energy and +0 % time" in told
    dense = run(*TINY, *SPARSE)
    assert "zeros\n  0.99" in dense


def test_the_json_has_formats_metadata_and_what_is_left(evaluated):
    data = evaluated(*SPARSE, *DENSITIES)
    schema = json.loads((ROOT / "tests" / "e2e" / "evaluation.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(data)
    assert data["zeros"]["less_energy"] > 1.4
    layer = data["layers"][0]["zeros"]
    assert layer["densities"] == {"input": 0.4, "weight": 0.6, "output": 0.4}
    stored = layer["stored"]["buffer"]["input"]
    assert stored == {
        "format": "bitmask",
        "bits_per_value": pytest.approx(1 + 0.4 * 8),
        "metadata_bits_per_value": pytest.approx(1),
        "accesses_left_energy": 1.0,
        "accesses_left_time": 1.0,
    }
    assert layer["macs"]["left_energy"] == pytest.approx(0.4)
    assert layer["macs"]["done"] == pytest.approx(0.4)
    assert 0.4 < layer["macs"]["left_time"] < 0.6


def test_a_chip_that_makes_nothing_of_zeros_says_so(run, evaluated):
    plain, known = evaluated(*DENSE), evaluated(*DENSE, *DENSITIES)
    assert plain == known
    assert "zeros" not in known
    assert "tiny makes nothing of them" in run(*TINY, *DENSE, *DENSITIES)
    assert "zeros" not in run(*TINY, *DENSE)


def test_the_surveys_estimation_scales_with_zeros_and_bits(evaluated):
    dense = evaluated(*DENSE)["totals"]["energy_pj"]
    estimated = evaluated(*DENSE, "--zeros", "estimate")["totals"]["energy_pj"]
    assert estimated == pytest.approx(dense, rel=1e-12)  # nothing is zero
    fewer = evaluated(*DENSE, *DENSITIES, "--zeros", "estimate")["totals"]["energy_pj"]
    assert fewer < 0.9 * dense
    narrow = evaluated(*DENSE, "--bits", "input=4,weight=4,output=4", "--zeros", "estimate")
    assert narrow["totals"]["energy_pj"] < 0.5 * dense
    assert sum(layer["energy_by_tensor_pj"]["mac"] for layer in narrow["layers"]) == pytest.approx(
        sum(layer["energy_by_tensor_pj"]["mac"] for layer in evaluated(*DENSE)["layers"]) / 4
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--bits", "input=x"), "must be a number of bits or a number format"),
        (("--bits", "psum=8"), "is no tensor of network 'tiny'"),
        (("--bits", "input=8,input=4"), "names 'input' twice"),
        (("--zeros", "ideal"), "--zeros 'ideal' is not known"),
        (("--densities", "published"), "None are published for it"),
    ],
)
def test_refusals(run_fails, arguments: tuple[str, ...], says: str):
    assert says in run_fails(2, *TINY, *DENSE, *arguments)


def test_actual_values_are_counted(evaluated, tmp_path):
    rng = np.random.default_rng(3)
    weights = rng.integers(1, 100, (10, 8192)) * (rng.random((10, 8192)) < 0.2)
    np.savez(tmp_path / "values.npz", **{"fc.weight": weights})
    data = evaluated(*SPARSE, "--densities", str(tmp_path / "values.npz"))
    layer = next(layer for layer in data["layers"] if layer["name"] == "fc")
    assert layer["zeros"]["densities"]["weight"] == np.count_nonzero(weights) / weights.size
    stored = layer["zeros"]["stored"]["dram"]["weight"]
    counted = parse_format(stored["format"])[0].bits_of(weights, 8)
    assert stored["format"] != "raw"
    assert stored["bits_per_value"] == counted.total / weights.size
    assert stored["metadata_bits_per_value"] == counted.metadata / weights.size


def test_arrays_of_other_names_are_refused(run_fails, tmp_path):
    np.savez(tmp_path / "values.npz", weight=np.ones(3))
    assert "names no tensor of a layer" in run_fails(
        2, *TINY, *SPARSE, "--densities", str(tmp_path / "values.npz")
    )


def test_a_layer_is_mapped_with_its_zeros(run):
    """The published densities of a network are those of its layer; other layers' are passed over."""

    def mapped(*arguments: str) -> dict:
        return json.loads(run("map", "alexnet:conv3", "--on", "eyeriss", *arguments, "--json", "-"))["layer"]

    dense, known = mapped(), mapped("--densities", "eyeriss")
    assert known["zeros"]["densities"]["input"] == 0.275
    assert known["energy_pj"] < 0.85 * dense["energy_pj"]
    narrow = mapped("--densities", "eyeriss", "--bits", "published", "--zeros", "estimate")
    assert narrow["energy_pj"] < 0.6 * known["energy_pj"]
    shape = ("map", "fc:M=10,C=84", *DENSE, "--zeros", "estimate", "--json", "-")
    plain = json.loads(run(*shape))["layer"]["energy_pj"]
    assert json.loads(run(*shape, *DENSITIES))["layer"]["energy_pj"] < plain


def test_densities_of_a_shape_have_no_published_set(run_fails):
    assert "None are published" in run_fails(2, "map", "fc:M=10,C=84", *DENSE, "--densities", "published")
