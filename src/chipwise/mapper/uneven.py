"""Classes of uneven mappings, by the places where nodes rest."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import final

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.classes import AllCodes, MappingClass, Rest, all_codes, restricted
from chipwise.mapper.mapspace import ONE, TEMPORAL, Keeping, Nest, uneven_nests
from chipwise.workload.layer import Layer, Tensor


@final
@dataclass(frozen=True, slots=True)
class _Place:
    """Where the traffic of a node is counted: at its head, or, `raised`, further out, in block `block`."""

    head: int
    tensor: int
    block: int
    dims: frozenset[str]
    """Of the tensor: loops over them move the node."""
    raised: bool = False
    late: bool = False
    """The node stands (`raised`: rests) further out than where it must stand, below loops that its level refuses."""


_KEPT: dict[tuple[object, ...], tuple[MappingClass, ...]] = {}
KEPT = 64
"""Sets of classes that are remembered: layers of a network differ in little that matters here."""


def forget() -> None:
    """Remember no classes, as if none had been asked for."""
    _KEPT.clear()


def uneven_classes(
    layer: Layer, chip: Accelerator, keeping: Keeping, factors: str
) -> tuple[MappingClass, ...]:
    """Classes of all nests; none where constraints contradict each other.

    Args:
        layer: what is mapped.
        chip: on what.
        keeping: what is stored where.
        factors: as in `Mapspace`.
    """
    # Of an extent matters whether it is 1, and, where a dimension must be whole somewhere, how large it is.
    whole = {d for array in chip.arrays for axis in array.axes for d in axis.loops.full}
    extents = tuple((d, e if d in whole else min(e, 2)) for d, e in layer.dims.items())
    key = (repr(chip.levels), keeping, factors, extents, layer.tensors)
    if key not in _KEPT:
        if len(_KEPT) >= KEPT:
            _KEPT.clear()
        _KEPT[key] = tuple(_all_classes(layer, chip, keeping, factors))
    return _KEPT[key]


def _all_classes(layer: Layer, chip: Accelerator, keeping: Keeping, factors: str) -> Iterator[MappingClass]:
    lossless = factors == "perfect" and not _sliding(layer)
    seen = set()
    for nest in uneven_nests(chip, keeping):
        base = all_codes(layer, nest)
        if isinstance(base, str):
            return
        for places in _sequences(layer, nest, base):
            if lossless and _stands_as_well_below(layer, nest, base, places):
                continue
            made = _class_of(layer, nest, base, places, factors)
            if made is None:
                continue
            key = (nest.heads, tuple(made.codes.values()), tuple(made.rests.items()))
            if key not in seen:
                seen.add(key)
                yield made


def _sequences(layer: Layer, nest: Nest, base: AllCodes) -> Iterator[list[_Place]]:
    """All orders of places: the heads in their order, and where those rest that cannot stand where they rest.

    These are nodes that stand first below an array, and nodes below loops that may stand no further in.
    """
    index = {t.name: i for i, t in enumerate(layer.tensors)}
    dims = [t.dims for t in layer.tensors]
    heads = [
        _Place(k, t, k - 1, dims[t])
        for k, t in enumerate(index[nodes[0][1]] for nodes in nest.heads)
        if k > 0
    ]
    sides = sorted({nest.sides[p.head] for p in heads} - {0})
    options = []
    for side in sides:
        on_side = [p for p in heads if nest.sides[p.head] == side]
        # Raised nodes of a side stand first on it; their order there changes nothing, so one is enough.
        options.append(
            [
                on_side[:n]
                for n in range(len(on_side) + 1)
                if _ascending([nest.heads[p.head] for p in on_side[:n]])
            ]
        )
    for chosen in product(*options):
        raised = [p for group in chosen for p in group]
        if raised and not _rest_together(layer, raised):
            continue
        fixed = [p for p in heads if p not in raised]
        held_down = [p for p in fixed if _refused_below(layer, nest, base, p)]
        for some in product((False, True), repeat=len(held_down)):
            late = [replace(p, late=True) for p, yes in zip(held_down, some, strict=True) if yes]
            standing = [next((q for q in late if q.head == p.head), p) for p in fixed]
            yield from _inserted(nest, standing, [*late, *raised])


def _refused_below(layer: Layer, nest: Nest, base: AllCodes, place: _Place) -> set[str]:
    """Dimensions of loops that may stand right above a node, do not move it, and may not stand right below it."""
    block = place.head - 1
    if nest.sides[block] != nest.sides[place.head]:
        return set()
    return {
        d
        for d, extent in layer.dims.items()
        if extent > 1
        and d not in place.dims
        and _code(nest, base, block, d) == TEMPORAL
        and _code(nest, base, place.head, d) == ONE
    }


def _stands_as_well_below(layer: Layer, nest: Nest, base: AllCodes, places: list[_Place]) -> bool:
    """Whether a node is raised only to the end of a side, and the loops below it there may stand below the array."""
    for i, p in enumerate(places):
        last = i + 1 == len(places) or _side(nest, places[i + 1]) >= nest.sides[p.head]
        if p.raised and last and not p.late:
            blocks = [(_code(nest, base, b, d) for b in (p.block, p.head)) for d in layer.dims]
            if all(inner == TEMPORAL or outer != TEMPORAL for outer, inner in blocks):
                return True
    return False


def _ascending(nodes: list[tuple[tuple[str, str], ...]]) -> bool:
    return nodes == sorted(nodes)


def _rest_together(layer: Layer, raised: list[_Place]) -> bool:
    """Whether some loop moves none of these nodes."""
    return any(e > 1 and not any(d in p.dims for p in raised) for d, e in layer.dims.items())


def _inserted(nest: Nest, places: list[_Place], raised: list[_Place]) -> Iterator[list[_Place]]:
    """All ways to place resting nodes among places further out."""
    if not raised:
        yield places
        return
    node, *rest = raised
    home = nest.sides[node.head]
    # Below all nodes of its tensor further out, above those further in.
    same = [i for i, p in enumerate(places) if p.tensor == node.tensor and (p.raised or not p.late)]
    first = max((i + 1 for i in same if places[i].head < node.head), default=0)
    last = min((i for i in same if places[i].head > node.head), default=len(places))
    if node.late:
        last = min(last, next(i for i, p in enumerate(places) if p.head == node.head))
    for at in range(first, last + 1):
        if not node.late and at > 0 and _side(nest, places[at - 1]) >= home:
            break
        block = max((p.head for p in places[:at] if not p.raised), default=0)
        here = replace(node, block=block, raised=True)
        yield from _inserted(nest, [*places[:at], here, *places[at:]], rest)


def _side(nest: Nest, place: _Place) -> int:
    """The side on which a place is counted."""
    return nest.sides[place.block if place.raised else place.head]


def _class_of(
    layer: Layer, nest: Nest, base: AllCodes, places: list[_Place], factors: str
) -> MappingClass | None:
    """The loops allowed between places, and what is charged above each.

    None where no loop may stand for which a node would rest: another class has the same mappings.
    """
    rests_for_nothing = {p for p in places if p.raised}
    regions: list[dict[int, set[str]]] = []
    block = 0
    for i in range(len(places) + 1):
        below = places[i] if i < len(places) else None
        above = places[i - 1] if i > 0 else None
        dims = _between(layer, nest, base, places[:i], below, block)
        if above is not None and not above.raised and not above.late and factors != "any":
            dims -= _lowered(layer, nest, base, places[:i], above, factors)
        regions.append({block: dims})
        if any(layer.dims[d] > 1 for d in dims):
            rests_for_nothing.difference_update(_resting(nest, places[:i], block))
        elif below is not None and below.late and not below.raised:
            return None
        below_raised = _raised_before(nest, places[:i], below)
        if below_raised is not None:
            dims = _between(layer, nest, base, places[:i], below, below_raised)
            if factors != "any":
                dims -= _as_well_above(layer, nest, base, places, i, below_raised)
            regions[i][below_raised] = regions[i].get(below_raised, set()) | dims
        if below is not None and not below.raised:
            block = below.head
    if rests_for_nothing:
        return None
    rests = {
        (p.tensor, p.head): _rest(p, regions[: i + 1], regions[i + 1 :])
        for i, p in enumerate(places)
        if p.raised or not p.late
    }
    allowed = [
        frozenset(d for found in regions for d in found.get(block, ())) for block in range(len(nest.heads))
    ]
    return MappingClass(nest, restricted(nest, base, allowed), rests)


def _rest(place: _Place, above: list[dict[int, set[str]]], below: list[dict[int, set[str]]]) -> Rest:
    """What is charged of a node: irrelevant loops above its place, even where both stand in one block."""
    block = place.block if place.raised else place.head
    inside = {d for found in below for d in found.get(block, ())}
    outside = {d for found in above for d in found.get(block, ())}
    return Rest(block, frozenset(d for d in outside - inside if d not in place.dims))


def _raised_before(nest: Nest, above: list[_Place], below: _Place | None) -> int | None:
    """The block below the raised nodes that stand right above a place, where the loops move what they hold."""
    if below is not None and below.raised:
        return None
    last = len(nest.heads) if below is None else below.head
    heads = [p.head for p in above if p.raised and not p.late and p.head < last]
    fixed = [p.head for p in above if not p.raised]
    return max((h for h in heads if h > max(fixed, default=0)), default=None)


def _as_well_above(
    layer: Layer, nest: Nest, base: AllCodes, places: list[_Place], i: int, block: int
) -> set[str]:
    """Dimensions of loops right below raised nodes, where they stand, that could as well stand above the array."""
    if i < len(places) and places[i].late:
        return set()
    raised = [p for p in places[:i] if p.raised and nest.sides[p.head] == nest.sides[block]]
    outer = max((p.head for p in places[:i] if not p.raised), default=0)
    return {
        d
        for d in layer.dims
        if not any(d in p.dims for p in raised) and _code(nest, base, outer, d) == TEMPORAL
    }


def _between(
    layer: Layer, nest: Nest, base: AllCodes, above: list[_Place], below: _Place | None, block: int
) -> set[str]:
    """Dimensions of loops that may stand directly above a place: they move it and nothing that rests there.

    Above a late node, where it must stand, these are loops that its level refuses; it rests while they run.
    """
    resting = _resting(nest, above, block)
    free = {d for d in layer.dims if not any(d in p.dims for p in resting)}
    if below is None:
        return free
    if below.late and not below.raised:
        return free & _refused_below(layer, nest, base, below)
    return {d for d in free if d in below.dims}


def _resting(nest: Nest, above: list[_Place], block: int) -> list[_Place]:
    """Nodes that rest further out than they stand, and stand further in than a block."""
    passed = {p.head for p in above if p.late and not p.raised}
    return [
        p
        for p in above
        if p.raised and (p.head not in passed if p.late else nest.sides[p.head] > nest.sides[block])
    ]


def _lowered(
    layer: Layer, nest: Nest, base: AllCodes, above: list[_Place], node: _Place, factors: str
) -> set[str]:
    """Dimensions below a node that could as well stand above it, which then holds a smaller tile.

    Not those that slide a window: which loop stands next to a node decides what it reuses. And with residuals a
    loop cuts other tiles above an array than below it.
    """
    block = node.head - 1
    sliding = _sliding(layer)
    if (factors != "perfect" and nest.sides[block] < nest.sides[node.head]) or _slides(layer, node.tensor):
        return set()
    resting = _resting(nest, above, block)
    return {
        d
        for d in layer.dims
        if d in node.dims
        and d not in sliding
        and _code(nest, base, block, d) == TEMPORAL
        and not any(d in p.dims for p in resting)
    }


def _sliding(layer: Layer) -> set[str]:
    """Dimensions that move a rank together with others."""
    return {d for t in layer.tensors for dims in _moving(layer, t) if len(dims) > 1 for d in dims}


def _slides(layer: Layer, tensor: int) -> bool:
    """Whether several dimensions move one rank of the tensor."""
    return any(len(dims) > 1 for dims in _moving(layer, layer.tensors[tensor]))


def _moving(layer: Layer, tensor: Tensor) -> list[list[str]]:
    return [[d for d, _ in rank.terms if layer.dims[d] > 1] for rank in tensor.ranks]


def _code(nest: Nest, base: AllCodes, block: int, dim: str) -> int:
    at = next(i for i, p in enumerate(nest.positions) if p.block == block and p.axis is None)
    return base[dim][at]
