"""Areas of Eyeriss's scratchpads, buffer and MACs, 65 nm, beside the paper's."""

from chipwise.analysis.validation import validate


def test_the_three_divide_their_area_as_published():
    rows = [
        row
        for row in validate("eyeriss-area")
        if row.quantity != "share of the core" and row.error is not None
    ]
    assert len(rows) == 4
    assert all(row.within for row in rows)


def test_shares_of_the_core_are_low_for_a_known_reason():
    rows = [row for row in validate("eyeriss-area") if row.quantity == "share of the core"]
    assert {row.published for row in rows} == {0.5, 0.2, 0.074}
    for row in rows:
        assert not row.unexplained
        assert -0.75 < row.error < -0.6
        assert "wiring" in row.note
