"""What the literature says of the algorithms (Sze et al., Proc. IEEE 105(12), 2017, section V-A), from the formulas."""

import json
from itertools import pairwise
from math import log, log2

import pytest

import chipwise
from chipwise.analysis.algorithms.algorithm import Operations
from chipwise.analysis.algorithms.compare import ALGORITHMS, compare_algorithms, weighted
from chipwise.analysis.algorithms.shape import Axis, Shape, shape_of
from chipwise.analysis.algorithms.toeplitz import redundancy
from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.einsum import parse_einsum
from chipwise.workload.kinds import conv, fully_connected, matmul

BY_NAME = {a.name: a for a in ALGORITHMS}


def only(layer, **options):
    return compare_algorithms(layer, **options)[0]


def plain(plane, window):
    return Shape(1, 1, 1, 1, Axis(plane, window), Axis(plane, window))


@pytest.mark.parametrize(("name", "m", "times"), [("winograd-2x2", 2, 2.25), ("winograd-4x4", 4, 4.0)])
@pytest.mark.parametrize(
    "layer", [f"conv{b}_{i}" for b, n in ((1, 2), (2, 2), (3, 3), (4, 3)) for i in range(1, n + 1)]
)
def test_winograd_needs_so_many_times_fewer_multiplications(name, m, times, layer):
    shape = shape_of(registry.build("vgg16").layer(layer))
    cost = BY_NAME[name].cost(shape, ())
    assert shape.height.outputs % m == 0
    assert shape.macs == times * cost.product.multiplications


def test_winograd_pays_for_tiles_that_the_plane_does_not_fill():
    shape = shape_of(registry.build("vgg16").layer("conv5_1"))  # 14 = 4·3 + 2: 16 x 16 are computed
    assert shape.macs / BY_NAME["winograd-4x4"].cost(shape, ()).product.multiplications == 4 * (14 / 16) ** 2


def test_the_transforms_of_f_2x2_3x3_are_those_of_lavin_and_gray():
    # 4·(4 + 4) = 32 operations on data and 4·(4 + 2) = 24 on outputs per tile, none of them a multiplication.
    cost = BY_NAME["winograd-2x2"].cost(plain(2, 3), ())
    assert (cost.input.additions, cost.output.additions) == (32, 24)
    assert cost.input.multiplications == cost.output.multiplications == 0


def test_the_fft_grows_with_the_plane_and_not_with_the_filter():
    # O(No² Nf²) becomes O(No² log No): twice the side adds as much to each output as the doubling before, not more.
    fft = BY_NAME["fft"]
    per_output = []
    for size in (64, 128, 256, 512, 1024):
        shape = plain(size - 2, 3)
        total = fft.cost(shape, *fft.settings(shape)).total(with_filters=True)
        per_output.append((total.multiplications / size**2, total.additions / size**2))
        assert total.multiplications < 4.5 * size**2 * log2(size)
        assert total.additions < 9.5 * size**2 * log2(size)
    steps = [after[0] - before[0] for before, after in pairwise(per_output)]
    assert max(steps) < 1.05 * min(steps)
    assert max(steps) < 4.5  # three transforms of two directions, 3 products for every fourth value


def test_a_larger_filter_costs_the_fft_nothing_where_the_padded_plane_stays_the_same():
    small, large = (BY_NAME["fft"].cost(plain(64 - r + 1, r), (64, 64)) for r in (3, 13))
    assert small.product == large.product
    direct = [BY_NAME["direct"].cost(plain(64 - r + 1, r), ()).product.multiplications for r in (3, 13)]
    assert direct[1] > 10 * direct[0]


@pytest.mark.parametrize("levels", range(1, 8))
def test_strassen_takes_n_to_the_2_807(levels):
    n = 2**levels
    cost = BY_NAME["strassen"].cost(Shape(1, n, n, n), (levels,))
    assert cost.product.multiplications == 7**levels
    assert cost.product.additions == 0
    assert log(cost.product.multiplications) / log(n) == pytest.approx(2.807, abs=5e-4)


def test_strassen_sums_blocks_18_times_a_level():
    cost = BY_NAME["strassen"].cost(Shape(1, 8, 8, 8), (1,))
    assert cost.total(with_filters=True).additions == 18 * 16 + 7 * 4 * 4 * 3


def test_the_toeplitz_matrix_of_the_survey_is_4_by_4():
    # Fig. 19: a plane of 3 x 3 and a filter of 2 x 2; two channels give 8 rows, two filters 2.
    shape = Shape(1, 1, 2, 2, Axis(2, 2), Axis(2, 2))
    found = BY_NAME["toeplitz"].cost(shape, ())
    assert (found.details["filters"], found.details["rows"], found.details["columns"]) == (2, 8, 4)
    assert redundancy(shape) == 32 / 18


@pytest.mark.parametrize(
    ("axis", "times"),
    [
        (Axis(4, 3), 12 / 6),
        (Axis(4, 3, stride=3), 1.0),  # windows side by side
        (Axis(4, 3, stride=5), 1.0),  # windows apart
        (Axis(4, 1, stride=2), 1.0),
        (Axis(6, 2, dilation=3), 12 / 9),
        (Axis(5, 3, stride=2, dilation=2), 15 / 7),  # 0, 2, ..., 12
    ],
)
def test_redundancy_counts_the_distinct_values(axis, times):
    touched = {axis.stride * p + axis.dilation * r for p in range(axis.outputs) for r in range(axis.filter)}
    assert axis.touched == len(touched)
    assert redundancy(Shape(1, 1, 3, 2, axis, Axis())) == pytest.approx(times)


def test_redundancy_tends_to_the_size_of_the_filter():
    shape = shape_of(registry.build("vgg16").layer("conv1_1"))
    assert redundancy(shape) == pytest.approx(9 * (224 / 226) ** 2)


def test_layers_without_a_window_are_products():
    for layer in (
        fully_connected("fc", M=10, C=84, N=2),
        conv("whole", M=10, C=21, P=1, Q=1, R=2, S=2, N=2),
        conv("point", M=10, C=84, P=2, Q=1, R=1, S=1),
    ):
        found = only(layer)
        assert found.result("toeplitz").cost.workspace_values == 0
        assert found.result("toeplitz").redundancy == 1.0
        for name in ("fft", "fft-tiled", "winograd-2x2", "winograd-4x4"):
            assert "1 x 1" in found.result(name).why_not
        assert found.result("strassen").cost is not None


def test_a_strided_point_convolution_is_gathered_once():
    found = only(conv("down", M=8, C=4, P=7, Q=7, R=1, S=1, stride=2)).result("toeplitz")
    assert (found.cost.workspace_values, found.redundancy) == (4 * 49, 1.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stride": 2}, "stride above 1"),
        ({"dilation": 2}, "dilation above 1"),
        ({"R": 7, "S": 7}, "filter of 7 x 7"),
    ],
)
def test_winograd_says_why_not(change, said):
    found = only(conv("c", **{"M": 8, "C": 8, "P": 8, "Q": 8, "R": 3, "S": 3, **change}))
    assert said in found.result("winograd-2x2").why_not
    assert found.result("fft").cost is not None


def test_a_filter_of_5_has_one_of_the_two():
    found = only(conv("c", M=8, C=8, P=8, Q=8, R=5, S=5))
    assert found.result("winograd-2x2").label == "F(2x2, 5x5), 16 tiles"
    assert found.result("winograd-4x4").why_not == "a filter of 5 x 5: F(4, r) is known here for r = 3"


def test_depthwise_layers_pay_for_transforms_that_nothing_shares():
    wide = only(conv("c", M=64, C=64, P=16, Q=16, R=3, S=3)).result("winograd-2x2")
    deep = only(conv("c", M=64, C=64, P=16, Q=16, R=3, S=3, groups=64))
    thin = deep.result("winograd-2x2")
    assert wide.cost.total(with_filters=False).additions < 0.55 * 64 * 64 * 256 * 9
    assert thin.operations.multiplications * 2.25 == deep.macs
    assert thin.operations.additions > deep.result("direct").operations.additions
    assert "side of 1" in deep.result("strassen").why_not


def test_operands_that_are_activations_are_transformed_each_time():
    scores = matmul("scores", M=64, K=64, N=64, batch=1)
    linear = fully_connected("fc", M=64, C=64, N=64)
    for again in (True, False):
        moving = only(scores, filters_beforehand=again).result("strassen")
        assert moving.operations == moving.cost.total(with_filters=True)
        still = only(linear, filters_beforehand=again).result("strassen")
        assert still.operations == still.cost.total(with_filters=not again)


def test_other_einsums_are_computed_directly_and_say_why():
    square = parse_einsum("x", "O[a,b] = I[a,2k+l] * W[k,l,b]", {"a": 3, "b": 4, "k": 5, "l": 2})
    found = only(square)
    assert found.fewest_multiplications.algorithm == "direct"
    assert found.result("direct").operations == Operations(120, 120 - 12)
    assert "a window over other dimensions" in found.result("fft").why_not
    up = chipwise.compare_algorithms(
        parse_einsum("up", "O[m,2p+r] = I[c,p] * W[c,m,r]", {"m": 2, "p": 3, "r": 2, "c": 4})
    )[0]
    assert up.result("toeplitz").why_not == "windows slide over more than the input"
    assert up.result("direct").operations.additions == 2 * 3 * 2 * 4 - 2 * 6


def test_which_is_cheapest_depends_on_the_shape():
    # The survey: FFT for filters above 5 x 5, Winograd for 3 x 3 and below.
    large = only(conv("c", M=64, C=64, P=56, Q=56, R=11, S=11))
    assert large.fewest_weighted.algorithm == "fft-tiled"
    small = only(conv("c", M=256, C=256, P=12, Q=12, R=3, S=3))
    assert small.fewest_weighted.algorithm == "winograd-4x4"
    thin = only(conv("c", M=1, C=1, P=56, Q=56, R=3, S=3))
    assert thin.fewest_weighted.algorithm == "direct"
    assert only(fully_connected("fc", M=1000, C=4096)).fewest_weighted.algorithm == "direct"


def test_filters_that_must_be_transformed_each_time_speak_against_the_fft():
    layer = conv("c", M=256, C=256, P=28, Q=28, R=3, S=3)
    kept, again = (only(layer, filters_beforehand=b) for b in (True, False))
    assert (kept.fewest_weighted.algorithm, again.fewest_weighted.algorithm) == ("fft-tiled", "winograd-4x4")
    # and kept ones take 3·126 + 4 values of a 16 x 16 spectrum each instead of 9.
    assert kept.fewest_weighted.cost.filter_values == 382 * 256 * 256


@pytest.mark.parametrize("name", registry.names())
def test_every_network_can_be_compared(name):
    network = registry.build(name)
    found = compare_algorithms(network)
    assert [r.layer for r in found] == [layer.name for layer in network.layers]
    for layer in found:
        direct = layer.result("direct")
        assert layer.fewest_multiplications.operations.multiplications <= direct.operations.multiplications
        assert layer.weighted(layer.fewest_weighted) <= layer.weighted(direct)
        data = layer.to_dict()
        assert json.loads(json.dumps(data)) == data
        for row in layer.results:
            assert (row.cost is None) == (row.why_not is not None)


def test_weights_choose():
    layer = conv("c", M=64, C=64, P=56, Q=56, R=3, S=3)
    cheap_additions = only(layer, weights=(1.0, 0.0))
    assert cheap_additions.fewest_weighted.operations == cheap_additions.fewest_multiplications.operations
    deep, even = (only(layer, weights=w).result("strassen").cost.details["levels"] for w in ((1, 0), (1, 1)))
    assert deep > even
    assert weighted(only(layer).result("direct").operations, (1, 1)) == 2 * layer.macs - 64 * 56 * 56


@pytest.mark.parametrize("weights", [(0, 0), (-1, 1), (float("nan"), 1), (float("inf"), 1)])
def test_weights_must_mean_something(weights):
    with pytest.raises(InputError, match="weights"):
        only(fully_connected("fc", M=2, C=2), weights=weights)


def test_a_batch_multiplies_work_and_not_filters():
    layer = conv("c", M=8, C=8, P=8, Q=8, R=3, S=3)
    one, two = only(layer), only(layer.with_batch(2))
    for name in ("direct", "toeplitz", "winograd-2x2"):
        a, b = one.result(name), two.result(name)
        assert b.operations.multiplications == 2 * a.operations.multiplications
        assert b.cost.filter_values == a.cost.filter_values
        assert b.cost.workspace_values == 2 * a.cost.workspace_values
