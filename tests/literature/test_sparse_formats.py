"""Sparseloop's exercises and formulas, and Eyeriss's run-length coding and gating."""

from chipwise.analysis.validation import validate


def test_counts_of_sparseloops_exercises():
    rows = validate("sparseloop-formats")
    exercises = [row for row in rows if not row.item.startswith("8 x 8")]
    assert len(exercises) == 32
    assert all(row.computed == row.published for row in exercises)


def test_formulas_of_formats_agree_where_nothing_is_rounded_or_multiplied():
    rows = [row for row in validate("sparseloop-formats") if row.item.startswith("8 x 8")]
    assert {row.quantity for row in rows if not row.within} == {
        "CP coordinates, rank 0",
        "CP coordinates, rank 1",
        "RLE runs, rank 1",
    }
    assert not [row for row in rows if row.unexplained]
    assert sum(bool(row.within) for row in rows) == 9


def test_run_lengths_and_gating_of_eyeriss():
    rows = {(row.item, row.quantity): row for row in validate("rlc")}
    assert all(row.within for row in rows.values() if row.published is not None)
    assert abs(rows["AlexNet CONV1-5", "share of PE energy saved by gating"].computed - 0.45) <= 0.05
