"""Mapping lines of Timeloop: what they become, that they cost the same, and what is refused."""

import pytest

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Spatial, Storage, Temporal
from chipwise.mapping.timeloop import is_timeloop, parse_timeloop
from chipwise.workload.kinds import conv

CHIP = Accelerator(
    "two",
    (
        Memory("dram", "dram", ("input", "weight", "output")),
        Array("pes", (Axis("rows", 4), Axis("columns", 8))),
        Memory("registers", "register_file", ("weight",), may_keep=("input",)),
        Compute("mac", "int_mac"),
    ),
    clock_hz=1e9,
)
LAYER = conv("c", M=16, C=8, P=6, Q=1, R=1, S=1)
LINE = "L1[WIO] K2 P3 C8Y K4X - L0[W] P2 K2 N1"


def test_a_line_becomes_nodes():
    mapping = parse_timeloop(LINE, LAYER, CHIP)
    assert mapping.nodes == (
        Storage("dram", "weight"),
        Storage("dram", "input"),
        Storage("dram", "output"),
        Temporal("M", 8),
        Temporal("P", 2),
        Spatial("columns", "C", 1),
        Spatial("rows", "M", 2),
        Storage("registers", "weight"),
        Temporal("P", 1),
        Temporal("M", 1),
    )
    check(LAYER, CHIP, mapping)


def test_such_a_line_is_told_from_the_other_form():
    assert is_timeloop(f"\n  {LINE}\n")
    assert not is_timeloop("dram  input weight output\nmac\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("L0[WIO] K16 C8 P6", "1 levels for the 2 memories of chip 'two'"),
        ("L1[WIO] K16 - L1[W] C8 P6", "expected level L0"),
        ("L1[WIO] K16 - C8 P6", "expected level L0"),
        ("L1[WIO] K16 -  - L0[W]", "found '-'"),
        ("L1[WIZ] K16 C8 P6 - L0[W] N1", "keeps 'Z'"),
        ("L1[WIO] K16 C8 P6 - L0[W] 3P", "found '3P'"),
        ("L1[WIO] K16 C8 P6 - L0[W] Z3", "has no dimension 'Z'"),
        ("L1[WIO] K3 C8 P6 - L0[W] N1", "factor 3 of M must divide the 16"),
        ("L1[WIO] K16 C8 P0 - L0[W] N1", "factor 0 of P"),
        ("L1[WIO] K16 C8 P3 - L0[W] N1", "the factors of P multiply to 3, its extent is 6"),
        ("L1[WIO] K16 C8 P3 - L0[W] P2X", "L0 has a loop on X, but below registers chip 'two' has no array"),
        ("x" * 20_000, "20000 characters"),
    ],
)
def test_a_line_that_does_not_fit_is_refused(line, message):
    with pytest.raises(InputError, match="Timeloop mapping") as error:
        parse_timeloop(line, LAYER, CHIP)
    assert message in str(error.value)
