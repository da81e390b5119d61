"""`chipwise measure` as a person runs it."""

import json

import pytest

pytest.importorskip("torch")

import torch

from chipwise.cli.main import main


def test_measure_writes_a_table(tmp_path, capsys):
    out = tmp_path / "cpu.lut"
    threads = torch.get_num_threads()
    command = ["measure", "torch:chipwise.adapt.networks:mobile", "--input", "1x32x32", "--rounds", "1"]
    assert main([*command, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "sum of layers" in shown
    assert "whole network" in shown
    assert len(json.loads(out.read_text())["entries"]) == 10
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["torch:chipwise.adapt.networks:mobile", "--out", "x.lut"], "give --input 3x224x224"),
        (["lenet5", "--out", "-"], "name one"),
        (["lenet5", "--out", "x.lut", "--backend", "tpu"], "backend 'tpu' is not known"),
        (["lenet5", "--out", "nowhere/x.lut"], "no folder"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
