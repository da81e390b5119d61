"""The closed forms equal the oracle on random cases: exact integers, every field."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from chipwise.model.counts import count
from tests.oracle.strategies import Case, cases, random_case
from tests.oracle.walk import walk


def _assert_equal(case: Case) -> None:
    expected = walk(case.layer, case.chip, case.mapping)
    computed = count(case.layer, case.chip, case.mapping)
    assert computed == expected, (case.layer, case.chip, case.mapping)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(max_macs=400))
def test_closed_forms_equal_the_oracle(case):
    _assert_equal(case)


@pytest.mark.parametrize("block", range(4))
def test_closed_forms_equal_the_oracle_on_many_seeds(block):
    for seed in range(block * 150, (block + 1) * 150):
        _assert_equal(random_case(Random(seed), max_macs=1000))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_closed_forms_equal_the_oracle_on_thousands_of_seeds(block):
    for seed in range(10_000 + block * 400, 10_000 + (block + 1) * 400):
        _assert_equal(random_case(Random(seed)))
