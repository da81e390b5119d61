"""The oracle against numbers worked out by hand from docs/counts.md."""

from random import Random

import pytest
from hypothesis import given, settings

from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Level, Memory, Route
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.actions import Actions, Counts, Hops
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer
from tests.oracle.strategies import Case, cases, random_case
from tests.oracle.walk import walk

ALL = ("input", "weight", "output")
DRAM = tuple(Storage("dram", tensor) for tensor in ALL)
S, T, X = Storage, Temporal, Spatial


def counted(layer: Layer, below_dram: list[Level], *nodes: Node) -> Counts:
    """Counts with everything in DRAM above `nodes`; below them every dimension is cut to 1, in order."""
    chip = Accelerator("t", (Memory("dram", "dram", ALL), *below_dram, Compute("mac", "mac")), clock_hz=1e9)
    mapping = Mapping((*DRAM, *nodes))
    left = mapping.tile_at(len(mapping.nodes), layer.dims)
    rest = [T(d, 1) for d, tile in left.items() if tile > 1]
    return walk(layer, chip, Mapping((*mapping.nodes, *rest)))


def memory(name: str, *tensors: str) -> Memory:
    return Memory(name, "sram", keeps=tensors)


def conv_1d(*, P: int, R: int, M: int = 1, stride: int = 1) -> Layer:
    return conv("conv", M=M, C=1, P=P, Q=1, R=R, S=1, stride=stride)


def row_array(*, size: int = 16, shared: bool = True, overlapping: bool = False, name: str = "row") -> Array:
    route = Route(frozenset({name}) if shared else frozenset(), overlapping)
    return Array(f"{name}s", (Axis(name, size),), dict.fromkeys(ALL, route))


@pytest.mark.parametrize(
    ("outside", "fills"),
    [([T("P", 2)], 10), ([T("M", 1), T("P", 2)], 20), ([T("P", 2), T("M", 1)], 10)],
)
def test_a_sliding_window_fetches_what_is_new(outside, fills):
    counts = counted(conv_1d(P=8, R=3, M=2), [memory("buffer", "input")], *outside, S("buffer", "input"))
    assert counts.actions["buffer", "input"] == Actions(reads=48, fills=fills)
    assert counts.actions["dram", "input"] == Actions(reads=fills)
    assert counts.capacity["buffer", "input"] == 4
    assert counts.cycles == counts.macs == 48


def test_a_stride_beyond_the_filter_holds_the_skipped_values():
    counts = counted(
        conv_1d(P=4, R=1, stride=2), [memory("buffer", "input")], T("P", 2), S("buffer", "input")
    )
    assert counts.capacity["dram", "input"] == 7
    assert counts.capacity["buffer", "input"] == 3
    assert counts.actions["buffer", "input"] == Actions(reads=4, fills=6)  # 0-2 and 4-6, never 3


def test_an_output_with_the_reduction_outside_comes_back():
    levels = [memory("buffer", "output"), memory("rf", "output")]
    nodes = [S("buffer", "output"), T("C", 1), T("M", 1), S("rf", "output")]
    counts = counted(fully_connected("mm", M=7, C=5), levels, *nodes)
    assert counts.actions["rf", "output"] == Actions(reads=28, fills=28, updates=35, drains=35)
    assert counts.actions["buffer", "output"] == Actions(reads=28, updates=35, drains=7)
    assert counts.actions["dram", "output"] == Actions(updates=7)


def test_an_output_with_the_reduction_inside_stays():
    levels = [memory("buffer", "output"), memory("rf", "output")]
    nodes = [S("buffer", "output"), T("M", 1), S("rf", "output"), T("C", 1)]
    counts = counted(fully_connected("mm", M=7, C=5), levels, *nodes)
    assert counts.actions["rf", "output"] == Actions(reads=28, updates=35, drains=7)
    assert counts.actions["buffer", "output"] == Actions(updates=7, drains=7)


@pytest.mark.parametrize(("overlapping", "reads"), [(True, 6), (False, 12)])
def test_diagonals_of_a_row_stationary_array(overlapping, reads):
    """PE (r, p) needs row p + r: 12 PEs, 6 rows; each filter row goes to 4 PEs, each sum through 3."""
    axes = frozenset({"row", "column"})
    routes = {
        "input": Route(axes, overlapping=overlapping),
        "weight": Route(axes),
        "output": Route(frozenset({"row"})),
    }
    array = Array("pes", (Axis("row", 3), Axis("column", 4)), routes)
    counts = counted(conv_1d(P=4, R=3), [array], X("row", "R", 1), X("column", "P", 1))
    assert counts.cycles == 1
    assert counts.actions["dram", "input"] == Actions(reads=reads)
    assert counts.actions["dram", "weight"] == Actions(reads=3)
    assert counts.actions["dram", "output"] == Actions(updates=4)
    assert counts.hops == {
        ("pes", "input"): Hops(transfers=12),
        ("pes", "weight"): Hops(transfers=12),
        ("pes", "output"): Hops(transfers=8, reductions=8),
    }


@pytest.mark.parametrize(
    ("array", "reads"),
    [
        (row_array(overlapping=True), 12),
        (row_array(), 16),
        (row_array(shared=False, overlapping=True), 16),
    ],
)
def test_overlapping_tiles_are_fetched_once_where_the_network_can(array, reads):
    """PEs hold 0-3 and 2-5, then 4-7 and 6-9: 4 values each and 6 of both, twice."""
    levels = [array, memory("pad", "input")]
    counts = counted(conv_1d(P=8, R=3), levels, T("P", 4), X("row", "P", 2), S("pad", "input"))
    assert counts.actions["dram", "input"] == Actions(reads=reads)
    assert counts.actions["pad", "input"].fills == 16
    assert counts.busiest["pad", "input"] == Actions(reads=12, fills=8)


@pytest.mark.parametrize("overlapping", [True, False])
def test_overlapping_does_nothing_for_outputs(overlapping):
    levels = [row_array(overlapping=overlapping)]
    counts = counted(fully_connected("fc", M=4, C=2), levels, X("row", "M", 1))
    assert counts.actions["dram", "output"] == Actions(reads=4, updates=8)


def test_residual_tiles_are_exact():
    """27 = 14 + 13 on 14 columns: two steps, the last with 13 active."""
    levels = [row_array(), memory("rf", "weight")]
    counts = counted(
        fully_connected("fc", M=27, C=1), levels, T("M", 14), X("row", "M", 1), S("rf", "weight")
    )
    assert counts.cycles == 2
    assert counts.instances["rf", "weight"] == 14
    assert counts.actions["rf", "weight"] == Actions(reads=27, fills=27)
    assert counts.busiest["rf", "weight"] == Actions(reads=2, fills=2)
    assert counts.actions["dram", "input"] == Actions(reads=2)
    assert counts.hops["rows", "input"] == Hops(transfers=27)


def test_active_instances_are_counted_not_multiplied():
    """5 = 3 + 2 side by side, each cut to 1: five instances, not 2 x 3."""
    levels = [row_array(), memory("rf", "weight")]
    counts = counted(
        fully_connected("fc", M=5, C=1), levels, X("row", "M", 3), X("row", "M", 1), S("rf", "weight")
    )
    assert counts.instances["rf", "weight"] == 5
    assert counts.cycles == 1


def test_an_idle_instance_keeps_its_tile():
    """M = 3 on two PEs: the first holds 0, 2, 0, 2; the second 1, nothing to do, and still 1."""
    levels = [row_array(shared=False), memory("rf", "weight")]
    nodes = [T("N", 1), T("M", 2), X("row", "M", 1), S("rf", "weight")]
    counts = counted(fully_connected("fc", N=2, M=3, C=1), levels, *nodes)
    assert counts.actions["rf", "weight"] == Actions(reads=6, fills=5)
    assert counts.busiest["rf", "weight"] == Actions(reads=4, fills=4)
    assert counts.actions["dram", "weight"] == Actions(reads=5)


def test_an_idle_instance_keeps_its_partial_sum():
    levels = [row_array(), memory("rf", "output")]
    nodes = [T("C", 1), T("M", 2), X("row", "M", 1), S("rf", "output")]
    counts = counted(fully_connected("fc", M=3, C=2), levels, *nodes)
    assert counts.actions["rf", "output"] == Actions(reads=3, fills=2, updates=6, drains=5)
    assert counts.busiest["rf", "output"] == Actions(reads=2, fills=2, updates=4, drains=4)
    assert counts.actions["dram", "output"] == Actions(reads=2, updates=5)
    assert counts.hops["rows", "output"] == Hops()


@pytest.mark.parametrize(("shared", "updates", "reads", "hops"), [(True, 3, 0, 9), (False, 12, 9, 0)])
def test_a_spatial_reduction(shared, updates, reads, hops):
    counts = counted(fully_connected("fc", M=3, C=4), [row_array(shared=shared)], T("M", 1), X("row", "C", 1))
    assert counts.actions["dram", "output"] == Actions(reads=reads, updates=updates)
    assert counts.hops["rows", "output"] == Hops(transfers=hops, reductions=hops)


def test_partial_sums_of_side_by_side_registers_need_no_first_fill():
    """Four PEs each hold a partial sum of the same output: none is filled, three additions join them."""
    levels = [row_array(), memory("rf", "output")]
    nodes = [T("M", 1), X("row", "C", 2), S("rf", "output"), T("C", 1)]
    counts = counted(fully_connected("fc", M=3, C=8), levels, *nodes)
    assert counts.actions["rf", "output"] == Actions(reads=12, updates=24, drains=12)
    assert counts.actions["dram", "output"] == Actions(updates=3)
    assert counts.hops["rows", "output"] == Hops(transfers=9, reductions=9)


def test_sharing_ends_at_the_parent_instance():
    """Input, the same for all M: each of two buffers is filled on its own and feeds three PEs at once."""
    levels = [row_array(shared=False, name="bank"), memory("buffer", "input"), row_array()]
    nodes = [X("bank", "M", 3), S("buffer", "input"), T("C", 1), X("row", "M", 1)]
    counts = counted(fully_connected("fc", M=6, C=5), levels, *nodes)
    assert counts.actions["dram", "input"] == Actions(reads=10)
    assert counts.actions["buffer", "input"] == Actions(reads=10, fills=10)
    assert counts.busiest["buffer", "input"] == Actions(reads=5, fills=5)
    assert counts.instances["buffer", "input"] == 2
    assert counts.hops["banks", "input"] == Hops(transfers=10)
    assert counts.hops["rows", "input"] == Hops(transfers=30)
    assert ("banks", "weight") not in counts.hops  # crossed on the way to the inner array


def test_an_unused_array_is_crossed():
    counts = counted(fully_connected("fc", M=2, C=3), [row_array()])
    assert counts.hops["rows", "input"] == Hops(transfers=6)
    assert counts.hops["rows", "output"] == Hops()


def test_uneven_nodes_hold_what_the_loops_below_them_touch():
    """The weight tile is kept above the C loop, the input tile below it."""
    nodes = [T("M", 2), S("buffer", "weight"), T("C", 1), S("buffer", "input")]
    counts = counted(fully_connected("fc", M=4, C=3), [memory("buffer", "input", "weight")], *nodes)
    assert counts.capacity["buffer", "weight"] == 6
    assert counts.capacity["buffer", "input"] == 1
    assert counts.actions["buffer", "weight"] == Actions(reads=12, fills=12)
    assert counts.actions["buffer", "input"] == Actions(reads=12, fills=6)


def test_a_mac_takes_one_iteration():
    case = random_case(Random(0))
    with pytest.raises(ValueError, match="innermost tiles must be 1"):
        walk(case.layer, case.chip, Mapping(case.mapping.nodes[: len(case.layer.tensors)]))


@settings(max_examples=60, deadline=None)
@given(cases(max_macs=300))
def test_random_cases_are_legal_and_conserve_values(case: Case):
    check(case.layer, case.chip, case.mapping)
    counts = walk(case.layer, case.chip, case.mapping)
    output = case.layer.output.name
    for (name, tensor), actions in counts.actions.items():
        chain = [m.name for m in case.chip.memories if (m.name, tensor) in counts.actions]
        assert counts.busiest[name, tensor].updates * counts.instances[name, tensor] >= actions.updates
        if tensor != output:
            assert actions.updates == actions.drains == 0
            if name != chain[-1]:
                assert actions.reads <= counts.actions[chain[chain.index(name) + 1], tensor].fills
            else:
                assert actions.reads <= counts.macs
        elif name != chain[0]:
            above = counts.actions[chain[chain.index(name) - 1], tensor]
            assert above.updates <= actions.drains
