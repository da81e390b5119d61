"""A chip drawn: its levels from the outermost to the compute, what each holds, and how data gets there.

Everything under an array is there once per instance and drawn one step further in.
"""

from typing import Any

from chipwise.hardware.accelerator import (
    Accelerator,
    Array,
    Compute,
    Level,
    Loops,
    Memory,
    Parallel,
    Port,
    Route,
)
from chipwise.hardware.buffering import Buffering
from chipwise.report.zeros import zeros_entry, zeros_lines
from chipwise.units import format_area, format_bandwidth, format_bytes, format_frequency

SCHEMA = "chipwise.accelerator/1"
STEP = "│  "
"""What stands before the name for every array above."""


def hierarchy_text(chip: Accelerator) -> str:
    """The chip's figures, and its levels as a drawing."""
    rows: list[tuple[str, str, str, str]] = []
    depth = 0
    for level in chip.levels:
        rows += [(STEP * depth, *row) for row in _level(chip, level)]
        depth += isinstance(level, Array)
    names = max(len(prefix + name) for prefix, name, _, _ in rows)
    sizes = max(len(size) for _, _, size, _ in rows)
    drawn = "".join(
        f"{prefix + name:{names}}  {size:{sizes}}  {what}".rstrip() + "\n"
        for prefix, name, size, what in rows
    )
    return f"{_figures(chip)}\n{drawn}"


def format_peak(macs_per_s: float) -> str:
    """Peak in operations, two to a MAC.

    >>> format_peak(33.6e9), format_peak(64.1e12)
    ('67.2 GOPS', '128 TOPS')
    """
    ops = 2 * macs_per_s
    return f"{ops / 1e12:.3g} TOPS" if ops >= 1e12 else f"{ops / 1e9:.3g} GOPS"


def _figures(chip: Accelerator) -> str:
    technology = ", ".join(chip.technology.values()) + "; " * bool(chip.technology)
    area = "" if chip.area_mm2 is None else f"; {format_area(chip.area_mm2)}"
    pes = f"{chip.pes} PE{'s' if chip.pes > 1 else ''}"
    peak = format_peak(chip.peak_macs_per_s)
    lines = [
        f"{chip.name}: {chip.title}" if chip.title else chip.name,
        chip.source,
        f"{technology}{format_frequency(chip.clock_hz)}, words of {chip.word_bits} b; {pes}, peak {peak}{area}",
        f"runs {', '.join(chip.runs)} layers only" if chip.runs else "",
        f"chooses by layer among the dataflows {', '.join(chip.dataflows)}" if chip.dataflows else "",
    ]
    return "".join(f"{line}\n" for line in lines if line)


def _level(chip: Accelerator, level: Level) -> list[tuple[str, str, str]]:
    """(name, size, what) of the lines of a level; lines without a name go on about the one above."""
    if isinstance(level, Parallel):
        first, *more = level.memories
        rules = more and all(m.inner_loops == first.inner_loops for m in more)
        lines = []
        for i, memory in enumerate(level.memories):
            mark = "└ " if i == len(more) else "├ " if i else "┌ "  # side by side: none is above another
            (name, size, what), *about = _memory(chip, memory, loops=not rules)
            lines += [(mark * bool(more) + name, size, what), *about]
        return lines + (
            [("│", "", f"loops inside: {_loops(first.inner_loops)}")] if rules and _ruled(first) else []
        )
    if isinstance(level, Memory):
        return _memory(chip, level, loops=True)
    if isinstance(level, Array):
        return _array(level)
    return [(level.name, f"{chip.word_bits} b", level.component), *_zeros(level)]


def _zeros(part: Memory | Array | Compute) -> list[tuple[str, str, str]]:
    return [("│" * (not isinstance(part, Compute)), "", line) for line in zeros_lines(part)]


def _memory(chip: Accelerator, memory: Memory, *, loops: bool) -> list[tuple[str, str, str]]:
    held = [f"keeps {', '.join(memory.keeps)}"] if memory.keeps else []
    held += [f"may keep {', '.join(memory.may_keep)}"] if memory.may_keep else []
    size = "unlimited" if memory.capacity_bits is None else format_bytes(memory.capacity_bits)
    if memory is chip.memories[0]:
        size = "off chip"
    elif memory.buffering is Buffering.DOUBLE:
        size = f"2 x {format_bytes(memory.capacity_bits / 2)}" if memory.capacity_bits is not None else size
    lines = [(memory.name, size, "; ".join(held))]
    if memory.ports:
        lines.append(("│", "", ", ".join(_port(chip, memory, port) for port in memory.ports)))
    lines += _zeros(memory)
    if loops and _ruled(memory):
        lines.append(("│", "", f"loops inside: {_loops(memory.inner_loops)}"))
    return lines


def _port(chip: Accelerator, memory: Memory, port: Port) -> str:
    what = port.name.removeprefix(memory.name).strip() or "all together"
    per_s = port.bits_per_cycle * chip.clock_hz / 8e9
    return f"{what} {format_bandwidth(port.bits_per_cycle)} ({per_s:.4g} GB/s)"


def _array(array: Array) -> list[tuple[str, str, str]]:
    sizes = " x ".join(str(axis.size) for axis in array.axes)
    size = f"{sizes} = {array.size}" if len(array.axes) > 1 else sizes
    lines = [(array.name, size, "copies of what is below")]
    lines += [("│", "", f"{axis.name} {axis.size}: {_loops(axis.loops)}") for axis in array.axes]
    told = [f"{t} {_route(array, t, route)}" for t, route in array.routes.items()]
    return lines + ([("│", "", "; ".join(told))] if told else []) + _zeros(array)


def _route(array: Array, tensor: str, route: Route) -> str:
    if not route.shared_axes:
        return "unicast"
    way = "reduced" if tensor == "output" else "multicast"
    axes = [axis.name for axis in array.axes if axis.name in route.shared_axes]
    along = f" along {', '.join(axes)}" if len(axes) < len(array.axes) else ""
    return way + along + (", halos too" if route.overlapping else "")


def _ruled(memory: Memory) -> bool:
    return memory.inner_loops != Loops()


def _loops(loops: Loops) -> str:
    """Dimensions in the order written; those that must be whole say so."""
    if loops.allowed is None:
        return "any" + (f", all of {', '.join(loops.full)}" if loops.full else "")
    return ", ".join(f"all of {d}" if d in loops.full else d for d in loops.allowed) or "none"


def hierarchy_dict(chip: Accelerator) -> dict[str, Any]:
    """The JSON of `chipwise show --json`: the chip's figures and its levels, outermost first."""
    return {
        "schema": SCHEMA,
        "name": chip.name,
        "title": chip.title,
        "source": chip.source,
        "technology": dict(chip.technology),
        "clock_hz": chip.clock_hz,
        "word_bits": chip.word_bits,
        "pes": chip.pes,
        "peak_macs_per_s": chip.peak_macs_per_s,
        "area_mm2": chip.area_mm2,
        "runs": list(chip.runs),
        "dataflows": list(chip.dataflows),
        "levels": [_level_dict(chip, level) for level in chip.levels],
    }


def _level_dict(chip: Accelerator, level: Level) -> dict[str, Any]:
    if isinstance(level, Parallel):
        return {"parallel": [_level_dict(chip, memory) for memory in level.memories]}
    common = {"component": getattr(level, "component", "network"), "instances": chip.instances(level.name)}
    energy = {action: {"energy_pj": e.energy_pj, "source": e.source} for action, e in level.energy.items()}
    if isinstance(level, Compute):
        return {"compute": level.name, **common, "energy": energy, **zeros_entry(level.sparsity)}
    if isinstance(level, Array):
        axes = [{"name": axis.name, "size": axis.size, **_loops_dict(axis.loops)} for axis in level.axes]
        routes = {
            tensor: {
                "shared_axes": sorted(route.shared_axes),
                "overlapping": route.overlapping,
                "delay_cycles": route.delay_cycles,
                "bits_per_cycle": route.bits_per_cycle,
                "link_bits_per_cycle": route.link_bits_per_cycle,
            }
            for tensor, route in level.routes.items()
        }
        return {
            "array": level.name,
            **common,
            "axes": axes,
            "network": routes,
            "energy": energy,
        } | zeros_entry(level.sparsity)
    return {
        "memory": level.name,
        **common,
        "capacity_bits": level.capacity_bits,
        "buffering": level.buffering.value,
        "keeps": list(level.keeps),
        "may_keep": list(level.may_keep),
        "bandwidth": [
            {
                "name": port.name,
                "bits_per_cycle": port.bits_per_cycle,
                "reads": port.reads,
                "writes": port.writes,
            }
            for port in level.ports
        ],
        **_loops_dict(level.inner_loops),
        "energy": energy,
        **zeros_entry(level.sparsity),
    }


def _loops_dict(loops: Loops) -> dict[str, Any]:
    return {"loops": None if loops.allowed is None else list(loops.allowed), "full": list(loops.full)}
