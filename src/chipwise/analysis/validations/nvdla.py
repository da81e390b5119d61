"""NVDLA's performance estimator: the whole sheet of AlexNet, and ResNet-50 in the sizes of the primer.

AlexNet is the sheet's own, of 224 x 224 without padding and in two groups: 54 x 54 outputs of its first layer, where
the zoo's network has 55 x 55 of 227 x 227. Once with 4 MB of SRAM beside DRAM, and once with DRAM alone.

The primer prints frames per second of ResNet-50 for seven designs, here without a batch. Its sheet is not public
as text, so these figures also chose how traffic is counted in it (`estimators/nvdla`); no constant is fitted. What
GoogLeNet and ResNet-50 come to in the estimator's default design, with its batch of 16 for fully-connected layers,
is shown without a published figure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from chipwise.analysis.estimators.nvdla import NvdlaDesign, NvdlaLayer, network_cycles, sheet_cycles
from chipwise.analysis.validation import Check
from chipwise.workload import registry

SOURCE = "NVDLA, perf/NVDLA_OpenSource_Performance.xlsx (github.com/nvdla/hw); doc/primer.rst (github.com/nvdla/doc)"

ALEXNET: Sequence[NvdlaLayer] = (
    NvdlaLayer("conv1", 3, 96, (224, 224), (11, 11), stride=4, padded=False, pooled=(27, 27), from_dram=True),
    NvdlaLayer("conv2", 48, 128, (27, 27), (5, 5), pooled=(13, 13), times=2),
    NvdlaLayer("conv3", 256, 384, (13, 13), (3, 3)),
    NvdlaLayer("conv4", 192, 192, (13, 13), (3, 3), times=2),
    NvdlaLayer("conv5", 192, 128, (13, 13), (3, 3), pooled=(6, 6), times=2, to_dram=True),
    NvdlaLayer("fc1", 256, 4096, (6, 6), (6, 6), padded=False, is_fc=True, from_dram=True),
    NvdlaLayer("fc2", 4096, 4096, (1, 1), is_fc=True, from_dram=True),
    NvdlaLayer("fc3", 4096, 1000, (1, 1), is_fc=True, from_dram=True),
)


class Printed(NamedTuple):
    """MAC cycles, KiB through DRAM with SRAM and without, where printed."""

    mac_cycles: float
    sram_kib: float
    dram_kib: float | None


PRINTED: Mapping[str, Printed] = {
    "conv1": Printed(49617.5625, 149.25, 255.84),
    "conv2": Printed(54675, 9.375, 205.30),
    "conv3": Printed(32448, 85.33, 1641.6),
    "conv4": Printed(12168, 32, 639.4),
    "conv5": Printed(8112, 25.83, 420.2),
    "fc1": Printed(18432, 2313, None),
    "fc2": Printed(8192, 1028, None),
    "fc3": Printed(2000, 254, None),
}

TOTALS = {True: (591_475.56, 1690.7, 0.4406), False: (895_443.56, 1116.8, 0.291)}
"""With SRAM or without: cycles, inputs per second, and MACs busy."""

PRIMER = (
    (2048, 512, 20.0, 269.0),
    (1024, 256, 15.0, 153.0),
    (512, 256, 10.0, 93.0),
    (256, 256, 5.0, 46.0),
    (128, 256, 2.0, 20.0),
    (64, 128, 1.0, 7.3),
    (32, 128, 0.5, 3.6),
)
"""MACs, KiB of buffer, GB/s of DRAM, frames per second of ResNet-50."""

_SHARED = (
    "the sheet's cells share these weights among 18 inputs, those of other layers among 16; MACs bound them"
)
_HALVED = "half of the design before in all, whose figure is met, but rounded down"
_DIGITS = "printed with two digits"
_NOTES = {256: _HALVED, 32: _DIGITS}


def checks() -> Iterator[Check]:
    """AlexNet by layer and in total, ResNet-50 by design, and the sums that are not published as text."""
    sram = NvdlaDesign(simple=True, has_sram=True)
    dram = replace(sram, has_sram=False)
    for row in ALEXNET:
        printed = PRINTED[row.name]
        item = f"alexnet {row.name}"
        yield Check(item, "MAC cycles", "cycles", printed.mac_cycles, row.mac_cycles(sram), 0.0)
        note = _SHARED if row.name in {"conv1", "conv3", "conv4", "conv5"} else ""
        kib = row.dram_kib(sram)
        yield Check(item, "through DRAM, with SRAM", "KiB", printed.sram_kib, kib, 1e-4, note)
        if printed.dram_kib is not None:
            kib = row.dram_kib(dram)
            yield Check(item, "through DRAM, without SRAM", "KiB", printed.dram_kib, kib, 1e-4)
    for design in (sram, dram):
        yield from _totals(design)
    resnet = registry.build("resnet50")
    for macs, buffer_kib, bandwidth, printed_fps in PRIMER:
        design = NvdlaDesign(macs, buffer_kib, bandwidth, fc_batch=1)
        fps = 1e9 / network_cycles(resnet, design)
        item = f"resnet50, {macs} MACs, {buffer_kib} KiB, {bandwidth:g} GB/s"
        note = _NOTES.get(macs, "")
        yield Check(item, "throughput", "inferences/s", printed_fps, fps, 0.01, note)
    for name in ("googlenet", "resnet50"):
        cycles = network_cycles(registry.build(name), NvdlaDesign())
        item = f"{name}, 2048 MACs, 512 KiB, 10 GB/s"
        yield Check(item, "cycles", "cycles", None, cycles)
        yield Check(item, "throughput", "inferences/s", None, 1e9 / cycles)


def _totals(design: NvdlaDesign) -> Iterator[Check]:
    cycles, fps, busy = TOTALS[design.has_sram]
    item = f"alexnet, {'4 MB of SRAM' if design.has_sram else 'DRAM alone'}"
    found = sheet_cycles(ALEXNET, design)
    mac_cycles = sum(row.times * row.mac_cycles(design) for row in ALEXNET)
    # Printed to two decimals.
    yield Check(item, "cycles", "cycles", cycles, found, 0.005 / cycles)
    yield Check(item, "throughput", "inferences/s", fps, 1e9 / found, 0.05 / fps)
    yield Check(item, "MAC cycles / cycles", "", busy, mac_cycles / found, 0.0005 / busy)
