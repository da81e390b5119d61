"""The slow truth: docs/counts.md carried out literally, with sets of coordinates in exact integers.

Nothing here is closed, sampled or shared with `chipwise.model`: the loops are walked, step by step and
instance by instance, and every transfer is a difference of sets. Cases of some thousand MACs are its size.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.model.actions import Actions, Counts, Hops, Moved, Transfer
from chipwise.workload.layer import Layer, Tensor

Instance = tuple[int, ...]  # the indices of the spatial loops above, outermost first
Box = tuple[tuple[int, int], ...]  # per rank the smallest and the largest coordinate
Values = frozenset[tuple[int, ...]]


class Arrival(NamedTuple):
    """What an active instance holds after a step, and what came in."""

    new: Box
    moved: Values


def walk(layer: Layer, chip: Accelerator, mapping: Mapping) -> Counts:
    """All counts of a mapping, by walking it."""
    nodes = mapping.nodes
    tallies: dict[tuple[str, str], Counter[tuple[Instance, str]]] = defaultdict(Counter)
    capacity, instances, hops, transfers = {}, {}, {}, []
    for tensor in layer.tensors:
        chain = [k for k, n in enumerate(nodes) if isinstance(n, Storage) and n.tensor == tensor.name]
        for k in chain:
            key = nodes[k].memory, tensor.name
            steps = list(_arrivals(layer, mapping, tensor, k))
            capacity[key] = max(len(_values(a.new)) for step in steps for a in step.values())
            instances[key] = max(len(step) for step in steps)
            _ = tallies[key]
        for k, child in zip(chain, [*chain[1:], len(nodes)], strict=True):
            parent_key = nodes[k].memory, tensor.name
            below = chip.compute.name if child == len(nodes) else nodes[child].memory
            served, received, crossed, first = _transfer(layer, chip, mapping, tensor, parent=k, child=child)
            tallies[parent_key] += served
            if child < len(nodes):
                tallies[below, tensor.name] += received
            between = chip.levels[chip.depth(nodes[k].memory) + 1 : chip.depth(below)]
            arrays = [level.name for level in between if level in chip.arrays]
            if arrays:
                hops[arrays[-1], tensor.name] = crossed
            if len(arrays) > 1:
                inside = [axis.name for a in chip.arrays if a.name == arrays[-1] for axis in a.axes]
                own = [
                    i for i in range(k, child) if isinstance(nodes[i], Spatial) and nodes[i].axis in inside
                ]
                at_network, _, _, _ = _transfer(
                    layer, chip, mapping, tensor, parent=own[0] if own else child, child=child
                )
            else:
                at_network = served
            transfers.append(
                Transfer(
                    tensor.name,
                    nodes[k].memory,
                    None if child == len(nodes) else below,
                    tuple(arrays),
                    _moved(served, "reads", "updates"),
                    _moved(at_network, "reads", "updates"),
                    _moved(received, "fills", "drains"),
                    0 if child == len(nodes) else first,
                )
            )
    return Counts(
        macs=layer.macs,
        cycles=sum(1 for step in _arrivals(layer, mapping, layer.output, len(nodes)) if step),
        actions={key: _actions(tally) for key, tally in tallies.items()},
        busiest={
            key: _actions(Counter({k: n for k, n in tally.items() if not any(k[0])}))
            for key, tally in tallies.items()
        },
        capacity=capacity,
        instances=instances,
        hops=hops,
        transfers=tuple(transfers),
    )


def _moved(tally: Counter[tuple[Instance, str]], inward: str, outward: str) -> Moved:
    """Of the instance with all indices zero."""
    first = {what: n for (instance, what), n in tally.items() if not any(instance)}
    return Moved(first.get(inward, 0), first.get(outward, 0))


def _transfer(
    layer: Layer, chip: Accelerator, mapping: Mapping, tensor: Tensor, *, parent: int, child: int
) -> tuple[Counter[tuple[Instance, str]], Counter[tuple[Instance, str]], Hops, int]:
    """Actions of the parent and of the child node, per instance, hops, and what moves first, for one transfer."""
    spatial = [n for n in mapping.nodes[:child] if isinstance(n, Spatial)]
    above = sum(isinstance(n, Spatial) for n in mapping.nodes[:parent])  # they make parent instances
    apart = [k for k, n in enumerate(spatial) if k < above or not _is_shared(chip, tensor, n)]

    visits: Counter[Instance] = Counter()
    seen: dict[Instance, set[tuple[int, ...]]] = defaultdict(set)  # values that ever were in the child
    served: Counter[Instance] = Counter()
    touched: dict[Instance, set[tuple[int, ...]]] = defaultdict(
        set
    )  # values that ever left or reached the parent
    first = None
    for step in _arrivals(layer, mapping, tensor, child):
        groups: dict[tuple[Instance, Instance], set[tuple[int, ...]]] = defaultdict(set)
        for instance, (_, moved) in step.items():
            visits[instance] += len(moved)
            seen[instance] |= moved
            groups[instance[:above], tuple(instance[k] for k in apart)] |= moved
        for (owner, _), union in groups.items():
            served[owner] += len(union)
            touched[owner] |= union
        if first is None:
            first = sum(n for owner, n in served.items() if not any(owner))

    up: Counter[tuple[Instance, str]] = Counter()
    down: Counter[tuple[Instance, str]] = Counter()
    if not tensor.is_output:
        up.update({(i, "reads"): n for i, n in served.items()})
        down.update({(i, "fills"): n for i, n in visits.items()})
        return up, down, Hops(transfers=visits.total()), first
    up.update({(i, "updates"): n for i, n in served.items()})
    up.update({(i, "reads"): n - len(touched[i]) for i, n in served.items()})
    down.update({(i, "drains"): n for i, n in visits.items()})
    down.update({(i, "fills"): n - len(seen[i]) for i, n in visits.items()})
    reduced = visits.total() - served.total()
    return up, down, Hops(transfers=reduced, reductions=reduced), first


def _is_shared(chip: Accelerator, tensor: Tensor, loop: Spatial) -> bool:
    """Whether child instances that differ in this loop only are served (or reduced) at once."""
    array, axis = chip.axis(loop.axis)
    route = array.route(tensor.name)
    if axis.name not in route.shared_axes:
        return False
    return loop.dim not in tensor.dims or (route.overlapping and not tensor.is_output)


def _arrivals(layer: Layer, mapping: Mapping, tensor: Tensor, end: int) -> Iterator[dict[Instance, Arrival]]:
    """Step by step of the loops above node `end` (past the last one: the MAC), the active instances."""
    loops = [n for n in mapping.nodes[:end] if not isinstance(n, Storage)]
    bounds, extent = [], dict(layer.dims)
    for loop in loops:
        bounds.append(range(-(-extent[loop.dim] // loop.tile)))
        extent[loop.dim] = min(loop.tile, extent[loop.dim])
    temporal = [k for k, loop in enumerate(loops) if isinstance(loop, Temporal)]
    spatial = [k for k, loop in enumerate(loops) if isinstance(loop, Spatial)]
    is_mac = end == len(mapping.nodes)
    if is_mac and set(extent.values()) != {1}:
        raise ValueError(f"the innermost tiles must be 1, but {extent} is left for one MAC")
    held: dict[Instance, Box] = {}
    for step in product(*(bounds[k] for k in temporal)):
        active: dict[Instance, Arrival] = {}
        for instance in product(*(bounds[k] for k in spatial)):
            index = dict(zip(temporal, step, strict=True)) | dict(zip(spatial, instance, strict=True))
            tile = _tile(layer, [(loop, index[k]) for k, loop in enumerate(loops)])
            if tile is None:
                continue
            new = _box(tensor, tile)
            active[instance] = Arrival(new, _difference(new, held.get(instance)))
            if not is_mac:
                held[instance] = new
        yield active


def _tile(layer: Layer, at: list[tuple[Temporal | Spatial, int]]) -> dict[str, tuple[int, int]] | None:
    """First index and extent of each dimension at these loop indices; None where no work is left."""
    tile = {d: (0, extent) for d, extent in layer.dims.items()}
    for loop, i in at:
        first, extent = tile[loop.dim]
        if i * loop.tile >= extent:
            return None
        tile[loop.dim] = first + i * loop.tile, min(loop.tile, extent - i * loop.tile)
    return tile


def _box(tensor: Tensor, tile: dict[str, tuple[int, int]]) -> Box:
    """Per rank the smallest and the largest coordinate that the tile touches."""
    return tuple(
        (
            sum(c * tile[d][0] for d, c in rank.terms),
            sum(c * (tile[d][0] + tile[d][1] - 1) for d, c in rank.terms),
        )
        for rank in tensor.ranks
    )


@lru_cache(maxsize=4096)
def _values(box: Box) -> Values:
    return frozenset(product(*(range(low, high + 1) for low, high in box)))


@lru_cache(maxsize=4096)
def _difference(new: Box, old: Box | None) -> Values:
    return _values(new) if old is None else _values(new) - _values(old)


def _actions(tally: Counter[tuple[Instance, str]]) -> Actions:
    total: Counter[str] = Counter()
    for (_, what), n in tally.items():
        total[what] += n
    return Actions(**total)
