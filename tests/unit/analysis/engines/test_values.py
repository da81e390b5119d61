"""Actual values on every engine: as dense without zeros, near the model with random ones, whole numbers."""

from dataclasses import replace

import numpy as np
import pytest

from chipwise.analysis.engines.designs.eyeriss_v2 import EyerissV2, pe_cycles
from chipwise.analysis.engines.engine import products_of
from chipwise.analysis.engines.masks import masks
from chipwise.analysis.engines.registry import engine, engine_names
from chipwise.analysis.engines.run import run_engine
from chipwise.analysis.engines.values import unrolled
from chipwise.analysis.engines.work import work_of
from chipwise.errors import InputError
from chipwise.workload.arrays import densities_of, read_values
from chipwise.workload.densities import with_densities
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.network import Network
from chipwise.workload.published_densities import find_densities

LAYERS = [
    conv("conv", M=48, C=32, P=16, Q=16, R=3, S=3),
    conv("strided", M=32, C=16, P=12, Q=12, R=5, S=5, stride=2),
    conv("pointwise", M=64, C=96, P=8, Q=8, R=1, S=1),
    conv("grouped", M=32, C=64, P=8, Q=8, R=3, S=3, groups=2),
    conv("batch", M=32, C=32, P=8, Q=8, R=3, S=3, N=2),
    fully_connected("fc", M=1024, C=2048),
]
WHOLE = set(engine_names()) - {"dual-side"}
"""Of which a cycle is a whole number; merging products takes parts of one."""

every = pytest.mark.parametrize(
    ("name", "layer"),
    [(n, a) for n in engine_names() for a in LAYERS if not engine(n).refusal(work_of(a))],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


def drawn(layer, inputs, weights):
    work, random = work_of(layer), np.random.default_rng(7)
    left = random.random((work.groups, work.pixels, work.taps)) < inputs
    return work, left, random.random((work.groups, work.filters, work.taps)) < weights


@every
def test_without_zeros_it_is_the_dense_run(name, layer):
    work, left, right = drawn(layer, 1.0, 1.0)
    actual, dense = engine(name).actual(work, left, right), engine(name).cost(work)
    assert actual.cycles == pytest.approx(dense.cycles)
    assert actual.energy_pj == pytest.approx(dense.energy_pj)


@every
def test_random_zeros_take_what_the_densities_say(name, layer):
    work, left, right = drawn(layer, 0.4, 0.45)
    counted = replace(work, input_density=float(left.mean()), weight_density=float(right.mean()))
    actual, expected = engine(name).actual(counted, left, right), engine(name).cost(counted)
    if name != "tensor-core-2-4":  # random zeros are not two of four
        assert actual.cycles == pytest.approx(expected.cycles, rel=0.1)
    if name in WHOLE:
        assert int(actual.cycles) == actual.cycles


@every
def test_one_zero_more_never_takes_longer(name, layer):
    work, left, right = drawn(layer, 0.7, 0.7)
    before = engine(name).actual(work, left, right).cycles
    left[0, 0], right[0, 0] = False, False
    assert engine(name).actual(work, left, right).cycles <= before


@pytest.mark.parametrize("layer", ["L07", "L09", "L13"])
def test_one_pe_of_the_array_is_the_published_pe(layer):
    inputs, weights = masks(layer)
    positions = round(inputs.shape[0] ** 0.5)
    work = work_of(conv(layer, M=len(weights), C=inputs.shape[1], P=positions, Q=positions, R=1, S=1))
    counted = replace(work, input_density=float(inputs.mean()), weight_density=float(weights.mean()))
    actual = EyerissV2(pes=1, macs=1).actual(counted, inputs[None], weights[None])
    assert actual.cycles == pe_cycles(inputs, weights)
    assert products_of(inputs[None], weights[None]) == pe_cycles(inputs, weights)


def test_planes_are_unrolled_as_a_convolution_reads_them():
    layer = conv("c", M=6, C=4, P=5, Q=4, R=3, S=2, stride=(2, 1), groups=2)
    random = np.random.default_rng(8)
    plane, kernel = random.integers(0, 2, (4, 11, 5)), random.integers(0, 2, (6, 2, 3, 2))
    left, right = unrolled(layer, work_of(layer), plane, kernel)
    products = np.einsum("gpt,gmt->gmp", left.astype(int), right.astype(int)).reshape(6, 5, 4)
    for m, p, q in np.ndindex(6, 5, 4):
        window = plane[2 * (m // 3) : 2 * (m // 3) + 2, 2 * p : 2 * p + 3, q : q + 2]
        assert products[m, p, q] == (window * kernel[m]).sum()


def test_padding_is_put_around_a_smaller_plane():
    layer = conv("c", M=1, C=1, P=3, Q=3, R=3, S=3)
    left, _ = unrolled(layer, work_of(layer), np.ones((1, 3, 3)), np.ones((1, 1, 3, 3)))
    assert left.reshape(3, 3, 9).sum(axis=2).tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_a_file_of_values_is_counted_layer_by_layer(tmp_path):
    network = Network("own", (LAYERS[2], LAYERS[5]))
    random = np.random.default_rng(9)
    arrays = {
        "pointwise.input": (random.random((96, 8, 8)) < 0.3).astype(np.float32),
        "pointwise.weight": random.integers(-1, 2, (64, 96, 1, 1)),
    }
    np.savez(tmp_path / "v.npz", **arrays)
    known = find_densities(str(tmp_path / "v.npz"), network)
    run = run_engine(with_densities(network, known), engine("eyeriss-v2"))
    first, second = run.layers
    assert first.work.input_density == arrays["pointwise.input"].mean()
    assert first.cost.cycles < first.dense.cycles
    assert second.cost.cycles == second.dense.cycles


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pointwise.input": np.ones((95, 8, 8)), "pointwise.weight": np.ones((64, 96))}, "does not fit"),
        ({"pointwise.input": np.ones((96, 8, 8)), "pointwise.weight": np.ones((64, 95))}, "not 6144"),
    ],
)
def test_values_that_do_not_fit_are_refused(arrays, said):
    network = Network("own", (LAYERS[2],))
    with pytest.raises(InputError, match=said):
        run_engine(with_densities(network, densities_of(arrays, "v.npz")), engine("scnn"))


def test_weights_alone_say_whether_two_of_four_are_zero():
    weights = np.tile([1, 0, 0, 1, 0, 0, 1, 0], (64, 12))
    network = Network("own", (LAYERS[2],))
    for values, faster in ((weights, True), (np.sort(weights, axis=1), False)):
        known = with_densities(network, densities_of({"pointwise.weight": values}, "v.npz"))
        layer = run_engine(known, engine("tensor-core-2-4")).layers[0]
        assert (layer.cost.cycles < layer.plain.cycles) is faster


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "text_array.npz", a=np.array(["x"]))
    for name in ("text.npz", "objects.npz", "text_array.npz", "missing.npz"):
        with pytest.raises(InputError, match=name):
            read_values(tmp_path / name)
