"""Eyeriss, the chip, on AlexNet: Tables III and V, four inputs.

The model and its two constants are in `estimators/row_stationary`: both constants are from this table, as one figure
for all layers, and VGG-16 is then computed without another.
"""

from collections.abc import Iterator

from chipwise.analysis.estimators.row_stationary import measured
from chipwise.analysis.estimators.row_stationary.figures import (
    NETWORKS,
    calibration_checks,
    layer_checks,
    optimum_checks,
    order_check,
    total_checks,
)
from chipwise.analysis.estimators.row_stationary.rules import RowStationary
from chipwise.analysis.estimators.row_stationary.silicon import calibration, models
from chipwise.analysis.validation import Check

SOURCE = (
    "Chen et al., IEEE JSSC 52(1), 2017, Tables III and V (as in FODLAM, github.com/cucapra/fodlam), measured"
)

MB_DIGIT, KIB_DIGIT = 0.1, 0.05
"""How exactly buffer traffic that closes is asked for; half a digit of Table III."""
BANDS = {
    "active PEs": 0.0,
    "processing time": 0.10,
    "total time": 0.10,
    "through DRAM": 0.10,
    "all through DRAM": 0.06,
    "through the buffer": 0.05,
    "conv4 through the buffer": MB_DIGIT / 37.4,
    "conv5 through the buffer": MB_DIGIT / 24.9,
    "power": 0.15,
}

LIKE_CONV4 = RowStationary(64, 4, 13, 16, 3, 2, 2)
"""The layout of CONV4 and CONV5, with which CONV3's buffer traffic would close."""

_CONV3 = (
    "Table III has 4 channels at once (q 4, r 1), so 64 passes; the measured traffic is that of 6 at once (q 3, r 2, "
    "t 2, as in CONV4), which has a row of its own"
)
NOTES = {
    ("conv3", "through the buffer"): _CONV3,
    ("all", "through the buffer"): _CONV3,
}


def checks() -> Iterator[Check]:
    """Layouts, then what each layer takes, in all, and what the best mappings would take."""
    layers = models("alexnet", NETWORKS["alexnet"])
    for name, (layout, psum_kib, ifmap_kib) in measured.TABLE_III.items():
        shape = layers[name].shape
        same = sum(a == b for a, b in zip(_letters(layers[name].layout), _letters(layout), strict=True))
        yield Check(name, "layout: numbers equal to Table III's", "of 7", 7, same, 0.0)
        kib = layout.psum_bytes(shape) / 1024
        yield Check(name, "psums in the buffer", "KiB", psum_kib, kib, KIB_DIGIT / psum_kib)
        kib = layout.ifmap_bytes(shape) / 1024
        yield Check(name, "ifmaps in the buffer", "KiB", ifmap_kib, kib, KIB_DIGIT / ifmap_kib)
    for name, row in measured.ALEXNET.items():
        yield from layer_checks(layers[name], row, BANDS, NOTES)
        if name == "conv3":
            megabytes = LIKE_CONV4.buffer_words(layers[name].shape) * 2 / 1e6
            yield Check(name, "through the buffer, with q 3, r 2, t 2", "MB", row.buffer_mb, megabytes, 0.05)
    yield from total_checks("alexnet", measured.ALEXNET_TOTAL, BANDS, NOTES)
    yield order_check("alexnet", measured.ALEXNET)
    saved = 1 - sum(x.pe_pj for x in layers.values()) / sum(x.ungated_pe_pj for x in layers.values())
    yield Check("all", "energy of the PEs saved by gating", "fraction", measured.GATING_SAVES, saved, 0.10)
    yield from calibration_checks(calibration())
    yield from optimum_checks("alexnet")


def _letters(x: RowStationary) -> tuple[int, ...]:
    return x.m, x.n, x.e, x.p, x.q, x.r, x.t
