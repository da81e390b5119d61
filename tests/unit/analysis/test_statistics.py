import json

import pytest

from chipwise.analysis.statistics import describe
from chipwise.workload import registry
from chipwise.workload.densities import Densities, with_densities
from chipwise.workload.einsum import parse_einsum
from chipwise.workload.kinds import conv, conv1d, conv3d, fully_connected, matmul, transposed_conv
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.workload.operations import elementwise, normalization, pool


def only(layer: Layer):
    return describe(Network("one", (layer,))).layers[0]


def test_a_grouped_convolution_is_reported_whole():
    # Two groups of 128 filters over 48 channels; input planes of 27 + 5 − 1 = 31.
    row = only(conv("conv2", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2))
    assert (row.filters, row.channels, row.groups) == (256, 96, 2)
    assert (row.dims["G"], row.dims["M"], row.dims["C"]) == (2, 128, 48)
    assert row.macs == 223_948_800
    assert row.weights == 256 * 48 * 25
    assert row.input_activations == 96 * 31 * 31
    assert row.output_activations == 256 * 27 * 27
    assert row.filter_size == (5, 5)


def test_the_range_of_channels_is_that_of_one_filter():
    grouped = conv("a", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2)
    statistics = describe(Network("n", (grouped, conv("b", M=8, C=3, P=1, Q=1, R=1, S=3))))
    assert statistics.conv.channels == (3, 48)
    assert statistics.conv.filters == (8, 256)
    assert statistics.conv.filter_sizes == (1, 3, 5)


def test_strides_may_differ_by_direction():
    row = only(conv("a", M=1, C=1, P=4, Q=4, R=3, S=3, stride=(1, 2), dilation=3))
    assert row.stride == (1, 2)


def test_a_fully_connected_layer_has_filters_of_one_value():
    row = only(fully_connected("fc", M=10, C=20))
    assert (row.filters, row.channels, row.filter_size, row.stride) == (10, 20, (1, 1), (1, 1))
    assert (row.weights, row.input_activations, row.output_activations) == (200, 20, 10)
    assert row.macs_per_value == pytest.approx(200 / 230)


def test_the_right_operand_of_one_product_is_weights():
    row = only(matmul("mm", M=2, K=3, N=4))
    assert (row.weights, row.input_activations, row.output_activations) == (12, 6, 8)
    assert row.filter_size is row.stride is row.filters is None


def test_the_operands_of_many_products_are_activations():
    row = only(matmul("mm", M=2, K=3, N=4, batch=5))
    assert (row.weights, row.input_activations) == (0, 5 * (6 + 12))


def test_an_einsum_follows_the_same_rule():
    dims = {"b": 5, "m": 2, "k": 3, "n": 4}
    assert only(parse_einsum("x", "O[b,m,n] = I[b,m,k] * W[b,k,n]", dims)).weights == 0
    assert only(parse_einsum("x", "O[b,m,n] = I[b,m,k] * W[k,n]", dims)).weights == 12


def test_totals_add_up_and_leave_out_what_is_neither_conv_nor_fc():
    network = Network(
        "n",
        (conv("c", M=2, C=3, P=4, Q=4, R=1, S=1), fully_connected("f", M=5, C=6), matmul("m", M=2, K=3, N=4)),
        input_shape=(3, 4, 4),
    )
    data = describe(network).to_dict()
    assert (data["network"], data["input"]) == ("n", [3, 4, 4])
    totals = data["totals"]
    assert (totals["layers"], totals["conv_layers"], totals["fc_layers"]) == (3, 1, 1)
    for key in ("weights", "macs", "input_activations"):
        assert totals[key] == sum(row[key] for row in data["layers"])
    assert totals["activations"] == sum(row["output_activations"] for row in data["layers"]) == 32 + 5 + 8
    assert totals["conv_macs"] + totals["fc_macs"] + 24 == totals["macs"]
    values = totals["weights"] + totals["activations"] + totals["input_activations"]
    assert totals["macs_per_value"] == pytest.approx(totals["macs"] / values)


def test_a_network_without_convolutions_has_empty_ranges():
    totals = describe(Network("n", (matmul("m", M=2, K=3, N=4),))).to_dict()["totals"]
    assert (totals["conv_layers"], totals["conv_depth"], totals["conv_macs"]) == (0, 0, 0)
    assert totals["conv_channels"] == totals["fc_filter_sizes"] == []


def test_depth_counts_the_longest_path_only():
    layers = tuple(conv(name, M=1, C=1, P=1, Q=1, R=1, S=1) for name in ("a", "b", "side", "c"))
    inputs = {"side": ("a",), "c": ("b", "side")}
    assert describe(Network("n", layers, inputs=inputs)).conv_depth == 3


def test_a_batch_multiplies_activations_and_not_weights():
    one, three = (describe(registry.build("alexnet").with_batch(n)) for n in (1, 3))
    assert three.weights == one.weights
    assert three.activations == 3 * one.activations
    assert three.macs == 3 * one.macs
    assert three.macs_per_value > one.macs_per_value


@pytest.mark.parametrize("name", registry.names())
def test_every_network_can_be_described_as_json(name):
    data = describe(registry.build(name)).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert list(data) == ["network", "input", "totals", "layers", "operations", "free"]
    assert data["totals"]["macs"] == registry.build(name).macs


def test_filters_have_as_many_sizes_as_directions():
    assert only(conv1d("a", M=1, C=1, P=4, R=3, stride=2)).filter_size == (3,)
    row = only(conv3d("a", M=1, C=1, Z=2, P=3, Q=4, T=1, R=2, S=3, stride=(1, 2, 3)))
    assert (row.filter_size, row.stride) == ((1, 2, 3), (1, 2, 3))
    up = only(transposed_conv("a", M=2, C=3, H=4, W=4, R=2, S=2, stride=2))
    assert (up.stride, up.filters, up.channels, up.output_activations) == ((2, 2), 2, 3, 2 * 64)


LAYERS = (
    conv("c", M=2, C=3, P=4, Q=4, R=1, S=1),
    fully_connected("f", M=5, C=6),
    matmul("m", M=2, K=3, N=4, batch=2),
)


def test_non_zeros_are_none_until_all_of_them_are_known():
    network = Network("n", LAYERS)
    assert describe(network).nonzero_weights is describe(network).nonzero_macs is None
    conv_only = {"c": {"weight": 0.5, "input": 0.25}, "f": {"weight": 1.0}}
    some = describe(with_densities(network, Densities(conv_only)))
    assert (some.conv.nonzero_weights, some.conv.nonzero_macs) == (3, 12)
    assert (some.fc.nonzero_weights, some.fc.nonzero_macs) == (30, None)
    assert (some.nonzero_weights, some.nonzero_macs) == (33, None)
    both = {"f": {"weight": 0.5, "input": 0.5}, "m": {"input": 0.5, "weight": 0.5}}
    every = describe(with_densities(network, Densities(conv_only | both)))
    assert (every.nonzero_weights, every.nonzero_macs) == (3 + 15, 12 + 8 + 12)
    assert every.to_dict()["totals"]["fc_nonzero_macs"] == 8
    assert every.to_dict()["layers"][0]["weight_density"] == 0.5


def test_operations_are_a_list_of_their_own_and_add_up_by_kind():
    nodes = (
        LAYERS[0],
        normalization("bn", shape=(2, 4, 4)),
        pool("p", shape=(2, 2, 2), input_shape=(2, 4, 4), window=(2, 2)),
        elementwise("a", shape=(2, 2, 2)),
        elementwise("b", shape=(2, 2, 2)),
    )
    data = describe(Network("n", nodes, fused={"c": ("relu",)})).to_dict()
    assert [layer["name"] for layer in data["layers"]] == ["c"]
    assert data["layers"][0]["fused"] == ["relu"]
    assert [o["name"] for o in data["operations"]] == ["bn", "p", "a", "b"]
    totals = data["totals"]
    assert (totals["layers"], totals["weights"]) == (1, 6)
    assert totals["operations_by_kind"]["elementwise"] == {
        "count": 2, "operations": 16, "reads": 32, "writes": 16, "weights": 0,
    }  # fmt: skip
    assert totals["operations"] == {
        "count": 4, "operations": 64 + 24 + 16, "reads": 32 + 32 + 32, "writes": 32 + 8 + 16, "weights": 4,
    }  # fmt: skip


def test_a_network_of_operations_alone_can_be_described():
    data = describe(Network("n", (elementwise("a", shape=(4,)),))).to_dict()
    assert data["layers"] == []
    assert (data["totals"]["macs"], data["totals"]["macs_per_value"]) == (0, 0)
