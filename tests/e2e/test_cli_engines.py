"""`chipwise engines`: what it lists, prints, writes and refuses."""

import json

import numpy as np
import pytest


def test_all_are_listed(run):
    text = run("engines")
    assert "eyeriss-v2" in text
    assert "against DCNN" in text
    listed = json.loads(run("engines", "--json", "-"))["engines"]
    assert all(e["name"] in text and e["source"] for e in listed)


def test_a_network_is_one_table_with_its_overhead(run):
    text = run("engines", "scnn", "--network", "alexnet", "--densities", "sparseloop")
    assert text.startswith("alexnet on scnn: ")
    assert [line.split()[0] for line in text.splitlines()[5:10]] == [f"conv{i}" for i in range(1, 6)]
    assert "not run: has no plane to cut over the PEs: fc6, fc7, fc8" in text


def test_json_holds_all_three_runs_of_a_layer(run):
    data = json.loads(
        run("engines", "eyeriss-v2", "--network", "alexnet", "--densities", "sparseloop", "--json", "-")
    )
    assert data["schema"] == "chipwise.engines/1"
    conv2 = data["layers"][1]
    assert (conv2["name"], conv2["input_density"], conv2["weight_density"]) == ("conv2", 0.6, 0.385306)
    assert conv2["cycles"] < conv2["dense_cycles"]
    assert conv2["speedup"] == conv2["plain_cycles"] / conv2["cycles"]
    assert data["totals"]["cycles"] == sum(layer["cycles"] for layer in data["layers"])
    assert sum(conv2["energy_by_component_pj"].values()) == pytest.approx(conv2["energy_pj"])


def test_bits_and_batches(run):
    data = json.loads(
        run(
            "engines", "stripes", "--network", "alexnet", "--bits", "published", "--batch", "4", "--json", "-"
        )
    )
    assert [layer["input_bits"] for layer in data["layers"][:5]] == [9, 8, 5, 5, 7]
    assert data["layers"][0]["macs"] == 4 * 105415200


def test_all_engines_are_compared_on_a_network(run):
    arguments = ("engines", "--network", "squeezenet1_1")
    text = run(*arguments)
    assert "26 of 26" in text
    assert "not eie: runs fully-connected layers only" in text
    data = json.loads(run(*arguments, "--json", "-"))
    assert data["schema"] == "chipwise.engine-comparison/1"
    assert {e["engine"] for e in data["engines"]} == {
        e["name"] for e in json.loads(run("engines", "--json", "-"))["engines"]
    } - {"eie"}


def test_values_are_counted(run, tmp_path):
    values = np.zeros((1000, 4096), np.int8)
    values[::2] = 1
    np.savez(tmp_path / "v.npz", **{"fc8.weight": values, "fc8.input": np.arange(4096) % 2})
    arguments = (
        "engines",
        "eie",
        "--network",
        "alexnet",
        "--densities",
        str(tmp_path / "v.npz"),
        "--json",
        "-",
    )
    fc8 = json.loads(run(*arguments))["layers"][-1]
    assert (fc8["input_density"], fc8["weight_density"]) == (0.5, 0.5)
    assert fc8["cycles"] == 2048 * 16  # even rows fall on 32 of 64 PEs, 16 each


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scn", "--network", "alexnet"], "Did you mean 'scnn'"),
        (["scnn"], "--network is missing"),
        (["--network", "alexnet", "--densities", "publishd"], "Did you mean 'published'"),
        (["eie", "--network", "squeezenet1_1"], "runs no layer"),
        (["stripes", "--network", "alexnet", "--bits", "32"], "above 16"),
        (["stripes", "--network", "lenet5", "--bits", "published"], "none are published"),
    ],
)
def test_mistakes_are_one_line(run_fails, arguments, said):
    assert said in run_fails(2, "engines", *arguments)
