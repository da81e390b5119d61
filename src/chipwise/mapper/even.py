"""Classes of even mappings, by the kind of loop that runs innermost in each block."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import final

from chipwise.mapper.classes import AllCodes, Kind, MappingClass, Rest, kind_of, restricted
from chipwise.mapper.mapspace import Nest
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class BlockClass:
    """`innermost` kind of a block; `pure`: the block has no loop that moves these tensors; `empty`: no loop."""

    innermost: Kind = frozenset()
    pure: bool = False
    empty: bool = False


def block_classes(layer: Layer, n_blocks: int) -> list[tuple[BlockClass, ...]]:
    """All combinations of block classes, one class per block in which the order matters."""
    active = [d for d, extent in layer.dims.items() if extent > 1]
    kinds = sorted({kind_of(layer, d) for d in active}, key=sorted)
    outer = [BlockClass(k) for k in kinds] or [BlockClass()]
    inner = [
        BlockClass(empty=True),
        *(BlockClass(k, pure) for k in kinds for pure in (True, False) if k or not pure),
    ]
    options = [outer if b == 0 else (inner if kinds else outer) for b in range(n_blocks)]
    return list(product(*options))


def even_classes(layer: Layer, nest: Nest, base: AllCodes) -> Iterator[MappingClass]:
    """Classes of the even nest, by what runs innermost in each block."""
    every = frozenset(layer.dims)
    n_blocks = len(nest.heads) - 1
    for classes in block_classes(layer, n_blocks):
        allowed = [
            frozenset()
            if c.empty
            else frozenset(d for d in every if kind_of(layer, d) >= c.innermost)
            if c.pure
            else every
            for c in classes
        ]
        rests = {
            (t, head): _even_rest(tensor.name, head, classes)
            for t, tensor in enumerate(layer.tensors)
            for head in range(1, len(nest.heads))
        }
        yield MappingClass(nest, restricted(nest, base, [*allowed, every]), rests)


def _even_rest(name: str, head: int, classes: tuple[BlockClass, ...]) -> Rest:
    """What a combination of block classes says of a tensor on its way to a head."""
    free_from, rested = head, True
    for block in range(head - 1, -1, -1):
        found = classes[block]
        if found.empty:
            free_from = block
            continue
        if name not in found.innermost:
            # Where several tensors rest, a block passed on the way may hold a loop that moves this one after all.
            return Rest(free_from, mover=found.innermost, block=block) if rested else Rest(free_from)
        free_from = block
        rested = rested and found.pure
        # A kind of one tensor that is not pure holds a loop that moves it: further out, everything costs.
        if len(found.innermost) == 1 and not found.pure:
            break
    return Rest(free_from)
