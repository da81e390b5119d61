"""Whole filters by magnitude: the smallest go, and the network still runs."""

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.networks import mobile, plain, residual
from chipwise.adapt.prune.structured import structured_keep, structured_pruning
from chipwise.adapt.resource import Macs
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.tasks.digits import digits
from chipwise.errors import InputError

IMAGE = torch.zeros(1, 1, 32, 32)


def net():
    torch.manual_seed(0)
    return plain((4, 6), hidden=8)


def test_the_largest_filters_stay():
    model = net()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, 5.0, 9.0, 2.0]).reshape(4, 1, 1, 1).expand(4, 1, 3, 3))
    kept = structured_keep(model, IMAGE, 0.5, scope="layer")
    assert next(own for group, own in kept.items() if group.name == "0") == [1, 2]
    assert {group.name: len(own) for group, own in kept.items()} == {"0": 2, "4": 3, "8": 4}


def test_a_global_share_is_met_and_no_group_is_emptied():
    model = net()
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].weight[0] = 1e6  # the others of its group are next to nothing
    kept = structured_keep(model, IMAGE, 0.5)
    assert next(own for group, own in kept.items() if group.name == "0") == [0]
    assert sum(map(len, kept.values())) == 9
    assert all(structured_keep(model, IMAGE, 0.01).values())


@pytest.mark.parametrize("make", [plain, residual, mobile])
def test_networks_of_all_kinds_get_smaller(make):
    task = digits(train=20, holdout=10, test=10)
    model = make(width=0.25)
    found = structured_pruning(model, task, 0.5, steps=1)
    assert found(task.example).shape == (1, 10)
    assert Macs().of(layer_shapes(found, IMAGE)) < Macs().of(layer_shapes(model, IMAGE))


@pytest.mark.parametrize(
    ("how", "message"), [({"share": 0}, "share"), ({"share": 0.5, "scope": "x"}, "scope")]
)
def test_bad_arguments(how, message):
    with pytest.raises(InputError, match=message):
        structured_keep(net(), IMAGE, **how)
