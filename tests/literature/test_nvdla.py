"""NVDLA's estimator: AlexNet's sheet exactly, ResNet-50 in the primer's sizes, and the formulas by hand."""

import functools

import pytest

from chipwise.analysis.estimators.nvdla import (
    NvdlaDesign,
    NvdlaLayer,
    layers_of,
    network_cycles,
    operation_cycles,
    sheet_cycles,
)
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.nvdla import ALEXNET, PRIMER
from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.operation import Operation


@functools.cache
def rows():
    return validate("nvdla")


def test_alexnet_is_exact():
    assert sheet_cycles(ALEXNET, NvdlaDesign(simple=True, has_sram=True)) == 591_475.5625
    assert sheet_cycles(ALEXNET, NvdlaDesign(simple=True)) == 895_443.5625


def test_layers_without_sram_take_the_printed_cycles_of_dram():
    design = NvdlaDesign(simple=True)
    by_name = {row.name: row for row in ALEXNET}
    found = {name: by_name[name].dram_cycles(design) for name in ("conv3", "conv4", "conv5")}
    assert found == {"conv3": 164163, "conv4": 63938, "conv5": 42019}


def test_all_figures_of_alexnet_agree_but_for_shared_weights():
    found = [row for row in rows() if row.item.startswith("alexnet")]
    outside = [row for row in found if not row.within]
    assert {row.quantity for row in outside} == {"through DRAM, with SRAM"}
    assert all("18 inputs" in row.note for row in outside)
    assert not any(row.unexplained for row in rows())


def test_resnet50_is_within_two_percent_in_all_designs_and_one_in_most():
    found = [row for row in rows() if row.item.startswith("resnet50") and row.published is not None]
    assert len(found) == len(PRIMER) == 7
    assert sum(bool(row.within) for row in found) >= 5
    assert all(abs(row.error) < 0.02 for row in found)


def test_weights_come_again_for_each_part_of_the_input():
    layer = NvdlaLayer("c", channels=512, filters=64, plane=(32, 32))
    # 512 KiB of input beside 32 of 64 filters of 512 bytes: 16 KiB.
    assert (layer.input_kib, layer.weight_kib(), layer.weight_kib(32)) == (512, 32, 16)
    once, thrice = NvdlaDesign(buffer_kib=528), NvdlaDesign(buffer_kib=192)
    assert layer.dram_kib(thrice) - layer.dram_kib(once) == 2 * 32
    assert layer.dram_kib(NvdlaDesign(buffer_kib=192, simple=True)) == layer.dram_kib(once)


def test_large_weights_leave_half_of_the_buffer():
    layer = NvdlaLayer("c", channels=4096, filters=64, plane=(8, 8))
    assert layer.weight_kib(32) == 128
    assert layer.dram_kib(NvdlaDesign(buffer_kib=128)) == layer.input_kib + 4 * 256 + layer.output_kib


def test_a_batch_shares_the_weights_of_fully_connected_layers():
    layer = NvdlaLayer("f", 4096, 1000, (1, 1), is_fc=True)
    assert layer.mac_cycles(NvdlaDesign()) == 2000
    assert layer.mac_cycles(NvdlaDesign(fc_batch=1)) == 4096 * 1008 / 2048
    assert layer.dram_kib(NvdlaDesign(fc_batch=1)) == 4000 + 4 + 1008 / 1024


def test_networks_are_rows_and_passes():
    network = registry.build("resnet50")
    found = list(layers_of(network))
    assert sum(row.macs for row in found) == network.macs
    assert found[0].plane == (224, 224)
    assert next(row for row in found if row.name == "layer2.0.conv1").output == (28, 28)
    design = NvdlaDesign(clock_ghz=2.0)
    assert operation_cycles(Operation("add", "elementwise", 1, reads=2048, writes=1024), design) == 600
    assert network_cycles(network, design) > network_cycles(network, NvdlaDesign())
    assert {row.times for row in layers_of(registry.build("alexnet"))} == {1, 2}


def test_what_it_does_not_count_is_refused():
    with pytest.raises(InputError, match="convolutions and fully-connected layers only"):
        list(layers_of(registry.build("unet")))
