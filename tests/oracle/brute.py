"""The slow truth of the mapper: every mapping of a mapspace, one by one, each walked.

Nothing is bounded, sampled or shared with `chipwise.mapper` or `chipwise.model`: the mapspaces are written
down a second time (`tests.oracle.spaces`), counts come from `tests.oracle.walk`, and costs are exact. Problems
of some thousand mappings are its size.

A transfer is walked once per nest of loops above its child: what stands further in, and what other tensors keep,
does not enter a walk, nor does where the parent stands, as long as it is on the same side of all axes. Into the
MAC not even the order of loops of different dimensions counts: it holds nothing, so what it touches in a step does
not depend on the step before, and a sum over all steps not on their order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from math import lcm
from operator import add
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator, Array, Compute, Memory, Parallel
from chipwise.mapping.mapping import Mapping, Spatial, Storage
from chipwise.workload.layer import Layer, Tensor
from tests.oracle.spaces import EVEN, Blocks, Loop, Place, Space, Tiling, tilings
from tests.oracle.waiting import Point, fixed, names_of, speeds, times
from tests.oracle.walk import Instance, _arrivals, _transfer, walk

OBJECTIVES = ("energy", "latency", "edp")
"""What the even mapper minimises; `Cost.of` knows `traffic` and lists in order of priority, too."""
WRITES = {"fills", "updates"}


class Cost(NamedTuple):
    """Energy, latency and bits that cross the outermost memory's ports, exactly."""

    energy: Fraction
    latency: Fraction
    traffic: int

    def of(self, objective: str) -> tuple[Fraction, ...]:
        """What is minimised, in order of priority; latency and traffic alone leave ties to energy."""
        names = objective.split(",")
        if names in (["latency"], ["traffic"]):
            names.append("energy")
        values = self._asdict() | {"edp": self.energy * self.latency}
        return tuple(Fraction(values[name]) for name in names)


class Best(NamedTuple):
    """The least value of an objective and the first mapping that has it."""

    value: tuple[Fraction, ...]
    mapping: Mapping


class Optima(NamedTuple):
    """What one enumeration finds; empty where nothing is legal."""

    best: dict[str, Best]
    """By objective."""
    front: dict[tuple[Fraction, Fraction], Mapping]
    """The pairs of energy and latency that no other pair undercuts in one and matches in the other, by energy."""


def optima(
    layer: Layer,
    chip: Accelerator,
    space: Space = EVEN,
    objectives: Iterable[str] = OBJECTIVES,
    prices: "Prices | None" = None,
) -> Optima:
    """The best mappings of a space; `prices` of the same problem remember the walks of another space."""
    prices = prices or Prices(layer, chip)
    found: dict[Cost, tuple[Tiling, Blocks]] = {}
    for tiling in tilings(layer, chip, space):
        for cost, blocks in prices.of(tiling):
            found.setdefault(cost, (tiling, blocks))
    exact = {prices.exact(paid): tiling.mapping(blocks) for paid, (tiling, blocks) in found.items()}
    best: dict[str, Best] = {}
    for objective in objectives if exact else ():
        least = min(exact, key=lambda c: c.of(objective))
        best[objective] = Best(least.of(objective), exact[least])
    front: dict[tuple[Fraction, Fraction], Mapping] = {}
    latency = None
    for c in sorted(exact):
        if latency is None or c.latency < latency:
            front[c.energy, c.latency] = exact[c]
            latency = c.latency
    return Optima(best, front)


def cost(layer: Layer, chip: Accelerator, mapping: Mapping) -> Cost:
    """Cost of one mapping from a whole walk of it, nothing remembered."""
    counts = walk(layer, chip, mapping)
    energy, latency, traffic = _price(chip.compute, "mac") * counts.macs, Fraction(counts.cycles), 0
    for (name, data), actions in counts.actions.items():
        memory, tensor = chip.memory(name), layer.tensor(data)
        words = Fraction(_bits(chip, tensor), chip.word_bits)
        reads, writes = actions.reads + actions.drains, actions.fills + actions.updates
        energy += words * (reads * _price(memory, "read") + writes * _price(memory, "write"))
        if memory is chip.memories[0]:
            traffic += (reads + writes) * _bits(chip, tensor)
    for (name, data), hops in counts.hops.items():
        array = next(a for a in chip.arrays if a.name == name)
        words = Fraction(_bits(chip, layer.tensor(data)), chip.word_bits)
        energy += hops.transfers * words * _price(array, "transfer")
        energy += hops.reductions * words * _price(array, "reduce")
    beside, at_ends, stop = Counter(), fixed(chip), 0
    for t in counts.transfers:
        points = (Point(t.sent.inward, t.sent.outward), Point(t.network.inward, t.network.outward), t.link)
        ends, bits = (t.parent, t.child), _bits(chip, layer.tensor(t.tensor))
        found = times(chip, t.tensor, bits, ends, list(t.arrays), points, t.first)
        beside.update(found.beside)
        at_ends, stop = at_ends + found.ends, stop + found.stop
    return Cost(energy, at_ends + max([latency + stop, *(beside[name] for name in names_of(chip))]), traffic)


def _bits(chip: Accelerator, tensor: Tensor) -> int:
    return chip.word_bits if tensor.bits is None else tensor.bits


def _price(part: Memory | Array | Compute, action: str) -> Fraction:
    """Of one word; a network without figures is free."""
    if isinstance(part, Array) and action not in part.energy:
        return Fraction(0)
    return Fraction(part.energy[action].energy_pj)


Paid = tuple[int, ...]
"""Energy and cycles in units small enough to be whole, and bits at the outermost memory between them.

Cycles are those at the ends, those for which compute stops between them, and those of every channel there.
"""


class Prices:
    """Prices of the mappings of one problem; transfers are remembered by all that their walk looks at.

    Prices are sums of fractions with few denominators. As multiples of one over their least common multiple they
    are whole numbers, which is as exact and many times faster.
    """

    def __init__(self, layer: Layer, chip: Accelerator) -> None:
        self.layer, self.chip = layer, chip
        self.depth = {
            part.name: depth
            for depth, level in enumerate(chip.levels)
            for part in (level, *getattr(level, "memories", ()), *getattr(level, "axes", ()))
            if not isinstance(part, Parallel)
        }
        self.channels = names_of(chip)
        per_word = [e for part in (*chip.memories, *chip.arrays, chip.compute) for e in part.energy.values()]
        self.energies = chip.word_bits * lcm(*(Fraction(e.energy_pj).denominator for e in per_word))
        self.fixed = fixed(chip)
        self.cycles = lcm(self.fixed.denominator, *(speed.numerator for speed in speeds(chip)))
        self.transfer = cache(self._transfer)
        self.steps = cache(self._steps)

    def exact(self, paid: Cost) -> Cost:
        """In pJ, cycles and bits."""
        energy, latency, traffic = paid
        return Cost(Fraction(energy, self.energies), Fraction(latency, self.cycles), traffic)

    def of(self, tiling: Tiling) -> Iterator[tuple[Cost, Blocks]]:
        """Cost, in the units of these prices, of every order of the loops."""
        start, cycles = self._unordered(tiling)
        below = self._below(tiling)
        orders = tiling.orders()

        def extend(
            i: int, blocks: Blocks, nest: tuple[Loop, ...], paid: Paid
        ) -> Iterator[tuple[Cost, Blocks]]:
            if i == len(orders):
                energy, traffic, ends, stop, *beside = paid
                latency = int(self.fixed * self.cycles) + ends + max([cycles + stop, *beside])
                yield Cost(energy, latency, traffic), blocks
                return
            for block in orders[i]:
                inner, total = nest + block, paid
                for tensor, parent, child in below[i]:
                    total = tuple(map(add, total, self.transfer(tensor, parent, child, inner)))
                yield from extend(i + 1, (*blocks, block), inner, total)

        yield from extend(0, (), (), start)

    def _below(self, tiling: Tiling) -> list[list[tuple[str, str, str]]]:
        """Per place the nodes between it and the next one, as (tensor, memory above, memory)."""
        above: dict[str, str] = {}
        found: list[list[tuple[str, str, str]]] = []
        for item in tiling.frame:
            if isinstance(item, Place):
                found.append([])
                continue
            if item.tensor in above:
                found[-1].append((item.tensor, above[item.tensor], item.memory))
            above[item.tensor] = item.memory
        return found

    def _unordered(self, tiling: Tiling) -> tuple[Paid, int]:
        """What no order changes: transfers into the MAC, the MAC itself and the steps in which it works."""
        nest = tuple(loop for block in tiling.blocks for loop in block)
        mac = _price(self.chip.compute, "mac") * self.layer.macs * self.energies
        paid = (int(mac), *(0 for _ in range(3 + len(self.channels))))
        last = {item.tensor: item.memory for item in tiling.frame if isinstance(item, Storage)}
        for tensor, memory in last.items():
            at = self._lowest(memory, nest)
            inside = self._entrance(nest, at)
            sorted_nest = (*_by_dim(nest[:at]), *_by_dim(nest[at:inside]), *_by_dim(nest[inside:]))
            paid = tuple(map(add, paid, self.transfer(tensor, memory, None, sorted_nest)))
        return paid, self.steps(_by_dim(nest)) * self.cycles

    def _steps(self, nest: tuple[Loop, ...]) -> int:
        steps = _arrivals(self.layer, Mapping(nest), self.layer.output, len(nest))
        return sum(1 for step in steps if step)

    def _entrance(self, nest: tuple[Loop, ...], at: int) -> int:
        """The first loop on the innermost array from a place on: its network tells apart what stands further out."""
        axes = {axis.name for axis in self.chip.arrays[-1].axes} if self.chip.arrays else set()
        own = (i for i, x in enumerate(nest) if i >= at and isinstance(x, Spatial) and x.axis in axes)
        return next(own, len(nest))

    def _lowest(self, memory: str, nest: tuple[Loop, ...]) -> int:
        """The first place in a nest where a node may stand: below the loops on axes above its memory."""
        depth = self.depth[memory]
        above = (i + 1 for i, x in enumerate(nest) if isinstance(x, Spatial) and self.depth[x.axis] < depth)
        return max(above, default=0)

    def _transfer(self, tensor: str, parent: str, child: str | None, nest: tuple[Loop, ...]) -> Paid:
        """Price of what happens between two nodes of a tensor, the lower one right below these loops."""
        data, at = self.layer.tensor(tensor), self._lowest(parent, nest)
        ends = [Storage(child, tensor)] if child else []
        mapping = Mapping((*nest[:at], Storage(parent, tensor), *nest[at:], *ends))
        end = len(nest) + 1
        served, received, hops, first = _transfer(self.layer, self.chip, mapping, data, parent=at, child=end)
        energy, traffic = self._accesses(data, parent, served)
        if child:
            more, bits = self._accesses(data, child, received)
            energy, traffic = energy + more, traffic + bits
        depths = slice(self.depth[parent], self.depth[child] if child else None)
        crossed = [level for level in self.chip.levels[depths] if isinstance(level, Array)]
        network = served
        if crossed:
            hop = hops.transfers * _price(crossed[-1], "transfer")
            energy += self._units(hop + hops.reductions * _price(crossed[-1], "reduce"), data)
        if len(crossed) > 1:
            axes = {axis.name for axis in crossed[-1].axes}
            own = [i for i, n in enumerate(mapping.nodes) if at < i and getattr(n, "axis", None) in axes]
            entrance = own[0] if own else end
            network, *_ = _transfer(self.layer, self.chip, mapping, data, parent=entrance, child=end)
        found = times(
            self.chip,
            tensor,
            _bits(self.chip, data),
            (parent, child),
            [array.name for array in crossed],
            (_point(served), _point(network), _point(received)),
            first,
        )
        beside = (found.beside[name] for name in self.channels)
        cycles = [time * self.cycles for time in (found.ends, found.stop, *beside)]
        assert all(c == int(c) for c in cycles)
        return (energy, traffic, *map(int, cycles))

    def _units(self, energy: Fraction, tensor: Tensor) -> int:
        """An energy, given as if values were words, of values of this tensor."""
        units = energy * Fraction(_bits(self.chip, tensor), self.chip.word_bits) * self.energies
        assert units.denominator == 1
        return units.numerator

    def _accesses(self, tensor: Tensor, name: str, tally: Counter[tuple[Instance, str]]) -> tuple[int, int]:
        """Price of a memory's tally of (instance, action), and off-chip bits."""
        memory = self.chip.memory(name)
        energy = sum(
            (n * _price(memory, "write" if action in WRITES else "read") for (_, action), n in tally.items()),
            Fraction(0),
        )
        bits = tally.total() * _bits(self.chip, tensor)
        return self._units(energy, tensor), bits if memory is self.chip.memories[0] else 0


def _point(tally: Counter[tuple[Instance, str]]) -> Point:
    """What passes at the instance at zero, which is the busiest."""
    at_zero = {action: n for (instance, action), n in tally.items() if not any(instance)}
    inward = at_zero.get("reads", 0) + at_zero.get("fills", 0)
    return Point(inward, at_zero.get("updates", 0) + at_zero.get("drains", 0))


def _by_dim(nest: tuple[Loop, ...]) -> tuple[Loop, ...]:
    """With the loops of each dimension together, in their order."""
    return tuple(sorted(nest, key=lambda loop: loop.dim))
