"""A chip under several dataflows, at equal area of storage and equal number of PEs.

Each dataflow needs its own room in a PE; what it does not need there becomes buffer:

    PEs x (bytes in a PE) x RF_AREA + (bytes of the buffer) = constant      [bytes of buffer]

RF_AREA, the area of a byte in a PE over that of a byte of buffer, is 1.6. ISCA 2016 states the rule,
#PE x Area(512 B RF) + Area(#PE x 512 B buffer), and of its results that the buffers differ by up to 2.6 times and all
storage on a chip by up to 80 kB; the areas themselves are not in the text. Without any RF the buffer is
(1 + RF_AREA) times that of row stationary, so 2.6 gives 1.6, and 256 PEs then have 76.8 KiB more in all.

As in the paper, what an access costs does not follow the size: it stays that of the chip.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import final

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, Array, Compute, Level, Loops, Memory, Parallel
from chipwise.hardware.dataflow import find_dataflow, with_dataflow

RF_AREA = 1.6

WORDS: Mapping[str, Mapping[str, int]] = {
    "ws": {"weight": 1},
    "is": {"input": 12},
    "os-a": {"output": 1, "input": 12},
    "os-b": {"output": 1, "input": 12},
    "os-c": {"output": 1},
    "nlr": {},
}
"""Words of each tensor in a PE; dataflows that are not here keep the whole memory.

ISCA 2016 gives WS one weight and NLR nothing; an output-stationary PE has its partial sum. The delay registers of
OS_A and OS_B, and what input stationary keeps, are not published: 12 words, a row of inputs of the widest filter
that Eyeriss takes (its ifmap scratchpad; JSSC 2017).
"""

DIMENSIONS = ("N", "G", "B", "M", "C", "P", "Q", "R", "S", "T", "Z", "K")
REDUCED = ("C", "R", "S", "T", "K")
TAPS = ("R", "S", "T")

DEFAULT_DATAFLOWS = ("rs", "ws", "os-a", "os-b", "os-c", "nlr", "is", "rs+")
"""Row stationary first: relative figures are then those of the survey's Figs. 33 and 34."""


@final
@dataclass(frozen=True, slots=True)
class Variants:
    """Chips that differ in dataflow and in where their storage is."""

    chips: tuple[Accelerator, ...]
    note: str


def at_equal_area(chip: Accelerator, names: Iterable[str]) -> Variants:
    """The chip under each dataflow, storage moved between its PEs and its buffer at equal area.

    Args:
        chip: with an array, memories in its PEs, and a buffer of limited capacity outside.
        names: of dataflows.

    Raises:
        InputError: an unknown dataflow, or one that the chip cannot take; no buffer to give room to.

    >>> from chipwise.components.load import load_accelerator
    >>> nlr, = at_equal_area(load_accelerator("simple"), ["nlr"]).chips
    >>> round(nlr.memory("buffer").capacity_bits / 8 / 1024 / 128, 3)
    2.6
    """
    chips = tuple(variant(chip, name) for name in names)
    note = (
        f"storage of {chip.name} at equal area, a byte in a PE being {RF_AREA:g} bytes of {_buffer(chip).name} "
        "(from ISCA 2016: buffers differ up to 2.6 x); equal number of PEs, equal energy per access"
    )
    return Variants(chips, note)


def variant(chip: Accelerator, name: str) -> Accelerator:
    """The chip under one dataflow, at the area of storage that it had.

    Raises:
        InputError: as `at_equal_area`.
    """
    flow = find_dataflow(name)
    buffer = _buffer(chip)
    assert buffer.capacity_bits is not None
    laid = with_dataflow(chip, flow.name)
    words = WORDS.get(flow.name)
    if words is not None and "output" in words:
        laid = _output_stationary(laid, words)
    elif words is not None:
        laid = replace(laid, levels=tuple(_shrunk(laid, level, words) for level in laid.levels))
    freed = _in_pes(chip) - _in_pes(laid)
    # Whole words, rounded down: never more area than there was.
    gained = int(freed * RF_AREA / chip.instances(buffer.name)) // chip.word_bits * chip.word_bits
    levels = [
        replace(
            level,
            capacity_bits=buffer.capacity_bits + gained,
            # What found its room in the PEs alone, as Eyeriss's filters, must find it here where those are gone.
            may_keep=tuple(t for t in chip.tensors if t not in level.keeps),
        )
        if isinstance(level, Memory) and level.name == buffer.name
        else level
        for level in laid.levels
    ]
    return replace(laid, levels=tuple(levels), area_mm2=None)


def _buffer(chip: Accelerator) -> Memory:
    """The innermost memory outside the PEs that is limited."""
    arrays = [i for i, level in enumerate(chip.levels) if isinstance(level, Array)]
    outside = chip.levels[: arrays[-1]] if arrays else ()
    limited = [level for level in outside if isinstance(level, Memory) and level.capacity_bits is not None]
    if not limited:
        raise InputError(
            f"chip {chip.name!r} has no memory of limited capacity outside its array, so there is nothing to trade "
            "area with; add a buffer, or compare chips with their own sizes (--on a,b,c)"
        )
    return limited[-1]


def _pads(chip: Accelerator) -> list[Memory]:
    """Memories inside the innermost array."""
    at = max(i for i, level in enumerate(chip.levels) if isinstance(level, Array))
    found: list[Memory] = []
    for level in chip.levels[at:]:
        found += (
            [level] if isinstance(level, Memory) else level.memories if isinstance(level, Parallel) else []
        )
    return found


def _in_pes(chip: Accelerator) -> int:
    return sum((m.capacity_bits or 0) * chip.instances(m.name) for m in _pads(chip))


def _output_stationary(chip: Accelerator, words: Mapping[str, int]) -> Accelerator:
    """The chip with a partial sum that stays in its PE until it is complete.

    Outside the PEs nothing that is summed over may iterate, so that no partial sum leaves: without this rule the
    least energy has the inputs stay instead, which is another dataflow. Delay registers stand below the sum and
    keep the inputs while the window passes (survey, section V-B 2); they are the same memory where a PE has one.
    """
    at = max(i for i, level in enumerate(chip.levels) if isinstance(level, Array))
    pads = _pads(chip)
    kept = next(m for m in pads if m.holds("output"))
    new: list[Level] = [_only(kept, "output", words["output"] * chip.word_bits, REDUCED)]
    if "input" in words:
        holder = next((m for m in pads if m.holds("input")), kept)
        name = holder.name if holder is not kept else f"{kept.name}_delay"
        delay = _only(replace(holder, name=name), "input", words["input"] * chip.word_bits, TAPS)
        new.append(delay)
    # A chip may allow less outside its PEs than all, on axes of outer arrays; those stay.
    outside = [
        replace(level, inner_loops=Loops(tuple(d for d in DIMENSIONS if d not in REDUCED)))
        if isinstance(level, Memory)
        else level
        for level in chip.levels[:at]
    ]
    rest = [level for level in chip.levels[at + 1 :] if isinstance(level, Compute)]
    return replace(chip, levels=(*outside, chip.levels[at], *new, *rest))


def _only(memory: Memory, tensor: str, bits: int, inside: tuple[str, ...]) -> Memory:
    """The memory with one tensor in it, at most as large as it was."""
    least = min(bits, memory.usable_bits or bits)
    return replace(
        memory,
        keeps=(tensor,),
        may_keep=(),
        capacity_bits=least * memory.buffering.tiles,
        inner_loops=Loops(inside),
    )


def _shrunk(chip: Accelerator, level: Level, words: Mapping[str, int]) -> Level:
    """A level of a PE with room for `words` of the tensors it holds, where it had more."""
    pads = {m.name for m in _pads(chip)}

    def fitted(memory: Memory) -> Memory:
        if memory.name not in pads or memory.capacity_bits is None:
            return memory
        needs = sum(n for tensor, n in words.items() if memory.holds(tensor)) * chip.word_bits
        return replace(memory, capacity_bits=min(memory.capacity_bits, needs * memory.buffering.tiles))

    if isinstance(level, Parallel):
        return Parallel(tuple(fitted(m) for m in level.memories))
    return fitted(level) if isinstance(level, Memory) else level
