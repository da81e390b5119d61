"""The slow truth of the mapper: every even mapping, one by one, each walked.

Nothing is bounded, sampled or shared with `chipwise.mapper` or `chipwise.model`: the mapspace is written
down a second time, counts come from `tests.oracle.walk`, and costs are exact fractions. Problems of some
thousand mappings are its size.

Two things are done once instead of many times, both only where a walk cannot tell the difference:

- A transfer is walked once per nest of loops above its child: loops further in, and what other tensors
  keep, do not enter a walk.
- The order of loops is not told apart for transfers into the MAC. It holds nothing, so what it touches in a
  step does not depend on the step before, and sums over all steps do not depend on their order. So the
  innermost block, which stands above nothing but the MAC, is taken in one order.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, permutations, product
from math import factorial, prod
from typing import NamedTuple

from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory, Parallel, Port
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.workload.layer import Layer, Tensor
from tests.oracle.walk import _arrivals, _transfer, walk

OBJECTIVES = ("energy", "latency", "edp")
WRITES = {"fills", "updates"}


class Cost(NamedTuple):
    """Energy and latency of a mapping, exactly."""

    energy: Fraction
    latency: Fraction

    def of(self, objective: str) -> tuple[Fraction, ...]:
        """What is minimised; ties of a latency go to the lower energy."""
        if objective == "edp":
            return (self.energy * self.latency,)
        return (self.energy,) if objective == "energy" else (self.latency, self.energy)


class Best(NamedTuple):
    """The least value of an objective and the first mapping that has it."""

    value: tuple[Fraction, ...]
    mapping: Mapping


def optimum(layer: Layer, chip: Accelerator, objective: str, *, least: bool = False) -> Best | None:
    """The best even mapping by one objective, None where nothing is legal."""
    return optima(layer, chip, least=least).get(objective)


def optima(layer: Layer, chip: Accelerator, *, least: bool = False) -> dict[str, Best]:
    """The best even mapping by each objective, from one enumeration; empty where nothing is legal.

    With `least`, an axis takes only the least number of instances that does it in as many passes, as
    `chipwise.mapper.mapspace` declares; else every number.
    """
    found: dict[str, Best] = {}
    price = _Prices(layer, chip)
    for tiling in tilings(layer, chip, least=least):
        into_mac = price.into_mac(tiling)
        for loops in tiling.orders():
            paid = price.total(into_mac, tiling, loops)
            for objective in OBJECTIVES:
                value = paid.of(objective)
                if objective not in found or value < found[objective].value:
                    found[objective] = Best(value, tiling.mapping(loops))
    return found


def size(layer: Layer, chip: Accelerator, most: int, *, least: bool = False) -> int:
    """Number of even mappings that fit, more than `most` counted as `most` + 1."""
    n = 0
    for tiling in tilings(layer, chip, least=least):
        n += prod(factorial(len(block)) for block in tiling.ordered())
        if n > most:
            return most + 1
    return n


# The mapspace, as the docstring of chipwise.mapper.mapspace declares it


class Place(NamedTuple):
    """Where each dimension may have one loop: the temporal block below a stage, or an axis."""

    stage: int
    axis: Axis | None


LoopNest = tuple[tuple[Temporal | Spatial, ...], ...]
"""The loops of more than one iteration at each place, outermost first."""


class Tiling(NamedTuple):
    """A legal choice of what is kept in which stage and of all loops, of which the order is still open."""

    kept: tuple[tuple[tuple[str, str], ...], ...]
    places: tuple[Place, ...]
    loops: LoopNest

    def ordered(self) -> list[tuple[Temporal | Spatial, ...]]:
        """The blocks of which the order matters: temporal ones, all but the innermost."""
        last = len(self.kept) - 1
        return [b for p, b in zip(self.places, self.loops, strict=True) if p.axis is None and p.stage < last]

    def orders(self) -> Iterator[LoopNest]:
        """All orders of the loops of every such block."""
        last = len(self.kept) - 1
        yield from product(
            *(
                permutations(block) if place.axis is None and place.stage < last else [block]
                for place, block in zip(self.places, self.loops, strict=True)
            )
        )

    def between(self, loops: LoopNest, outer: int, inner: int) -> tuple[Temporal | Spatial, ...]:
        """The loops below stage `outer` and above stage `inner`."""
        chosen = (b for p, b in zip(self.places, loops, strict=True) if outer <= p.stage < inner)
        return tuple(loop for block in chosen for loop in block)

    def mapping(self, loops: LoopNest) -> Mapping:
        """The loop tree."""
        nodes: list[Storage | Temporal | Spatial] = []
        for stage, pairs in enumerate(self.kept):
            nodes += [Storage(memory, tensor) for memory, tensor in pairs]
            nodes += self.between(loops, stage, stage + 1)
        return Mapping(tuple(nodes))


Kept = tuple[tuple[tuple[str, str], ...], ...]
"""Per stage the (memory, tensor) pairs kept."""


def tilings(layer: Layer, chip: Accelerator, *, least: bool = False) -> Iterator[Tiling]:
    """Every legal combination of kept tiles and loops."""
    stages, _ = _frame(chip)
    for kept in _keepings(layer, stages):
        yield from _tilings_of(layer, chip, kept, least=least)


def _frame(chip: Accelerator) -> tuple[list[tuple[Memory, ...]], list[Place]]:
    """Stages of memories, and the places between them where loops may stand."""
    stages: list[tuple[Memory, ...]] = []
    places: list[Place] = []
    for level in chip.levels:
        if isinstance(level, Memory | Parallel):
            stages.append(level.memories if isinstance(level, Parallel) else (level,))
            places.append(Place(len(stages) - 1, None))
        elif isinstance(level, Array):
            places += [Place(len(stages) - 1, axis) for axis in level.axes]
    return stages, places


def _tilings_of(layer: Layer, chip: Accelerator, kept: Kept, *, least: bool) -> Iterator[Tiling]:
    """Tilings with one choice of what is kept; a stage that keeps nothing is not there."""
    stages, places = _frame(chip)
    used = [
        tuple(m for m in memories if any(m.name == name for name, _ in pairs))
        for memories, pairs in zip(stages, kept, strict=True)
    ]
    per_dim = [
        [t for t in _trips(extent, places[::-1], least=least) if _allowed(dim, extent, t, used, places)]
        for dim, extent in layer.dims.items()
    ]
    for trips in product(*per_dim):
        if any(p.axis and prod(t[i] for t in trips) > p.axis.size for i, p in enumerate(places)):
            continue
        tiles = [
            [min(extent, prod(t[i + 1 :])) for i in range(len(places))]
            for extent, t in zip(layer.dims.values(), trips, strict=True)
        ]
        loops = tuple(
            tuple(
                Spatial(place.axis.name, dim, tile[i]) if place.axis else Temporal(dim, tile[i])
                for dim, t, tile in zip(layer.dims, trips, tiles, strict=True)
                if t[i] > 1
            )
            for i, place in enumerate(places)
        )
        tiling = Tiling(kept, tuple(places), loops)
        if _fits(layer, chip, tiling):
            yield tiling


def _trips(left: int, inside_out: list[Place], *, least: bool) -> Iterator[tuple[int, ...]]:
    """Iterations at each place, outermost first, that together run over `left` tiles."""
    if not inside_out:
        if left == 1:
            yield ()
        return
    place, *rest = inside_out
    for n in range(1, left + 1):
        passes = -(-left // n)
        if place.axis is None:
            possible = left % n == 0
        else:
            possible = n <= place.axis.size and not (least and n > 1 and -(-left // (n - 1)) == passes)
        if possible:
            yield from ((*outer, n) for outer in _trips(passes, rest, least=least))


def _allowed(
    dim: str, extent: int, trips: tuple[int, ...], stages: list[tuple[Memory, ...]], places: list[Place]
) -> bool:
    """Whether every place takes its loop over `dim`, and gets all of it where it must."""
    for place, n in zip(places, trips, strict=True):
        here = next(memories for memories in reversed(stages[: place.stage + 1]) if memories)
        takers = [m.inner_loops for m in here] if place.axis is None else [place.axis.loops]
        if n > 1 and not all(taker.allowed is None or dim in taker.allowed for taker in takers):
            return False
        if place.axis is not None and dim in place.axis.loops.full and n != extent:
            return False
        inner = [m for memories in stages[place.stage + 1 :] for m in memories]
        if n > 1 and any(dim in m.inner_loops.full for m in inner):
            return False
    return True


def _keepings(
    layer: Layer, stages: list[tuple[Memory, ...]]
) -> Iterator[tuple[tuple[tuple[str, str], ...], ...]]:
    """Per stage the (memory, tensor) pairs kept; a tensor is kept once at most in a group."""
    names = [t.name for t in layer.tensors]
    pairs = [(i, m, t) for i, memories in enumerate(stages) for m in memories for t in names if m.holds(t)]
    for chosen in product(*([True] if t in m.keeps else [True, False] for _, m, t in pairs)):
        kept = [pair for pair, yes in zip(pairs, chosen, strict=True) if yes]
        if len({(i, t) for i, _, t in kept}) == len(kept):
            yield tuple(tuple((m.name, t) for at, m, t in kept if at == i) for i in range(len(stages)))


def _fits(layer: Layer, chip: Accelerator, tiling: Tiling) -> bool:
    """Whether all tiles of each memory fit in it together."""
    for stage, pairs in enumerate(tiling.kept):
        tile = dict(layer.dims)
        for loop in tiling.between(tiling.loops, 0, stage):
            tile[loop.dim] = min(loop.tile, tile[loop.dim])
        for memory in (chip.memory(name) for name in {name for name, _ in pairs}):
            need = 0
            for tensor in (layer.tensor(t) for name, t in pairs if name == memory.name):
                lengths = (1 + sum(c * (tile[d] - 1) for d, c in rank.terms) for rank in tensor.ranks)
                need += prod(lengths) * _bits(chip, tensor)
            if memory.capacity_bits is not None and need * memory.buffering > memory.capacity_bits:
                return False
    return True


# Prices


def _bits(chip: Accelerator, tensor: Tensor) -> int:
    return chip.word_bits if tensor.bits is None else tensor.bits


def _price(part: Memory | Array | Compute, action: str) -> Fraction:
    """Of one word; a network without figures is free."""
    if isinstance(part, Array) and action not in part.energy:
        return Fraction(0)
    return Fraction(part.energy[action].energy_pj)


def _counted(port: Port, tensor: Tensor, action: str) -> bool:
    """Whether an action of a memory on `tensor` goes through its port."""
    return (port.tensors is None or tensor.name in port.tensors) and (
        port.writes if action in WRITES else port.reads
    )


def cost(layer: Layer, chip: Accelerator, mapping: Mapping) -> Cost:
    """Cost of one mapping from a whole walk of it, nothing remembered."""
    counts = walk(layer, chip, mapping)
    energy, latency = _price(chip.compute, "mac") * counts.macs, Fraction(counts.cycles)
    for (name, data), actions in counts.actions.items():
        memory, tensor = chip.memory(name), layer.tensor(data)
        words = Fraction(_bits(chip, tensor), chip.word_bits)
        energy += (actions.reads + actions.drains) * words * _price(memory, "read")
        energy += (actions.fills + actions.updates) * words * _price(memory, "write")
    for (name, data), hops in counts.hops.items():
        array = next(a for a in chip.arrays if a.name == name)
        words = Fraction(_bits(chip, layer.tensor(data)), chip.word_bits)
        energy += hops.transfers * words * _price(array, "transfer")
        energy += hops.reductions * words * _price(array, "reduce")
    for memory in chip.memories:
        for port in memory.ports:
            bits = sum(
                getattr(busiest, action) * _bits(chip, layer.tensor(data))
                for (name, data), busiest in counts.busiest.items()
                for action in ("reads", "drains", "fills", "updates")
                if name == memory.name and _counted(port, layer.tensor(data), action)
            )
            latency = max(latency, bits / Fraction(port.bits_per_cycle))
    return Cost(energy, latency)


class Paid(NamedTuple):
    """Energy of transfers and the bits they put on each port of the chip."""

    energy: Fraction
    bits: tuple[int, ...]

    def __add__(self, other: "Paid") -> "Paid":
        return Paid(
            self.energy + other.energy, tuple(a + b for a, b in zip(self.bits, other.bits, strict=True))
        )


class _Prices:
    """Prices of the mappings of one problem; transfers are remembered by all that their walk looks at."""

    def __init__(self, layer: Layer, chip: Accelerator) -> None:
        self.layer, self.chip = layer, chip
        self.ports = [(m, port) for m in chip.memories for port in m.ports]
        self.per_cycle = [Fraction(port.bits_per_cycle) for _, port in self.ports]
        self.nothing = Paid(Fraction(0), (0,) * len(self.ports))
        self.remembered: dict[tuple[object, ...], Paid] = {}
        self.steps: dict[tuple[object, ...], int] = {}

    def total(self, into_mac: tuple[Paid, int], tiling: Tiling, loops: LoopNest) -> Cost:
        """Cost with the loops in this order."""
        paid, cycles = into_mac
        for tensor in self.layer.tensors:
            held = self._held(tiling, tensor)
            for (outer, parent), (inner, child) in pairwise(held):
                above, below = tiling.between(loops, 0, outer), tiling.between(loops, outer, inner)
                paid += self._transfer(tensor, parent, child, above, below)
        busy = [bits / each for bits, each in zip(paid.bits, self.per_cycle, strict=True)]
        return Cost(paid.energy, max([Fraction(cycles), *busy]))

    def into_mac(self, tiling: Tiling) -> tuple[Paid, int]:
        """What no order changes: transfers into the MAC, the MAC itself and the steps in which it works."""
        paid = self.nothing._replace(energy=_price(self.chip.compute, "mac") * prod(self.layer.dims.values()))
        stages = len(tiling.kept)
        for tensor in self.layer.tensors:
            outer, parent = self._held(tiling, tensor)[-1]
            above, below = tiling.between(tiling.loops, 0, outer), tiling.between(tiling.loops, outer, stages)
            paid += self._transfer(tensor, parent, None, above, below)
        nest = tiling.between(tiling.loops, 0, stages)
        if nest not in self.steps:
            steps = _arrivals(self.layer, Mapping(nest), self.layer.output, len(nest))
            self.steps[nest] = sum(1 for step in steps if step)
        return paid, self.steps[nest]

    def _held(self, tiling: Tiling, tensor: Tensor) -> list[tuple[int, str]]:
        return [(stage, m) for stage, pairs in enumerate(tiling.kept) for m, t in pairs if t == tensor.name]

    def _transfer(
        self,
        tensor: Tensor,
        parent: str,
        child: str | None,
        above: tuple[Temporal | Spatial, ...],
        below: tuple[Temporal | Spatial, ...],
    ) -> Paid:
        key = (tensor.name, parent, child, above, below)
        if key not in self.remembered:
            ends = [Storage(child, tensor.name)] if child else []
            nodes = (*above, Storage(parent, tensor.name), *below, *ends)
            served, received, hops = _transfer(
                self.layer,
                self.chip,
                Mapping(nodes),
                tensor,
                parent=len(above),
                child=len(above) + 1 + len(below),
            )
            paid = self._accesses(tensor, parent, served)
            if child:
                paid += self._accesses(tensor, child, received)
            depths = [self.chip.depth(parent), self.chip.depth(child or self.chip.compute.name)]
            crossed = [level for level in self.chip.levels[slice(*depths)] if isinstance(level, Array)]
            if crossed:
                words = Fraction(_bits(self.chip, tensor), self.chip.word_bits)
                energy = hops.transfers * _price(crossed[-1], "transfer")
                energy += hops.reductions * _price(crossed[-1], "reduce")
                paid += self.nothing._replace(energy=energy * words)
            self.remembered[key] = paid
        return self.remembered[key]

    def _accesses(self, tensor: Tensor, name: str, tally) -> Paid:
        """Price of a memory's tally of (instance, action); the instance at zero is the busiest."""
        memory, width = self.chip.memory(name), _bits(self.chip, tensor)
        energy, bits = Fraction(0), [0] * len(self.ports)
        for (instance, action), n in tally.items():
            energy += n * _price(memory, "write" if action in WRITES else "read")
            for i, (owner, port) in enumerate(self.ports):
                if owner is memory and not any(instance) and _counted(port, tensor, action):
                    bits[i] += n * width
        return Paid(energy * Fraction(width, self.chip.word_bits), tuple(bits))
