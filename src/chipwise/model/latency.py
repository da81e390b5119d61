"""How long a mapping takes (docs/latency.md).

    latency = fixed + ramp-up + drain + max( compute + Σ exposed, max over channels c of steady_c )          [cycles]
    busy_c   = bits through the busiest instance of c / bits per cycle
    steady_c = busy_c − what of it is ramp-up or drain + Σ exposed of the memories that c lies in or below

A channel is a port of a memory, the network of an array, or the link of one instance in it. Nothing but bandwidth
delays a transfer (no contention), and transfers spread evenly over the layer. What cannot overlap comes one after the
other: the first tile of every memory (ramp-up), the last output tile on its way back (drain), and all that moves
into and out of a memory with a single buffer (exposed), for which everything further in stops; each at the
pace of the slowest channel on its way. `fixed`: configuration, and delays of networks.
"""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, final

from chipwise.hardware.accelerator import Accelerator, Array, Memory, Port
from chipwise.hardware.buffering import Buffering
from chipwise.model.actions import Counts, Transfer
from chipwise.model.sparse import Sparse

COMPUTE = "compute"
"""What bounds a layer that no channel does."""
CONFIGURATION, RAMP_UP, DRAIN = "configuration", "ramp-up", "drain"
EXPOSED = "exposed "
"""Followed by the name of the memory whose tiles change while work stops."""

WEIGHT = "weight"
"""The tensor that no layer before computes."""

SENT, NETWORK, LINK = "sent", "network", "link"
"""Where on its way a channel sees a transfer: at the parent, at the innermost array, at one child."""


class Channel(NamedTuple):
    """Something with limited bandwidth."""

    name: str
    bits_per_cycle: float
    depth: int
    """Of its memory or array on the chip."""


class Use(NamedTuple):
    """A channel that a transfer passes, where, and as which count of which part (see `model.sparse`)."""

    channel: Channel
    at: str
    part: str
    kind: str


def channels(chip: Accelerator) -> tuple[Channel, ...]:
    """All ports, networks and links with limited bandwidth, outermost first."""
    found: list[Channel] = []
    parts: list[Memory | Array] = [*chip.memories, *chip.arrays]
    for part in sorted(parts, key=lambda part: chip.depth(part.name)):
        if isinstance(part, Memory):
            found += [_of_port(chip, part, port) for port in part.ports]
            continue
        for tensor in chip.tensors:
            found += [use.channel for use in _of_array(chip, part, tensor)]
    return tuple(found)


def uses(
    chip: Accelerator,
    tensor: str,
    ends: tuple[Memory, Memory | None],
    arrays: tuple[Array, ...],
    *,
    inward: bool,
) -> Iterator[Use]:
    """Channels that a tensor passes between two memories (None: to the MAC), towards compute or back."""
    parent, child = ends
    for port in parent.ports:
        if (port.tensors is None or tensor in port.tensors) and (port.reads if inward else port.writes):
            yield Use(_of_port(chip, parent, port), SENT, parent.name, "reads" if inward else "updates")
    for array in arrays[-1:]:
        yield from _of_array(chip, array, tensor)
    for port in child.ports if child is not None else ():
        if (port.tensors is None or tensor in port.tensors) and (port.writes if inward else port.reads):
            assert child is not None
            yield Use(_of_port(chip, child, port), LINK, child.name, "fills" if inward else "drains")


def _of_port(chip: Accelerator, memory: Memory, port: Port) -> Channel:
    return Channel(port.name, port.bits_per_cycle, chip.depth(memory.name))


def _of_array(chip: Accelerator, array: Array, tensor: str) -> Iterator[Use]:
    route, depth = array.route(tensor), chip.depth(array.name)
    if route.bits_per_cycle is not None:
        yield Use(
            Channel(f"{array.name} {tensor}", route.bits_per_cycle, depth), NETWORK, array.name, "transfers"
        )
    if route.link_bits_per_cycle is not None:
        yield Use(
            Channel(f"{array.name} {tensor} link", route.link_bits_per_cycle, depth),
            LINK,
            array.name,
            "transfers",
        )


def sees_what_is_sent(use: Use, n_arrays: int) -> bool:
    """Whether a channel passes just what the parent sends: behind an array each child gets its own part."""
    return use.at == SENT or n_arrays == 0 or (use.at == NETWORK and n_arrays == 1)


def cycles_of_value(sparse: Sparse, tensor: str, use: Use, number: Callable[[float], Any] = float) -> Any:
    """Cycles that one value keeps a channel busy on average: its bits as they pass there / bits per cycle."""
    return number(sparse.moved_bits(use.part, use.kind, tensor)) / number(use.channel.bits_per_cycle)


def pace(
    sparse: Sparse, tensor: str, path: list[Use], n_arrays: int, number: Callable[[float], Any] = float
) -> Any:
    """Cycles per value of what is sent along a path: those of its slowest channel; 0 where none is limited."""
    return max(
        (cycles_of_value(sparse, tensor, u, number) for u in path if sees_what_is_sent(u, n_arrays)),
        default=number(0.0),
    )


def fixed_cycles(chip: Accelerator) -> float:
    """Cycles that every layer takes whatever its mapping: configuration, and delays of networks in and out."""
    return float(sum(_fixed(chip).values()))


def _fixed(chip: Accelerator) -> dict[str, float]:
    if not chip.waits:
        return {}
    inputs, output = chip.tensors[:-1], chip.tensors[-1]
    fill = sum(max(array.route(t).delay_cycles for t in inputs) for array in chip.arrays)
    back = sum(array.route(output).delay_cycles for array in chip.arrays)
    return {CONFIGURATION: chip.configuration_cycles, RAMP_UP: float(fill), DRAIN: float(back)}


def stops(chip: Accelerator, child: Memory, channel: Channel) -> bool:
    """Whether a channel stands still while the tiles of `child` change, if that has a single buffer."""
    return channel.depth >= chip.depth(child.name)


@final
@dataclass(frozen=True, slots=True)
class Timing:
    """Cycles of one mapping, by what needs them; numbers are floats, or fractions where they were asked for."""

    compute: Any
    busy: MappingType[str, Any]
    """Of every channel, over the whole layer, outermost first."""
    steady: MappingType[str, Any]
    """Of every channel between ramp-up and drain, with what stops it."""
    waits: MappingType[str, Any]
    """In which compute does not work: configuration, ramp-up, drain, exposed transfers by memory."""
    known_before: Any
    """Of configuration and ramp-up what does not depend on the layer before: its parameters and weights."""

    @property
    def exposed(self) -> Any:
        """Cycles in which work stops at single buffers."""
        return sum(cycles for name, cycles in self.waits.items() if name.startswith(EXPOSED))

    @property
    def ends(self) -> Any:
        """Cycles of configuration, ramp-up and drain."""
        return sum(self.waits.values()) - self.exposed

    @property
    def latency_cycles(self) -> Any:
        """Waits at both ends, and between them the slowest of compute and channels."""
        return self.ends + max([self.compute + self.exposed, *self.steady.values()])

    @property
    def bound_by(self) -> str:
        """The channel that takes longest, if compute waits for it; else the wait that is longer than compute, or it."""
        parts = self.breakdown
        slowest = next(reversed(parts))
        return (
            slowest if slowest in self.steady else max(parts, key=lambda name: (parts[name], name == COMPUTE))
        )

    @property
    def breakdown(self) -> dict[str, Any]:
        """Every cycle once: compute, waits, and what the slowest channel adds to them. The sum is the latency."""
        found = {COMPUTE: self.compute, **{name: cycles for name, cycles in self.waits.items() if cycles}}
        slowest = max(self.steady, key=lambda name: self.steady[name], default=None)
        if slowest is not None and self.steady[slowest] > self.compute + self.exposed:
            found[slowest] = self.steady[slowest] - (self.compute + self.exposed)
        return found


def timing(sparse: Sparse, counts: Counts, number: Callable[[float], Any] = float) -> Timing:
    """The time of a mapping.

    Args:
        sparse: layer, chip, and what zeros save there.
        counts: of the mapping.
        number: float, or Fraction for exact cycles.
    """
    chip = sparse.chip
    every = channels(chip)
    busy = {channel.name: number(0.0) for channel in every}
    steady = dict(busy)
    waits = {name: number(cycles) for name, cycles in _fixed(chip).items()}
    arrays = {array.name: array for array in chip.arrays}
    known_before = waits.get(CONFIGURATION, number(0.0))
    for t in counts.transfers:
        between = tuple(arrays[name] for name in t.arrays)
        ends = chip.memory(t.parent), None if t.child is None else chip.memory(t.child)
        for inward in (True, False):
            path = list(uses(chip, t.tensor, ends, between, inward=inward))
            for use in path:
                moved = getattr(t, use.at)
                values = moved.inward if inward else moved.outward
                cycles = values * cycles_of_value(sparse, t.tensor, use, number)
                busy[use.channel.name] += cycles
                steady[use.channel.name] += cycles
            if ends[1] is None or not chip.waits:
                continue
            first, exposed = _waiting(t, ends[1], inward=inward)
            slowest = pace(sparse, t.tensor, path, len(between), number)
            waits[RAMP_UP if inward else DRAIN] += first * slowest
            known_before += first * slowest if t.tensor == WEIGHT else 0
            moving = {
                use.channel.name: cycles_of_value(sparse, t.tensor, use, number)
                for use in path
                if sees_what_is_sent(use, len(between))
            }
            for name, own in moving.items():
                steady[name] -= first * own
            if exposed:
                name = EXPOSED + ends[1].name
                waits[name] = waits.get(name, number(0.0)) + exposed * slowest
                for channel in every:
                    if stops(chip, ends[1], channel):
                        steady[channel.name] += exposed * (slowest - moving.get(channel.name, number(0.0)))
    compute = number(float(counts.cycles)) * number(sparse.compute.time)
    return Timing(compute, busy, steady, waits, known_before)


def _waiting(t: Transfer, child: Memory, *, inward: bool) -> tuple[int, int]:
    """Values of a transfer that come before work starts or go after it, and those that stop it in between."""
    is_output = t.sent.outward > 0
    first = t.first if inward != is_output else 0
    moved = t.sent.inward if inward else t.sent.outward
    return first, moved - first if child.buffering is Buffering.SINGLE else 0


def exact_latency(sparse: Sparse, counts: Counts) -> Fraction:
    """Latency without rounding."""
    found = timing(sparse, counts, Fraction).latency_cycles
    assert isinstance(found, Fraction)
    return found
