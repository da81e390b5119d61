"""Rooflines and weight tiles of the first TPU (Jouppi et al., ISCA 2017)."""

import pytest

import chipwise
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.tpu_v1 import APPLICATIONS, roofline_tops, shift_share, tile_cycles

CAPS = {"mlp0": 13.6, "mlp1": 11.42, "lstm0": 4.35, "lstm1": 6.53, "cnn0": 91.75, "cnn1": 91.75}


def chip():
    return chipwise.load_accelerator("tpu_v1")


@pytest.mark.parametrize("name", CAPS)
def test_no_measurement_is_above_its_roofline(name):
    roof = roofline_tops(chip(), APPLICATIONS[name].macs_per_byte)
    assert roof == pytest.approx(CAPS[name], rel=1e-3)
    assert APPLICATIONS[name].tops <= roof


def test_a_tile_shifts_in_256_of_1349_cycles():
    assert round(tile_cycles(chip())) == 1349
    assert shift_share(chip()) == pytest.approx(256 / 1349, rel=1e-3)


def test_a_larger_array_is_slower_on_a_matrix_of_600():
    time = {side: steps * tile_cycles(chip(), side) for side, steps in ((256, 9), (512, 4))}
    assert time[512] > 1.7 * time[256]


def test_all_rows_are_within_their_bands():
    rows = validate("tpu-v1")
    assert [row for row in rows if row.within is False] == []
    assert sum(row.within is True for row in rows) == 11
