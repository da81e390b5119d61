"""Tasks: splits that don't leak, training that loses nothing."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.networks import plain
from chipwise.adapt.sources import complete
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
            self.conv, self.fc = torch.nn.Conv2d(3, 3, 5, 4), torch.nn.Linear(147, 10)

        def forward(self, x):
            return self.fc(self.conv(x).view(len(x), -1))

    # Of one channel both orders are the same, and what a convolution then says depends on the processor.
    splits = {name: task.split(name) for name in ("train", "holdout")}
    colour = {name: TensorSplit(s.inputs.repeat(1, 3, 1, 1), s.targets) for name, s in splits.items()}
    task, model = replace(task, **colour), Viewing()
    assert quick_order(model, task.example) == torch.contiguous_format
    assert quick_order(plain((8, 8), hidden=16, channels=3), task.example) == torch.channels_last
    task.finetune(model, 2)
    assert task.evaluate(model).samples == 100


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_weights_that_the_last_step_ruins_are_put_back(task):
    model = small()
    before = state(model)
    steep = replace(
        task, loss=lambda outputs, targets: 1e6 * torch.nn.functional.cross_entropy(outputs, targets)
    )
    with pytest.raises(TrainingError, match="a weight is no finite number after step 1, the last"):
        steep.finetune(model, 1, learning_rate=1e38)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_loss_that_is_no_number_is_no_score(task):
    inputs = task.holdout.inputs.clone()
    inputs[7] = float("nan")
    broken = replace(task, holdout=TensorSplit(inputs, task.holdout.targets))
    with pytest.raises(InputError, match=r"its holdout split has inputs that are no finite numbers"):
        broken.evaluate(small())
    assert broken.evaluate(small(), "test").samples == 200
    model = small()
    with torch.no_grad():
        model[-1].weight.fill_(float("inf"))
    with pytest.raises(TrainingError, match="the loss on its test split is no finite number"):
        task.evaluate(model, "test")


@pytest.mark.parametrize("split", ["train", "holdout", "test"])
def test_classes_are_those_of_all_splits(task, split):
    one = task.split(split)
    targets = one.targets.clone()
    targets[-1] = 11
    more = replace(task, **{split: TensorSplit(one.inputs, targets)})
    assert (task.classes, more.classes) == (10, 12)
    model = small()
    before = state(model)
    for use in (lambda: more.finetune(model, 5), lambda: more.evaluate(model)):
        with pytest.raises(InputError, match="has 12 classes, and network 'Sequential' has 10 outputs"):
            use()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert complete("mobile:width=0.5", more) == "mobile:width=0.5,classes=12,channels=1"


def test_what_a_loss_of_the_users_own_raises_is_told(task):
    def loss(_outputs, _targets):
        raise IndexError("of my own")

    with pytest.raises(InputError, match="task 'digits': its loss raises IndexError: of my own"):
        replace(task, loss=loss).finetune(small(), 1)


def test_a_teacher_keeps_its_mode(task):
    teacher = small().train()
    teacher[1].eval()
    task.finetune(small(), 1, teacher=teacher)
    assert (teacher.training, teacher[0].training, teacher[1].training) == (True, True, False)
