"""Networks from ONNX files and PyTorch models on the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.unit.workload.importers.graphs import node, save, weights

CODE = """
import torch
from torch import nn

def model():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))

class Decides(nn.Linear):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)

def decides():
    return Decides(4, 2)

class Raises(nn.Module):
    def forward(self, x):
        raise ValueError("no tokenizer")
"""

CYCLIC = """
name: cyclic
layers:
  - {name: a, fc: {M: 4, C: 4}, inputs: [b]}
  - {name: b, fc: {M: 4, C: 4}, inputs: [a]}
"""


@pytest.fixture
def model(tmp_path):
    return str(
        save(
            tmp_path / "net.onnx",
            [
                node("Conv", "x w", "c", "conv"),
                node("Odd", "c", "o", "odd", domain="own"),
                node("Relu", "o", "y", "r"),
            ],
            [("x", ("batch", 3, "height", 8))],
            [("y", None)],
            [weights("w", 16, 3, 3, 3)],
        )
    )


@pytest.fixture
def code(tmp_path, monkeypatch):
    (tmp_path / "own_nets.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_nets", None)


@pytest.fixture
def plain(tmp_path):
    nodes = [node("Conv", "x w", "c", "conv"), node("Flatten", "c", "f"), node("Gemm", "f v", "y", "fc")]
    stored = [weights("w", 4, 3, 3, 3), weights("v", 4 * 4, 10)]
    return str(
        save(tmp_path / "plain.onnx", nodes, [("x", ("batch", 3, "height", 4))], [("y", None)], stored)
    )


def test_an_onnx_file(run, plain):
    told = json.loads(run("describe", plain, "--input-size", "height=4", "--json", "-"))
    assert told["network"] == "plain"
    assert told["input"] == [3, 4, 4]
    assert [(layer["name"], layer["macs"]) for layer in told["layers"]][:2] == [("conv", 432), ("fc", 160)]
    assert json.loads(run("describe", plain, "--input", "3x4x4", "--json", "-")) == told


def test_it_is_evaluated_and_mapped(run, plain):
    sizes = ("--input-size", "height=4")
    result = json.loads(run("evaluate", plain, "--on", "simple", *sizes, "--json", "-"))
    assert [layer["name"] for layer in result["layers"]] == ["conv", "fc"]
    assert "proven" in run("map", f"{plain}:fc", "--on", "simple", *sizes)
    assert "proven" in run("map", "fc", "--network", plain, "--on", "simple", *sizes)


@pytest.mark.usefixtures("code")
def test_a_pytorch_model_of_the_users_own_code(run):
    told = json.loads(run("describe", "torch:own_nets:model", "--input", "3x8x8", "--json", "-"))
    assert [layer["name"] for layer in told["layers"] if layer["kind"] in {"conv", "fc"}] == ["0", "3"]
    assert "proven" in run("map", "torch:own_nets:model:3", "--on", "simple", "--input", "3x8x8")


@pytest.mark.usefixtures("code")
def test_what_the_importer_has_to_say_is_a_note(capsys):
    from chipwise.cli.main import main

    assert main(["describe", "torch:own_nets:decides", "--input", "4"]) == 0
    out, err = capsys.readouterr()
    assert "8" in out
    assert err.startswith("note: Decides does not export")
    assert err.count("\n") == 1


def test_an_open_axis_asks_for_its_size(run_fails, plain):
    err = run_fails(2, "describe", plain)
    assert "input 'x': axis 2 ('height') has no size; give one, e.g. --input-size height=224" in err


def test_an_unknown_operator_is_counted_if_allowed(run, run_fails, model):
    sizes = ("--input-size", "height=8")
    assert "'odd': operator Odd is not known; --allow-unknown" in run_fails(2, "describe", model, *sizes)
    # Nobody knows the shape of what it gives.
    assert "the shape of 'o' is not known" in run_fails(2, "describe", model, *sizes, "--allow-unknown")


@pytest.mark.usefixtures("code")
def test_a_forward_that_raises(run_fails):
    err = run_fails(2, "describe", "torch:own_nets:Raises", "--input", "3x8x8")
    assert "its forward raises ValueError: no tokenizer" in err


def test_a_truncated_file(run_fails, plain, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(Path(plain).read_bytes()[:300])
    assert "cut.onnx: is cut short" in run_fails(2, "evaluate", str(cut), "--on", "simple")


def test_a_cyclic_file(run_fails, tmp_path):
    path = tmp_path / "cyclic.yaml"
    path.write_text(CYCLIC, encoding="utf-8")
    err = run_fails(2, "describe", str(path))
    assert "layer 'a' reads 'b', which reads 'a': a cycle" in err


def test_networks_of_the_zoo_take_parameters_instead(run_fails):
    assert "take parameters, as mobilenet_v1@resolution=160" in run_fails(
        2, "describe", "alexnet", "--input", "3x8x8"
    )


def test_an_einsum_and_a_layer_table(run, tmp_path):
    assert "840" in run("describe", "O[m] = I[c] * W[m,c]; m=10, c=84")
    run("describe", "alexnet", "--energy-table", str(tmp_path / "alexnet.txt"))
    told = json.loads(run("describe", str(tmp_path / "alexnet.txt"), "--json", "-"))
    assert told["totals"]["macs"] == json.loads(run("describe", "alexnet", "--json", "-"))["totals"]["macs"]


def test_a_layer_of_a_loaded_model_is_mapped(run):
    pytest.importorskip("torch")
    text = run("map", "torch:examples.pytorch_model:model:pointwise", "--input", "3x32x32", "--on", "simple")
    assert "proven" in text
