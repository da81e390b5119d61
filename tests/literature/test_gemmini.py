"""Gemmini in Timeloop and in RTL: mapping strings, cycles, energies, and the model with two fitted constants."""

import functools

import pytest

from chipwise.analysis.estimators.gemmini import (
    fit,
    gemmini_chip,
    read_runs,
    split,
    tiles_of,
    timeloop,
)
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.gemmini import log_pearson
from chipwise.errors import InputError
from chipwise.mapping.legality import check

RUNS = read_runs()


def shape(run):
    return tuple(run.layer.dims.items()), tuple(run.layer.notes.items())


@functools.cache
def figures():
    return {row.quantity: row for row in validate("gemmini") if row.quantity != "cycles of the RTL"}


def test_every_mapping_is_read_and_runs_on_the_chip():
    assert len(RUNS) == 111
    chip = gemmini_chip()
    for run in RUNS:
        check(run.layer, chip, run.mapping)


def test_cycles_are_timeloops_but_for_one_rounding():
    off = [timeloop(run).cycles - run.timeloop_cycles for run in RUNS]
    assert off.count(0) == 110
    assert min(off) == -1


def test_the_first_row_is_its_macs_over_the_pes():
    assert timeloop(RUNS[0]).cycles == RUNS[0].layer.macs // 256 == 294912


def test_energies_rank_as_timeloops():
    found = figures()
    assert found["rank correlation of energies"].computed > 0.999
    assert found["median ratio of energies"].computed == pytest.approx(1, abs=0.001)


def test_the_model_tells_the_rtl_of_layers_it_has_not_seen():
    found = figures()
    ours = found["correlation of log cycles"]
    assert ours.within
    assert ours.computed > found["correlation of log cycles, of Timeloop's"].computed
    assert (
        found["rank correlation of cycles"].computed
        > found["rank correlation of cycles, of Timeloop's"].computed
    )
    assert abs(found["median of RTL / model"].computed - 1) < 0.05


def test_the_halves_share_no_layer_and_may_be_exchanged():
    fitted, rest = split(RUNS)
    assert len(fitted) + len(rest) == len(RUNS)
    assert not {shape(run) for run in fitted} & {shape(run) for run in rest}
    exchanged = fit(rest)
    assert log_pearson([exchanged.cycles(run) for run in fitted], [run.rtl_cycles for run in fitted]) > 0.99


def test_work_of_tiles_by_hand():
    # C768 K768 P128 in 48 tiles of 16 filters: 48 rows of weights, each for 128 pixels.
    tiles = tiles_of(RUNS[0])
    assert tiles.mac_cycles == 48 * 48 * 128
    assert tiles.activation_bytes == 48 * (768 * 128 + 16 * 128)
    assert tiles.weight_bytes == 48 * 768 * 64


def test_a_file_of_another_form_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column"):
        read_runs(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_runs(tmp_path / "absent.csv")
