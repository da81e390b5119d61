"""Why nothing fits: the binding constraint by name, and the smallest relaxation that would do."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil

from chipwise.errors import NoMappingError
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Level, Memory, Parallel
from chipwise.hardware.buffering import Buffering
from chipwise.mapping.legality import utilisation
from chipwise.mapping.mapping import Mapping
from chipwise.units import format_bytes
from chipwise.workload.layer import Layer

FREE = ActionEnergy(0.0, "any mapping will do")

FindAny = Callable[[Layer, Accelerator], Mapping | None]


def explain(layer: Layer, chip: Accelerator, find_any: FindAny) -> NoMappingError:
    """The error for a layer that has chains on the chip but no legal combination of them.

    Args:
        layer: what was to be mapped.
        chip: on what.
        find_any: returns some legal mapping or None; is called with costs removed and capacities changed.
    """
    start = f"no mapping of {layer.name!r} fits {chip.name!r}: "
    probe = _free(chip)
    limited = [m for m in chip.memories if m.capacity_bits is not None]
    for memory in limited:
        needed = _least_capacity(layer, probe, memory, find_any)
        if needed is not None:
            has = size_text(memory.usable_bits or 0, chip.word_bits)
            return NoMappingError(
                f"{start}{memory.name!r} has room for {has}, the smallest legal tiles need "
                f"{size_text(needed, chip.word_bits)}; a capacity of that size would do",
                f"capacity of {memory.name}",
            )
    for memory in limited:
        probe = _with_capacity(probe, memory.name, None)
    names = " and ".join(repr(m.name) for m in limited)
    if limited and find_any(layer, probe) is not None:
        return NoMappingError(
            f"{start}the capacities of {names} leave nothing together, and enlarging one of them is not enough",
            "capacities",
        )
    axes = ", ".join(f"{axis.name} ({axis.size})" for array in chip.arrays for axis in array.axes)
    return NoMappingError(
        f"{start}the loops that must be whole on its axes do not fit side by side ({axes}); enlarge an axis or "
        "drop a dimension from `full`",
        "axes",
    )


def _least_capacity(layer: Layer, chip: Accelerator, memory: Memory, find_any: FindAny) -> int | None:
    """Smallest capacity, bits, of one memory with which something fits; None where no size helps."""
    found = find_any(layer, _with_capacity(chip, memory.name, None))
    if found is None:
        return None
    too_small = memory.usable_bits or 0
    enough = ceil(sum(utilisation(layer, chip, found)[memory.name].values()))
    while too_small + 1 < enough:
        middle = (too_small + enough) // 2
        found = find_any(layer, _with_capacity(chip, memory.name, middle))
        if found is None:
            too_small = middle
        else:
            enough = ceil(sum(utilisation(layer, chip, found)[memory.name].values()))
    return enough


def size_text(bits: int, word_bits: int) -> str:
    """A capacity in words where small memories are meant that way, else in bytes."""
    words = -(-bits // word_bits)
    return f"{words:,} words" if bits < 8 * 1024 * 8 else format_bytes(bits)


def _map_memories(chip: Accelerator, change: Callable[[Memory], Memory]) -> Accelerator:
    levels: list[Level] = []
    for level in chip.levels:
        if isinstance(level, Memory):
            levels.append(change(level))
        elif isinstance(level, Parallel):
            levels.append(Parallel(tuple(change(m) for m in level.memories)))
        else:
            levels.append(level)
    return replace(chip, levels=tuple(levels))


def _with_capacity(chip: Accelerator, name: str, bits: int | None) -> Accelerator:
    return _map_memories(
        chip, lambda m: replace(m, capacity_bits=bits, buffering=Buffering.ROLLING) if m.name == name else m
    )


def _free(chip: Accelerator) -> Accelerator:
    """The chip with every action free, so that the first legal mapping is the best."""
    return _map_memories(chip, lambda m: replace(m, energy={"read": FREE, "write": FREE}, ports=()))
