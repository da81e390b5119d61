"""Energy of pruned networks by the survey's estimation (CVPR 2017; Proc. IEEE 105(12), 2017)."""

import pytest

from chipwise.analysis.evaluate import find_mapping
from chipwise.analysis.validation import validate
from chipwise.analysis.validations import energy_aware_pruning as study


@pytest.fixture(scope="module")
def rows():
    """By item and quantity."""
    return {(row.item, row.quantity): row for row in validate("energy-aware-pruning")}


def test_pruning_saves_what_is_printed_or_says_why_not(rows):
    assert rows["AlexNet", "energy: dense / pruned"].within
    googlenet = rows["GoogLeNet", "energy: dense / pruned"]
    assert not googlenet.within
    assert not googlenet.unexplained
    assert 1.6 < googlenet.computed < 2.0


def test_squeezenet_takes_more_energy_with_50_times_fewer_weights(rows):
    assert rows["SqueezeNet", "times fewer weights than AlexNet"].within
    assert rows["SqueezeNet", "energy / AlexNet's, which is less"].computed > 1.2


@pytest.mark.parametrize("name", ["alexnet", "alexnet-eap"])
def test_stored_mappings_are_found_again(name: str):
    stored = study.results(name)
    for layer in study.network(name).layers[-3:]:
        found = find_mapping(layer, study.chip(), factors=study.FACTORS, use_cache=False)
        assert stored[layer.name].energy_pj == pytest.approx(found.energy_pj, rel=1e-9)
