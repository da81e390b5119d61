"""Distributions of counts against plain enumeration."""

import itertools

import numpy as np
import pytest

from chipwise.analysis.engines.chance import (
    binomial,
    counts_at,
    mean,
    mean_of_largest,
    relative_index_entries,
    shares,
    sum_of,
    uniforms,
)
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.csc import Csc


def entries(values, reach):
    """Stored entries, by the definition."""
    found = zeros = 0
    for value in values:
        zeros += not value
        if zeros > reach and value:
            found += zeros // (reach + 1)
        if value:
            found, zeros = found + 1, 0
    return found


@pytest.mark.parametrize(("n", "density", "reach"), [(6, 0.3, 1), (7, 0.1, 2), (5, 0.9, 15), (6, 0.5, 0)])
def test_entries_are_those_of_all_masks(n, density, reach):
    expected = np.zeros(n + 1)
    for values in itertools.product([False, True], repeat=n):
        chance = np.prod([density if value else 1 - density for value in values])
        expected[entries(values, reach)] += chance
    assert relative_index_entries(n, density, reach) == pytest.approx(expected)


def test_the_largest_of_several_is_that_of_all_outcomes():
    pmf = binomial(3, 0.4)
    outcomes = itertools.product(range(4), repeat=3)
    expected = sum(max(x) * pmf[list(x)].prod() for x in outcomes)
    assert mean_of_largest(pmf, 3) == pytest.approx(expected)


def test_sums_are_binomials_again():
    assert sum_of(binomial(4, 0.3), 5) == pytest.approx(binomial(20, 0.3))


def test_draws_fall_with_density_and_have_its_mean():
    uniform = uniforms(20000)
    counts = [counts_at(uniform, binomial(16, d)) for d in (0.0, 0.2, 0.5, 0.9, 1.0)]
    for low, high in itertools.pairwise(counts):
        assert (low <= high).all()
    assert counts[2].mean() == pytest.approx(mean(binomial(16, 0.5)), rel=0.01)
    assert counts[0].max() == 0
    assert counts[-1].min() == 16


def test_shares_differ_by_one():
    assert shares(1000, 64).sum() == 1000
    assert set(shares(1000, 64)) == {15, 16}


@pytest.mark.parametrize("density", [0.04, 0.09, 0.5])
def test_entries_are_those_of_the_column_format(density):
    """EIE's engine and the format `csc(4)` were written apart."""
    expected = Csc(4).expected_bits((64, 1), Uniform(density), 4).data / 4
    assert mean(relative_index_entries(64, density, 15)) == pytest.approx(expected, rel=1e-9)
