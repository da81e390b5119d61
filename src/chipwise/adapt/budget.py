"""Budgets: how much of each resource a network may need."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NoReturn, final

from chipwise.adapt.resource import Bops, Macs, Resource, Size, Weights
from chipwise.adapt.shapes import LayerShape
from chipwise.errors import BudgetError, InputError, did_you_mean

Wanted = float | str
"""A fraction of the start (0.5, "50 %"), a count (20000) or a quantity with its unit ("5 ms")."""


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` of a resource, of which the network to begin with needs `start`."""

    resource: Resource
    most: float
    start: float

    def __str__(self) -> str:
        show = self.resource.show
        share = self.most / self.start
        return f"{self.resource.name} <= {show(self.most)} ({share:.1%} of {show(self.start)})"


@final
@dataclass(frozen=True, slots=True)
class Budget:
    """Limits that hold together."""

    limits: tuple[Limit, ...]

    @property
    def falling(self) -> "Budget":
        """The limits of what falls with every filter that goes, so that the narrowest network needs least.

        Latency and energy are left out: on devices they are staircases, and a narrower layer may take longer.
        """
        return Budget(tuple(x for x in self.limits if isinstance(x.resource, Macs | Weights | Size | Bops)))

    def needs(self, shapes: Sequence[LayerShape]) -> dict[str, float]:
        """What a network needs of each resource, by name, in the resource's unit."""
        return {limit.resource.name: limit.resource.of(shapes) for limit in self.limits}

    def met(self, shapes: Sequence[LayerShape]) -> bool:
        """Whether a network keeps every limit."""
        return not self.exceeded(shapes)

    def exceeded(self, shapes: Sequence[LayerShape]) -> dict[str, float]:
        """By name, need / limit of each limit that a network does not keep."""
        return self.over(self.needs(shapes))

    def over(self, needs: Mapping[str, float]) -> dict[str, float]:
        """By name, need / limit of each limit that is not kept by what a network needs."""
        # One part in a billion is rounding of sums, not a resource.
        over = {x.resource.name: needs[x.resource.name] / x.most for x in self.limits}
        return {name: share for name, share in over.items() if share > 1 + 1e-9}

    def refuse(self, reached: Mapping[str, float], ended: str = "") -> NoReturn:
        """Say that the budget is below reach or, with `ended`, that it was not reached.

        Args:
            reached: the least of each resource that there can be or, with `ended`, what the search came to, by name.
            ended: why the search ended, and what to do; empty where no network can need less.

        Raises:
            BudgetError: always.
        """
        parts = []
        over = self.over(reached)
        for limit in self.limits:
            if limit.resource.name in over:
                least = reached[limit.resource.name]
                what = (
                    "is not met: the search came to"
                    if ended
                    else "cannot be met: the least that can be reached is"
                )
                parts.append(f"{limit} {what} {limit.resource.show(least)}, {least / limit.start:.1%}")
        raise BudgetError(f"budget {'; '.join(parts)}; {ended or 'ask for at least that'}", reached)


def budget(wanted: Mapping[Resource, Wanted], start: Sequence[LayerShape]) -> Budget:
    """The budget that `wanted` means for a network of these shapes.

    Args:
        wanted: per resource a fraction of what the start needs (a number up to 1, "0.5", "50 %"), a count
            ("20000"; macs, weights, bops), or a quantity with its unit ("5 ms", "2 uJ", "100 KiB").
        start: layer shapes of the network to begin with.

    Raises:
        InputError: nothing wanted; no number; no unit where one is needed.
    """
    if not wanted:
        raise InputError("a budget needs at least one resource, as latency=0.5")
    return Budget(tuple(_limit(resource, value, resource.of(start)) for resource, value in wanted.items()))


def _limit(resource: Resource, value: Wanted, start: float) -> Limit:
    text = str(value).strip()
    number, scale = (text[:-1], 0.01) if text.endswith("%") else (text, 1.0)
    try:
        share = float(number) * scale
    except ValueError:
        try:
            most = resource.parse(text)
        except InputError as error:
            raise InputError(f"budget {resource.name}: {error}") from None
        if not isfinite(most) or most <= 0:
            raise InputError(f"budget {resource.name} = {text} must be more than zero, and finite") from None
        return Limit(resource, most, start)
    if not isfinite(share) or share <= 0:
        raise InputError(f"budget {resource.name} = {text} must be more than zero")
    if share <= 1:
        return Limit(resource, share * start, start)
    if resource.unit or scale != 1:
        example = resource.show(start / 2).replace(" ", "")
        raise InputError(
            f"budget {resource.name} = {text} must be a fraction up to 1, or a quantity with its unit, as {example}"
        )
    return Limit(resource, share, start)


def parse_budget(text: str, resources: Iterable[Resource]) -> dict[Resource, Wanted]:
    """What `latency=0.5,weights=20000` wants of the resources that there are.

    Raises:
        InputError: another form, an unknown resource, one named twice.
    """
    known = {resource.name: resource for resource in resources}
    wanted: dict[Resource, Wanted] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise InputError(
                f"budget {part.strip()!r}: must be resource=value, as latency=0.5 or weights=20000"
            )
        if name not in known:
            raise InputError(f"budget {part.strip()!r}: unknown resource." + did_you_mean(name, known))
        if known[name] in wanted:
            raise InputError(f"budget {text!r}: {name} is named twice")
        wanted[known[name]] = value
    return wanted
