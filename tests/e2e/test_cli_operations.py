"""Networks with operations that do no MACs: evaluated by their layers, and the rest is said."""

import json
from pathlib import Path

import pytest

import chipwise

CHIP = "examples/tiny-chip.yaml"
NETWORK = """
name: mixed
layers:
  - {name: fc1, fc: {M: 10, C: 12}}
  - {name: norm, normalization: {shape: [10], scheme: layer}}
  - {name: relu, activation: {shape: [10]}}
  - {name: fc2, fc: {M: 10, C: 12}}
  - {name: soft, softmax: {shape: [10]}}
"""


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    path = tmp_path / "mixed.yaml"
    path.write_text(NETWORK, encoding="utf-8")
    return str(path)


def test_operations_are_listed_and_change_no_figure(run, mixed, tmp_path: Path):
    plain = tmp_path / "plain.yaml"
    plain.write_text("\n".join(line for line in NETWORK.splitlines() if "fc" in line or "[" not in line))
    with_them = json.loads(run("evaluate", mixed, "--on", CHIP, "--json", "-"))
    without = json.loads(run("evaluate", str(plain), "--on", CHIP, "--json", "-"))
    assert with_them["totals"] == without["totals"]
    assert with_them["layers"] == without["layers"]
    assert [(o["name"], o["kind"], o["operations"]) for o in with_them["operations"]] == [
        ("norm", "normalization", 70),
        ("relu", "activation", 10),
        ("soft", "softmax", 48),
    ]
    assert without["operations"] == []


def test_one_line_says_what_is_left_out(run, mixed):
    last = run("evaluate", mixed, "--on", CHIP, "--batch", "2").splitlines()[-1]
    result = chipwise.evaluate(mixed, CHIP, batch=2)
    # Three operations read and write ten values for each input; norm reads twenty scales and shifts once.
    assert result.operations_bytes == (2 * 60 + 20) * result.accelerator.word_bits / 8
    assert last == (
        "not included: 3 nodes without MACs (normalization, activation, softmax), 256 operations; apart from the "
        f"layers they move at least {140 * result.accelerator.word_bits // 8} B off-chip"
    )


def test_nothing_is_said_where_nothing_is_left_out(run):
    assert "not included" not in run("evaluate", "examples/tiny-network.yaml", "--on", CHIP)


def test_operations_cannot_be_mapped(run_fails, mixed):
    told = run_fails(2, "map", "relu", "--network", mixed, "--on", CHIP)
    assert "activation and does no MACs, so it is not mapped" in told


def test_a_network_of_operations_alone_has_nothing_to_map(run_fails, tmp_path: Path):
    path = tmp_path / "none.yaml"
    path.write_text("name: none\nlayers: [{name: relu, activation: {shape: [10]}}]")
    assert "has no layer that does MACs" in run_fails(2, "evaluate", str(path), "--on", CHIP)
    assert "has no layer that does MACs" in run_fails(2, "map", str(path), "--on", CHIP)
