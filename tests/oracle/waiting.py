"""What docs/latency.md says of time, written down a second time, in exact fractions."""

from collections import Counter
from fractions import Fraction
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator
from chipwise.hardware.buffering import Buffering


class Point(NamedTuple):
    """Values that pass one point of a transfer, towards compute and back."""

    inward: int
    outward: int


class Times(NamedTuple):
    """Of one transfer: cycles of channels between the ends, at the ends, and those for which compute stops."""

    beside: Counter[str]
    ends: Fraction
    stop: Fraction


def names_of(chip: Accelerator) -> list[str]:
    """All channels."""
    found = [port.name for memory in chip.memories for port in memory.ports]
    for array in chip.arrays:
        for tensor, route in array.routes.items():
            found += [f"{array.name} {tensor}"] * (route.bits_per_cycle is not None)
            found += [f"{array.name} {tensor} link"] * (route.link_bits_per_cycle is not None)
    return found


def speeds(chip: Accelerator) -> list[Fraction]:
    """All bandwidths."""
    found = [port.bits_per_cycle for memory in chip.memories for port in memory.ports]
    for array in chip.arrays:
        for route in array.routes.values():
            found += [b for b in (route.bits_per_cycle, route.link_bits_per_cycle) if b is not None]
    return [Fraction(b) for b in found]


def fixed(chip: Accelerator) -> Fraction:
    """Cycles that no mapping changes."""
    if not chip.waits:
        return Fraction(0)
    delays = [
        max(a.route(t).delay_cycles for t in chip.tensors[:-1]) + a.route(chip.tensors[-1]).delay_cycles
        for a in chip.arrays
    ]
    return Fraction(chip.configuration_cycles) + sum(delays)


def times(
    chip: Accelerator,
    tensor: str,
    bits: int,
    ends: tuple[str, str | None],
    arrays: list[str],
    points: tuple[Point, Point, Point],
    first: int,
) -> Times:
    """Of a transfer between two memories that passes `points`: at the parent, the last array and the child."""
    parent, child = chip.memory(ends[0]), None if ends[1] is None else chip.memory(ends[1])
    sent, network, link = points
    is_output = tensor == chip.tensors[-1]
    beside, at_ends, stop = Counter(), Fraction(0), Fraction(0)
    for way in ("inward", "outward"):
        inward = way == "inward"
        passed: list[
            tuple[str, Fraction, int, bool]
        ] = []  # channel, bits per cycle, values, all that is sent
        passed += [
            (port.name, Fraction(port.bits_per_cycle), getattr(sent, way), True)
            for port in parent.ports
            if (port.tensors is None or tensor in port.tensors) and (port.reads if inward else port.writes)
        ]
        for name in arrays[-1:]:
            route = next(a for a in chip.arrays if a.name == name).route(tensor)
            if route.bits_per_cycle is not None:
                speed = Fraction(route.bits_per_cycle)
                passed.append((f"{name} {tensor}", speed, getattr(network, way), len(arrays) == 1))
            if route.link_bits_per_cycle is not None:
                speed = Fraction(route.link_bits_per_cycle)
                passed.append((f"{name} {tensor} link", speed, getattr(link, way), False))
        passed += [
            (port.name, Fraction(port.bits_per_cycle), getattr(link, way), not arrays)
            for port in (child.ports if child else ())
            if (port.tensors is None or tensor in port.tensors) and (port.writes if inward else port.reads)
        ]
        for name, speed, values, _ in passed:
            beside[name] += values * bits / speed
        if child is None or not chip.waits:
            continue
        slowest = min((speed for _, speed, _, of_all in passed if of_all), default=None)
        if slowest is None:
            continue
        at_end = first if inward != is_output else 0
        at_ends += at_end * bits / slowest
        for name, speed, _, of_all in passed:
            beside[name] -= at_end * bits / speed if of_all else 0
        if child.buffering is Buffering.SINGLE:
            rest = (getattr(sent, way) - at_end) * bits
            stop += rest / slowest
            for name, depth in depths(chip).items():
                if depth >= chip.depth(child.name):
                    own = [speed for n, speed, _, of_all in passed if of_all and n == name]
                    beside[name] += rest / slowest - (rest / own[0] if own else 0)
    return Times(beside, at_ends, stop)


def depths(chip: Accelerator) -> dict[str, int]:
    """How far in each channel lies."""
    found = {port.name: chip.depth(m.name) for m in chip.memories for port in m.ports}
    for array in chip.arrays:
        for tensor in array.routes:
            found |= dict.fromkeys(
                (f"{array.name} {tensor}", f"{array.name} {tensor} link"), chip.depth(array.name)
            )
    return found
