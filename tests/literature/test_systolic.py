"""SCALE-Sim's printed cycles."""

from chipwise.analysis.validation import validate


def test_all_printed_cycles_are_met_exactly():
    rows = validate("systolic")
    assert len(rows) == 48
    assert {row.item.rsplit(", ", 1)[1] for row in rows} == {"os", "ws", "is"}
    assert all(row.computed == row.published for row in rows)
