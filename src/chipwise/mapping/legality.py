"""Which mappings a chip can run: every rule, and an error that names the node and the rule it breaks.

The rules, in the order in which they are checked:

1. Names: memories and axes are the chip's, tensors and dimensions the layer's.
2. Loops: 1 <= tile <= the extent above; after the last loop every dimension is left with tiles of 1.
3. Storage: the outermost memory keeps every tensor above all loops; `keeps` tensors have a node, others only
   if `may_keep`; per tensor the nodes follow the hierarchy, one per memory and one per group of parallel
   memories.
4. Arrays: the spatial loops of an array stand side by side, below every node of the levels above it and above
   every node of the levels below it. This holds for an array without loops too, so that giving it one more
   instance never makes a mapping illegal.
5. Axes: only allowed dimensions, no more iterations than instances. A `full` dimension is cut by no loop
   elsewhere, so all of it lies on the axis.
6. Loops inside a memory: a temporal loop is inside the deepest level whose nodes, and those of all levels
   further out, stand above it; so each loop answers to one level, however uneven the mapping. It runs over
   dimensions that the memories there allow. A `full` dimension is cut by no loop above that memory.
7. Capacity: the largest tiles fit, together, in the part of the memory that is not kept for the next ones.

A loop with a single iteration does nothing, so rules 5 and 6 do not look at it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import NoReturn, final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, Axis, Memory
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.mapping.storage import stored
from chipwise.units import format_bytes
from chipwise.workload.layer import Layer

__all__ = ["check", "node_text", "utilisation"]


def check(layer: Layer, chip: Accelerator, mapping: Mapping) -> None:
    """Raise unless `chip` can run `layer` with `mapping`.

    Args:
        layer: what is computed.
        chip: where; its constraints apply to the dimensions and tensors that the layer has.
        mapping: how it is laid out.

    Raises:
        InputError: the first rule broken, with the index and text of the node (as `node 4 (for P in 2)`).
    """
    for i, node in enumerate(mapping.nodes):
        _check_names(layer, chip, i, node)
    nest = _Nest.build(layer, chip, mapping)
    _check_tiles(nest)
    _check_storage(nest)
    _check_hierarchy(nest)
    _check_arrays(nest)
    _check_axes(nest)
    _check_inner_loops(nest)
    _check_capacity(nest, mapping)


def utilisation(layer: Layer, chip: Accelerator, mapping: Mapping) -> dict[str, dict[str, float]]:
    """Bits that the largest tile of each tensor takes in one instance of each memory.

    Args:
        layer: what is computed.
        chip: gives the memories (all are listed, empty ones too) and the width of a value.
        mapping: one that names only what layer and chip have.

    Returns:
        {memory: {tensor: bits}}, as stored there, memories outermost first, tensors in the order of the mapping.
    """
    used: dict[str, dict[str, float]] = {m.name: {} for m in chip.memories}
    tile = dict(layer.dims)
    for node in mapping.nodes:
        if isinstance(node, Storage):
            tensor = layer.tensor(node.tensor)
            held = stored(layer, chip, chip.memory(node.memory), tensor).held_bits
            used[node.memory][node.tensor] = tensor.volume(tile) * held
        else:
            tile[node.dim] = min(node.tile, tile[node.dim])
    return used


def node_text(node: Node, extent: int) -> str:
    """A node as the printed mapping shows it; `extent` is that of its dimension above it.

    >>> node_text(Temporal("P", 14), 27), node_text(Temporal("P", 20), 27)
    ('for P in 2', 'for P in 2 of 20')
    >>> node_text(Spatial("rows", "R", 1), 5), node_text(Storage("buffer", "input"), 0)
    ('rows R 5', 'buffer input')
    """
    if isinstance(node, Storage):
        return f"{node.memory} {node.tensor}"
    trips = -(-extent // node.tile)
    of = "" if node.tile == -(-extent // trips) else f" of {node.tile}"
    if isinstance(node, Temporal):
        return f"for {node.dim} in {trips}{of}"
    return f"{node.axis} {node.dim} {trips}{of}"


@final
@dataclass(frozen=True, slots=True)
class _Nest:
    """The nodes with what each rule asks of them: extent above, iterations, depth in the chip."""

    layer: Layer
    chip: Accelerator
    nodes: tuple[Node, ...]
    extents: tuple[int, ...]
    """Of the node's dimension above the node; 0 for storage."""

    @staticmethod
    def build(layer: Layer, chip: Accelerator, mapping: Mapping) -> "_Nest":
        tile = dict(layer.dims)
        extents: list[int] = []
        for i, node in enumerate(mapping.nodes):
            if isinstance(node, Storage):
                extents.append(0)
                continue
            above = tile[node.dim]
            if isinstance(node.tile, bool) or not isinstance(node.tile, int) or not 1 <= node.tile <= above:
                what = "for" if isinstance(node, Temporal) else node.axis
                raise InputError(
                    f"mapping of layer {layer.name!r}: node {i} ({what} {node.dim}) leaves {node.tile!r}; "
                    f"tiles are whole numbers from 1 to {above}, what is left of {node.dim} above"
                )
            extents.append(above)
            tile[node.dim] = node.tile
        return _Nest(layer, chip, mapping.nodes, tuple(extents))

    def text(self, i: int) -> str:
        return f"node {i} ({node_text(self.nodes[i], self.extents[i])})"

    def fail(self, i: int, rule: str) -> NoReturn:
        raise InputError(f"mapping of layer {self.layer.name!r}: {self.text(i)} {rule}")

    def refuse(self, rule: str) -> NoReturn:
        raise InputError(f"mapping of layer {self.layer.name!r}: {rule}")

    def loops(self) -> Iterator[tuple[int, Temporal | Spatial, int]]:
        """Index, node and iterations of every loop that iterates."""
        for i, node in enumerate(self.nodes):
            if not isinstance(node, Storage) and self.extents[i] > node.tile:
                yield i, node, -(-self.extents[i] // node.tile)

    def depth(self, i: int) -> int | None:
        """Level of the chip to which a storage node or a spatial loop belongs; temporal loops have none."""
        node = self.nodes[i]
        if isinstance(node, Storage):
            return self.chip.depth(node.memory)
        if isinstance(node, Spatial):
            return self.chip.depth(self.chip.axis(node.axis)[0].name)
        return None

    def storage(self, memory: str) -> list[int]:
        """Indices of the nodes of one memory."""
        return [i for i, n in enumerate(self.nodes) if isinstance(n, Storage) and n.memory == memory]


def _check_names(layer: Layer, chip: Accelerator, i: int, node: Node) -> None:
    """Refuse a node that names what neither chip nor layer has."""
    where = f"mapping of layer {layer.name!r}: node {i}"
    if not isinstance(node, Storage | Temporal | Spatial):
        raise InputError(f"{where} is {node!r}; a node is a Storage, a Temporal or a Spatial")
    asked: list[tuple[str, str, str, list[str]]] = []
    if isinstance(node, Storage):
        asked.append((f"chip {chip.name!r}", "memory", node.memory, [m.name for m in chip.memories]))
        asked.append(("the layer", "tensor", node.tensor, [t.name for t in layer.tensors]))
    elif isinstance(node, Spatial):
        axes = [axis.name for array in chip.arrays for axis in array.axes]
        asked.append((f"chip {chip.name!r}", "axis", node.axis, axes))
    if not isinstance(node, Storage):
        asked.append(("the layer", "dimension", node.dim, list(layer.dims)))
    for owner, kind, name, known in asked:
        if name not in known:
            raise InputError(f"{where}: {owner} has no {kind} {name!r}." + did_you_mean(str(name), known))


def _check_tiles(nest: _Nest) -> None:
    """Refuse a mapping that hands the MAC more than one iteration."""
    for dim, extent in nest.layer.dims.items():
        own = [i for i, n in enumerate(nest.nodes) if not isinstance(n, Storage) and n.dim == dim]
        if not own and extent > 1:
            nest.refuse(f"no loop runs over {dim} = {extent}; add `for {dim} in {extent}`")
        last = nest.nodes[own[-1]] if own else None
        if last is not None and not isinstance(last, Storage) and last.tile > 1:
            nest.fail(
                own[-1],
                f"is the innermost loop over {dim} and leaves tiles of {last.tile}, "
                f"but the MAC takes one value; add `for {dim} in {last.tile}` below it",
            )


def _check_storage(nest: _Nest) -> None:
    """Refuse tensors kept where they may not be, or not kept where they must."""
    first_loop = next((i for i, n in enumerate(nest.nodes) if not isinstance(n, Storage)), len(nest.nodes))
    outermost = nest.chip.memories[0]
    for tensor in nest.layer.tensors:
        if tensor.name not in outermost.keeps:
            nest.refuse(
                f"tensor {tensor.name!r} has no place on chip {nest.chip.name!r}: its outermost memory "
                f"{outermost.name} keeps {', '.join(outermost.keeps)}; rename the tensor or add it to `keeps`"
            )
    placed: dict[tuple[str, str], int] = {}
    for i, node in enumerate(nest.nodes):
        if not isinstance(node, Storage):
            continue
        memory = nest.chip.memory(node.memory)
        if not memory.holds(node.tensor):
            held = ", ".join(memory.keeps + memory.may_keep) or "nothing"
            nest.fail(i, f"is not allowed: {memory.name} of chip {nest.chip.name!r} keeps {held}")
        if (node.memory, node.tensor) in placed:
            first = placed[node.memory, node.tensor]
            nest.fail(
                i, f"repeats node {first}; a memory keeps one tile of a tensor, so leave one of the two"
            )
        if memory is outermost and i > first_loop:
            nest.fail(
                i,
                f"stands below {nest.text(first_loop)}; the outermost memory keeps whole tensors: move it up",
            )
        placed[node.memory, node.tensor] = i
    for memory in nest.chip.memories:
        for tensor in nest.layer.tensors:
            if tensor.name in memory.keeps and (memory.name, tensor.name) not in placed:
                nest.refuse(
                    f"{memory.name} of chip {nest.chip.name!r} must keep {tensor.name}; "
                    f"add `{memory.name} {tensor.name}`"
                )


def _check_hierarchy(nest: _Nest) -> None:
    """Refuse nodes of one tensor that do not go down the chip."""
    above: dict[str, int] = {}
    for i, node in enumerate(nest.nodes):
        if not isinstance(node, Storage):
            continue
        if node.tensor in above:
            outer = above[node.tensor]
            outer_depth, depth = nest.depth(outer), nest.depth(i)
            assert outer_depth is not None
            assert depth is not None
            if depth == outer_depth:
                nest.fail(
                    i, f"and {nest.text(outer)} are parallel memories; a tensor passes through one of them"
                )
            if depth < outer_depth:
                nest.fail(i, f"stands below {nest.text(outer)}, but {node.memory} is further out on the chip")
        above[node.tensor] = i


def _check_arrays(nest: _Nest) -> None:
    """Refuse nodes on the wrong side of an array, and arrays whose loops are torn apart."""
    depths = [nest.depth(i) for i in range(len(nest.nodes))]
    for array in nest.chip.arrays:
        depth = nest.chip.depth(array.name)
        own = [i for i, d in enumerate(depths) if d == depth]
        for i in range(own[0], own[-1]) if own else ():
            if i not in own:
                nest.fail(
                    i,
                    f"stands between the spatial loops of array {array.name!r}; move it above or below them",
                )
        outer = [i for i, d in enumerate(depths) if d is not None and d < depth]
        inner = [i for i, d in enumerate(depths) if d is not None and d > depth]
        if own and outer and outer[-1] > own[0]:
            nest.fail(outer[-1], f"must stand above array {array.name!r}, so above {nest.text(own[0])}")
        if own and inner and inner[0] < own[-1]:
            nest.fail(inner[0], f"must stand below array {array.name!r}, so below {nest.text(own[-1])}")
        if outer and inner and inner[0] < outer[-1]:
            nest.fail(
                inner[0], f"is inside array {array.name!r}, so it must stand below {nest.text(outer[-1])}"
            )


def _check_axes(nest: _Nest) -> None:
    """Refuse spatial loops that an axis does not take, and full dimensions that it does not get."""
    for array in nest.chip.arrays:
        for axis in array.axes:
            used: list[int] = []
            for i, node, trips in nest.loops():
                if not isinstance(node, Spatial) or node.axis != axis.name:
                    continue
                if not axis.loops.allows(node.dim):
                    allowed = ", ".join(axis.loops.allowed or ()) or "no dimension"
                    nest.fail(i, f"is not allowed: axis {axis.name!r} of {nest.chip.name!r} takes {allowed}")
                used.append(trips)
                if prod(used) > axis.size:
                    product = " x ".join(map(str, used))
                    shown = product if len(used) == 1 else f"{product} = {prod(used)}"
                    nest.fail(
                        i,
                        f"does not fit: axis {axis.name!r} has {axis.size} instances, the loops need {shown}",
                    )
            _check_full_axis(nest, axis)


def _check_full_axis(nest: _Nest, axis: Axis) -> None:
    """Refuse a full dimension that the axis does not get whole."""
    for dim in axis.loops.full:
        extent = nest.layer.dims.get(dim, 1)
        if extent > axis.size:
            nest.refuse(
                f"axis {axis.name!r} of chip {nest.chip.name!r} takes all of {dim} at once, but {dim} is "
                f"{extent} and the axis has {axis.size} instances; lengthen the axis or drop `full: [{dim}]`"
            )
        for i, node, _ in nest.loops():
            if node.dim == dim and not (isinstance(node, Spatial) and node.axis == axis.name):
                nest.fail(
                    i,
                    f"is not allowed: axis {axis.name} takes all {dim}: write `{axis.name} {dim} {extent}`",
                )


def _check_inner_loops(nest: _Nest) -> None:
    """Refuse temporal loops that a memory does not take, and full dimensions cut above it."""
    last_nodes = {m.name: own[-1] for m in nest.chip.memories if (own := nest.storage(m.name))}
    levels: dict[int, int] = {}  # last node of each level that stores, outermost first
    for name, at in last_nodes.items():
        depth = nest.chip.depth(name)
        levels[depth] = max(at, levels.get(depth, at))
    for i, node, _ in nest.loops():
        home = 0
        for depth, at in levels.items():
            if at > i:
                break
            home = depth
        for name, at in last_nodes.items():
            inner = nest.chip.memory(name).inner_loops
            inside = isinstance(node, Temporal) and nest.chip.depth(name) == home
            if inside and not inner.allows(node.dim):
                allowed = ", ".join(inner.allowed or ()) or "no dimension"
                nest.fail(i, f"is not allowed: inside {name} of {nest.chip.name!r} loops run over {allowed}")
            if i < at and node.dim in inner.full:
                nest.fail(i, f"is not allowed: all of {node.dim} stands below {name}; move it below")


def _check_capacity(nest: _Nest, mapping: Mapping) -> None:
    """Refuse tiles that do not fit together in their memory."""
    for name, tiles in utilisation(nest.layer, nest.chip, mapping).items():
        memory = nest.chip.memory(name)
        need = sum(tiles.values())
        if memory.usable_bits is None or need <= memory.usable_bits:
            continue
        parts = ", ".join(f"{tensor} {format_bytes(bits)}" for tensor, bits in tiles.items())
        nest.refuse(
            f"{name} holds {_room_text(memory)}, the tiles need {format_bytes(need)} ({parts}), "
            f"{format_bytes(need - memory.usable_bits)} too much; cut the loops above it into more iterations"
        )


def _room_text(memory: Memory) -> str:
    """What a memory has room for, and why that is less than its capacity."""
    assert memory.usable_bits is not None
    assert memory.capacity_bits is not None
    room = format_bytes(memory.usable_bits)
    if memory.buffering.tiles == 1:
        return room
    return f"{room} ({format_bytes(memory.capacity_bits)} shared by {memory.buffering.tiles} buffers)"
