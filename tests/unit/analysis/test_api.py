"""Roofline, card, metrics and Eyexam of a result, by their public names."""

from pathlib import Path

import pytest

import chipwise
from chipwise.report.html.page import html_text

EXAMPLES = Path(__file__).parents[3] / "examples"
CHIP = str(EXAMPLES / "tiny-chip.yaml")


@pytest.fixture(scope="module")
def result():
    return chipwise.evaluate(EXAMPLES / "tiny-network.yaml", CHIP, batch=2)


@pytest.fixture(scope="module")
def exam(result):
    return chipwise.eyexam_of(result)


def test_the_exam_of_a_result_is_that_of_its_network(result, exam):
    other = chipwise.eyexam(EXAMPLES / "tiny-network.yaml", CHIP, batch=2)
    assert exam.to_dict() == other.to_dict()


def test_a_roofline_makes_its_exam_itself(result, exam):
    assert chipwise.roofline(result).to_dict() == chipwise.roofline(result, exam).to_dict()


def test_an_exam_of_something_else_is_refused(result):
    other = chipwise.eyexam(EXAMPLES / "tiny-network.yaml", CHIP)
    for show in (chipwise.roofline, html_text):
        with pytest.raises(chipwise.InputError, match="batch 1, the evaluation of tiny on tiny, batch 2"):
            show(result, other)


def test_metrics_and_card_of_results(result):
    given = {"tiny": chipwise.Given(accuracy=0.5)}
    metrics = chipwise.metrics([result], given).to_dict()
    assert metrics["networks"][0]["accuracy"] == 0.5
    assert metrics["networks"][0]["energy_pj"] == result.energy_pj
    card = chipwise.card(result, given["tiny"], require="accuracy>=0.6")
    assert card.fails_at.stage == "accuracy"


def test_metrics_that_make_no_sense_are_refused(result):
    with pytest.raises(chipwise.InputError, match="at least one"):
        chipwise.metrics([])
    with pytest.raises(chipwise.InputError, match="Did you mean"):
        chipwise.metrics([result], {"tony": chipwise.Given()})
    other = chipwise.evaluate(EXAMPLES / "tiny-network.yaml", "simple")
    with pytest.raises(chipwise.InputError, match="one chip"):
        chipwise.metrics([result, other])


def test_scaling_takes_names():
    (scaled,) = chipwise.scaling(EXAMPLES / "tiny-network.yaml", CHIP, pes=(32,))
    assert scaled.pes == 32
    assert scaled.active_pes <= 32
