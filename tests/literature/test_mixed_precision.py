"""Quantised networks, accumulators, arithmetic by width."""

from chipwise.analysis.validation import validate


def test_all_agree_but_for_lenets_small_filters():
    rows = validate("mixed-precision")
    assert {row.item for row in rows if row.within is False} == {"least of the networks"}
    assert not any(row.unexplained for row in rows)
    assert sum(row.quantity == "bit operations" for row in rows) == 6
