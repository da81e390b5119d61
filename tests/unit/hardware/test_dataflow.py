"""Dataflows on any array: what stays in a PE, what stands on which axis, what is refused."""

from dataclasses import replace

import pytest

import chipwise
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Axis, Loops, Parallel
from chipwise.hardware.dataflow import dataflow_names, find_dataflow, with_dataflow

LAYER = chipwise.conv("small", M=32, C=16, P=13, Q=13, R=3, S=3)

STAYS = {
    "ws": {"weight"},
    "os-a": {"input", "output"},
    "os-b": {"input", "output"},
    "os-c": {"output"},
    "nlr": set(),
    "rs": {"input", "weight", "output"},
    "rs+": {"input", "weight", "output"},
    "is": {"input"},
}


def simple():
    return chipwise.load_accelerator("simple")


def in_pes(chip):
    return {t for m in chip.memories if chip.instances(m.name) > 1 for t in (*m.keeps, *m.may_keep)}


def test_all_are_tested():
    assert set(STAYS) == set(dataflow_names())


@pytest.mark.parametrize("name", dataflow_names())
def test_a_dataflow_says_what_it_is(name):
    flow = find_dataflow(name)
    assert flow.title
    assert len(flow.source) > 20


@pytest.mark.parametrize("name", dataflow_names())
def test_it_keeps_in_a_pe_what_it_is_named_after(name):
    chip = with_dataflow(simple(), name)
    assert in_pes(chip) == STAYS[name]
    assert chip.name == f"simple ({name})"
    assert chip.pes == 256
    assert chip.memory("buffer").keeps == ("input", "weight", "output")


@pytest.mark.parametrize("name", sorted(set(dataflow_names()) - {"rs+"}))
def test_it_maps_a_layer(name):
    found = chipwise.find_mapping(LAYER, with_dataflow(simple(), name), factors="perfect")
    assert found.certificate.proven


def test_a_weight_that_stays_is_read_from_the_buffer_once():
    """Weights fit the buffer; each passes to its PE once, whatever the plane."""
    found = chipwise.find_mapping(LAYER, with_dataflow(simple(), "ws"), factors="perfect")
    assert found.cost.counts.actions["buffer", "weight"].reads == LAYER.volume("weight")


def test_a_partial_sum_that_stays_is_never_read_back():
    for name in ("os-a", "os-b", "os-c"):
        found = chipwise.find_mapping(LAYER, with_dataflow(simple(), name), factors="perfect")
        assert found.cost.counts.actions["buffer", "output"].updates == LAYER.volume("output"), name


def test_without_local_reuse_the_buffer_serves_every_mac():
    """Weights are sent to one PE each and used once."""
    found = chipwise.find_mapping(LAYER, with_dataflow(simple(), "nlr"), factors="perfect")
    assert found.cost.counts.actions["buffer", "weight"].reads == LAYER.macs


def test_row_stationary_is_that_of_eyeriss():
    chip = chipwise.load_accelerator("eyeriss")
    assert with_dataflow(chip, "rs").levels == chip.levels


def test_row_stationary_folds_27_rows_into_14_and_13():
    """AlexNet's CONV2 on 14 columns, in the survey's Fig. 32: two passes, the second with a column less."""
    layer = chipwise.conv("one channel", M=1, C=1, P=27, Q=27, R=5, S=5)
    chip = replace(with_dataflow(chipwise.load_accelerator("eyeriss"), "rs"), waits=False)
    found = chipwise.find_mapping(layer, chip, "latency")
    assert "columns P 14" in str(found.to_dict()["mapping"])
    assert found.cost.active_pes == 5 * 27 / 2


def test_only_the_innermost_array_is_laid():
    chip = chipwise.load_accelerator("eyeriss")
    outer = replace(chip.arrays[0], name="chips", axes=(Axis("x", 2, Loops(("M",))),))
    package = replace(chip, levels=(chip.levels[0], outer, *chip.levels[1:]))
    laid = with_dataflow(package, "os-c")
    assert laid.arrays[0] == outer
    assert [axis.loops.allowed for axis in laid.arrays[1].axes] == [("M", "G", "B")] * 2


def test_one_axis_takes_both_sides_and_adds_up_what_the_rows_would():
    chip = simple()
    line = replace(chip.arrays[0], axes=(Axis("lane", 64),), routes={})
    array = with_dataflow(replace(chip, levels=(*chip.levels[:2], line, *chip.levels[3:])), "nlr").arrays[0]
    assert array.axes[0].loops.allowed == ("C", "K", "M", "G", "B")
    assert array.route("output").shared_axes == {"lane"}
    assert array.route("weight").shared_axes == frozenset()


def test_a_pad_that_nothing_stays_in_is_left_out():
    chip = with_dataflow(chipwise.load_accelerator("eyeriss"), "os-a")
    assert isinstance(chip.levels[3], Parallel)
    assert [m.name for m in chip.memories] == ["dram", "buffer", "ifmap_spad", "psum_spad"]
    assert chip.memory("psum_spad").keeps == ("output",)


def test_rules_of_the_chips_own_dataflow_fall():
    chip = simple()
    bound = replace(chip.memory("buffer"), inner_loops=Loops(("M",)))
    tied = replace(chip, levels=(chip.levels[0], bound, *chip.levels[2:]))
    assert with_dataflow(tied, "ws").memory("buffer").inner_loops == Loops()


@pytest.mark.parametrize(
    ("name", "levels", "message"),
    [
        ("wss", slice(None), "dataflow 'wss' is not known. Did you mean 'ws'?"),
        ("ws", [0, 1, 3, 4], "chip 'simple' has no array"),
        ("rs", [0, 1, 2, 4], "no memory inside its array that keeps input and weight and output"),
    ],
)
def test_what_cannot_be_laid_is_refused(name, levels, message):
    chip = simple()
    chosen = chip.levels[levels] if isinstance(levels, slice) else tuple(chip.levels[i] for i in levels)
    with pytest.raises(InputError) as error:
        with_dataflow(replace(chip, levels=chosen), name)
    assert message in str(error.value)
