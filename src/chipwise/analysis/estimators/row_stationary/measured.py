"""What was measured on the chip: Tables III, V and VI of the paper, as far as they are public as text.

Source: Chen et al., IEEE JSSC 52(1), 2017, at 1.0 V, 200 MHz and a link of 60 MHz; AlexNet with 4 inputs, VGG-16
with 3. MB are 10^6 bytes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chipwise.analysis.estimators.row_stationary.rules import RowStationary


class Measured(NamedTuple):
    """A row of Table V or VI; None where it's not public as text."""

    power_mw: float | None = None
    total_ms: float | None = None
    processing_ms: float | None = None
    active_pes: int | None = None
    buffer_mb: float | None = None
    dram_mb: float | None = None


ALEXNET: Mapping[str, Measured] = {
    "conv1": Measured(332, 20.9, 16.5, 154, 18.5, 5.0),
    "conv2": Measured(288, 41.9, 39.2, 135, 77.6, 4.0),
    "conv3": Measured(266, 23.6, 21.8, 156, 50.2, 3.0),
    "conv4": Measured(235, 18.4, 16.0, 156, 37.4, 2.1),
    "conv5": Measured(236, 10.5, 10.0, 156, 24.9, 1.3),
}
ALEXNET_TOTAL = Measured(278, 115.3, 103.5, None, 208.5, 15.4)
ALEXNET_BATCH = 4

VGG16: Mapping[str, Measured] = {
    "conv1_1": Measured(247, 76.2, 38.0, 156, 112.6, 15.4),
    "conv2_1": Measured(242, 470.3, 405.3, 156, 1201.4, 33.4),
    "conv3_1": Measured(254, 241.1, 204.0, 156, 607.4, 20.2),
    "conv4_1": Measured(278, 135.8, 105.1, 168, 321.8, 17.8),
    "conv5_1": Measured(258, 54.3, 48.3, 168, 90.0, 6.3),
}
VGG16_TOTAL = Measured(236, 4309.5, 3755.2, None, 11035.8, 321.1)
VGG16_BATCH = 3


class Allocated(NamedTuple):
    """A row of Table III: the layout, and KiB of the buffer that psums and ifmaps take."""

    layout: RowStationary
    psum_kib: float
    ifmap_kib: float


TABLE_III: Mapping[str, Allocated] = {
    "conv1": Allocated(RowStationary(96, 1, 7, 16, 1, 1, 2), 72.2, 15.5),
    "conv2": Allocated(RowStationary(64, 1, 27, 16, 2, 1, 1), 91.1, 3.8),
    "conv3": Allocated(RowStationary(64, 4, 13, 16, 4, 1, 4), 84.5, 7.0),
    "conv4": Allocated(RowStationary(64, 4, 13, 16, 3, 2, 2), 84.5, 10.5),
    "conv5": Allocated(RowStationary(64, 4, 13, 16, 3, 2, 2), 84.5, 10.5),
}

GATING_SAVES = 0.45
"""Of the power of the PEs, by not working on zeros of the ifmaps; the paper does not say in which layers."""
