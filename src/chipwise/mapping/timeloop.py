"""Mappings as Timeloop prints them on one line.

    L3[WIO] C4 K48 - L2[WI] N1 K16X - L1[O] C48 P16 C16X - L0[W] P8

Levels from the outermost, joined by ` - `: the number of the level, the tensors it keeps (W weight, I input, O output),
then its loops, outermost first, each a dimension with its factor; X and Y mark spatial loops, laid on the array
below the level. K is Timeloop's other name for M. Levels stand for the memories of the chip in its order.

Source: the compact form that Timeloop prints (github.com/NVlabs/timeloop), as in the data set of DOSA (Hong et al.,
MICRO 2023; github.com/ucb-bar/dosa).
"""

import re
from dataclasses import dataclass, field
from typing import NoReturn, final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Accelerator, Array, Parallel
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.workload.layer import Layer

__all__ = ["is_timeloop", "parse_timeloop"]

MAX_CHARACTERS = 10_000
TENSORS = {"W": "weight", "I": "input", "O": "output"}

_LEVEL = re.compile(r"L([0-9]{1,3})\[([A-Z]*)\]")
_LOOP = re.compile(r"([A-Z])([0-9]{1,10})([XY]?)")


def is_timeloop(text: str) -> bool:
    """Whether a text is meant as such a line: it starts with a level, which no memory of a chip looks like.

    >>> is_timeloop("L1[WIO] C4 - L0[W] P8"), is_timeloop("dram   input weight output")
    (True, False)
    """
    return _LEVEL.match(text.strip()) is not None


def parse_timeloop(text: str, layer: Layer, chip: Accelerator) -> Mapping:
    """Read a mapping line of Timeloop.

    Args:
        text: the line.
        layer: whose dimensions the loops run over; the factors of each multiply to its extent.
        chip: has as many memories as the line has levels, and an array below those with spatial loops: X is its
            first axis, Y its second.

    Returns:
        The mapping; whether the chip can run it is for `chipwise.mapping.legality.check` to say.

    Raises:
        InputError: with the part of the line that is wrong.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"Timeloop mapping: {len(text)} characters are too many, the limit is {MAX_CHARACTERS}"
        )
    reader = _Reader(layer, chip, dict(layer.dims))
    parts = [part.split() for part in re.split(r"\s+-\s+", text.strip())]
    if len(parts) != len(chip.memories):
        raise InputError(
            f"Timeloop mapping: {len(parts)} levels for the {len(chip.memories)} memories of chip {chip.name!r} "
            f"({', '.join(m.name for m in chip.memories)}); give one level each"
        )
    for index, words in enumerate(parts):
        reader.level(index, len(parts) - 1 - index, words)
    for dim, left in reader.tile.items():
        if left > 1:
            reader.fail(
                f"the factors of {dim} multiply to {layer.dims[dim] // left}, its extent is {layer.dims[dim]}"
            )
    return Mapping(tuple(reader.nodes))


@final
@dataclass(slots=True)
class _Reader:
    """Reads level by level and keeps the extents left and the nodes so far."""

    layer: Layer
    chip: Accelerator
    tile: dict[str, int]
    nodes: list[Node] = field(default_factory=list)

    def fail(self, what: str) -> NoReturn:
        raise InputError(f"Timeloop mapping of layer {self.layer.name!r}: {what}")

    def level(self, index: int, number: int, words: list[str]) -> None:
        """The storage and loops of one level; `index` from the outermost, `number` as Timeloop counts."""
        head = _LEVEL.fullmatch(words[0]) if words else None
        if head is None or int(head[1]) != number:
            shown = words[0][:40] if words else ""
            self.fail(f"expected level L{number} with its tensors, as L{number}[WIO], found {shown!r}")
        memory = self.chip.memories[index].name
        known = {t.name for t in self.layer.tensors}
        for letter in head[2]:
            if TENSORS.get(letter) not in known:
                self.fail(f"L{number} keeps {letter!r}; tensors are W weight, I input and O output")
            self.nodes.append(Storage(memory, TENSORS[letter]))
        # Timeloop writes N1 where a level has no loop.
        loops = [found for found in map(self.loop, words[1:]) if found[1] != 1]
        for dim, factor, _ in (found for found in loops if not found[2]):
            self.nodes.append(Temporal(dim, self.cut(dim, factor)))
        for dim, factor, axis in (found for found in loops if found[2]):
            self.nodes.append(Spatial(self.axis(index, number, axis), dim, self.cut(dim, factor)))

    def loop(self, word: str) -> tuple[str, int, str]:
        """Dimension, factor, and X or Y or nothing."""
        found = _LOOP.fullmatch(word)
        if found is None:
            self.fail(
                f"expected a dimension with its factor, as K16 or K16X for a spatial one, found {word[:40]!r}"
            )
        dim = "M" if found[1] == "K" and "K" not in self.layer.dims else found[1]
        if dim not in self.layer.dims and int(found[2]) != 1:
            self.fail(f"the layer has no dimension {found[1]!r}." + did_you_mean(dim, list(self.layer.dims)))
        return dim, int(found[2]), found[3]

    def cut(self, dim: str, factor: int) -> int:
        """The tile that a loop leaves."""
        above = self.tile[dim]
        if factor < 1 or above % factor:
            self.fail(f"factor {factor} of {dim} must divide the {above} that the loops above it leave")
        self.tile[dim] = above // factor
        return above // factor

    def axis(self, index: int, number: int, letter: str) -> str:
        """The axis for X or Y of the array right below a memory."""
        memory = self.chip.memories[index].name
        below = self.chip.levels[self.chip.depth(memory) + 1]
        shared = isinstance(self.chip.levels[self.chip.depth(memory)], Parallel)
        axes = [axis.name for axis in below.axes] if isinstance(below, Array) and not shared else []
        if "XY".index(letter) >= len(axes):
            self.fail(
                f"L{number} has a loop on {letter}, but below {memory} chip {self.chip.name!r} has "
                + (f"only the axis {axes[0]}" if axes else "no array")
            )
        return axes["XY".index(letter)]
