"""Energy-aware pruning on a network small enough to train here."""

import copy

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.budget import budget
from chipwise.adapt.networks import plain
from chipwise.adapt.prune.eap import STEP, Settings, energy_aware_pruning
from chipwise.adapt.resource import Energy, Resource, Weights
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.task import Score
from chipwise.adapt.tasks.digits import digits
from chipwise.errors import BudgetError, InputError

ENERGY = Energy("eyeriss", batch=4)
QUICK = {"rounds": 1, "steps": 5, "images": 100, "rows": 200, "judged": 50}


@pytest.fixture(scope="module")
def task():
    return digits(train=100, holdout=50, test=20)


@pytest.fixture(scope="module")
def trained(task):
    torch.manual_seed(0)
    model = plain((4, 4, 4), hidden=8)
    task.finetune(model, 15)
    return model


def test_energy_falls_in_the_order_of_energy(task, trained):
    before = copy.deepcopy(trained.state_dict())
    told = []
    found = energy_aware_pruning(
        trained,
        task,
        ENERGY,
        Settings(max_drop=0.9, price=10.0, **QUICK),
        also=(Weights(),),
        report=told.append,
    )
    dense, last = found.family
    assert last.needs["energy"] < dense.needs["energy"]
    assert last.needs["weights"] < dense.needs["weights"]
    energies = {s.name: ENERGY.of_layer(s) for s in dense.shapes}
    assert [energies[path] for path in last.order] == sorted(energies.values(), reverse=True)
    assert len(told) == len(last.order) + 1
    assert found.stopped == "rounds"
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert set(found.model.state_dict()) == set(before)


def test_the_same_seed_gives_the_same_network(task, trained):
    once, again = (
        energy_aware_pruning(trained, task, ENERGY, Settings(max_drop=0.9, price=10.0, **QUICK)).model
        for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(once.parameters(), again.parameters(), strict=True))


def test_below_the_floor_the_network_before_is_returned(task, trained):
    class Falling:
        """Fine-tuning ruins the network."""

        def __getattr__(self, name):
            return getattr(task, name)

        def finetune(self, model, *_, **__):
            with torch.no_grad():
                for p in model.parameters():
                    p.zero_()

        def evaluate(self, model, *_, **__):
            ruined = all(not p.any() for p in model.parameters())
            return Score(0.1 if ruined else 0.9, 1.0, 50)

    found = energy_aware_pruning(trained, Falling(), ENERGY, Settings(max_drop=0.01, price=1.0, **QUICK))
    assert found.stopped == "accuracy"
    assert [p.name for p in found.family] == ["dense"]


def test_other_orders(task, trained):
    orders = {}
    for order in ("energy", "reverse", "network"):
        settings = Settings(max_drop=0.9, price=10.0, order=order, **QUICK)
        orders[order] = energy_aware_pruning(trained, task, ENERGY, settings).family[-1].order
    assert orders["reverse"] == orders["energy"][::-1]
    assert orders["network"] == tuple(s.name for s in layer_shapes(trained, task.example))


def test_a_budget_ends_the_rounds_or_is_refused(task, trained):
    shapes = layer_shapes(trained, task.example)
    settings = Settings(max_drop=0.9, price=10.0, **{**QUICK, "rounds": 3})
    easy = energy_aware_pruning(trained, task, ENERGY, settings, budget=budget({Weights(): 0.99}, shapes))
    assert easy.stopped == "budget"
    assert len(easy.family) == 2
    with pytest.raises(BudgetError, match=r"weights <= .*least that can be reached is"):
        energy_aware_pruning(
            trained, task, ENERGY, Settings(price=1e-9, **QUICK), budget=budget({Weights(): 0.001}, shapes)
        )


def test_a_layer_goes_no_further_than_a_budget_asks_for(task, trained):
    """The first layer could give far more than the tenth that is asked for, and energy is worth any loss here."""
    shapes = layer_shapes(trained, task.example)
    wanted = budget({Weights(): 0.9}, shapes)
    settings = Settings(max_drop=0.9, price=1e6, **QUICK)
    found = energy_aware_pruning(trained, task, ENERGY, settings, budget=wanted)
    assert wanted.met(found.family[-1].shapes)
    assert found.family[-1].needs["weights"] > 0.9 * STEP * Weights().of(shapes)


def test_the_higher_the_price_the_less_energy(task, trained):
    needs = [
        energy_aware_pruning(trained, task, ENERGY, Settings(max_drop=0.9, price=price, **QUICK))
        .family[-1]
        .needs
        for price in (1e-9, 10.0)
    ]
    assert needs[1]["energy"] < needs[0]["energy"]


def test_any_resource_orders_layers(task, trained):
    class ByName(Resource):
        name, unit = "letters", ""

        def of_layer(self, shape):
            return float(shape.name)

    found = energy_aware_pruning(trained, task, ByName(), Settings(max_drop=0.9, price=10.0, **QUICK))
    order = [int(path) for path in found.family[-1].order]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"order": "size"}, "order"),
        ({"max_drop": 1.0}, "drop"),
        ({"price": 0.0}, "price"),
        ({"rate": -1.0}, "rate"),
        ({"rounds": 0}, "rounds"),
        ({"least_density": 0}, "least"),
    ],
)
def test_bad_settings(how, message):
    with pytest.raises(InputError, match=message):
        Settings(**how)
