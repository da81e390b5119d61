"""NetAdaptV2: bypasses, kernels, ordered dropout and samples of several layers."""

import copy

import pytest
import torch

from chipwise.adapt.channels import channel_groups, remove_channels
from chipwise.adapt.filters import recalibrate
from chipwise.adapt.netadapt.knobs import Filters, Kernel, changed, knobs_of, shapes_after
from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.supernet import ordered_dropout
from chipwise.adapt.netadapt.v2 import netadapt_v2
from chipwise.adapt.networks import bypass, mobile
from chipwise.adapt.networks.bypass import Bypass
from chipwise.adapt.resource import Macs, Weights
from chipwise.adapt.saved import load
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.task import Task
from tests.unit.adapt.test_netadapt import stripes

X = torch.zeros(1, 1, 16, 16)


@pytest.fixture(scope="module")
def task() -> Task:
    return Task("stripes", stripes(256, 0), stripes(64, 1), stripes(64, 2), batch_size=32, long_steps=4)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = bypass((6, 8), blocks=2, kernel=5, classes=4)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()


def test_knobs_are_bypassed_layers_and_kernels(net):
    assert [(k.name, k.size) for k in knobs_of(net) if isinstance(k, Filters)] == [
        ("3 filters", 6), ("4 filters", 6), ("8 filters", 8), ("9 filters", 8)
    ]  # fmt: skip
    kernels = [k for k in knobs_of(net) if isinstance(k, Kernel)]
    assert {(k.layer, k.size) for k in kernels} >= {("0", 3), ("3.conv", 5)}
    assert kernels[0].values(4) == (1,)
    assert Filters("x", "x", 8).values(4) == (4, 0)


def test_channels_that_pass_by_are_held(net):
    held = {g.name: g.held for g in channel_groups(net, X, needed=False)}
    assert held["3.conv"] == "other channels pass by beside it"
    assert held["0"]


def test_shapes_of_turned_knobs_are_those_of_the_network(net):
    shapes = layer_shapes(net, X)
    for knob in knobs_of(net):
        for value in knob.values(1):
            small = changed(net, {}, {knob: value})
            assert layer_shapes(small, X) == shapes_after(shapes, {knob: value})
            assert small(X).shape == net(X).shape


class Twice(torch.nn.Module):
    """A kernel whose padding is less than half of it, one that reflects, and layers that run twice."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a = torch.nn.Conv2d(1, 4, 5, padding=1)
        self.b = torch.nn.Conv2d(4, 4, 5, padding=2)
        self.r = torch.nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.by = Bypass(4)
        self.fc = torch.nn.Linear(4, 4)

    def forward(self, x):
        x = self.by(self.by(self.r(self.b(torch.relu(self.b(torch.relu(self.a(x))))))))
        return self.fc(x.mean((2, 3)))


def test_knobs_of_layers_that_run_twice_and_of_thin_padding():
    model = Twice().eval()
    shapes = layer_shapes(model, X)
    knobs = knobs_of(model)
    assert {k.name: k.values(1) for k in knobs} == {
        "a kernel": (3,), "b kernel": (3, 1), "by filters": (3, 2, 1, 0), "by.conv kernel": (1,)
    }  # fmt: skip
    for knob in knobs:
        for value in knob.values(1):
            small = changed(model, {}, {knob: value})
            assert layer_shapes(small, X) == shapes_after(shapes, {knob: value})
            assert small(X).shape == model(X).shape


def test_a_layer_without_filters_is_no_layer(net):
    first, second, *_ = (k for k in knobs_of(net) if isinstance(k, Filters))
    empty = changed(net, {}, {first: 0})
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    without = torch.nn.Sequential(*(m for i, m in enumerate(net) if i != 3)).eval()
    assert torch.equal(empty(x), without(x))
    half = changed(net, {}, {second: 2})
    inside = net[:4](x)
    made = net[4](inside)
    assert torch.equal(half[:5](x), torch.cat([made[:, :2], inside[:, 2:]], 1))


def test_a_smaller_kernel_is_the_middle_of_the_larger(net):
    knob = next(k for k in knobs_of(net) if k.name == "3.conv kernel")
    small = changed(net, {}, {knob: 3})
    blind = copy.deepcopy(net)
    with torch.no_grad():
        blind[3].conv.weight[..., [0, 4], :] = 0
        blind[3].conv.weight[..., :, [0, 4]] = 0
    x = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(small(x), blind(x))


@pytest.mark.parametrize(
    "make", [lambda: mobile((6, 8, 8), classes=4), lambda: bypass((6, 8), classes=4, kernel=5)]
)
def test_each_image_meets_a_sub_network_of_its_own(make):
    """With statistics held still, the output for an image is that of the network cut to what was drawn for it."""
    torch.manual_seed(1)
    model = make().eval()
    groups = [g for g in channel_groups(model, X, needed=False) if not g.held]
    knobs = [*groups, *knobs_of(model)]
    x = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    before = copy.deepcopy(model.state_dict())
    with ordered_dropout(model, knobs, 2, seed=3):
        model.training = True  # of the whole, for the draws; its normalisation stays in evaluation mode
        outputs = model(x)
        model.training = False
        draws = next(iter(model._forward_pre_hooks.values())).__self__._drawn
        whole = model(x)
    assert draws.keys() == {k.name for k in knobs}
    assert len({tuple(int(d[i]) for d in draws.values() if torch.is_tensor(d)) for i in range(4)}) > 1
    for image in range(4):
        drawn = {k: int(draws[k.name] if isinstance(k, Kernel) else draws[k.name][image]) for k in knobs}
        drawn = {k: n for k, n in drawn.items() if n < k.size}
        small = changed(model, {g: range(n) for g, n in drawn.items() if g in groups}, drawn)
        torch.testing.assert_close(outputs[image], small(x)[image], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(whole, model(x))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_recalibration_knows_no_dropout_and_keeps_modes(task):
    model = mobile((4, 4), classes=4)
    model.insert(1, torch.nn.Dropout(0.9))
    model[0].eval()
    recalibrate(model, task)
    torch.testing.assert_close(
        model[2].running_mean, model[0](task.train.inputs).mean((0, 2, 3)), rtol=1e-3, atol=1e-4
    )
    assert (model[0].training, model[1].training, model[2].training) == (False, True, True)


def test_recalibrated_statistics_are_those_of_the_data(task):
    model = mobile((4, 4), classes=4)
    with torch.no_grad():
        model[0].weight.mul_(3)
    recalibrate(model, task)
    out = model[0](task.train.inputs)
    torch.testing.assert_close(model[1].running_mean, out.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    assert model[1].momentum == 0.1


@pytest.mark.parametrize("network", [bypass, mobile])
def test_budgets_are_met_by_samples_of_several_layers(network, task, tmp_path):
    torch.manual_seed(0)
    model = network((8, 8, 8), classes=4)
    settings = Settings(first_step=0.2, samples=4, layers=2, granularity=2, supernet_steps=6)
    result = netadapt_v2(model, task, {Macs(): 0.45, Weights(): 0.9}, settings)
    assert result.budget.met(layer_shapes(result.model, task.example))
    assert all(len(p["kept"]) <= 2 for row in result.history for p in row["proposals"])
    assert any(len(p["kept"]) == 2 for row in result.history for p in row["proposals"])
    again = netadapt_v2(model, task, {Macs(): 0.45, Weights(): 0.9}, settings)
    assert [r["kept"] for r in again.history] == [r["kept"] for r in result.history]
    result.save(tmp_path)
    rebuilt = load(tmp_path, model).eval()
    x = task.test.inputs
    assert torch.equal(rebuilt(x), result.model.eval()(x))


def test_ordered_filters_are_the_first(task):
    model = mobile((6, 6), classes=4)
    group = next(g for g in channel_groups(model, task.example) if not g.held)
    small = remove_channels(model, {group: range(2)})
    assert torch.equal(small[0].weight, model[0].weight[:2])
