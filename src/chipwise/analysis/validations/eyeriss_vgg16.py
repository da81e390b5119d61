"""Eyeriss, the chip, on VGG-16's convolutions: Table VI, three inputs, with AlexNet's constants.

The paper prints no layouts for it; the rule that gives Table III gives them here. Of the rules that give Table III it
was chosen with the five rows of Table VI in sight that are public as text, and what it gets wrong is in the notes.
The other eight layers are computed.
"""

from collections.abc import Iterator

from chipwise.analysis.estimators.row_stationary import measured
from chipwise.analysis.estimators.row_stationary.figures import (
    NETWORKS,
    layer_checks,
    optimum_checks,
    order_check,
    total_checks,
)
from chipwise.analysis.estimators.row_stationary.measured import Measured
from chipwise.analysis.estimators.row_stationary.silicon import models
from chipwise.analysis.validation import Check

SOURCE = "Chen et al., IEEE JSSC 52(1), 2017, Table VI (as in FODLAM, github.com/cucapra/fodlam), measured"

BANDS = {
    "active PEs": 0.0,
    "processing time": 0.10,
    "total time": 0.10,
    "through DRAM": 0.10,
    "through the buffer": 0.10,
    "power": 0.25,
}

_PES = (
    "the rule takes 14 rows of the ofmap at once where the chip took 13; psums bound the time, so nothing else "
    "follows from it"
)
_FIRST = (
    "with 16 filters in the buffer ifmaps come four times; the chip moved 2.5 MB less, as if twice, or its ofmaps had "
    "more zeros than those of CNNergy's images"
)
_FILTERS = (
    "filters, 29 ms on the link, are taken as loaded while the array works; here they waited as well: the array waits "
    "for psums, and filters come too late for the next pass"
)
NOTES = {
    ("conv2_1", "active PEs"): _PES,
    ("conv3_1", "active PEs"): _PES,
    ("conv1_1", "through DRAM"): _FIRST,
    ("all", "through DRAM"): _FIRST,
    ("conv4_1", "total time"): _FILTERS,
}


def checks() -> Iterator[Check]:
    """What each layer takes, in all, and what the best mappings would take."""
    for name, model in models("vgg16", NETWORKS["vgg16"]).items():
        yield from layer_checks(model, measured.VGG16.get(name, Measured()), BANDS, NOTES)
    yield from total_checks("vgg16", measured.VGG16_TOTAL, BANDS, NOTES)
    yield order_check("vgg16", measured.VGG16)
    yield from optimum_checks("vgg16")
