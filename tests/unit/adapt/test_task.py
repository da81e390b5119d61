"""Tasks: splits that don't leak, training that loses nothing."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.networks import plain
from chipwise.adapt.task import Task, TensorSplit, quick_order
from chipwise.adapt.tasks.digits import digits
from chipwise.errors import InputError, TrainingError


@pytest.fixture(scope="module")
def task() -> Task:
    return digits(train=600, holdout=100, test=200)


def small():
    torch.manual_seed(0)
    return plain((8, 8), hidden=16)


def test_digits_are_the_same_each_time_and_other_for_other_seeds(task):
    again = digits(train=600, holdout=100, test=200)
    assert torch.equal(task.train.inputs, again.train.inputs)
    assert task.example.shape == (1, 1, 32, 32)
    assert sorted(task.train.targets.unique().tolist()) == list(range(10))
    other = digits(seed=1, train=600, holdout=100, test=200)
    assert not torch.equal(task.train.inputs, other.train.inputs)


def test_training_learns_and_is_reproducible(task):
    model, again = small(), small()
    before = task.evaluate(model, "train")
    loss = task.finetune(model, 30)
    assert task.evaluate(model, "train").loss < before.loss
    assert task.finetune(again, 30) == loss
    assert torch.equal(model[0].weight, again[0].weight)


def test_masks_hold(task):
    model = small()
    mask = (torch.arange(model[0].weight.numel()) % 2).reshape(model[0].weight.shape).float()
    with torch.no_grad():
        model[0].weight.mul_(mask)
    task.finetune(model, 3, masks={"0.weight": mask})
    assert torch.equal(model[0].weight != 0, mask != 0)


def test_a_teacher_changes_what_is_learned(task):
    model, other = small(), small()
    task.finetune(model, 3)
    task.finetune(other, 3, teacher=small())
    assert not torch.equal(model[0].weight, other[0].weight)


def test_a_loss_that_is_no_number_loses_nothing(task):
    inputs = task.train.inputs.clone()
    inputs[5] = float("nan")
    broken = replace(task, train=TensorSplit(inputs, task.train.targets))
    model = small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(TrainingError, match=r"loss is nan at step \d+ of 20 .*as it was"):
        broken.finetune(model, 20)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_evaluation_changes_nothing(task):
    model = small().train()
    before = model[1].running_mean.clone()
    score = task.evaluate(model, "test", most=64)
    assert score.samples == 64
    assert 0 <= score.metric <= 1
    assert model.training
    assert torch.equal(model[1].running_mean, before)


def test_bad_tasks(task):
    with pytest.raises(InputError, match="holdout split is empty"):
        replace(task, holdout=TensorSplit(torch.zeros(0, 1, 32, 32), torch.zeros(0)))
    with pytest.raises(InputError, match="no split 'validation'"):
        task.evaluate(small(), "validation")
    with pytest.raises(InputError, match="fold = 5"):
        digits(fold=5)


def test_networks_that_need_the_usual_order_of_channels_train_as_well(task):
    """`view` refuses what a convolution says of images whose channels lie side by side."""

    class Viewing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = torch.nn.Conv2d(1, 3, 5, 4), torch.nn.Linear(147, 10)

        def forward(self, x):
            return self.fc(self.conv(x).view(len(x), -1))

    model = Viewing()
    assert quick_order(model, task.example) == torch.contiguous_format
    assert quick_order(small(), task.example) == torch.channels_last
    task.finetune(model, 2)
    assert task.evaluate(model).samples == 100
