"""`chipwise card` and `chipwise metrics` as a person runs them."""

import json

import pytest

from chipwise.cli.main import main


def test_card_in_markdown_and_json(run, small, tmp_path):
    text = run("card", small, "--on", "simple", "--accuracy", "57%", "--require", "latency<=1s,accuracy>=0.5")
    assert "| metric |" in text
    assert "passes every gate" in text
    told = json.loads(run("card", small, "--on", "simple", "--json", "-"))
    assert told["schema"] == "chipwise.card/1"
    assert "accuracy" in told["missing"]


def test_a_gate_that_fails_makes_the_exit_code(small, capsys):
    assert main(("card", small, "--on", "simple", "--require", "latency<=1ps")) == 1
    out, err = capsys.readouterr()
    assert "fails at latency and throughput" in out
    assert err == ""


def test_metrics_with_scaling(run, small):
    text = run("metrics", f"{small},lenet5", "--on", "simple", "--accuracy", "lenet5=0.99", "--scale")
    assert "flexibility over 2 networks" in text
    assert "16384" in text
    told = json.loads(run("metrics", small, "--on", "simple", "--json", "-"))
    assert told["schema"] == "chipwise.metrics/1"


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("card", ["--require", "speed<=1ms"], "not known"),
        ("card", ["--require", "latency<=1"], "needs a unit"),
        ("card", ["--accuracy", "57"], "fraction from 0 to 1"),
        ("card", ["--images", "0"], "whole number from 1"),
        ("card", ["--accuracy", "nan"], "fraction from 0 to 1"),
        ("metrics", ["--accuracy", "0.5"], "NETWORK=FRACTION"),
        ("metrics", ["--accuracy", "vgg=0.5"], "not among the networks"),
    ],
)
def test_refusals(run_fails, small, command, options, said):
    assert said in run_fails(2, command, small, "--on", "simple", *options)
