"""What all methods have in common: the question, the family so far, and the folder that both are kept in."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypedDict, final

from chipwise.adapt.budget import Budget
from chipwise.adapt.extra import torch
from chipwise.adapt.resource import Energy, Latency, Resource
from chipwise.adapt.result import Adapted, Result, Row
from chipwise.adapt.search_folder import RESOURCES, WEIGHTS, SearchFolder, digest
from chipwise.adapt.shapes import LayerShape
from chipwise.adapt.task import SPLITS, Task
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator

Told = Callable[[float, str], None]
"""Called with (share of the way to the budget, what was done)."""


class Options(TypedDict, total=False):
    """What every method may be told besides its network, task, budget and settings."""

    watch: Sequence[Resource]
    """Resources to tell beside those of the budget."""
    folder: SearchFolder | None
    """Where every iteration is kept, so that a search that was ended goes on where it was."""
    progress: Told | None
    """Told after each proposal or round."""
    source: str
    """What to call the network to begin with in files."""


@final
class RunState:
    """Of one run: its family and history so far, in memory and, where there is a folder, on disk.

    Args:
        method: by name.
        model: the network to begin with.
        task: that it is for.
        limits: the budget.
        details: what else makes two questions the same one, plain data.
        options: as above.

    Raises:
        InputError: a network whose layers share weights.
    """

    def __init__(
        self,
        method: str,
        model: Any,
        task: Task,
        limits: Budget,
        details: Mapping[str, Any],
        options: Options,
    ) -> None:
        _refuse_tied(model)
        self.method, self.task, self.budget = method, task, limits
        own = {limit.resource.name for limit in limits.limits}
        others = [resource for resource in options.get("watch", ()) if resource.name not in own]
        self.resources = (*(limit.resource for limit in limits.limits), *others)
        self.told: Told = options.get("progress") or (lambda _share, _text: None)
        self.source = options.get("source", "")
        self.question = {
            "method": method,
            "network": self.source,
            "task": task_facts(task),
            "budget": {limit.resource.name: limit.most for limit in limits.limits},
            RESOURCES: {resource.name: _facts(resource) for resource in self.resources},
            **details,
            WEIGHTS: digest(model),
        }
        self.family: list[Adapted] = []
        self.history: list[Row] = []
        self._folder = options.get("folder")

    def open(self, model: Any) -> None:
        """Take from the folder, where there is one, what is done already.

        Raises:
            InputError: a folder that cannot be used, or holds another search; a network that cannot be kept.
        """
        if self._folder is not None:
            self.family, self.history = self._folder.open(model, self.question)

    def needs(self, shapes: Sequence[LayerShape]) -> dict[str, float]:
        """What a network needs of every resource, by name."""
        return {resource.name: resource.of(shapes) for resource in self.resources}

    def keep(self, found: Adapted, row: Row | None) -> None:
        """Add a network to the family, on disk at once."""
        self.family.append(found)
        if row is not None:
            self.history.append(row)
        if self._folder is not None:
            self._folder.keep(found, row)

    def share(self, needs: Mapping[str, float]) -> float:
        """How far the way to the budget is gone, by the resource that is furthest from its own."""
        shares = []
        for limit in self.budget.limits:
            way = limit.start - limit.most
            shares.append((limit.start - needs[limit.resource.name]) / way if way > 0 else 1.0)
        return min(1.0, max(0.0, min(shares)))

    def tuned(self, steps: int, masks: Callable[[Any], Mapping[str, Any]] | None = None) -> Any:
        """A copy of the family's last network after long-term fine-tuning; `masks` as for `Task.finetune`."""
        self.told(1.0, "long-term fine-tuning")
        model = copy.deepcopy(self.family[-1].model)
        with settled(self.task.seed):
            self.task.finetune(model, steps, masks=masks and masks(model))
        return model

    def final(self) -> Adapted | None:
        """The network after long-term fine-tuning, where the folder has it."""
        return None if self._folder is None else self._folder.final(self.family[0].model)

    def keep_final(self, found: Adapted) -> None:
        """Write the network after long-term fine-tuning."""
        if self._folder is not None:
            self._folder.keep_final(found)

    def result(self, last: Adapted) -> Result:
        """What came out."""
        return Result(
            self.method, self.task.name, self.resources, self.budget, tuple(self.family), last,
            self.task.example, tuple(self.history), self.question, self.source,
        )  # fmt: skip


def task_facts(task: Task) -> dict[str, Any]:
    """What makes two tasks the same one, as far as can be told without their data."""
    splits = {name: len(task.split(name)) for name in SPLITS}
    return {
        "name": task.name, "seed": task.seed, "images": splits, "batch size": task.batch_size,
        "learning rate": task.learning_rate, "short steps": task.short_steps, "long steps": task.long_steps,
    }  # fmt: skip


def _facts(resource: Resource) -> dict[str, Any]:
    """What makes two resources of one name the same: a chip's numbers and the batch, where a table was measured."""
    kind = {"kind": type(resource).__name__}
    if isinstance(resource, Latency | Energy):
        chip = resource.on_chip.chip
        return {**kind, "chip": chip.name, "batch": resource.batch, "chip's numbers": _chip_digest(chip)}
    # A lookup table stands above adapting, as all that is measured does, so that it is asked, not known.
    provenance = getattr(resource, "provenance", None)
    if isinstance(provenance, Mapping):
        return {**kind, **{str(key): str(value) for key, value in provenance.items()}}
    if not is_dataclass(resource):
        return kind
    values = {field.name: getattr(resource, field.name) for field in fields(resource)}
    return {**kind, **{k: v for k, v in values.items() if isinstance(v, str | int | float | None)}}


def _chip_digest(chip: Accelerator) -> str:
    def plain(value: Any) -> Any:
        return sorted(value) if isinstance(value, frozenset) else str(value)

    return hashlib.sha256(json.dumps(asdict(chip), sort_keys=True, default=plain).encode()).hexdigest()[:16]


def _refuse_tied(model: Any) -> None:
    """Refuse weights that two layers share: what cuts or masks one of them gives it weights of its own."""
    owners: dict[int, str] = {}
    for path, module in model.named_modules():
        for name, value in module.named_parameters(recurse=False):
            full = f"{path}.{name}" if path else name
            if id(value) in owners:
                raise InputError(
                    f"network {type(model).__name__!r}: {owners[id(value)]!r} and {full!r} are one parameter, which "
                    "would come apart where one layer is changed; use one module in both places, or give each its own"
                )
            owners[id(value)] = full


@contextmanager
def settled(seed: int) -> Iterator[None]:
    """Random numbers (dropout) that depend on nothing that ran before, so that a resumed search is the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
