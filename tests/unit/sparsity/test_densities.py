"""Density models are distributions, with the mean, the zeros and the maxima that counting gives."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.sparsity.balance import slowest_share
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.banded import Banded
from chipwise.sparsity.densities.block import Block
from chipwise.sparsity.densities.constant import Constant
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.densities.structured import Structured
from chipwise.sparsity.densities.uniform import Uniform

rng = np.random.default_rng(7)
MODELS: tuple[DensityModel, ...] = (
    Constant(0.3),
    Constant(1.0),
    Uniform(0.3),
    Uniform(0.0),
    Uniform(1.0),
    Uniform(0.3, size=48),
    Uniform(1 / 3, size=48),
    Structured(2, 4),
    Structured(0, 3),
    Structured(1, 1),
    Block(4, 0.25, size=48),
    Block(3, 0.5),
    Actual(rng.random(48) < 0.4),
    Banded(8, 6, 1),
)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("length", [1, 2, 4, 6, 12, 24, 48])
def test_distributions_add_up(model: DensityModel, length: int):
    p = model.distribution(length)
    assert p.shape == (length + 1,)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)
    assert model.p_empty(length) == pytest.approx(p[0], abs=1e-12)
    if not isinstance(model, Structured) or length % model.m == 0:
        assert p @ np.arange(length + 1) == pytest.approx(model.expected(length))
    assert model.quantile(length, 1.0) <= model.maximum(length)
    assert p[model.maximum(length) + 1 :].sum() == 0
    assert model.expected(length) - 1 <= model.expected_maximum(length, 9) <= model.maximum(length) + 1e-9


def test_hypergeometric_tiles_are_those_of_all_placings():
    placings = [np.isin(np.arange(8), c) for c in combinations(range(8), 3)]
    for length in range(1, 9):
        counted = np.bincount([p[:length].sum() for p in placings], minlength=length + 1) / len(placings)
        assert Uniform(3 / 8, size=8).distribution(length) == pytest.approx(counted)
        windows = [not p[at : at + length].any() for p in placings for at in range(9 - length)]
        assert Uniform(3 / 8, size=8).p_zeros(length) == pytest.approx(np.mean(windows))


def test_actual_data_are_counted_in_whole_numbers():
    data = Actual(np.array([[0, 1, 0], [0, 0, 0], [2, 3, 4]]))
    assert data.counts(3).tolist() == [1, 0, 3]
    assert data.counts(4).tolist() == [1, 2, 1]
    assert (data.maximum(3), data.p_empty(3), data.density) == (3, 1 / 3, 4 / 9)
    assert Banded(3, 3, 0).actual().counts(3).tolist() == [1, 1, 1]


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([1, 7, 500, 4000]), st.sampled_from([1, 4, 168]))
def test_the_slowest_lane_is_never_faster_with_more_to_do(a: float, b: float, operations: int, lanes: int):
    low, high = sorted((a, b))
    assert (
        0
        <= slowest_share(low, operations, lanes)
        <= slowest_share(high, operations, lanes) + 1e-12
        <= 1 + 1e-9
    )
    assert slowest_share(high, operations, lanes) >= high - 1e-9


def test_the_slowest_of_many_lanes_by_drawing():
    for operations, lanes in ((50, 16), (4000, 168)):
        drawn = rng.binomial(operations, 0.4, (4000, lanes)).max(axis=1)
        error = 4 * drawn.std() / sqrt(4000) / operations
        assert slowest_share(0.4, operations, lanes) == pytest.approx(
            drawn.mean() / operations, abs=error + 2e-4
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(1.5),
        lambda: Constant(float("nan")),
        lambda: Uniform(0.5, size=0),
        lambda: Uniform(0.5, size=4).distribution(5),
        lambda: Structured(5, 4),
        lambda: Block(3, 0.5, size=10),
        lambda: Banded(0, 3, 1),
        lambda: Actual(np.zeros(0)),
        lambda: Actual(np.zeros(3)).counts(0),
    ],
)
def test_what_is_no_density_is_refused(make):
    with pytest.raises(InputError):
        make()
