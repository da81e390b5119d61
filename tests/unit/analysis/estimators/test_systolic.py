"""The closed form of systolic arrays against an array that moves operands, and the products that layers unroll to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.analysis.estimators.systolic import Dataflow, Product, product_of, systolic_cycles
from chipwise.analysis.validations.systolic import LAYERS
from chipwise.errors import InputError
from chipwise.workload.kinds import conv, convolution, fully_connected
from tests.unit.analysis.estimators.systolic_array import run


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(Dataflow),
    st.tuples(*[st.integers(1, 13)] * 3),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.integers(0, 2**32 - 1),
)
def test_an_array_that_moves_operands_takes_as_long(dataflow, extents, array, seed):
    pixels, taps, filters = extents
    random = np.random.default_rng(seed)
    left, right = random.integers(-9, 9, (pixels, taps)), random.integers(-9, 9, (taps, filters))
    found, cycles = run(left, right, dataflow.value, *array)
    assert (found == left @ right).all()
    assert cycles == systolic_cycles(Product(pixels, taps, filters), dataflow, *array).cycles


def test_folds_cost_the_whole_array():
    found = systolic_cycles(Product(pixels=17, taps=5, filters=33), Dataflow.OUTPUT_STATIONARY, 16, 16)
    assert (found.row_folds, found.column_folds, found.fold_cycles) == (2, 3, 5 + 16 + 16 - 2)
    assert found.cycles == 6 * 35


def test_groups_run_one_after_the_other():
    whole = product_of(conv("c", M=32, C=16, P=5, Q=5, R=3, S=3))
    halves = product_of(conv("c", M=32, C=16, P=5, Q=5, R=3, S=3, groups=2))
    assert halves == Product(pixels=25, taps=72, filters=16, times=2)
    assert halves.macs * 2 == whole.macs
    found = systolic_cycles(halves, Dataflow.WEIGHT_STATIONARY, 8, 8)
    assert found.cycles == 2 * 9 * 2 * (8 + 25 + 8 + 8 - 2)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_product_has_the_macs_of_its_layer(layer):
    assert product_of(layer).macs == layer.macs
    assert product_of(layer.with_batch(3)).pixels == 3 * product_of(layer).pixels


def test_a_product_of_more_shapes():
    assert product_of(fully_connected("f", M=10, C=84)) == Product(1, 84, 10)
    with pytest.raises(InputError, match="is no product"):
        product_of(convolution("up", M=4, C=4, plane=(8, 8), window=(2, 2), stride=2, transposed=True))
    with pytest.raises(InputError, match="both must be at least 1"):
        systolic_cycles(Product(1, 1, 1), Dataflow.INPUT_STATIONARY, 0, 4)
