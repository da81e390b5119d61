"""Weights by feature map: rows are the layer's own, fits never hurt, planted weights are found."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from torch import nn

from chipwise.adapt.prune.feature_map import by_groups, chosen, error, fitted
from chipwise.adapt.prune.local import MAGNITUDE, Local, prune_locally
from chipwise.adapt.prune.masks import densities, prunable
from chipwise.adapt.prune.rows import Rows, RowSampler
from chipwise.adapt.task import TensorSplit
from chipwise.errors import InputError

NETWORKS = {
    "strided": nn.Conv2d(4, 6, 3, 2, 1),
    "grouped": nn.Conv2d(4, 6, (3, 5), (1, 2), (2, 1), groups=2, bias=False),
    "depthwise": nn.Conv2d(4, 8, 3, 1, 1, groups=4),
    "dilated": nn.Conv2d(4, 6, 3, dilation=2, padding="same"),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(4 * 81, 5)),
    "tokens": nn.Sequential(nn.Flatten(2), nn.Linear(81, 5)),
}


def sampler_of(images=30, rows=90, shape=(4, 9, 9)):
    data = torch.randn(40, *shape, generator=torch.Generator().manual_seed(0))
    return RowSampler(TensorSplit(data, torch.zeros(40)), images=images, rows=rows)


@pytest.mark.parametrize("network", NETWORKS)
def test_rows_times_weights_are_the_outputs(network):
    model = nn.Sequential(NETWORKS[network])
    sampler = sampler_of()
    (path,) = prunable(model)
    outputs = sampler.outputs(model)[path]
    rows = sampler.rows(model, path, outputs)
    layer = prunable(model)[path]
    weight = by_groups(layer.weight.detach(), getattr(layer, "groups", 1))
    assert rows.x.shape[:2] == rows.y.shape[:2]
    assert error(rows, weight) < 1e-5


def test_more_images_than_a_chunk_are_run_alike():
    data = torch.randn(600, 1, 4, 4)
    model = nn.Sequential(nn.Conv2d(1, 2, 3))
    sampler = RowSampler(TensorSplit(data, torch.zeros(600)), images=600, rows=600)
    rows = sampler.rows(model, "0", sampler.outputs(model)["0"])
    assert error(rows, by_groups(model[0].weight.detach(), 1)) < 1e-5


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 12),
    count=st.integers(1, 30),
    dead=st.integers(0, 4),
    share=st.floats(0, 1),
    ridge=st.sampled_from([1e-6, 1e-3, 1.0]),
)
def test_least_squares_never_raises_the_error_on_its_rows(seed, size, count, dead, share, ridge):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, count, size, generator=generator).relu()
    x[:, :, :dead] = 0  # inputs that are always zero leave their weights open
    rows = Rows(x, torch.randn(2, count, 3, generator=generator))
    weight = torch.randn(2, 3, size, generator=generator)
    mask = torch.rand(2, 3, size, generator=generator) < share
    after = fitted(rows, weight, mask, ridge=ridge)
    assert torch.equal(after * mask, after)
    before = error(rows, weight * mask)
    assert error(rows, after) <= before * (1 + 1e-5) + 1e-6


def test_planted_weights_are_found():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 500, 20, generator=generator)
    truth = torch.zeros(1, 4, 20)
    truth[:, :, ::4] = torch.randn(1, 4, 5, generator=generator) + 2
    rows = Rows(x, x @ truth.transpose(1, 2))
    noisy = truth + 0.3 * torch.randn(1, 4, 20, generator=generator)
    for scope in ("layer", "filter"):
        mask = chosen(rows, noisy, 0.25, restore=0.8, scope=scope)
        assert torch.equal(mask, truth != 0)
    assert torch.allclose(fitted(rows, noisy, mask, ridge=1e-9), truth, atol=1e-4)


def test_restoring_sees_what_magnitude_does_not():
    # The largest weights read an input that is nearly always zero.
    x = torch.randn(1, 400, 4, generator=torch.Generator().manual_seed(0))
    x[:, :, :2] *= 0.01
    weight = torch.tensor([[[5.0, 4.0, 1.0, 0.9]]])
    rows = Rows(x, x @ weight.transpose(1, 2))
    by_size = chosen(rows, weight, 0.5, restore=0.0)
    by_map = chosen(rows, weight, 0.5, restore=0.5)
    assert by_size.tolist() == [[[True, True, False, False]]]
    assert by_map[0, 0, 2]
    assert error(rows, weight * by_map) < error(rows, weight * by_size)


def test_a_layer_keeps_weights_where_they_are_needed_and_a_filter_as_many_as_the_others():
    x = torch.randn(1, 400, 4, generator=torch.Generator().manual_seed(0))
    weight = torch.tensor([[[4.0, 3.0, 2.0, 1.0], [0.4, 0.3, 0.2, 0.1]]])
    rows = Rows(x, x @ weight.transpose(1, 2))
    for restore in (0.0, 0.5):
        by_layer = chosen(rows, weight, 0.5, restore=restore)
        by_filter = chosen(rows, weight, 0.5, restore=restore, scope="filter")
        assert by_layer.sum(2).tolist() == [[4, 0]]
        assert by_filter.sum(2).tolist() == [[2, 2]]
        assert torch.equal(fitted(rows, weight, by_layer), weight * by_layer)


@pytest.mark.parametrize("how", [MAGNITUDE, Local(), Local(least_squares=False), Local(scope="filter")])
def test_whole_networks_reach_their_density(how):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 49, 5)
    )
    found = prune_locally(copy.deepcopy(model), 0.25, sampler_of(), how, spare=("4",))
    assert densities(found) == {"0": 0.25, "4": 1.0}


def test_fitting_keeps_outputs_nearer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 49, 5)).eval()
    sampler = sampler_of(images=40, rows=2000)
    inputs = sampler.inputs

    def off(how):
        found = prune_locally(copy.deepcopy(model), 0.3, sampler, how)
        with torch.no_grad():
            return float((found(inputs) - model(inputs)).norm())

    assert off(Local()) < off(MAGNITUDE)


@pytest.mark.parametrize(
    ("how", "message"),
    [({"restore": 1.0}, "restore"), ({"ridge": 0.0}, "ridge"), ({"scope": "network"}, "scope")],
)
def test_bad_settings(how, message):
    with pytest.raises(InputError, match=message):
        Local(**how)
