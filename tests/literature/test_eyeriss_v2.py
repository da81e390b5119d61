"""Eyeriss v2 on dense networks (Chen et al., JETCAS 2019)."""

import chipwise
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.eyeriss_v2 import delivered
from chipwise.mapping.mapping import Spatial


def test_what_is_outside_says_why_and_is_a_lower_bound():
    outside = [row for row in validate("eyeriss-v2") if row.within is False]
    assert {row.quantity for row in outside} == {
        "speed-up over the first Eyeriss",
        "off-chip traffic of CONV layers, dense",
    }
    assert all(row.note and row.computed < row.published for row in outside)


def test_the_mesh_delivers_what_is_shared_once():
    layer = chipwise.fully_connected("fc", M=4, C=8)
    loops = (Spatial("rows", "M", 2), Spatial("columns", "M", 1))
    assert delivered(layer, loops) == {"input": 1.0, "weight": 4.0}
