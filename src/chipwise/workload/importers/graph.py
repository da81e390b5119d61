"""What every importer hands over: a list of operators with shapes, in words that no framework owns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

Shape = tuple[int, ...]

MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What code that reads a file's numbers meets where they contradict each other, in more ways than rules could list."""

MACS = frozenset({"conv", "product", "einsum", "attention", "recurrent"})
"""Kinds of operators that multiply and accumulate: layers even where they read parameters alone."""


@final
@dataclass(frozen=True, slots=True)
class Value:
    """What operators read and write; two with one `key` are the same."""

    key: str
    shape: Shape | None = None
    """None: no tensor, or its shape is not known."""
    constant: bool = False
    """A stored parameter, or computed from such alone."""
    bits: int | None = None
    """Width of a value where the source quantises, None where it says nothing of use to a chip."""


@final
@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of the source. `kind` is a key of `nodes.BUILDERS`, or one of those that cost nothing."""

    name: str
    """The user's name; two operators may share it."""
    source: str
    """What the source calls the operator, for messages."""
    kind: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Name and operator as messages and lists give them."""
        return f"{self.name} ({self.source})"


@final
@dataclass(frozen=True, slots=True)
class Graph:
    """A whole network as it stands in the source."""

    name: str
    source: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    operators: tuple[Operator, ...]
