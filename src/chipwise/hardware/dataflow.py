"""Dataflows: what stays in a PE and which loops stand where, as rules that any array can be given.

A dataflow speaks of the innermost array of a chip and of what stands inside it, its PEs. Its rules name the
dimensions of a convolution; a matrix product has its own (M rows, N columns, K inner), which the rules take
where they fit. Groups (G, B) are independent copies and go wherever filters go.
"""

import importlib
import pkgutil
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import (
    Accelerator,
    Array,
    Axis,
    Compute,
    Level,
    Loops,
    Memory,
    Parallel,
)

TENSORS = ("input", "weight", "output")


@final
@dataclass(frozen=True, slots=True)
class Dataflow:
    """The rules of one dataflow. `rows` and `columns` are the first and the last axis of the array."""

    name: str
    title: str
    source: str
    rows: Loops
    columns: Loops
    keeps: tuple[str, ...] = ()
    """Tensors of which every PE keeps a tile; what is neither here nor in `may_keep` passes it by."""
    may_keep: tuple[str, ...] = ()
    inside: Loops = field(default_factory=Loops)
    """Loops inside a PE, between its memory and its MAC."""
    reduces: tuple[str, ...] = ()
    """Of `rows` and `columns`: the axes along which partial sums are added up."""
    shares: tuple[str, ...] = ("input", "weight")
    """Operands that the network multicasts; others are sent to each PE on their own."""
    slides: bool = False
    """Inputs that neighbours share in part (halos, diagonals) are read once as well."""


@lru_cache(maxsize=1)
def _dataflows() -> dict[str, Dataflow]:
    package = importlib.import_module("chipwise.hardware.dataflows")
    modules = (
        importlib.import_module(f"{package.__name__}.{m.name}")
        for m in pkgutil.iter_modules(package.__path__)
    )
    return {flow.name: flow for flow in sorted((m.DATAFLOW for m in modules), key=lambda flow: flow.name)}


def dataflow_names() -> tuple[str, ...]:
    """Names of all dataflows, sorted.

    >>> dataflow_names()
    ('is', 'nlr', 'os-a', 'os-b', 'os-c', 'rs', 'rs+', 'ws')
    """
    return tuple(_dataflows())


def find_dataflow(name: str) -> Dataflow:
    """The dataflow called `name`, whatever its case, `-`, `_` and spaces.

    Raises:
        InputError: an unknown name.

    >>> find_dataflow("OS_A").keeps
    ('output',)
    """
    wanted = _letters(str(name))
    for known, flow in _dataflows().items():
        if _letters(known) == wanted:
            return flow
    family = [known for known in dataflow_names() if wanted and known.startswith(f"{wanted}-")]
    if family:
        raise InputError(f"dataflow {name!r} is one of {', '.join(family)}; say which")
    raise InputError(f"dataflow {name!r} is not known." + did_you_mean(str(name), dataflow_names()))


def with_dataflow(accelerator: Accelerator, name: str) -> Accelerator:
    """The chip under a dataflow: its innermost array and PEs get the dataflow's rules in place of their own.

    Memories in a PE that the dataflow has no use for are left out. Rules about loops that the chip has further
    out fall, as they are those of its own dataflow; sizes, bandwidths, energies and what memories further out
    keep stay.

    Args:
        accelerator: a chip with an array.
        name: one of `dataflow_names()`.

    Raises:
        InputError: an unknown name; no array; no memory in a PE that could keep what must stay there.
    """
    flow = find_dataflow(name)
    if set(accelerator.tensors) != set(TENSORS):
        raise InputError(
            f"dataflow {flow.name!r} tells of {', '.join(TENSORS)}; chip {accelerator.name!r} has "
            f"{', '.join(accelerator.tensors)}"
        )
    at = max((i for i, level in enumerate(accelerator.levels) if isinstance(level, Array)), default=None)
    if at is None:
        raise InputError(
            f"chip {accelerator.name!r} has no array, so dataflow {flow.name!r} has nothing to be laid on; give it "
            "one, e.g. `array: pes` with `axes`"
        )
    array = accelerator.levels[at]
    assert isinstance(array, Array)
    inside = [_kept(flow, level) for level in accelerator.levels[at + 1 :]]
    below = tuple(level for level in inside if level is not None)
    _check_kept(accelerator, flow, below)
    levels = (*(_freed(level) for level in accelerator.levels[:at]), _laid(flow, array), *below)
    return replace(
        accelerator, name=f"{accelerator.name} ({flow.name})", levels=levels, dataflows=(), dataflow=flow.name
    )


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c not in "-_ ")


def _freed(level: Level) -> Level:
    """A level outside the array without rules about loops, but for the axes of outer arrays."""
    if isinstance(level, Memory):
        return replace(level, inner_loops=Loops())
    if isinstance(level, Parallel):
        return Parallel(tuple(replace(m, inner_loops=Loops()) for m in level.memories))
    return level


def _kept(flow: Dataflow, level: Level) -> Level | None:
    """A level of the PE with what the dataflow keeps there; None if that is nothing."""
    if isinstance(level, Compute | Array):
        return level
    memories = [m for m in (_memory(flow, m) for m in _members(level)) if m is not None]
    if isinstance(level, Memory) or len(memories) < 2:
        return memories[0] if memories else None
    return Parallel(tuple(memories))


def _members(level: Level) -> tuple[Memory, ...]:
    return level.memories if isinstance(level, Parallel) else (level,) if isinstance(level, Memory) else ()


def _memory(flow: Dataflow, memory: Memory) -> Memory | None:
    keeps = tuple(t for t in TENSORS if t in flow.keeps and memory.holds(t))
    may_keep = tuple(t for t in TENSORS if t in flow.may_keep and memory.holds(t))
    if not keeps and not may_keep:
        return None
    return replace(memory, keeps=keeps, may_keep=may_keep, inner_loops=flow.inside)


def _check_kept(chip: Accelerator, flow: Dataflow, below: tuple[Level, ...]) -> None:
    held = {t for level in below for memory in _members(level) for t in memory.keeps}
    missing = [t for t in flow.keeps if t not in held]
    if missing:
        raise InputError(
            f"chip {chip.name!r} has no memory inside its array that keeps {' and '.join(missing)}, which dataflow "
            f"{flow.name!r} holds in every PE; add one, or choose among the others of {', '.join(dataflow_names())}"
        )


def _laid(flow: Dataflow, array: Array) -> Array:
    """The array with the dataflow's axes and network."""
    last = len(array.axes) - 1
    axes = tuple(Axis(axis.name, axis.size, _loops(flow, i, last)) for i, axis in enumerate(array.axes))
    everywhere = frozenset(axis.name for axis in axes)
    reducing = set()
    if "rows" in flow.reduces:
        reducing |= {axis.name for axis in axes[: max(last, 1)]}
    if "columns" in flow.reduces:
        reducing |= {axis.name for axis in axes[min(last, 1) :]}
    # What a network shares is the dataflow's; how fast it is stays the chip's.
    routes = {t: replace(array.route(t), shared_axes=everywhere, overlapping=False) for t in flow.shares}
    if flow.slides:
        routes["input"] = replace(array.route("input"), shared_axes=everywhere, overlapping=True)
    routes["output"] = replace(array.route("output"), shared_axes=frozenset(reducing), overlapping=False)
    return replace(array, axes=axes, routes=routes)


def _loops(flow: Dataflow, i: int, last: int) -> Loops:
    """What axis `i` takes: the first the rows, the last the columns, one between or alone both."""
    if i == 0 and last > 0:
        return flow.rows
    if i == last and last > 0:
        return flow.columns
    allowed = (*(flow.rows.allowed or ()), *(flow.columns.allowed or ()))
    # A dimension must be whole on one axis at most, which with three is the first.
    return Loops(tuple(dict.fromkeys(allowed)), flow.rows.full if last == 0 else ())
