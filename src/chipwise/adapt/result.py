"""What an adaptation gives: the network, the family along the way, and how each came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from chipwise.adapt.budget import Budget
from chipwise.adapt.resource import Resource
from chipwise.adapt.task import Score

Row = Mapping[str, Any]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A network of the family."""

    name: str
    """`start`, `iteration 3`, `final`, ..."""
    model: Any
    needs: Mapping[str, float]
    """Of each resource, by name."""
    holdout: Score
    test: Score | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    """What whole runs on the device needed, by resource, where there is a device."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Of `netadapt`, `magnitude`, ... on one task."""

    method: str
    task: str
    resources: tuple[Resource, ...]
    """Those of the budget first, then those that are only told."""
    budget: Budget
    family: tuple[Adapted, ...]
    """From the network to begin with to the last before long-term fine-tuning."""
    final: Adapted
    """The last one after long-term fine-tuning."""
    example: Any
    """One input of the task."""
    history: tuple[Row, ...]
    """One row per iteration, plain data: what was asked, what each proposal came to, which was kept."""
    settings: Row = field(default_factory=dict)
    """What makes two searches the same one."""
    source: str = ""
    """Name of the network that the family was cut from, as `chipwise adapt` reads it; empty where unknown."""

    @property
    def model(self) -> Any:
        """The final network."""
        return self.final.model

    @property
    def points(self) -> tuple[Adapted, ...]:
        """The family and the final network."""
        return (*self.family, self.final)

    def front(self, resource: str | Resource) -> tuple[Adapted, ...]:
        """Networks that no other one beats in both this resource and hold-out accuracy, by what they need."""
        name = resource if isinstance(resource, str) else resource.name
        return pareto(self.points, name)

    def report(self) -> str:
        """The family as a Markdown table, with what it was asked."""
        from chipwise.report.adapted import markdown  # noqa: PLC0415 - a page is written when one is asked for

        text: str = markdown(self)
        return text

    def save(self, folder: str | Path) -> None:
        """Write the final network, the family, the history, the report and the Pareto plots.

        Raises:
            InputError: the folder cannot be written, or holds another search, or files of something else.
        """
        from chipwise.report.adapted import write  # noqa: PLC0415 - as above

        write(self, Path(folder), self.example)


def pareto(points: Sequence[Adapted], resource: str) -> tuple[Adapted, ...]:
    """Those with more hold-out accuracy than all that need no more, by what they need."""
    front: list[Adapted] = []
    for point in sorted(points, key=lambda p: (p.needs[resource], -p.holdout.metric)):
        if not front or point.holdout.metric > front[-1].holdout.metric:
            front.append(point)
    return tuple(front)
