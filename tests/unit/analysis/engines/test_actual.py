"""Engines on actual data: whole numbers, and on random zeros near what densities alone say."""

from dataclasses import replace

import numpy as np
import pytest

from chipwise.analysis.engines.designs.cnvlutin import ENGINE as CNVLUTIN
from chipwise.analysis.engines.designs.cnvlutin import window_cycles
from chipwise.analysis.engines.designs.dual_side import DualSide
from chipwise.analysis.engines.designs.eie import ENGINE as EIE
from chipwise.analysis.engines.designs.eie import entries_of, queued_cycles
from chipwise.analysis.engines.designs.eyeriss_v2 import pe_cycles
from chipwise.analysis.engines.designs.scnn import ENGINE as SCNN
from chipwise.analysis.engines.designs.tensor_core_2_4 import is_structured
from chipwise.analysis.engines.masks import masks
from chipwise.analysis.engines.work import work_of
from chipwise.workload.kinds import conv, fully_connected


def test_a_pe_with_two_macs_rounds_the_weights_of_a_channel():
    inputs, weights = masks("L13")
    one, two = pe_cycles(inputs, weights), pe_cycles(inputs, weights, macs=2)
    assert one / 2 <= two <= one / 2 + inputs.sum()
    assert pe_cycles(np.ones((3, 4), bool), np.ones((6, 4), bool), macs=2) == 3 * 4 * 3


def test_eie_counts_entries_column_by_column():
    random = np.random.default_rng(1)
    weights = random.random((130, 7)) < 0.05
    found = entries_of(weights, pes=4, reach=3)
    for pe in range(4):
        for column in range(7):
            zeros = entries = 0
            for value in weights[pe::4, column]:
                if value:
                    entries += 1 + zeros // 4
                    zeros = 0
                else:
                    zeros += 1
            assert found[column, pe] == entries


def test_eie_on_random_data_is_near_its_densities():
    work = work_of(fully_connected("fc", M=2048, C=1024))
    random = np.random.default_rng(2)
    weights, inputs = random.random((2048, 1024)) < 0.09, random.random(1024) < 0.35
    actual = EIE.actual(work, inputs[None, None], weights[None])
    expected = EIE.cost(
        replace(work, weight_density=float(weights.mean()), input_density=float(inputs.mean()))
    )
    assert isinstance(actual.cycles, int)
    assert actual.cycles == pytest.approx(expected.cycles, rel=0.03)
    assert actual.notes["padding"] == pytest.approx(expected.notes["padding"], abs=0.02)


def test_deeper_queues_never_take_longer():
    entries = np.random.default_rng(3).integers(0, 6, (300, 16))
    cycles = [queued_cycles(entries, depth) for depth in (1, 2, 4, 8, 64, 300)]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[0] == np.maximum(entries, 1).max(axis=1).sum()
    assert cycles[-1] >= np.maximum(entries, 1).sum(axis=0).max()


def test_a_window_of_random_zeros_takes_what_cnvlutin_expects():
    work = replace(work_of(conv("c", M=16, C=64, P=1, Q=2, R=3, S=3)), input_density=0.4)
    random = np.random.default_rng(4)
    drawn = [window_cycles(random.random((36, 16)) < 0.4) for _ in range(400)]
    assert np.mean(drawn) == pytest.approx(CNVLUTIN.cost(work).cycles / work.pixels, rel=0.02)


def test_an_outer_product_of_random_zeros_takes_what_the_core_expects():
    core, random = DualSide(overhead=0.0), np.random.default_rng(5)
    x, y = (random.random((4000, 32)) < 0.3).sum(axis=1), (random.random((4000, 32)) < 0.6).sum(axis=1)
    taken = np.maximum(-(-x // 8) * -(-y // 16), x * y / 115)
    assert core.step_cycles(0.3, 0.6) == pytest.approx(taken.mean(), rel=0.02)


def test_scnn_on_a_drawn_layer_takes_what_its_rule_says():
    work = work_of(conv("c", M=8, C=64, P=16, Q=16, R=3, S=3))
    random = np.random.default_rng(6)
    inputs, weights = random.random((64, 64, 4)) < 0.4, random.random((64, 72)) < 0.5
    left, right = -(-inputs.sum(axis=2) // 4), -(-weights.sum(axis=1) // 4)
    expected = SCNN.cost(replace(work, input_density=0.4, weight_density=0.5)).cycles
    assert (left @ right).max() == pytest.approx(expected, rel=0.05)


def test_two_of_four():
    weights = np.zeros((3, 10), bool)
    weights[:, [0, 3, 5, 8, 9]] = True
    assert is_structured(weights)
    weights[2, 1] = True
    assert not is_structured(weights)
