"""A mapping drawn as a loop nest: what each memory holds and how full it is, which loops move it."""

from collections.abc import Iterator
from itertools import groupby

from chipwise.analysis.results import LayerResult
from chipwise.hardware.accelerator import Array
from chipwise.mapping.legality import node_text, utilisation
from chipwise.mapping.mapping import Spatial, Storage, Temporal
from chipwise.report.html.blocks import Line
from chipwise.units import format_bytes, format_count

Indexed = list[tuple[int, Storage | Temporal | Spatial]]


def nest(result: LayerResult) -> tuple[Line, ...]:
    """Lines from the outermost to the compute; the order is that of `chipwise map`."""
    chip, nodes = result.accelerator, result.mapping.nodes
    laid = {chip.axis(node.axis)[0].name for node in nodes if isinstance(node, Spatial)}
    idle = [array for array in chip.arrays if array.name not in laid]
    lines: list[Line] = []
    depth = 0
    for place, run in groupby(enumerate(nodes), key=lambda pair: _place(result, pair[1])):
        group = list(run)
        while idle and place and chip.depth(idle[0].name) < chip.depth(place):
            lines.append(_array(result, idle.pop(0), [], depth))
        if not place:
            for index, node in group:
                lines.append(_loop(result, index, node, depth))
                depth += 1
        elif isinstance(group[0][1], Spatial):
            array = next(array for array in chip.arrays if array.name == place)
            lines.append(_array(result, array, group, depth))
        else:
            lines.append(_memory(result, place, group, depth))
    lines += [_array(result, array, [], depth) for array in idle]
    return (*lines, Line("compute", depth, chip.compute.name))


def _place(result: LayerResult, node: Storage | Temporal | Spatial) -> str:
    """The memory or array that a node stands in; temporal loops stand in none."""
    if isinstance(node, Storage):
        return node.memory
    return result.accelerator.axis(node.axis)[0].name if isinstance(node, Spatial) else ""


def _loop(result: LayerResult, index: int, node: Storage | Temporal | Spatial, depth: int) -> Line:
    assert isinstance(node, Temporal)
    extent = result.mapping.tile_at(index, result.layer.dims)[node.dim]
    full, rest = divmod(extent, node.tile)
    note = f"{extent} = {full} x {node.tile} + {rest}" if rest else f"tiles of {node.tile}"
    return Line("temporal", depth, node_text(node, extent), (), note if node.tile > 1 else "")


def _array(result: LayerResult, array: Array, group: Indexed, depth: int) -> Line:
    used, parts = 1, []
    for axis, run in groupby(_spatial(group), key=lambda pair: pair[1].axis):
        loops = []
        for index, node in run:
            extent = result.mapping.tile_at(index, result.layer.dims)[node.dim]
            loops.append(node_text(node, extent).removeprefix(f"{axis} "))
            used *= -(-extent // node.tile)
        size = next(a.size for a in array.axes if a.name == axis)
        parts.append(f"{axis} ({size}): {', '.join(loops)}")
    return Line("spatial", depth, array.name, tuple(parts), f"{used} of {array.size}", used / array.size)


def _spatial(group: Indexed) -> Iterator[tuple[int, Spatial]]:
    return ((index, node) for index, node in group if isinstance(node, Spatial))


def _memory(result: LayerResult, name: str, group: Indexed, depth: int) -> Line:
    """The fill stands where the memory's last tensor does: there it is complete."""
    chip, layer, mapping = result.accelerator, result.layer, result.mapping
    memory = chip.memory(name)
    bits = utilisation(layer, chip, mapping)[name]
    parts = []
    for index, node in group:
        assert isinstance(node, Storage)
        extents, tensor = mapping.tile_at(index, layer.dims), layer.tensor(node.tensor)
        tile = " x ".join(f"{d} {extents[d]}" for d in layer.dims if extents[d] > 1 and d in tensor.dims)
        values = tensor.volume(extents)
        size = f"{format_count(values)} values, {format_bytes(bits[node.tensor])}"
        parts.append(f"{node.tensor}: {size}" + (f" ({tile})" if tile else ""))
    last = max(i for i, n in enumerate(mapping.nodes) if isinstance(n, Storage) and n.memory == name)
    if not memory.usable_bits or group[-1][0] != last:
        return Line("memory", depth, name, tuple(parts))
    used = sum(bits.values())
    note = f"{format_bytes(used)} of {format_bytes(memory.usable_bits)}"
    return Line("memory", depth, name, tuple(parts), note, used / memory.usable_bits)
