"""Mappings as text: what `chipwise map` prints is what it reads.

One line per thing, outermost first:

    dram         input weight output
    | for M in 4
    buffer       input 7.0 KiB, output 84.5 KiB     (85 % of 108 KiB)
    |   for P in 2                                  # 27 = 14 + 13
    pes          columns P 14 | rows R 5, C 2       (140 of 168 PEs)
    ifmap_spad   input 10 words · psum_spad output 16 words
    |     for Q in 27
    mac

- A memory and the tensors it keeps from here on; ` · ` joins memories that stand side by side on the chip.
- A temporal loop with its iterations. They imply the tile, ceil(extent / iterations); where the tile is
  another one it is written out, `for P in 2 of 20`: tiles of 20.
- An array and, per axis, dimensions with iterations (`P 2 of 20` likewise). Without any, one instance works.
- The compute ends the text.

Bars, sizes after a tensor, what stands in parentheses and what follows # are for the reader; the parser
skips them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import NoReturn, final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.mapping.legality import node_text, utilisation
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.units import format_bytes
from chipwise.workload.layer import Layer

__all__ = ["parse", "render"]

MAX_CHARACTERS = 100_000
MAX_LINES = 2_000
NOTE_COLUMN = 52
"""Notes stand in one column, at most here, so that one long line does not push all of them away."""

_SEPARATORS = frozenset(" ,|·#()")
_UNITS = frozenset(["B", "KiB", "MiB", "GiB", "TiB", "values", "words"])
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?(e\+[0-9]+)?")
_BRACKETS = re.compile(r"\([^()]*\)")
_SHOWN = 40
"""Characters of a person's text that a message repeats."""


# Printing


def render(layer: Layer, chip: Accelerator, mapping: Mapping) -> str:
    """Print a mapping: what each memory holds and how full it is, and which loops move it.

    Args:
        layer: gives the extents.
        chip: gives the order of memories and arrays, and the capacities.
        mapping: a legal one (`chipwise.mapping.legality.check`).

    Returns:
        Lines, each ended by a newline; `parse` turns them back into an equal mapping.

    Raises:
        InputError: a name that the text cannot carry, such as one with a space in it.
    """
    rows = list(_rows(_Page.of(layer, chip, mapping)))
    column = min(max((len(body) for body, note in rows if note), default=0), NOTE_COLUMN)
    return "".join(f"{body:{column}}  {note}\n" if note else f"{body}\n" for body, note in rows)


@final
@dataclass(frozen=True, slots=True)
class _Page:
    """What the lines need to know beside their own node."""

    layer: Layer
    chip: Accelerator
    nodes: tuple[Node, ...]
    used_bits: dict[str, dict[str, float]]
    last: dict[str, int]
    """Of each memory, the index of its last node: the line there tells how full it is."""
    width: int
    """Of the column of names."""

    @staticmethod
    def of(layer: Layer, chip: Accelerator, mapping: Mapping) -> "_Page":
        names = [m.name for m in chip.memories] + [a.name for a in chip.arrays] + [chip.compute.name]
        axes = [axis.name for array in chip.arrays for axis in array.axes]
        for name in (*names, *axes, *layer.dims, *(t.name for t in layer.tensors)):
            if (
                name == "for"
                or not name
                or name[0].isdigit()
                or any(c in _SEPARATORS or c.isspace() for c in name)
            ):
                raise InputError(
                    f"name {name!r} cannot stand in a printed mapping; use letters, digits and underscores, "
                    "no digit first, and not `for`"
                )
        last = {n.memory: i for i, n in enumerate(mapping.nodes) if isinstance(n, Storage)}
        used = utilisation(layer, chip, mapping)
        return _Page(layer, chip, mapping.nodes, used, last, max(map(len, names)) + 2)

    def depth(self, node: Node) -> int:
        """Level of a storage node or spatial loop in the chip; temporal loops have none (-1)."""
        if isinstance(node, Storage):
            return self.chip.depth(node.memory)
        if isinstance(node, Spatial):
            return self.chip.depth(self.chip.axis(node.axis)[0].name)
        return -1


def _rows(page: _Page) -> Iterator[tuple[str, str]]:
    """Each line and the note to its right."""
    tile = dict(page.layer.dims)
    used = {page.depth(n) for n in page.nodes if isinstance(n, Spatial)}
    # An array without loops has no node that says where it stands: directly above the first thing inside it.
    idle = [array for array in page.chip.arrays if page.chip.depth(array.name) not in used]
    indent = 0
    for depth, run in groupby(enumerate(page.nodes), key=lambda pair: page.depth(pair[1])):
        while idle and page.chip.depth(idle[0].name) < depth:
            yield _array_row(page, idle.pop(0), [], tile)
        group = list(run)
        if depth < 0:
            for _, node in group:
                assert isinstance(node, Temporal)
                text = node_text(node, tile[node.dim])
                residual = _residual(tile[node.dim], node.tile)
                yield f"| {'  ' * indent}{text}", f"# {residual}" if residual else ""
                tile[node.dim] = node.tile
                indent += 1
        elif isinstance(group[0][1], Spatial):
            loops = [node for _, node in group if isinstance(node, Spatial)]
            yield _array_row(page, page.chip.axis(loops[0].axis)[0], loops, tile)
        else:
            yield _storage_row(page, [(i, node) for i, node in group if isinstance(node, Storage)], tile)
    for array in idle:
        yield _array_row(page, array, [], tile)
    yield page.chip.compute.name, ""


def _storage_row(page: _Page, group: list[tuple[int, Storage]], tile: dict[str, int]) -> tuple[str, str]:
    """A memory, or memories side by side, with tensors."""
    segments: list[str] = []
    full: list[str] = []
    for name, run in groupby(group, key=lambda pair: pair[1].memory):
        nodes = list(run)
        memory = page.chip.memory(name)
        sized = memory.capacity_bits is not None
        held = [f"{n.tensor} {_tile_size(page, n, tile)}" if sized else n.tensor for _, n in nodes]
        head = f"{name:{page.width}} " if not segments else f"{name} "
        segments.append(head + (", " if sized else " ").join(held))
        if memory.usable_bits and nodes[-1][0] == page.last[name]:
            percent = f"{100 * sum(page.used_bits[name].values()) / memory.usable_bits:.0f} %"
            full.append(percent)
            if nodes == group:
                full = [f"{percent} of {_room(page, memory, memory.usable_bits)}"]
        else:
            full.append("-")
    told = any(part != "-" for part in full)
    return " · ".join(segments), f"({', '.join(full)})" if told else ""


def _in_words(memory: Memory) -> bool:
    """Scratchpads are read in words, buffers in bytes; one memory never in both."""
    return memory.capacity_bits is not None and memory.capacity_bits < 8 * 1024


def _tile_size(page: _Page, node: Storage, tile: dict[str, int]) -> str:
    tensor = page.layer.tensor(node.tensor)
    if not _in_words(page.chip.memory(node.memory)):
        return format_bytes(page.used_bits[node.memory][node.tensor])
    unit = "words" if page.chip.bits(tensor.bits) == page.chip.word_bits else "values"
    return f"{tensor.volume(tile)} {unit}"


def _room(page: _Page, memory: Memory, usable_bits: int) -> str:
    return f"{usable_bits // page.chip.word_bits} words" if _in_words(memory) else format_bytes(usable_bits)


def _array_row(page: _Page, array: Array, loops: list[Spatial], tile: dict[str, int]) -> tuple[str, str]:
    """An array with the loops on its axes; moves `tile` past them."""
    axes: list[str] = []
    residuals: list[str] = []
    instances = 1
    for axis, run in groupby(loops, key=lambda loop: loop.axis):
        laid: list[str] = []
        for loop in run:
            extent = tile[loop.dim]
            laid.append(node_text(loop, extent).removeprefix(f"{axis} "))
            residual = _residual(extent, loop.tile)
            if residual:
                residuals.append(f"{loop.dim}: {residual}")
            instances *= -(-extent // loop.tile)
            tile[loop.dim] = loop.tile
        axes.append(f"{axis} {', '.join(laid)}")
    what = "PEs" if array is page.chip.arrays[-1] else "instances"
    note = f"({instances} of {array.size} {what})"
    if residuals:
        note += f"  # {', '.join(residuals)}"
    return f"{array.name:{page.width}} {' | '.join(axes)}".rstrip(), note


def _residual(extent: int, tile: int) -> str:
    """How an extent splits when the last tile is smaller: `27 = 14 + 13`, `55 = 3 x 16 + 7`."""
    full, rest = divmod(extent, tile)
    if not rest:
        return ""
    return f"{extent} = {tile if full == 1 else f'{full} x {tile}'} + {rest}"


# Reading


def parse(text: str, layer: Layer, chip: Accelerator) -> Mapping:
    """Read what `render` printed, or what a person wrote in that form.

    Args:
        text: at most 2000 lines and 100 000 characters.
        layer: its dimensions and tensors are what the lines may name.
        chip: its memories, arrays and axes likewise.

    Returns:
        The mapping; whether the chip can run it is for `chipwise.mapping.legality.check` to say.

    Raises:
        InputError: with the number of the line, what is wrong in it and, for a name, the nearest known one.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"mapping: {len(text)} characters are too many, the limit is {MAX_CHARACTERS}")
    lines = text.removeprefix("\ufeff").splitlines()
    if len(lines) > MAX_LINES:
        raise InputError(f"mapping: {len(lines)} lines are too many, the limit is {MAX_LINES}")
    reader = _Reader(layer, chip, dict(layer.dims))
    for number, line in enumerate(lines, 1):
        reader.read(number, line)
    if not reader.ended:
        raise InputError(
            f"mapping: the text ends without the compute; is it cut off? End it with `{chip.compute.name}`"
        )
    return Mapping(tuple(reader.nodes))


@final
@dataclass(slots=True)
class _Reader:
    """Reads line by line and keeps what later lines depend on: the extents left, the nodes so far."""

    layer: Layer
    chip: Accelerator
    tile: dict[str, int]
    nodes: list[Node] = field(default_factory=list)
    ended: bool = False
    number: int = 0

    def read(self, number: int, line: str) -> None:
        """Take one line."""
        self.number = number
        body = _BRACKETS.sub(" ", line.partition("#")[0]).lstrip("| \t").rstrip()
        if not body:
            return
        if self.ended:
            self.fail(
                f"{_shown(body)} stands below {self.chip.compute.name}, which ends the mapping; remove it"
            )
        head, rest = [*body.split(maxsplit=1), ""][:2]
        arrays = {array.name: array for array in self.chip.arrays}
        memories = [m.name for m in self.chip.memories]
        if head == "for":
            self.temporal(rest.split())
        elif head in arrays:
            self.spatial(arrays[head], rest)
        elif head in memories:
            for segment in body.split("·"):
                self.storage(segment.split(maxsplit=1), memories)
        elif head == self.chip.compute.name:
            if rest.strip():
                self.fail(f"{head} takes nothing after it; remove {_shown(rest.strip())}")
            self.ended = True
        else:
            known = [*arrays, *memories, self.chip.compute.name, "for"]
            self.fail(self.unknown("part", head, f"chip {self.chip.name!r}", known))

    def temporal(self, words: list[str]) -> None:
        if len(words) < 2 or words[1] != "in":
            self.fail(f"expected `for DIMENSION in COUNT`, found {_shown(' '.join(['for', *words]))}")
        self.nodes.append(Temporal(words[0], self.cut(words[0], words[2:])))

    def spatial(self, array: Array, rest: str) -> None:
        known = [axis.name for axis in array.axes]
        for group in rest.split("|") if rest.strip() else ():
            axis, *words = group.split(",")[0].split() or [""]
            if axis not in known:
                self.fail(self.unknown("axis", axis, f"array {array.name!r}", known))
            for loop in (words, *(part.split() for part in group.split(",")[1:])):
                if not loop:
                    self.fail(
                        f"expected a dimension and a count on axis {axis}, as `{axis} P 2`; found nothing"
                    )
                self.nodes.append(Spatial(axis, loop[0], self.cut(loop[0], loop[1:])))

    def storage(self, words: list[str], memories: list[str]) -> None:
        memory = words[0] if words else ""
        if memory not in memories:
            self.fail(self.unknown("memory", memory, f"chip {self.chip.name!r}", memories))
        found = [t for part in words[1:] for item in part.split(",") for t in self.tensors(item.split())]
        if not found:
            self.fail(f"{memory} keeps no tensor here; name one, as `{memory} {self.layer.output.name}`")
        self.nodes.extend(Storage(memory, tensor) for tensor in found)

    def tensors(self, words: list[str]) -> Iterator[str]:
        """The names among names and sizes; a unit counts only behind a number: a tensor may be called B."""
        known = [t.name for t in self.layer.tensors]
        after_number = False
        for word in words:
            if _NUMBER.fullmatch(word):
                after_number = True
                continue
            if not (after_number and word in _UNITS):
                if word not in known:
                    self.fail(self.unknown("tensor", word, f"layer {self.layer.name!r}", known))
                yield word
            after_number = False

    def cut(self, dim: str, words: list[str]) -> int:
        """The tile that a loop leaves, from `COUNT` or `COUNT of TILE`."""
        if dim not in self.tile:
            self.fail(self.unknown("dimension", dim, f"layer {self.layer.name!r}", self.tile))
        if len(words) != 1 and (len(words) != 3 or words[1] != "of"):
            self.fail(f"expected COUNT or COUNT of TILE after {dim}, found {_shown(' '.join(words))}")
        extent = self.tile[dim]
        count, *given = (self.whole(word, dim, extent) for word in words[::2])
        tile = given[0] if given else -(-extent // count)
        if -(-extent // tile) != count:
            way = f"tiles of {tile} make {-(-extent // tile)}"
            self.fail(
                f"{dim} is {extent} here, which {count} iterations do not cut: {way}; correct the count"
            )
        self.tile[dim] = tile
        return tile

    def whole(self, word: str, dim: str, most: int) -> int:
        if not (word.isascii() and word.isdigit() and len(word) <= 10 and 1 <= int(word) <= most):
            self.fail(
                f"{_shown(word)} for {dim} must be a whole number from 1 to {most}, what is left of it here"
            )
        return int(word)

    def unknown(self, kind: str, name: str, owner: str, known: Iterable[str]) -> str:
        return f"{owner} has no {kind} {_shown(name)}." + did_you_mean(name[:_SHOWN], known)

    def fail(self, what: str) -> NoReturn:
        raise InputError(f"mapping, line {self.number}: {what}")


def _shown(text: str) -> str:
    """Input in a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
