"""`chipwise adapt --method eap|magnitude`: budgets are met, kills lose nothing."""

import copy
from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.networks import plain
from chipwise.adapt.prune import eap
from chipwise.adapt.prune.masks import densities
from chipwise.adapt.prune.methods import energy_aware, magnitude
from chipwise.adapt.resource import Energy, Macs, Weights
from chipwise.adapt.saved import load
from chipwise.adapt.search_folder import SearchFolder
from chipwise.adapt.shapes import layer_shapes
from chipwise.adapt.task import Score, Task
from chipwise.adapt.tasks.digits import digits
from chipwise.errors import BudgetError, InputError

ENERGY = Energy("simple", batch=4)
QUICK = Settings(short_steps=2, long_steps=3)


@pytest.fixture(scope="module")
def task():
    return digits(train=100, holdout=20, test=20)


def net():
    torch.manual_seed(0)
    return plain((4, 4, 4), hidden=8)


@pytest.mark.parametrize(
    ("method", "wanted", "watch"),
    [
        (energy_aware, {ENERGY: 0.96}, ()),
        (magnitude, {Weights(): 0.5, ENERGY: 0.98}, (Macs(),)),
    ],
)
def test_budgets_are_met_by_the_final_network(task, method, wanted, watch):
    model = net()
    before = copy.deepcopy(model.state_dict())
    found = method(model, task, wanted, QUICK, watch=watch)
    needs, start = found.final.needs, found.family[0].needs
    for resource, share in wanted.items():
        assert needs[resource.name] <= share * start[resource.name] * (1 + 1e-9)
    assert set(needs) == {r.name for r in (*wanted, *watch)}
    assert densities(found.model) == pytest.approx(densities(found.family[-1].model), abs=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert len(found.history) == len(found.family) - 1
    assert found.report().count("round") >= 1


@pytest.mark.parametrize("method", [energy_aware, magnitude])
def test_a_killed_run_goes_on_to_the_same_network(task, method, tmp_path, monkeypatch):
    # One step down for each layer takes more than one round to get there.
    monkeypatch.setattr(eap, "_ladder", lambda high, _least: [eap.STEP * high])
    wanted, watch = {Weights(): 0.1}, (ENERGY,)
    whole = method(net(), task, wanted, QUICK, watch=watch)
    assert len(whole.family) > 2

    def kill(_share, text):
        if text.startswith("round 1:"):
            raise KeyboardInterrupt

    folder = SearchFolder(tmp_path / "out", task.example)
    with pytest.raises(KeyboardInterrupt):
        method(net(), task, wanted, QUICK, watch=watch, folder=folder, progress=kill)
    again = method(
        net(), task, wanted, QUICK, watch=watch, folder=SearchFolder(tmp_path / "out", task.example)
    )
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.model.state_dict().items())
    assert [r["densities"] for r in again.history] == [r["densities"] for r in whole.history]
    stored = load(tmp_path / "out", net())
    assert torch.equal(stored.eval()(task.example), again.model.eval()(task.example))


def test_what_zeros_do_not_reach_is_refused(task):
    with pytest.raises(BudgetError, match=r"macs <= .*least that can be reached is"):
        magnitude(net(), task, {Macs(): 0.5}, QUICK)
    with pytest.raises(InputError, match="--on eyeriss"):
        energy_aware(net(), task, {Weights(): 0.5}, QUICK)


def test_energy_aware_pruning_goes_no_further_than_asked(task):
    """A near budget is met in small steps, and layers that are not needed for it stay as they are."""
    found = energy_aware(net(), task, {Weights(): 0.95}, QUICK, watch=(ENERGY,))
    assert found.final.needs["weights"] > 0.5 * found.family[0].needs["weights"]


def test_a_budget_beyond_the_accuracy_floor_says_what_came_of_it(task, monkeypatch):
    def as_dense(_task, model, *_, **__):
        return Score(densities(model)["0"], 1.0, 20)

    monkeypatch.setattr(Task, "evaluate", as_dense)
    monkeypatch.setattr(eap, "_ladder", lambda high, _least: [eap.STEP * high])
    with pytest.raises(
        BudgetError, match=r"search came to .*falls to .*max drop 0.5 below .*allow a larger"
    ) as told:
        energy_aware(net(), task, {ENERGY: 0.8}, replace(QUICK, max_drop=0.5))
    assert told.value.reached["energy"] < ENERGY.of(layer_shapes(net(), task.example))


def test_what_zeros_cannot_lower_is_refused_at_once(task):
    told = []
    with pytest.raises(BudgetError, match=r"macs <= .*least that can be reached is .*, 100.0%"):
        energy_aware(net(), task, {Macs(): 0.9}, QUICK, watch=(ENERGY,), progress=lambda *a: told.append(a))
    assert not told
