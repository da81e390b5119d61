"""Masks and magnitude: exactly what is asked goes, and stays away."""

import copy
from collections import OrderedDict

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from chipwise.adapt.networks import plain
from chipwise.adapt.prune.magnitude import cubic, magnitude_masks, magnitude_pruning
from chipwise.adapt.prune.masks import bake, densities, mask_of, prunable, set_mask, set_masks, zeros_kept
from chipwise.adapt.shapes import layer_shapes, measured_shapes
from chipwise.adapt.tasks.digits import digits
from chipwise.errors import InputError

IMAGE = torch.zeros(1, 1, 32, 32)


@pytest.fixture(scope="module")
def task():
    return digits(train=300, holdout=50, test=50)


def small():
    torch.manual_seed(0)
    return plain((4, 4), hidden=8)


def test_masked_weights_stay_zero_in_training(task):
    model = small()
    masks = magnitude_masks(model, 0.3)
    set_masks(model, masks)
    task.finetune(model, 5)
    for path, layer in prunable(model).items():
        assert torch.equal(layer.weight != 0, masks[path])
    assert layer_shapes(model, IMAGE) == layer_shapes(small(), IMAGE)


def test_baking_changes_no_output_and_no_copy():
    model = small().eval()
    set_masks(model, magnitude_masks(model, 0.3))
    image = torch.randn(2, 1, 32, 32)
    expected = model(image)
    plain_one = bake(copy.deepcopy(model))
    assert torch.equal(plain_one(image), expected)
    assert torch.equal(model(image), expected)
    assert set(plain_one.state_dict()) == set(small().state_dict())
    assert type(prunable(plain_one)["0"]) is nn.Conv2d


def test_zeros_of_a_baked_network_can_be_kept(task):
    model = small()
    set_masks(model, magnitude_masks(model, 0.3))
    bake(model)
    before = densities(model)
    task.finetune(model, 3, masks=zeros_kept(model))
    assert densities(model) == before


def test_a_mask_is_replaced():
    layer = nn.Linear(3, 2)
    set_mask(layer, torch.tensor([[True, False, True]] * 2))
    set_mask(layer, torch.tensor([[False, False, True]] * 2))
    assert mask_of(layer).sum() == 2


def test_other_parametrizations_are_told():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    with pytest.raises(InputError, match="parametrization of its own"):
        set_mask(layer, torch.ones(2, 3))


def by_hand():
    model = nn.Sequential(OrderedDict(a=nn.Linear(4, 1), b=nn.Linear(4, 1)))
    with torch.no_grad():
        model.a.weight.copy_(torch.tensor([[1.0, -2.0, 3.0, -4.0]]))
        model.b.weight.copy_(torch.tensor([[0.1, -0.2, 5.0, -0.4]]))
    return model


def test_magnitude_by_hand():
    masks = magnitude_masks(by_hand(), 0.5, scope="layer")
    assert masks["a"].tolist() == [[False, False, True, True]]
    assert masks["b"].tolist() == [[False, False, True, True]]
    masks = magnitude_masks(by_hand(), 0.5, scope="global")
    assert masks["a"].tolist() == [[False, True, True, True]]
    assert masks["b"].tolist() == [[False, False, True, False]]
    assert set(magnitude_masks(by_hand(), 0.5, spare=["a"])) == {"b"}


@pytest.mark.parametrize("density", [0.01, 0.37, 1.0])
def test_density_is_met_to_the_weight(density):
    model = small()
    total = sum(layer.weight.numel() for layer in prunable(model).values())
    masks = magnitude_masks(model, density)
    assert sum(int(m.sum()) for m in masks.values()) == max(1, round(density * total))


def test_gradual_pruning_ends_at_its_density(task):
    model = small()
    found = magnitude_pruning(model, task, 0.2, rounds=3, steps=6)
    sizes = {path: layer.weight.numel() for path, layer in prunable(found).items()}
    kept = sum(densities(found)[path] * size for path, size in sizes.items())
    assert kept == round(0.2 * sum(sizes.values()))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), small().parameters(), strict=True))
    assert [cubic(0.2, t / 4) for t in range(5)] == sorted(
        (cubic(0.2, t / 4) for t in range(5)), reverse=True
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"density": 0.0}, "above 0"),
        ({"density": 0.5, "scope": "filter"}, "must be 'layer' or 'global'"),
        ({"density": 0.5, "spare": ["7"]}, "'7' is to be spared"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        magnitude_masks(small(), **arguments)


def test_densities_are_measured():
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
        model[3].weight[0, :2] = 0
    inputs = torch.tensor([[1.0, 0.0], [2.0, 3.0]]).reshape(1, 1, 2, 2).repeat(3, 1, 1, 1)
    conv, linear = measured_shapes(model, inputs)
    assert (conv.N, conv.input_density, conv.weight_density, conv.output_density) == (1, 0.75, 1, 0.375)
    assert (linear.N, linear.input_density, linear.weight_density) == (1, 0.375, 0.75)
