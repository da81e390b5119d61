"""Eyexam on layers whose numbers can be found by hand, and what it says of them."""

from dataclasses import replace

import pytest

import chipwise
from chipwise.analysis.eyexam import STEPS, examine_layer, eyexam, losses
from chipwise.analysis.eyexam_bounds import best_shape, bounds_of
from chipwise.analysis.eyexam_remedies import remedies
from chipwise.errors import InputError, NoMappingError
from chipwise.hardware import gallery
from chipwise.report.eyexam import eyexam_csv, eyexam_text
from chipwise.workload.network import Network


def net(*layers) -> Network:
    return Network("net", layers)


def test_eyeriss_on_alexnet_by_hand():
    """conv2: R = 5 and 2 of C (or M) on 12 rows, P = 27 in 2 passes of 14 columns: 5 x 2 x 13.5 PEs."""
    network, chip = chipwise.load_network("alexnet"), chipwise.load_accelerator("eyeriss")
    conv2 = network.layer("conv2")
    found = bounds_of(conv2, chip)
    active = [conv2.macs / c for c in (found.shape, found.dataflow, found.pes, found.array)]
    assert active == pytest.approx([conv2.macs, 128 * 48 * 27 * 5, 160, 135])
    assert found.spatial == ("M", "C", "P", "R")


def test_array_of_256_on_600_wide_layers():
    """600 = 3 x 200: 256 x 256 PEs take 3 x 3 passes, 128 x 512 take 5 x 2."""
    chip = chipwise.load_accelerator("simple")
    layer = chipwise.matmul("lstm", M=600, N=1, K=600)
    array = chip.arrays[0]
    wide = tuple(
        replace(axis, size=256, loops=replace(axis.loops, allowed=(d,)))
        for axis, d in zip(array.axes, "MK", strict=True)
    )
    levels = tuple(replace(array, axes=wide) if level is array else level for level in chip.levels)
    assert bounds_of(layer, replace(chip, levels=levels)).array == 9
    shape, cycles = best_shape([(layer, 1)], replace(chip, levels=levels))
    assert (shape, cycles) == ((256, 256), 9)


def test_losses_add_up_to_what_is_missing():
    assert losses((1, 120, 120, 130, 130, 200, 210), 100) == (0, 20, 0, 10, 0, 70, 10)


def test_a_network_sums_its_layers_and_maps_shapes_once():
    layer = chipwise.conv("a", M=8, C=4, P=4, Q=4, R=3, S=3)
    calls = []
    exam = eyexam(net(layer, replace(layer, name="b")), "simple", progress=lambda *a: calls.append(a))
    assert calls == [(2, 2, "a")]
    one = exam.layers["a"].cycles
    assert exam.cycles == tuple(2 * c for c in one)
    assert exam.active_pes == exam.layers["b"].active_pes
    assert sum(exam.lost_cycles) == pytest.approx(exam.cycles[-1] - exam.macs / 256)


def test_what_would_help_is_said_and_written():
    exam = eyexam("alexnet", "eyeriss")
    assert exam.largest_loss == "bandwidth"
    found = remedies(exam)
    assert next(iter(found)) == "bandwidth"
    assert "dram" in found["bandwidth"]
    text = eyexam_text(exam)
    assert "what would help" in text
    assert "proven" in text
    assert eyexam_csv(exam).count("\n") == len(exam.layers) + 1
    told = exam.to_dict()
    assert told["schema"] == "chipwise.eyexam/1"
    assert list(told["active_pes"]) == list(STEPS)


def test_a_dataflow_that_leaves_pes_without_work():
    """Channels alone on the axes: a layer with one channel keeps one PE active."""
    chip = chipwise.load_accelerator("tpu_v1")
    layer = chipwise.conv("depth", M=1, C=1, P=64, Q=64, R=3, S=3)
    exam = eyexam(net(layer), chip)
    assert exam.largest_loss == "dataflow"
    assert "let an axis take" in remedies(exam)["dataflow"]


def test_what_cannot_be_examined():
    with pytest.raises(InputError, match="perfect"):
        eyexam("alexnet", "eyeriss", factors="perfect")
    wide = chipwise.conv("wide", M=8, C=4, P=4, Q=4, R=13, S=3)
    with pytest.raises(NoMappingError, match="rows"):
        eyexam(net(wide), "eyeriss")


def test_a_chip_that_chooses_its_dataflow_takes_the_best_of_each_step():
    from chipwise.hardware.dataflow import with_dataflow

    chip = chipwise.load_accelerator("squeezelerator")
    layer = chipwise.conv("c", M=16, C=3, P=14, Q=14, R=3, S=3)
    whole = eyexam(net(layer), chip).layers["c"].cycles
    each = [eyexam(net(layer), with_dataflow(chip, name)).layers["c"].cycles for name in chip.dataflows]
    assert whole == tuple(min(of) for of in zip(*each, strict=True))


@pytest.mark.parametrize("name", gallery.names())
def test_every_chip_can_be_examined(name):
    chip = chipwise.load_accelerator(name)
    layer = next(
        layer
        for layer in (
            chipwise.conv("c", M=32, C=16, P=7, Q=7, R=3, S=3),
            chipwise.fully_connected("f", M=32, C=64),
        )
        if not chip.runs or layer.kind in chip.runs
    )
    exam = examine_layer(layer, chip)
    assert exam.proven
    assert list(exam.cycles) == sorted(exam.cycles)
    assert exam.active_pes[-1] <= chip.pes
    assert sum(exam.lost_cycles) == pytest.approx(exam.cycles[-1] - layer.macs / chip.pes)
