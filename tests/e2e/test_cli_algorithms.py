"""`chipwise algorithms`: what it prints, writes and refuses."""

import csv
import io
import json

import pytest

import chipwise


def test_a_network_is_one_table(run):
    text = run("algorithms", "alexnet")
    lines = text.splitlines()
    assert lines[0] == "alexnet: multiplications + additions of each layer"
    assert lines[2].split()[:4] == ["layer", "direct", "fft", "fft-tiled"]
    assert [line.split()[0] for line in lines[3:11]] == [
        n.name for n in chipwise.load_network("alexnet").layers
    ]
    assert "each by its best" in text


def test_a_layer_is_shown_in_full_with_reasons(run):
    text = run("algorithms", "alexnet:conv1", "--batch", "2")
    assert text.startswith("alexnet:conv1, batch 2: 211M MACs")
    assert "winograd-2x2 not: stride above 1" in text
    assert "the Toeplitz matrix holds each input value 7.10 times" in text


def test_weights_and_filters_change_the_answer(run):
    layer = "conv:M=256,C=256,P=28,Q=28,R=3,S=3"
    assert "fewest multiplications + additions: fft-tiled" in run("algorithms", layer)
    each = run("algorithms", layer, "--filters", "each-batch")
    assert "fewest multiplications + additions: winograd-4x4" in each
    assert "anew for every batch and are counted" in each
    assert "fewest 3 x multiplications + 0.5 x additions" in run("algorithms", layer, "--weights", "3:0.5")


def test_json_and_csv_hold_the_same(run, tmp_path):
    target = tmp_path / "a.csv"
    data = json.loads(run("algorithms", "alexnet", "--json", "-", "--csv", str(target)))
    assert (data["schema"], data["network"], data["batch"]) == ("chipwise.algorithms/1", "alexnet", 1)
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))
    cells = [(layer["name"], a) for layer in data["layers"] for a in layer["algorithms"]]
    assert [(r["layer"], r["algorithm"]) for r in rows] == [(name, a["algorithm"]) for name, a in cells]
    for row, (_, algorithm) in zip(rows, cells, strict=True):
        assert row["multiplications"] == str(algorithm.get("multiplications", ""))
        assert row["why_not"] == algorithm.get("why_not", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alexnt"], "Did you mean 'alexnet'"),
        (["alexnet:conv9"], "has no layer 'conv9'"),
        (["alexnet", "--weights", "3"], "must be two numbers"),
        (["alexnet", "--weights", "0:0"], "not both 0"),
        (["alexnet", "--weights", "nan:1"], "must be 0 or more"),
        (["alexnet", "--filters", "each-bach"], "Did you mean 'each-batch'"),
        (["alexnet", "--json", "-", "--csv", "-"], "would mix"),
    ],
)
def test_mistakes_are_one_line(run_fails, arguments, said):
    assert said in run_fails(2, "algorithms", *arguments)
