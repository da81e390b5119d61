"""The mapping rules of Eyeriss, on layers small enough to do by hand."""

import dataclasses

import pytest

from chipwise.analysis.estimators.row_stationary.nest import folding_chip, mapping_of
from chipwise.analysis.estimators.row_stationary.rules import (
    BUFFER_BYTES,
    ConvShape,
    RowStationary,
    candidates,
    derive,
)
from chipwise.analysis.estimators.row_stationary.silicon import coded
from chipwise.errors import InputError
from chipwise.mapping.legality import check
from chipwise.model.counts import count
from chipwise.workload.kinds import conv, matmul

SMALL = ConvShape(batch=2, groups=1, filters=8, channels=4, plane=6, taps=3, stride=1, padding=1)


def test_a_shape_of_a_layer():
    layer = conv("c", N=2, M=8, C=4, P=6, Q=6, R=3, S=3)
    assert ConvShape.of(layer) == SMALL
    assert SMALL.height == 8
    assert SMALL.macs == layer.macs
    strided = conv("c", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4)
    assert ConvShape.of(strided).padding == 0
    assert ConvShape.of(strided).height == 227


@pytest.mark.parametrize(
    "layer",
    [
        matmul("m", M=8, N=8, K=8),
        conv("c", M=8, C=4, P=6, Q=5, R=3, S=3),
        conv("c", M=8, C=4, P=6, Q=6, R=13, S=13),
    ],
)
def test_other_layers_are_refused(layer):
    with pytest.raises(InputError, match="square convolutions of at most 12 filter rows"):
        ConvShape.of(layer)


def test_halos_come_again_and_padding_is_not_stored():
    # Strips of 4 and 2 rows need rows 0-5 and 4-7 of the padded plane, of which 0 and 7 are padding.
    layout = RowStationary(m=8, n=1, e=4, p=8, q=4, r=1, t=1)
    assert layout.strips(SMALL) == 2
    assert layout.ifmap_words(SMALL, padded=True) == 2 * 4 * (6 + 4) * 8
    assert layout.ifmap_words(SMALL) == 2 * 4 * (5 + 3) * 6


def test_traffic_by_hand():
    layout = RowStationary(m=4, n=1, e=6, p=2, q=2, r=1, t=1)
    ifmaps = 2 * 4 * 6 * 6
    # Two blocks of filters bring ifmaps twice; filters come for each input.
    assert layout.dram_words(SMALL) == 2 * ifmaps + 2 * SMALL.weight_words + SMALL.ofmap_words
    # Two passes over channels: psums written twice, read once; ifmaps written twice and read four times.
    assert layout.buffer_words(SMALL) == 3 * SMALL.ofmap_words + (2 + 4) * ifmaps


def test_sets_stand_above_each_other_or_side_by_side_or_folded():
    def sets(taps, plane):
        shape = ConvShape(1, 1, 64, 64, plane, taps, 1, taps // 2)
        return {(x.e, x.r * x.t) for x in candidates(shape)}

    assert {repeats for e, repeats in sets(3, 13) if e == 13} == {1, 2, 4}  # 3 sets share no 64 filters
    assert max(repeats for e, repeats in sets(11, 14) if e == 7) == 2
    assert {repeats for e, repeats in sets(5, 27) if e == 27} == {1}
    assert max(e for e, _ in sets(11, 27)) == 14


def test_every_candidate_is_a_mapping_that_runs_and_counts_the_same():
    layer, chip = conv("c", N=2, M=8, C=4, P=6, Q=6, R=3, S=3), folding_chip()
    found = list(candidates(SMALL))
    assert len(found) > 500
    for layout in found[::97]:
        mapping = mapping_of(layer, layout)
        check(layer, chip, mapping)
        ofmaps = count(layer, chip, mapping).actions["buffer", "output"]
        assert ofmaps.updates == SMALL.ofmap_words * layout.channel_passes(SMALL)


def test_the_derived_layout_fits_and_moves_the_least():
    best = derive(SMALL)
    assert best.psum_bytes(SMALL) + 2 * best.ifmap_bytes(SMALL) <= BUFFER_BYTES
    assert best.dram_words(SMALL, padded=True) == min(
        layout.dram_words(SMALL, padded=True)
        for layout in candidates(SMALL)
        if layout.active_pes(SMALL) == best.active_pes(SMALL)
    )


def test_what_fits_in_no_way_is_refused():
    wide = dataclasses.replace(SMALL, plane=20_000)
    with pytest.raises(InputError, match="in no way"):
        derive(wide)


def test_run_length_codes_grow_dense_values_and_shrink_sparse_ones():
    assert coded(1.0) == pytest.approx(64 / 48, abs=1e-5)
    assert coded(0.5) == pytest.approx(2 / 3, abs=1e-5)
    # One pair covers 32 zeros at most.
    assert coded(0.0) == pytest.approx(64 / 48 / 32, abs=1e-5)
