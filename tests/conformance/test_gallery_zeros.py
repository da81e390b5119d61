"""What chips of the gallery do about zeros: nothing where densities are not known, what is published where they are."""

import pytest

from chipwise.components.load import gallery_names, load_accelerator
from chipwise.model.sparse import sparse_of
from chipwise.workload import registry
from chipwise.workload.densities import Densities, with_densities

ALEXNET = registry.build("alexnet")
SPARSE = with_densities(
    ALEXNET,
    Densities({name: {"input": 0.4, "weight": 0.3, "output": 0.4} for name in ("conv3", "fc7")}),
)


@pytest.mark.parametrize("name", gallery_names())
def test_without_densities_nothing_changes(name):
    chip = load_accelerator(name)
    for layer in ("conv3", "fc7"):
        sparse = sparse_of(ALEXNET.layer(layer), chip)
        assert (sparse.compute.energy, sparse.compute.time) == (1.0, 1.0)
        assert {stored.format for stored in sparse.stored.values()} == {"raw"}
        assert all(
            kept.energy == kept.time == 1.0 for kept in (*sparse.served.values(), *sparse.passed.values())
        )


@pytest.mark.parametrize(
    ("name", "layer", "energy", "skips"),
    [
        ("eyeriss", "conv3", 0.4, False),
        ("eyeriss_v2", "conv3", 0.12, True),
        ("scnn", "conv3", 0.12, True),
        ("eie", "fc7", 0.12, True),
    ],
)
def test_zeros_save_macs(name, layer, energy, skips):
    compute = sparse_of(SPARSE.layer(layer), load_accelerator(name)).compute
    assert compute.energy == pytest.approx(energy)
    assert (compute.time < 1) is skips
    assert compute.time >= energy


@pytest.mark.parametrize(
    ("name", "layer", "place", "entry_bits"),
    [
        ("eyeriss_v2", "conv3", ("weight_spad", "weight"), 4 + 8),
        ("eie", "fc7", ("spmat", "weight"), 4 + 16),
        ("scnn", "conv3", ("iaram", "input"), 4 + 16),
    ],
)
def test_non_zeros_are_stored_with_a_count_of_four_bits(name, layer, place, entry_bits):
    stored = sparse_of(SPARSE.layer(layer), load_accelerator(name)).stored[place]
    density = 0.4 if place[1] == "input" else 0.3
    assert stored.bits == pytest.approx(density * entry_bits, rel=0.02)
    assert stored.held_bits == pytest.approx(stored.bits, rel=1e-3)  # tiles that fit on average
