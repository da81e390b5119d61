"""`chipwise describe` on what is no zoo network: operations, einsums, densities, layer tables."""

import csv
import io
import json
from pathlib import Path

import pytest

NETWORK = """
name: mixed
layers:
  - {name: conv1, conv: {M: 8, C: 4, H: 6, W: 6, R: 3, S: 3}}
  - {name: norm, normalization: {shape: [8, 4, 4]}}
  - {name: relu, activation: {shape: [8, 4, 4]}}
  - {name: pool, pool: {input: [8, 4, 4], window: 2}}
  - {name: fc, fc: {M: 10, C: 32}}
"""
DENSITIES = """
schema: chipwise.densities/1
source: made for this test
layers:
  conv1: {weight: 0.5, input: 0.5}
  fc: {weight: 0.25}
"""
EINSUM = "O[n,m,p] = I[n,c,2p+r] * W[m,c,r]; n=1, m=4, c=2, p=5, r=3"


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    path = tmp_path / "mixed.yaml"
    path.write_text(NETWORK, encoding="utf-8")
    return str(path)


@pytest.fixture
def densities(tmp_path: Path) -> str:
    path = tmp_path / "densities.yaml"
    path.write_text(DENSITIES, encoding="utf-8")
    return str(path)


def test_operations_are_summed_by_kind_below_the_layers(run, mixed):
    layers, _, operations = run("describe", mixed).partition("without MACs")
    assert [line.split()[0] for line in layers.splitlines() if line][2:4] == ["conv1", "fc"]
    assert [line.split()[:2] for line in operations.splitlines()[1:4]] == [
        ["normalization", "1"],
        ["activation", "1"],
        ["pool", "1"],
    ]


def test_json_holds_operations_apart(run, mixed):
    data = json.loads(run("describe", mixed, "--json", "-"))
    assert [layer["name"] for layer in data["layers"]] == ["conv1", "fc"]
    assert [operation["name"] for operation in data["operations"]] == ["norm", "relu", "pool"]
    assert data["totals"]["operations"]["count"] == 3
    assert data["totals"]["nonzero_macs"] is None


def test_densities_give_non_zeros(run, mixed, densities):
    data = json.loads(run("describe", mixed, "--densities", densities, "--json", "-"))
    conv1, fc = data["layers"]
    assert (conv1["nonzero_weights"], conv1["nonzero_macs"]) == (144, 4608 // 4)
    assert (fc["nonzero_weights"], fc["nonzero_macs"]) == (80, None)
    totals = data["totals"]
    assert (totals["nonzero_weights"], totals["nonzero_macs"]) == (224, None)
    assert (totals["conv_nonzero_macs"], totals["fc_nonzero_macs"]) == (1152, None)
    text = run("describe", mixed, "--densities", densities)
    assert "NZ weights  NZ MACs" in text
    assert "not zero 144 weights, 1.15k MACs" in text
    rows = list(csv.DictReader(io.StringIO(run("describe", mixed, "--densities", densities, "--csv", "-"))))
    assert [row["weight_density"] for row in rows] == ["0.5", "0.25"]
    assert [row["nonzero_macs"] for row in rows] == ["1152", ""]


def test_the_layer_table_is_written(run, mixed, densities, tmp_path: Path):
    target = tmp_path / "table.txt"
    run("describe", mixed, "--densities", densities, "--energy-table", str(target))
    table = target.read_text(encoding="utf-8")
    assert table == run("describe", mixed, "--densities", densities, "--energy-table", "-")
    assert table.splitlines() == [
        "1,6,6,4,1,72,16,3,3,4,8,144,16,4,4,8,1,0,16,1,1,0,0,0,0",
        "2,1,1,32,1,0,16,1,1,32,10,240,16,1,1,10,1,0,16,1,1,0,0,0,0",
    ]


def test_a_layer_may_be_an_einsum(run):
    data = json.loads(run("map", EINSUM, "--on", "examples/tiny-chip.yaml", "--json", "-"))["layer"]
    assert (data["kind"], data["macs"]) == ("einsum", 4 * 2 * 5 * 3)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--densities", "none.yaml"], "none.yaml: there is no such file"),
        (["--densities", "published"], "network 'mixed' has none of that name"),
        (["--energy-table", "-", "--csv", "-"], "--csv - and --energy-table - would mix"),
        (["--energy-table", "no/such/folder/t.txt"], "there is no folder"),
    ],
)
def test_what_cannot_be_read_or_written_is_refused(run_fails, mixed, arguments, says):
    assert says in run_fails(2, "describe", mixed, *arguments)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            DENSITIES.replace("fc:", "fc2:"),
            "densities.yaml:6: densities: network 'mixed' has no layer 'fc2'.",
        ),
        (DENSITIES.replace("fc:", "pool:"), "'pool' is a pool and does no MACs"),
        (DENSITIES.replace("0.25", "2.5"), "densities.yaml:6: layers.fc.weight = 2.5 must be less than"),
        ("", "is empty"),
    ],
)
def test_bad_densities_are_refused(run_fails, mixed, densities, content, says):
    Path(densities).write_text(content, encoding="utf-8")
    assert says in run_fails(2, "describe", mixed, "--densities", densities)


def test_a_cycle_is_told_with_its_line(run_fails, mixed):
    Path(mixed).write_text(NETWORK.replace("W: 6, R: 3, S: 3}}", "W: 6, R: 3, S: 3}, inputs: [fc]}"))
    told = run_fails(2, "describe", mixed)
    assert "mixed.yaml:4: layer 'conv1' reads 'fc', which reads 'pool', which reads 'relu'" in told


def test_layers_that_no_table_holds_are_named(run_fails):
    told = run_fails(2, "describe", "examples/attention.yaml", "--energy-table", "-")
    assert "layer 'heads.scores' (matmul) has no place in the layer table" in told


def test_bits_add_operations_bytes_and_accumulators(run):
    text = run("describe", "alexnet", "--bits", "published")
    conv3 = next(line.split() for line in text.splitlines() if line.startswith("conv3") and "MiB" in line)
    assert conv3[1:4] == ["5", "16", "33"]  # log2(2304) = 12 bits more
    data = json.loads(run("describe", "resnet18", "--bits", "int8", "--json", "-"))
    assert data["bits"]["totals"]["bit_operations"] == 64 * data["totals"]["macs"]
    assert data["bits"]["totals"]["weight_bits"] == 8 * data["totals"]["weights"]
    assert "bits" not in json.loads(run("describe", "resnet18", "--json", "-"))
