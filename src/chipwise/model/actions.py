"""What counting returns, whichever way it was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Actions:
    """Accesses to one memory for one tensor, in values.

    reads: served towards compute; fills: written from the parent; updates: written from the child;
    drains: read to be sent to the parent.
    """

    reads: int = 0
    fills: int = 0
    updates: int = 0
    drains: int = 0


@final
@dataclass(frozen=True, slots=True)
class Hops:
    """What crosses one array's network for one tensor, in values: words delivered or passed on, additions."""

    transfers: int = 0
    reductions: int = 0


@final
@dataclass(frozen=True, slots=True)
class Moved:
    """Values that move at one point between two memories, towards compute and back."""

    inward: int = 0
    outward: int = 0


@final
@dataclass(frozen=True, slots=True)
class Transfer:
    """What moves for one tensor between two memories (`child` None: the MAC), of the busiest instances, in values."""

    tensor: str
    parent: str
    child: str | None
    arrays: tuple[str, ...]
    """Between the two, outermost first."""
    sent: Moved
    """At the parent."""
    network: Moved
    """Into and out of one instance of the innermost array; as `sent` where there is none."""
    link: Moved
    """At one instance of the child."""
    first: int
    """Of `sent` what fills the first tiles, or for an output brings the last ones back."""


@final
@dataclass(frozen=True, slots=True)
class Counts:
    """All counts of one mapping; keys are (memory or array, tensor). Sums over instances unless said."""

    macs: int
    cycles: int
    actions: Mapping[tuple[str, str], Actions]
    busiest: Mapping[tuple[str, str], Actions]
    """Of the instance that is never idle (all indices zero)."""
    capacity: Mapping[tuple[str, str], int]
    """Values in the largest tile, per instance."""
    instances: Mapping[tuple[str, str], int]
    """Instances in use at once."""
    hops: Mapping[tuple[str, str], Hops]
    transfers: tuple[Transfer, ...]
