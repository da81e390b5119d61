"""Closed form of the counting rules in docs/counts.md.

Values moved into a node over the whole run. A step is named by the outermost loop j that advances in it.
Dimensions do not interact except through a rank they share, so the sum over all steps of one kind is a
product over ranks and irrelevant dimensions:

    visits = Π_g T_g(start) + Σ_j ( Π_g T_g(j) − Π_g H_g(j) )

T_g(j): values of rank g touched, H_g(j): those of them held already, summed over every index of the
rank's own loops (and over instances, or their union where the network shares). `boxes` gives both.
"""

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Array
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.actions import Actions, Counts, Hops, Moved, Transfer
from chipwise.model.boxes import Entry, Loop, Role, combine, entries
from chipwise.workload.layer import Layer, Tensor


def spatial_role(array: Array, axis: str, tensor: Tensor, *, relevant: bool, each: bool, first: bool) -> Role:
    """How instances along a spatial loop add up in one transfer.

    Args:
        array: the array whose network carries the tensor.
        axis: the loop's axis.
        tensor: what moves.
        relevant: whether the loop's dimension indexes the tensor.
        each: the loop makes instances that are counted one by one: of the child, or of the parent itself. Else
            it stands between them and the parent is asked what it sends.
        first: count the instance with all indices zero only.
    """
    if each:
        return Role.FIRST if first else Role.SUM
    route = array.route(tensor.name)
    if axis not in route.shared_axes:
        return Role.SUM
    if not relevant:
        return Role.FIRST
    return Role.UNION if route.overlapping and not tensor.is_output else Role.SUM


START = -1
"""The step in which everything is touched for the first time."""


@final
@dataclass(frozen=True, slots=True)
class _Edge:
    """A transfer: `tensor` from the node at index `parent` to the one at `child` (the MAC: len(nodes))."""

    tensor: Tensor
    parent: int
    child: int
    to_mac: bool


@final
class _Counter:
    """Counts of one mapping; tables of single dimensions are kept, as many transfers need the same ones."""

    def __init__(self, layer: Layer, chip: Accelerator, mapping: Mapping) -> None:
        self.layer, self.chip, self.nodes = layer, chip, mapping.nodes
        self.array_of = {axis.name: array for array in chip.arrays for axis in array.axes}
        self._tables: dict[tuple[str, tuple[Loop, ...], bool], Counter[Entry]] = {}

    def _table(self, dim: str, loops: tuple[Loop, ...], *, with_old: bool) -> Counter[Entry]:
        key = (dim, loops, with_old)
        if key not in self._tables:
            self._tables[key] = entries(self.layer.dims[dim], loops, with_old=with_old)
        return self._tables[key]

    def roles(self, edge: _Edge, step: int, *, seen: int, first: bool) -> dict[str, tuple[Loop, ...]]:
        """Loops above the child by dimension, each with its role in the step in which loop `step` advances.

        Instances of spatial loops before the node `seen` count one by one; those from there on are asked what they
        are sent together. For the MAC, which keeps nothing, every temporal loop is an outer one: each step counts
        by itself.
        """
        found: dict[str, list[Loop]] = {d: [] for d in self.layer.dims}
        for i, node in enumerate(self.nodes[: edge.child]):
            if isinstance(node, Temporal):
                inside = Role.STEP if i == step else Role.INNER
                role = Role.OUTER if edge.to_mac or i < step else inside
                found[node.dim].append((node.tile, role))
            elif isinstance(node, Spatial):
                role = spatial_role(
                    self.array_of[node.axis],
                    node.axis,
                    edge.tensor,
                    relevant=node.dim in edge.tensor.dims,
                    each=i < seen,
                    first=first,
                )
                found[node.dim].append((node.tile, role))
        return {d: tuple(loops) for d, loops in found.items()}

    def _products(
        self, edge: _Edge, roles: dict[str, tuple[Loop, ...]], *, with_old: bool
    ) -> tuple[int, int]:
        """(Π T_g, Π H_g) over ranks and irrelevant dimensions."""
        touched = held = 1
        for rank in edge.tensor.ranks:
            parts = [(c, self._table(d, roles[d], with_old=with_old)) for d, c in rank.terms]
            t, h = combine(parts)
            touched, held = touched * t, held * h
        for dim in self.layer.dims:
            if dim not in edge.tensor.dims:
                times = sum(self._table(dim, roles[dim], with_old=False).values())
                touched, held = touched * times, held * times
        return touched, held

    def first_visits(self, edge: _Edge, *, seen: int, first: bool = False) -> int:
        """Those of `visits` that fill the first tile."""
        return self._products(edge, self.roles(edge, START, seen=seen, first=first), with_old=False)[0]

    def visits(self, edge: _Edge, *, seen: int, first: bool = False) -> int:
        """Values that come in at the child (`seen` there: summed over children), or that the parent sends for them."""
        total = self.first_visits(edge, seen=seen, first=first)
        if edge.to_mac:
            return total
        for i, node in enumerate(self.nodes[: edge.child]):
            if isinstance(node, Temporal):
                roles = self.roles(edge, i, seen=seen, first=first)
                touched, held = self._products(edge, roles, with_old=True)
                total += touched - held
        return total

    def distinct(self, edge: _Edge, *, seen: int, first: bool = False) -> int:
        """Different values that a child instance (or, seen further out, all there) ever touches, summed."""
        total = 1
        for rank in edge.tensor.ranks:
            # Tiles of one dimension are disjoint; where several share a rank the union is taken in full.
            shared = len(rank.terms) > 1
            parts = []
            for d, c in rank.terms:
                loops = self._spread(edge, d, seen=seen, first=first, union=shared)
                parts.append((c, self._table(d, loops, with_old=False)))
            total *= combine(parts)[0]
        for dim in self.layer.dims:
            if dim not in edge.tensor.dims:
                loops = self._spread(edge, dim, seen=seen, first=first, union=True)
                total *= sum(self._table(dim, loops, with_old=False).values())
        return total

    def _spread(self, edge: _Edge, dim: str, *, seen: int, first: bool, union: bool) -> tuple[Loop, ...]:
        """Loops of `dim` with time united (or, where tiles are disjoint, added up)."""
        together = Role.UNION if union else Role.SUM
        found: list[Loop] = []
        for i, node in enumerate(self.nodes[: edge.child]):
            if isinstance(node, Storage) or node.dim != dim:
                continue
            per_instance = isinstance(node, Spatial) and i < seen
            role = (Role.FIRST if first else Role.SUM) if per_instance else together
            found.append((node.tile, role))
        return tuple(found)

    def arrays_between(self, edge: _Edge) -> list[Array]:
        """The arrays that the chip puts between parent and child, outermost first."""
        child = self.chip.compute.name if edge.to_mac else self.memory(edge.child)
        between = self.chip.levels[self.chip.depth(self.memory(edge.parent)) : self.chip.depth(child)]
        return [level for level in between if isinstance(level, Array)]

    def entrance(self, edge: _Edge, array: Array) -> int:
        """Index of the first node of an array's own loops, where its network takes over; `child` if it has none."""
        axes = {axis.name for axis in array.axes}
        for i in range(edge.parent, edge.child):
            node = self.nodes[i]
            if isinstance(node, Spatial) and node.axis in axes:
                return i
        return edge.child

    def memory(self, index: int) -> str:
        """Name of the memory of a storage node."""
        node = self.nodes[index]
        assert isinstance(node, Storage)
        return node.memory

    def edges(self, tensor: Tensor) -> list[_Edge]:
        """The transfers of one tensor, outermost first."""
        held = [i for i, n in enumerate(self.nodes) if isinstance(n, Storage) and n.tensor == tensor.name]
        children = [*held[1:], len(self.nodes)]
        mac = len(self.nodes)
        return [_Edge(tensor, p, c, c == mac) for p, c in zip(held, children, strict=True)]


def count(layer: Layer, chip: Accelerator, mapping: Mapping) -> Counts:
    """Exact accesses, hops, capacities and cycles of a legal mapping (docs/counts.md).

    Args:
        layer: what is computed.
        chip: memories, arrays and their networks.
        mapping: a legal mapping of the layer on the chip.

    Returns:
        Counts in values (words) and cycles, exact integers.
    """
    counter = _Counter(layer, chip, mapping)
    total: dict[tuple[str, str], dict[str, int]] = {}
    busiest: dict[tuple[str, str], dict[str, int]] = {}
    hops: dict[tuple[str, str], Hops] = {}
    transfers: list[Transfer] = []
    for node in mapping.nodes:
        if isinstance(node, Storage):
            total[node.memory, node.tensor] = {}
            busiest[node.memory, node.tensor] = {}
    for tensor in layer.tensors:
        for edge in counter.edges(tensor):
            sent, link = _both_ends(counter, edge, first=False)
            _add(counter, edge, total, sent, link)
            arrays = counter.arrays_between(edge)
            if arrays:
                key = arrays[-1].name, tensor.name
                reduced = link.outward - sent.outward
                before = hops.get(key, Hops())
                hops[key] = Hops(
                    before.transfers + (reduced if tensor.is_output else link.inward),
                    before.reductions + reduced,
                )
            transfers.append(_transfer(counter, edge, arrays))
            _add(counter, edge, busiest, transfers[-1].sent, transfers[-1].link)
    capacity, instances = _sizes(layer, mapping)
    return Counts(
        macs=layer.macs,
        cycles=temporal_steps(layer, mapping),
        actions={key: Actions(**fields) for key, fields in total.items()},
        busiest={key: Actions(**fields) for key, fields in busiest.items()},
        capacity=capacity,
        instances=instances,
        hops=hops,
        transfers=tuple(transfers),
    )


def _both_ends(counter: _Counter, edge: _Edge, *, first: bool) -> tuple[Moved, Moved]:
    return _moved(counter, edge, edge.parent, first=first), _moved(counter, edge, edge.child, first=first)


def _moved(counter: _Counter, edge: _Edge, seen: int, *, first: bool) -> Moved:
    """What moves, seen from a node between parent and child.

    An output's values come back without a read where they are touched for the first time.
    """
    moved = counter.visits(edge, seen=seen, first=first)
    if not edge.tensor.is_output:
        return Moved(inward=moved)
    return Moved(inward=moved - counter.distinct(edge, seen=seen, first=first), outward=moved)


def _transfer(counter: _Counter, edge: _Edge, arrays: list[Array]) -> Transfer:
    """The transfer of the busiest instances."""
    sent, link = _both_ends(counter, edge, first=True)
    network = sent
    if len(arrays) > 1:
        network = _moved(counter, edge, counter.entrance(edge, arrays[-1]), first=True)
    return Transfer(
        tensor=edge.tensor.name,
        parent=counter.memory(edge.parent),
        child=None if edge.to_mac else counter.memory(edge.child),
        arrays=tuple(array.name for array in arrays),
        sent=sent,
        network=network,
        link=link,
        first=0 if edge.to_mac else counter.first_visits(edge, seen=edge.parent, first=True),
    )


def _add(
    counter: _Counter, edge: _Edge, into: dict[tuple[str, str], dict[str, int]], sent: Moved, link: Moved
) -> None:
    """Add one transfer's accesses to the parent's and the child's fields."""
    name = edge.tensor.name
    parent = into[counter.memory(edge.parent), name]
    parent["reads"] = sent.inward
    if edge.tensor.is_output:
        parent["updates"] = sent.outward
    if not edge.to_mac:
        child = into[counter.memory(edge.child), name]
        child["fills"] = link.inward
        if edge.tensor.is_output:
            child["drains"] = link.outward


def temporal_steps(layer: Layer, mapping: Mapping) -> int:
    """Cycles of compute: Π over dimensions of its temporal tiles, residual ones included."""
    steps = 1
    for dim, extent in layer.dims.items():
        loops = [
            (n.tile, Role.OUTER if isinstance(n, Temporal) else Role.FIRST)
            for n in mapping.nodes
            if not isinstance(n, Storage) and n.dim == dim
        ]
        steps *= sum(entries(extent, loops, with_old=False).values())
    return steps


def _sizes(layer: Layer, mapping: Mapping) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """Values of the largest tile and instances in use, per storage node; both at the first step."""
    capacity, instances = {}, {}
    for i, node in enumerate(mapping.nodes):
        if isinstance(node, Storage):
            tile = mapping.tile_at(i, layer.dims)
            capacity[node.memory, node.tensor] = layer.tensor(node.tensor).volume(tile)
            instances[node.memory, node.tensor] = prod(
                _instances_of(extent, dim, mapping.nodes[:i]) for dim, extent in layer.dims.items()
            )
    return capacity, instances


def _instances_of(extent: int, dim: str, above: tuple[Node, ...]) -> int:
    loops = [
        (n.tile, Role.FIRST if isinstance(n, Temporal) else Role.SUM)
        for n in above
        if not isinstance(n, Storage) and n.dim == dim
    ]
    return sum(entries(extent, loops, with_old=False).values())
