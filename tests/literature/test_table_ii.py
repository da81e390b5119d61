"""Table II of Sze, Chen, Yang, Emer, "Efficient Processing of Deep Neural Networks" (Proc. IEEE, 2017).

A computed number agrees if it rounds to the printed digits.
"""

from decimal import ROUND_HALF_UP, Decimal

import pytest

from chipwise.analysis.statistics import describe
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.table_ii import DEVIATIONS
from chipwise.workload import registry

PRINTED = {
    "lenet5": {
        "conv_weights": "2.6k", "conv_macs": "283k", "fc_weights": "58k", "fc_macs": "58k",
        "weights": "60k", "macs": "341k",
    },
    "alexnet": {
        "conv_weights": "2.3M", "conv_macs": "666M", "fc_weights": "58.6M", "fc_macs": "58.6M",
        "weights": "61M", "macs": "724M",
    },
    "overfeat_fast": {
        "conv_weights": "16M", "conv_macs": "2.67G", "fc_weights": "130M", "fc_macs": "130M",
        "weights": "146M", "macs": "2.8G",
    },
    "vgg16": {
        "conv_weights": "14.7M", "conv_macs": "15.3G", "fc_weights": "124M", "fc_macs": "124M",
        "weights": "138M", "macs": "15.5G",
    },
    "googlenet": {
        "conv_weights": "6.0M", "conv_macs": "1.43G", "fc_weights": "1M", "fc_macs": "1M",
        "weights": "7M", "macs": "1.43G",
    },
    "resnet50": {
        "conv_weights": "23.5M", "conv_macs": "3.86G", "fc_weights": "2M", "fc_macs": "2M",
        "weights": "25.5M", "macs": "3.9G",
    },
}  # fmt: skip

SHAPES = {
    # The table prints channels and filters of Caffe's LeNet, tested below.
    "lenet5": {
        "conv_layers": 2, "conv_depth": 2, "conv_filter_sizes": [5], "conv_channels": [1, 6],
        "conv_filters": [6, 16], "conv_strides": [1],
        "fc_layers": 2, "fc_filter_sizes": [1, 5], "fc_channels": [16, 120], "fc_filters": [84, 120],
    },
    "alexnet": {
        "conv_layers": 5, "conv_depth": 5, "conv_filter_sizes": [3, 5, 11], "conv_channels": [3, 256],
        "conv_filters": [96, 384], "conv_strides": [1, 4],
        "fc_layers": 3, "fc_filter_sizes": [1, 6], "fc_channels": [256, 4096], "fc_filters": [1000, 4096],
    },
    "overfeat_fast": {
        "conv_layers": 5, "conv_depth": 5, "conv_filter_sizes": [3, 5, 11], "conv_channels": [3, 1024],
        "conv_filters": [96, 1024], "conv_strides": [1, 4],
        "fc_layers": 3, "fc_filter_sizes": [1, 6], "fc_channels": [1024, 4096], "fc_filters": [1000, 4096],
    },
    "vgg16": {
        "conv_layers": 13, "conv_depth": 13, "conv_filter_sizes": [3], "conv_channels": [3, 512],
        "conv_filters": [64, 512], "conv_strides": [1],
        "fc_layers": 3, "fc_filter_sizes": [1, 7], "fc_channels": [512, 4096], "fc_filters": [1000, 4096],
    },
    "googlenet": {
        "conv_layers": 57, "conv_depth": 21, "conv_filter_sizes": [1, 3, 5, 7], "conv_channels": [3, 832],
        "conv_filters": [16, 384], "conv_strides": [1, 2],
        "fc_layers": 1, "fc_filter_sizes": [1], "fc_channels": [1024, 1024], "fc_filters": [1000, 1000],
    },
    "resnet50": {
        "conv_layers": 53, "conv_depth": 49, "conv_filter_sizes": [1, 3, 7], "conv_channels": [3, 2048],
        "conv_filters": [64, 2048], "conv_strides": [1, 2],
        "fc_layers": 1, "fc_filter_sizes": [1], "fc_channels": [2048, 2048], "fc_filters": [1000, 1000],
    },
}  # fmt: skip

UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}


def value(printed: str) -> Decimal:
    return Decimal(printed[:-1]) * UNITS[printed[-1]]


def as_printed(computed: int, printed: str) -> str:
    """`computed` with the unit and the decimals of `printed`."""
    scaled = Decimal(computed) / UNITS[printed[-1]]
    return str(scaled.quantize(Decimal(printed[:-1]), ROUND_HALF_UP)) + printed[-1]


@pytest.mark.parametrize(
    ("name", "column"),
    [(n, c) for n, columns in PRINTED.items() for c in columns if (n, c) not in DEVIATIONS],
)
def test_weights_and_macs(name, column):
    printed = PRINTED[name][column]
    assert as_printed(describe(registry.build(name)).to_dict()["totals"][column], printed) == printed


@pytest.mark.parametrize(
    ("name", "column", "computed"),
    [
        ("lenet5", "conv_macs", "358k"),
        ("lenet5", "weights", "61k"),
        ("lenet5", "macs", "416k"),
        ("googlenet", "conv_macs", "1.58G"),
        ("googlenet", "macs", "1.58G"),
    ],
)
def test_what_does_not_follow_from_the_shapes(name, column, computed):
    assert as_printed(describe(registry.build(name)).to_dict()["totals"][column], computed) == computed
    assert (name, column) in DEVIATIONS


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, columns in SHAPES.items() for c in columns])
def test_shapes(name, column):
    assert describe(registry.build(name)).to_dict()["totals"][column] == SHAPES[name][column]


@pytest.mark.parametrize("name", PRINTED)
def test_a_network_carries_the_figures_of_the_table(name):
    expected = {column: float(value(printed)) for column, printed in PRINTED[name].items()}
    expected |= {column: SHAPES[name][column] for column in ("conv_layers", "fc_layers")}
    assert registry.build(name).published == expected


def test_rows_outside_their_band_are_those_with_a_reason():
    rows = validate("table-ii")
    assert len(rows) == 8 * len(PRINTED) + 6
    assert {(row.item, row.quantity) for row in rows if not row.within} == {
        *(("lenet5", quantity) for quantity in ("CONV MACs", "total weights", "total MACs")),
        *(("googlenet", quantity) for quantity in ("CONV MACs", "total MACs")),
    }
    assert all(bool(row.note) == (not row.within) for row in rows)


@pytest.mark.parametrize(
    ("name", "weights", "macs"), [("lenet5@version=caffe", "431k", "2.3M"), ("resnet152", "60M", "11.3G")]
)
def test_the_networks_of_the_text(name, weights, macs):
    statistics = describe(registry.build(name))
    assert (as_printed(statistics.weights, weights), as_printed(statistics.macs, macs)) == (weights, macs)


@pytest.mark.parametrize(
    ("name", "other", "times"), [("vgg19", "vgg16", "1.27"), ("overfeat_accurate", "overfeat_fast", "1.9")]
)
def test_the_ratios_of_the_text(name, other, times):
    ratio = registry.build(name).macs / registry.build(other).macs
    assert round(ratio, len(times) - 2) == float(times)


def test_the_table_prints_channels_and_filters_of_caffes_lenet():
    totals = describe(registry.build("lenet5@version=caffe")).to_dict()["totals"]
    assert (totals["conv_channels"], totals["conv_filters"]) == ([1, 20], [20, 50])
    assert (totals["fc_filter_sizes"], totals["fc_channels"], totals["fc_filters"]) == (
        [1, 4],
        [50, 500],
        [10, 500],
    )


def test_alexnet_convolutions_exactly():
    # The shapes of Table III in Chen et al., IEEE JSSC 52(1), 2017.
    macs = {row.name: row.macs for row in describe(registry.build("alexnet")).layers}
    assert [macs[f"conv{i}"] for i in range(1, 6)] == [105415200, 223948800, 149520384, 112140288, 74760192]
    assert describe(registry.build("alexnet")).conv.macs == 665_784_864
