"""Classes of mappings: what is known of all mappings of a class makes one bound for them.

A class fixes the nest, which loops may stand where, and for every flow how far in irrelevant loops cost.
docs/mapper.md argues that the classes cover the mapspace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from chipwise.mapper.mapspace import ONE, TEMPORAL, Codes, Nest, codes
from chipwise.workload.layer import Layer

Kind = frozenset[str]
"""The tensors that rest while a loop of this kind runs."""

AllCodes = dict[str, Codes]


@final
@dataclass(frozen=True, slots=True)
class Rest:
    """How a flow fares in a class.

    Loops irrelevant to its tensor cost in blocks before `charged` and are free from it on, except that loops over
    the dimensions `outside` cost in block `charged` as well. The loop that moves it innermost is of kind `mover`
    and stands in block `block`; None and −1 where nothing is known.
    """

    charged: int
    outside: frozenset[str] = frozenset()
    mover: Kind | None = None
    block: int = -1


@final
@dataclass(frozen=True)
class MappingClass:
    """A nest, the loops allowed in it, and per (tensor, head) how the flow to that head rests."""

    nest: Nest
    codes: AllCodes
    rests: dict[tuple[int, int], Rest]


def kind_of(layer: Layer, dim: str) -> Kind:
    """Tensors to which `dim` is irrelevant."""
    return frozenset(t.name for t in layer.tensors if dim not in t.dims)


def all_codes(layer: Layer, nest: Nest) -> AllCodes | str:
    """What the chip's constraints allow; the name of a dimension where they contradict each other."""
    found: AllCodes = {}
    for dim, extent in layer.dims.items():
        of_dim = codes(nest, dim, extent)
        if of_dim is None:
            return dim
        found[dim] = of_dim
    return found


def restricted(nest: Nest, base: AllCodes, allowed: Sequence[frozenset[str]]) -> AllCodes:
    """The codes with temporal loops only over the dimensions allowed in each block."""
    return {
        d: tuple(
            ONE if code == TEMPORAL and d not in allowed[p.block] else code
            for p, code in zip(nest.positions, of_dim, strict=True)
        )
        for d, of_dim in base.items()
    }
