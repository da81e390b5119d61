"""Rooflines and weight tiles of the first TPU (Jouppi et al., ISCA 2017)."""

import pytest

import chipwise
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.tpu_v1 import (
    APPLICATIONS,
    WEIGHT_BOUND,
    roofline_tops,
    tile,
    tile_cycles,
    tops,
)

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
    for name in WEIGHT_BOUND:
        found = tile(chip(), APPLICATIONS[name])
        assert found.shift / found.cycles == pytest.approx(256 / 1349, rel=1e-3)


def test_a_larger_array_is_slower_on_a_matrix_of_600():
    time = {side: steps * tile_cycles(chip(), side) for side, steps in ((256, 9), (512, 4))}
    assert time[512] > 1.7 * time[256]


def test_throughput_is_within_a_tenth_where_the_published_inputs_say_enough():
    error = {name: tops(chip(), app) / app.tops - 1 for name, app in APPLICATIONS.items()}
    assert {name for name, e in error.items() if abs(e) <= 0.1} == {"mlp0", "mlp1", "lstm0", "cnn0"}
    assert all(e > 0 for name, e in error.items() if name in {"lstm1", "cnn1"})


def test_what_the_note_of_lstm1_says():
    app = APPLICATIONS["lstm1"]
    cycles = tile_cycles(chip()) * app.active / app.on_tiles
    assert round(cycles) == 158
    assert tops(chip(), app._replace(macs_per_byte=79)) == pytest.approx(2.88, abs=0.01)


def test_rows_outside_their_bands_say_why():
    rows = validate("tpu-v1")
    outside = [(row.item, row.quantity) for row in rows if row.within is False]
    active = "array active / (active + stall + shift)"
    assert outside == [
        ("lstm1", "throughput"),
        ("cnn1", "throughput"),
        ("mlp1", active),
        ("lstm1", active),
    ]
    assert not any(row.unexplained for row in rows)
