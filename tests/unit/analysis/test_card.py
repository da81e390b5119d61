"""Benchmark cards: what the survey's Table V asks for, what is missing, and gates in their order."""

import pytest

import chipwise
from chipwise.analysis.card import MISSING, card, check_requirements
from chipwise.analysis.metrics import Given
from chipwise.errors import InputError
from chipwise.report.card import card_markdown

TABLE_V = (
    "process technology", "core area", "on-chip memory", "multipliers", "core area per multiplier",
    "on-chip memory per multiplier", "measured or simulated", "synthesis or place and route", "network", "accuracy",
    "dense or sparse", "supported layers", "bits per weight", "bits per input activation", "batch size", "run time",
    "power", "off-chip accesses per inference", "images tested",
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return chipwise.evaluate("lenet5", "eyeriss", batch=4)


def test_every_specification_of_table_v_is_there(result):
    names = [e.name for e in card(result).entries]
    assert set(TABLE_V) <= set(names)
    assert len(names) == len(set(names))


def test_eyeriss_as_table_v_has_it(result):
    """12.25 mm2 / 168 = 0.073 mm2; 108 KiB and 168 x 520 B = 198 kB, where the table has 192 kB."""
    value = {e.name: e.value for e in card(result).entries}
    assert value["multipliers"] == 168
    assert value["core area per multiplier"] == pytest.approx(0.073, abs=5e-4)
    assert value["on-chip memory"] == pytest.approx((108 * 1024 + 168 * 520) / 1000)
    assert value["bits per weight"] == value["bits per input activation"] == "16"


def test_what_nobody_gave_is_missing_and_said(result):
    made = card(result)
    assert made.missing == ["accuracy", "images tested"]
    assert "20 of 22 specifications; missing: accuracy, images tested" in card_markdown(made)
    assert card(result, Given(0.99, "MNIST", 10_000)).missing == []
    simple = card(chipwise.evaluate("lenet5", "simple"))
    assert {e.name for e in simple.entries if e.how == MISSING} == set(simple.missing)


def test_figures_are_per_inference_but_run_time(result):
    value = {e.name: e.value for e in card(result).entries}
    totals = result.totals()
    assert value["run time"] == pytest.approx(1e3 * totals["latency_s"])
    assert value["throughput"] == pytest.approx(4 / totals["latency_s"])
    assert value["energy per inference"] == pytest.approx(totals["energy_pj"] / 4e9)
    assert value["off-chip accesses per inference"] == pytest.approx(totals["off_chip_bytes"] / 4e6)
    assert value["power"] == pytest.approx(1e3 * totals["power_w"])


def test_gates_stand_in_the_order_of_the_survey(result):
    made = card(result, Given(0.99), "area<=20mm2,energy<=1J,throughput>=1/s,accuracy>=98%,latency<=1s")
    assert [g.stage for g in made.gates] == [
        "accuracy", "latency and throughput", "latency and throughput", "energy and power", "cost",
    ]  # fmt: skip
    assert made.fails_at is None
    assert "passes every gate" in card_markdown(made)


def test_the_first_gate_that_fails_is_named(result):
    made = card(result, Given(0.99), "pes<=100,latency<=1ns,accuracy>=0.9")
    assert made.fails_at is not None
    assert made.fails_at.stage == "latency and throughput"
    assert made.to_dict()["fails_at"] == "latency and throughput"
    assert "fails at latency and throughput" in card_markdown(made)


def test_what_is_not_known_is_not_passed(result):
    made = card(result, None, "accuracy>=0.5")
    assert made.gates[0].met is None
    assert made.fails_at is made.gates[0]


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("latency", "must be NAME<=VALUE"),
        ("latncy<=1ms", "Did you mean 'latency'"),
        ("latency>=1ms", "latency<="),
        ("accuracy<=0.5", "accuracy>="),
        ("latency<=5", "needs a unit"),
        ("energy<=lots", "not a quantity"),
        ("pes<=many", "not a number"),
        ("throughput>=nan", "not a number"),
        ("latency<=", "must be"),
    ],
)
def test_requirements_that_cannot_be_read(require, said):
    with pytest.raises(InputError, match=said):
        check_requirements(require)


def test_names_stay_in_their_cells(result):
    from dataclasses import replace

    text = card_markdown(card(replace(result, network="a|b\n# c"), Given(0.5, "x|y")))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
