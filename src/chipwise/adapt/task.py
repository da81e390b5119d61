"""A task: the data, what is wanted of a network on it, and how networks are trained for it.

The task owns the splits, so that no method can choose on data that it trained on or is judged by: `train` is
trained on, `holdout` is cut from the training data and trained on by nobody, `test` is looked at in the end.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import cos, isfinite, pi
from typing import Any, Literal, NoReturn, final

from chipwise.adapt.extra import nn, torch
from chipwise.adapt.trace import evaluating
from chipwise.errors import InputError, TrainingError
from chipwise.workload.importers.own_code import told

SplitName = Literal["train", "holdout", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "holdout", "test")

Progress = Callable[[int, int, float], None]
"""Called with (steps done, steps in all, loss)."""


class Split(ABC):
    """Samples by index."""

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def batch(self, indices: Any) -> tuple[Any, Any]:
        """Inputs (batch first) and targets of the samples at `indices`, an integer tensor."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class TensorSplit(Split):
    """Samples in memory."""

    inputs: Any
    targets: Any

    def __len__(self) -> int:
        """Samples."""
        return len(self.targets)

    def batch(self, indices: Any) -> tuple[Any, Any]:
        """Those at `indices`."""
        return self.inputs[indices], self.targets[indices]


@final
@dataclass(frozen=True, slots=True)
class Score:
    """How well a network does on one split."""

    metric: float
    """Mean over samples of the task's metric; of classification, accuracy from 0 to 1. More is better."""
    loss: float
    samples: int


def accuracy(outputs: Any, targets: Any) -> Any:
    """Per sample 1 if the largest output is the target's, else 0."""
    return (outputs.argmax(1) == targets).float()


def quick_order(model: Any, inputs: Any) -> Any:
    """The memory format of `inputs` in which `model` trains faster.

    With the channels of a place side by side a CPU trains convolutions up to 1.7 times as fast, and layers hand the
    order on. Networks that `view` what a convolution says run on the usual order alone, so it is tried on one input.
    """
    return _tried(model, inputs)[0]


def _tried(model: Any, inputs: Any) -> tuple[Any, Any]:
    """`quick_order`, and what the network says of the input that it was tried on."""
    usual = torch.contiguous_format if inputs.dim() == 4 else torch.preserve_format
    with evaluating(model):
        if inputs.dim() == 4:
            try:
                return torch.channels_last, model(inputs[:1].contiguous(memory_format=torch.channels_last))
            except RuntimeError:
                pass  # the usual order tells whether that was the reason
        return usual, model(inputs[:1].contiguous(memory_format=usual))


def sgd(parameters: Any, rate: float) -> Any:
    """Stochastic gradient descent with momentum 0.9 and weight decay 1e-4."""
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=1e-4)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Data splits, loss, metric, optimiser, seed and the steps of each kind of training.

    The learning rate falls from `learning_rate` to 0 along half a cosine within each call of `finetune`.
    """

    name: str
    train: Split
    holdout: Split
    test: Split
    loss: Callable[[Any, Any], Any] = nn.functional.cross_entropy
    metric: Callable[[Any, Any], Any] = accuracy
    optimizer: Callable[[Any, float], Any] = sgd
    learning_rate: float = 0.05
    batch_size: int = 64
    seed: int = 0
    base_steps: int = 1500
    """Training from scratch."""
    short_steps: int = 25
    """Short-term fine-tuning, of proposals."""
    long_steps: int = 500
    """Long-term fine-tuning, of what is returned."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What else a reader of results should know, such as samples that come from one source."""

    def __post_init__(self) -> None:
        for name in SPLITS:
            if len(self.split(name)) == 0:
                raise InputError(f"task {self.name!r}: its {name} split is empty")

    def split(self, name: SplitName) -> Split:
        """The split called `name`."""
        if name not in SPLITS:
            raise InputError(f"task {self.name!r}: no split {name!r}; there are train, holdout and test")
        found: Split = getattr(self, name)
        return found

    @property
    def example(self) -> Any:
        """One input, batch first, for `layer_shapes`."""
        return self.train.batch(torch.arange(1))[0]

    @property
    def classes(self) -> int | None:
        """How many classes there are, by the targets of all splits; None where they are no numbers of classes.

        All splits, since a class may be missing from one of them.
        """
        every = [getattr(self.split(name), "targets", None) for name in SPLITS]
        known = [
            t for t in every if isinstance(t, torch.Tensor) and not (t.is_floating_point() or t.is_complex())
        ]
        seen = [int(targets.max()) + 1 for targets in known if targets.numel()]
        return max([*seen, int(self.notes.get("classes", 0))], default=0) or None

    def finetune(
        self,
        model: Any,
        steps: int,
        *,
        masks: Mapping[str, Any] | None = None,
        learning_rate: float | None = None,
        seed: int | None = None,
        teacher: Any = None,
        progress: Progress | None = None,
    ) -> float:
        """Train `model` in place on the train split and return the mean loss of the last quarter of the steps.

        Batches depend on the seed and on nothing else, so that proposals are compared on equal data.

        Args:
            model: the network.
            steps: optimiser steps; 0 leaves the network as it is.
            masks: by parameter name, what the parameter is multiplied with after each step, since momentum and
                weight decay bring weights back. Networks whose masks are parametrizations need none.
            learning_rate: the task's by default.
            seed: the task's by default.
            teacher: a network whose outputs are the targets beside the labels (temperature 4, share 0.9; Hinton).
            progress: called after each step.

        Raises:
            TrainingError: a loss, or in the end a weight, that is no number; the network is as it was before.
            InputError: more classes than outputs, or a loss of the user's own that raises.
        """
        before = {name: value.detach().clone() for name, value in model.state_dict().items()}
        rate = self.learning_rate if learning_rate is None else learning_rate
        optimizer = self.optimizer([p for p in model.parameters() if p.requires_grad], rate)
        named = dict(model.named_parameters())
        device = next(model.parameters()).device
        order = self._order(model, device)
        losses: list[float] = []
        model.train()
        for step, indices in enumerate(self._draws(steps, self.seed if seed is None else seed)):
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1 + cos(pi * step / steps))
            inputs, targets = (value.to(device) for value in self.train.batch(indices))
            outputs = model(inputs.contiguous(memory_format=order))
            with self._own("loss"):
                loss = self.loss(outputs, targets)
            if teacher is not None:
                loss = 0.1 * loss + 0.9 * _distillation(outputs, teacher, inputs)
            value = loss.item()
            if not isfinite(value):
                self._undo(model, before, f"the loss is {value} at step {step + 1} of {steps}", rate)
            losses.append(value)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for name, mask in (masks or {}).items():
                    named[name].mul_(mask)
            if progress is not None:
                progress(step + 1, steps, value)
        # The loss of a step tells of the weights before it, so the last step would go unseen.
        if not all(p.isfinite().all() for p in model.parameters() if p.requires_grad):
            self._undo(model, before, f"a weight is no finite number after step {steps}, the last", rate)
        last = losses[-max(1, steps // 4) :]
        return sum(last) / len(last) if last else 0.0

    def evaluate(self, model: Any, split: SplitName = "holdout", *, most: int | None = None) -> Score:
        """The metric and loss of `model` on a split, or on its first `most` samples; changes nothing.

        Raises:
            TrainingError: either is no number. InputError: as `finetune`, or inputs that are no numbers.
        """
        data = self.split(split)
        samples = len(data) if most is None else min(most, len(data))
        device = next(model.parameters()).device
        order = self._order(model, device)
        metric = loss = 0.0
        with evaluating(model):
            for indices in torch.arange(samples).split(500):
                inputs, targets = (value.to(device) for value in data.batch(indices))
                outputs = model(inputs.contiguous(memory_format=order))
                with self._own("metric"):
                    metric += self.metric(outputs, targets).sum().item()
                with self._own("loss"):
                    loss += self.loss(outputs, targets).item() * len(indices)
                if not isfinite(loss + metric):
                    self._refuse_nan(split, indices, inputs, loss)
        return Score(metric / samples, loss / samples, samples)

    def _own(self, what: str) -> AbstractContextManager[None]:
        """Where the task's own functions run, which may raise anything."""
        return told(f"task {self.name!r}: its {what} raises ")

    def _undo(self, model: Any, before: Mapping[str, Any], what: str, rate: float) -> NoReturn:
        model.load_state_dict(before)
        raise TrainingError(
            f"task {self.name!r}: {what} (learning rate {rate:g}); the network is as it was before this training. Try "
            "a lower learning rate, and look for inputs that are no numbers"
        )

    def _refuse_nan(self, split: str, indices: Any, inputs: Any, loss: float) -> NoReturn:
        if inputs.is_floating_point() and not inputs.isfinite().all():
            raise InputError(
                f"task {self.name!r}: its {split} split has inputs that are no finite numbers, among samples "
                f"{int(indices[0])} to {int(indices[-1])}; mend or remove them"
            )
        which = "metric" if isfinite(loss) else "loss"
        raise TrainingError(
            f"task {self.name!r}: the {which} on its {split} split is no finite number, though the inputs are; the "
            "network's weights are beyond what it can compute with. Try a lower learning rate, or another network"
        )

    def _order(self, model: Any, device: Any) -> Any:
        """The memory format to run a network in, found on one input.

        Refuses classes without an output, which would end the training at the first batch that has one.

        What a loss of the user's own takes for classes is not known, and such a loss goes unchecked.
        """
        order, outputs = _tried(model, self.example.to(device))
        if self.loss is not nn.functional.cross_entropy or (classes := self.classes) is None:
            return order
        if isinstance(outputs, torch.Tensor) and outputs.dim() > 1 and outputs.shape[1] < classes:
            raise InputError(
                f"task {self.name!r}: has {classes} classes, and network {type(model).__name__!r} has "
                f"{outputs.shape[1]} outputs; give a network with an output per class (of chipwise's, "
                f"classes={classes}), or mend the targets"
            )
        return order

    def _draws(self, steps: int, seed: int) -> Iterator[Any]:
        """Indices of each batch: whole shuffled passes over the data, one after the other."""
        generator = torch.Generator().manual_seed(seed)
        size = min(self.batch_size, len(self.train))
        order, at = torch.randperm(len(self.train), generator=generator), 0
        for _ in range(steps):
            if at + size > len(order):
                order, at = torch.randperm(len(self.train), generator=generator), 0
            yield order[at : at + size]
            at += size


def _distillation(outputs: Any, teacher: Any, inputs: Any, temperature: float = 4.0) -> Any:
    """T²·KL(softmax(teacher/T) ‖ softmax(student/T)); T² keeps the gradients' scale (Hinton et al., 2015)."""
    with evaluating(teacher):
        target = nn.functional.log_softmax(teacher(inputs) / temperature, 1)
    own = nn.functional.log_softmax(outputs / temperature, 1)
    return temperature**2 * nn.functional.kl_div(own, target, reduction="batchmean", log_target=True)
