"""The dataflow comparison of ISCA 2016 and of the survey's Figs. 33 to 35, from stored mappings."""

import pytest

import chipwise
from chipwise.analysis.validation import validate
from chipwise.analysis.validations import dataflow_study as study


def test_row_stationary_needs_the_least_energy():
    found = study.results()
    for conv in (True, False):
        assert all(study.ratio(found, flow, conv=conv) > 1 for flow in study.FLOWS[1:])


def test_rows_outside_their_band_say_why():
    rows = validate("dataflow-study")
    assert [row for row in rows if row.unexplained] == []
    outside = {(row.item, row.quantity) for row in rows if row.within is False}
    assert outside == {
        ("ws / rs, CONV", "energy, 1.4-2.5 times"),
        ("least other / rs, FC", "energy, 1.3 times or more"),
        ("rs conv1", "DRAM energy"),
        ("rs conv2", "DRAM energy"),
    }


def test_a_mac_of_row_stationary_takes_four_accesses_to_registers():
    assert all(study.rf_per_mac(result) == 4 for result in study.results()["rs"].values())


def test_row_stationary_spends_conv_in_registers_and_fc_in_dram():
    rs = study.results()["rs"]
    conv = {level: study.energy_of(rs, conv=True, levels=(level,)) for level in study.LEVELS}
    fc = {level: study.energy_of(rs, conv=False, levels=(level,)) for level in study.LEVELS}
    assert max(conv, key=conv.get) == "RF"
    assert max(fc, key=fc.get) == "DRAM"


def test_no_local_reuse_moves_the_least_off_chip():
    """Its buffer is the largest (survey, on Fig. 33a)."""
    dram = {flow: study.energy_of(own, conv=True, levels=("DRAM",)) for flow, own in study.results().items()}
    assert min(dram, key=dram.get) == "nlr"


@pytest.mark.slow
@pytest.mark.parametrize("flow", ["rs", "nlr"])
def test_a_new_search_finds_what_is_stored(flow):
    chip, network = study.chips()[flow], study.network()
    for name in ("conv3", "conv5", "fc8"):
        found = chipwise.find_mapping(network.layer(name), chip)
        assert found.energy_pj == pytest.approx(study.results()[flow][name].energy_pj)
