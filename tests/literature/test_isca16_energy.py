"""The energy of one value by the equations of Chen, Emer, Sze, ISCA 2016, against chipwise's own counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.analysis.validation import validate
from chipwise.analysis.validations.isca16_energy import value_energy

DRAM, BUFFER, ARRAY, RF = 200, 6, 2, 1

FACTORS = st.tuples(*[st.integers(1, 5)] * 4)


def test_the_worked_examples():
    assert sum(value_energy("input", (1, 2, 3, 4)).terms.values()) == 248
    assert sum(value_energy("output", (2, 3, 3, 2)).terms.values()) == 708


@settings(max_examples=40, deadline=None)
@given(FACTORS)
def test_an_input_follows_the_equation_term_by_term(factors):
    a, b, c, d = factors
    assert value_energy("input", factors).terms == pytest.approx(
        {"dram": a * DRAM, "buffer": a * b * BUFFER, "array": a * b * c * ARRAY, "rf": a * b * c * d * RF}
    )


@settings(max_examples=40, deadline=None)
@given(FACTORS)
def test_a_psum_follows_the_equation_term_by_term(factors):
    a, b, c, d = factors
    assert value_energy("output", factors).terms == pytest.approx(
        {
            "dram": (2 * a - 1) * DRAM,
            "buffer": 2 * a * (b - 1) * BUFFER,
            "array": a * b * (c - 1) * ARRAY,
            "rf": 2 * a * b * c * (d - 1) * RF,
        }
    )


@settings(max_examples=20, deadline=None)
@given(FACTORS, st.sampled_from(["input", "output"]))
def test_chipwise_charges_fills_and_drains_as_well(factors, tensor):
    found = value_energy(tensor, factors)
    assert all(found.charged[level] >= found.terms[level] for level in found.terms)
    assert found.charged["array"] == found.terms["array"]


def test_the_rows_agree():
    rows = validate("isca16-energy")
    assert [row.published for row in rows if row.quantity == "energy"] == [248, 708]
    assert all(row.within for row in rows if row.published is not None)
    assert all(row.within is None and row.computed > 0 for row in rows if row.published is None)
