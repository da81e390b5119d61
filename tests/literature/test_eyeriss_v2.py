"""Eyeriss v2 on dense networks (Chen et al., JETCAS 2019)."""

import chipwise
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.eyeriss_v2 import delivered
from chipwise.mapping.mapping import Spatial


def test_only_the_traffic_is_outside_and_its_cause_is_told():
    rows = validate("eyeriss-v2")
    outside = [row for row in rows if row.within is False]
    assert [(row.item, row.unit) for row in outside] == [("alexnet", "MB")]
    assert not outside[0].unexplained
    assert outside[0].computed < outside[0].published  # a lower bound


def test_the_mesh_delivers_what_is_shared_once():
    layer = chipwise.fully_connected("fc", M=4, C=8)
    loops = (Spatial("rows", "M", 2), Spatial("columns", "M", 1))
    assert delivered(layer, loops) == {"input": 1.0, "weight": 4.0}
