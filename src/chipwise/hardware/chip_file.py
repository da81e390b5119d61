"""From a chip file to an `Accelerator`: quantities parsed, names checked, bandwidths lowered to ports.

Energies stay as far as the file itself gives them: the tables stand one layer up, in `components`, which
completes the chip (`chipwise.components.load`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, NoReturn, TypeVar, final

from chipwise import units
from chipwise.errors import InputError, did_you_mean
from chipwise.hardware import chip_costs, sparsity_file
from chipwise.hardware import chip_model as model
from chipwise.hardware.accelerator import (
    Accelerator,
    ActionEnergy,
    Array,
    Axis,
    Compound,
    Compute,
    Level,
    Loops,
    Memory,
    Parallel,
    Port,
    Route,
)
from chipwise.hardware.buffering import Buffering
from chipwise.hardware.dataflow import find_dataflow
from chipwise.hardware.network import limited, read_route
from chipwise.hardware.sparsity import Sparsity
from chipwise.yamlfile import Document, validated
from chipwise.yamlrules import spelled

T = TypeVar("T")
At = tuple[str | int, ...]

MAX_PES = 2**31 - 1
"""Largest array: counts of instances stay exact integers in compiled kernels."""


@final
@dataclass(frozen=True, slots=True)
class ChipFile:
    """What one file says: the chip with the energies given there, and the table that is to give the rest."""

    accelerator: Accelerator
    table: str | None
    mac_pj: float | None
    """One multiply-accumulate, the unit of a table that is normalized to it."""
    energy_place: str
    """`file:line` of the choice of table."""
    places: Mapping[str, str]
    """`file:line` of every part, by its name."""
    compounds: Mapping[str, Compound]
    """Components that the file itself makes of others."""
    scaled: bool
    """Whether the table is to be scaled to the chip's technology."""
    estimate_leakage: bool
    """Whether the leakage of the chip is that of its parts, as estimators give it."""


def read_chip(document: Document) -> ChipFile:
    """The chip in `document`.

    Raises:
        InputError: the first thing that is wrong, with file:line, field, value, rule and fix.
    """
    return _Reader(document, validated(document, model.ChipModel)).chip_file()


@final
class _Reader:
    """Carries the document and what the quantities depend on: word, clock and tensors."""

    def __init__(self, document: Document, chip: model.ChipModel) -> None:
        self.document = document
        self.chip = chip
        self.places: dict[str, str] = {}
        self.clock_hz = self.quantity(units.frequency_hz, chip.clock, "clock")
        self.word_bits = self.quantity(units.capacity_bits, chip.word, "word")
        if self.word_bits > 4096:
            self.fail(("word",), chip.word, "must be at most 4096 b")
        self.tensors = tuple(chip.tensors)
        self.distinct(chip.tensors, "tensors")

    def chip_file(self) -> ChipFile:
        chip = self.chip
        self.check_order()
        levels = tuple(self.level(i, level) for i, level in enumerate(chip.levels))
        pes = prod(level.size for level in levels if isinstance(level, Array))
        if pes > MAX_PES:
            self.refuse(("levels",), f"have {pes} instances of the compute; at most {MAX_PES} are counted")
        estimate = chip.leakage == chip_costs.ESTIMATE
        leakage = None
        if chip.leakage is not None and not estimate:
            leakage = self.quantity(units.power_w, chip.leakage, "leakage")
        accelerator = Accelerator(
            name=chip.name,
            levels=levels,
            clock_hz=self.clock_hz,
            word_bits=self.word_bits,
            title=chip.title,
            source=chip.source,
            technology=self.technology(),
            area_mm2=self.area(chip.area, "area"),
            tensors=self.tensors,
            leakage_w=leakage,
            leakage_source="" if leakage is None else self.given("", "leakage"),
            parts=chip_costs.extra_parts(self, chip.parts),
            runs=tuple(chip.runs),
            dataflows=self.dataflows(),
            configuration_s=self.configuration(),
            prefetches=chip.prefetch,
        )
        table, mac_pj = None, None
        if chip.energy is not None:
            table = chip.energy.table
            if chip.energy.mac is not None:
                mac_pj = self.quantity(units.energy_pj, chip.energy.mac, "energy", "mac")
        return ChipFile(
            accelerator,
            table,
            mac_pj,
            self.document.where("energy"),
            self.places,
            chip_costs.compounds(self, chip.components),
            scaled=chip.energy is not None and chip.energy.scaled,
            estimate_leakage=estimate,
        )

    def configuration(self) -> float:
        value = self.chip.configuration
        return 0.0 if value is None else self.quantity(units.time_s, value, "configuration")

    def dataflows(self) -> tuple[str, ...]:
        for key in ("runs", "dataflows"):
            self.distinct(getattr(self.chip, key), key)
        names = (
            self.quantity(find_dataflow, name, "dataflows", i) for i, name in enumerate(self.chip.dataflows)
        )
        return tuple(flow.name for flow in names)

    def check_order(self) -> None:
        kinds = [type(level) for level in self.chip.levels]
        last = len(kinds) - 1
        if kinds[0] is not model.MemoryLevel:
            self.refuse(
                ("levels", 0), "is the outermost level, so it must be a memory that keeps every tensor"
            )
        if model.ComputeLevel not in kinds:
            self.refuse(
                ("levels", last), "is the last level but no compute; end the list with `compute: mac`"
            )
        first = kinds.index(model.ComputeLevel)
        if first != last:
            self.refuse(("levels", first + 1), "stands below the compute, which must be the last level")

    def level(self, index: int, level: Any) -> Level:
        path: At = ("levels", index)
        if isinstance(level, model.MemoryLevel):
            return self.memory(level, path, level, outermost=index == 0)
        if isinstance(level, model.ArrayLevel):
            return self.array(level, path)
        if isinstance(level, model.ParallelLevel):
            return self.parallel(level, path)
        self.part(level.compute, *path, "compute")
        mac = self.energies(level, ("mac",), path)
        area = self.area(level.area, *path, "area")
        physical = chip_costs.physical(self, level, path)
        zeros = sparsity_file.of_compute(self, level, path)
        return Compute(level.compute, level.component, mac, area, physical, zeros)

    def memory(
        self, level: model.MemoryLevel, path: At, rules: model.LoopRules, *, outermost: bool = False
    ) -> Memory:
        self.part(level.memory, *path, "memory")
        for key in ("keeps", "may_keep"):
            names: list[str] = getattr(level, key)
            for i, tensor in enumerate(names):
                self.known(tensor, self.tensors, "tensor", *path, key, i)
            self.distinct(names, *path, key)
        both = sorted(set(level.keeps) & set(level.may_keep))
        if both:
            self.fail((*path, "may_keep"), both[0], "stands in `keeps` as well; keep it in one of them")
        if not level.keeps and not level.may_keep:
            self.refuse(path, f"memory {level.memory!r} keeps nothing; add `keeps: [...]`, or delete it")
        missing = [t for t in self.tensors if t not in level.keeps]
        if outermost and missing:
            self.refuse(path, f"is outermost, so `keeps` must list every tensor; add {', '.join(missing)}")
        return Memory(
            name=level.memory,
            component=level.component,
            keeps=tuple(level.keeps),
            may_keep=tuple(level.may_keep),
            capacity_bits=self.capacity(level, path, outermost=outermost),
            buffering=Buffering(level.buffering),
            ports=self.ports(level, path),
            inner_loops=self.loops(rules, path),
            energy=self.energies(level, ("read", "write", "leak", "compress", "decompress"), path),
            area_mm2=self.area(level.area, *path, "area"),
            physical=chip_costs.physical(self, level, path, banks=level.banks, ports=level.ports),
            sparsity=sparsity_file.of_memory(self, level, (*level.keeps, *level.may_keep), path),
        )

    def capacity(self, level: model.MemoryLevel, path: At, *, outermost: bool) -> int | None:
        if outermost:
            if level.capacity not in (None, "unlimited"):
                self.fail(
                    (*path, "capacity"),
                    level.capacity,
                    "is too much: the outermost memory holds whole tensors; delete the line",
                )
            return None
        if level.capacity is None:
            self.refuse(
                path,
                f"memory {level.memory!r} needs a capacity, e.g. `capacity: 108 KiB`; write "
                "`capacity: unlimited` if it has no limit",
            )
        if level.capacity == "unlimited":
            return None
        parse = partial(units.capacity_bits, word_bits=self.word_bits)
        bits = self.quantity(parse, level.capacity, *path, "capacity")
        if bits < self.word_bits * (2 if level.buffering == "double" else 1):
            self.fail(
                (*path, "capacity"),
                level.capacity,
                f"is less than one word of {self.word_bits} bits (two with double buffering)",
            )
        return bits

    def parallel(self, level: model.ParallelLevel, path: At) -> Parallel:
        memories: list[Memory] = []
        for j, entry in enumerate(level.parallel):
            at = (*path, "parallel", j)
            rules = entry if {"loops", "full"} & entry.model_fields_set else level
            memory = self.memory(entry, at, rules)
            for other in memories:
                shared = [t for t in self.tensors if other.holds(t) and memory.holds(t)]
                if shared:
                    self.refuse(
                        at,
                        f"{memory.name!r} and {other.name!r} stand side by side, so only one of "
                        f"them may keep {shared[0]!r}",
                    )
            memories.append(memory)
        return Parallel(tuple(memories))

    def array(self, level: model.ArrayLevel, path: At) -> Array:
        self.part(level.array, *path, "array")
        axes = []
        for name, axis in level.axes.items():
            self.part(name, *path, "axes", name)
            axes.append(Axis(name, axis.size, self.loops(axis, (*path, "axes", name))))
        routes = {}
        for tensor, phrase in level.network.items():
            at = (*path, "network", tensor)
            self.known(tensor, self.tensors, "tensor", *at)
            routes[tensor] = read_route(self, level, tensor, phrase, at)
        for tensor in level.bandwidth:
            at = (*path, "bandwidth", tensor)
            self.known(tensor, self.tensors, "tensor", *at)
            routes[tensor] = limited(self, level, tensor, routes.get(tensor, Route()), at)
        energy = self.energies(level, ("transfer", "reduce"), path)
        area = self.area(level.area, *path, "area")
        physical = chip_costs.physical(self, level, path, hop=level.hop)
        zeros = Sparsity(sparsity_file.formats(self, level, self.tensors, path))
        return Array(level.array, tuple(axes), routes, energy, level.component, area, physical, zeros)

    def ports(self, level: model.MemoryLevel, path: At) -> tuple[Port, ...]:
        held = tuple(t for t in self.tensors if t in level.keeps or t in level.may_keep)
        found: list[Port] = []
        for key, entry in level.bandwidth.items():
            at = (*path, "bandwidth", key)
            if key in ("shared", "read", "write"):
                if isinstance(entry, model.TensorBandwidth):
                    self.refuse(at, f"`{key}` takes one quantity, e.g. 8 B/cycle")
                found.append(self.port(level, key, None, entry, at))
                continue
            self.known(key, ("shared", "read", "write", *held), "key", *at)
            if not isinstance(entry, model.TensorBandwidth):
                self.fail(at, entry, "must say for what: {shared: ...}, {read: ...} or {write: ...}")
            limits = ((what, getattr(entry, what)) for what in ("shared", "read", "write"))
            found += [self.port(level, what, key, v, (*at, what)) for what, v in limits if v is not None]
        return tuple(found)

    def port(self, level: model.MemoryLevel, what: str, tensor: str | None, value: Any, path: At) -> Port:
        parse = partial(units.bandwidth_bits_per_cycle, clock_hz=self.clock_hz, word_bits=self.word_bits)
        bits_per_cycle = self.quantity(parse, value, *path)
        if level.burst is not None:
            # Every burst of this length is followed by a gap, so this is what is left on average.
            at = (*path[: path.index("bandwidth")], "burst")
            length = self.quantity(
                partial(units.capacity_bits, word_bits=self.word_bits), level.burst.length, *at, "length"
            )
            gap = self.quantity(units.time_s, level.burst.gap, *at, "gap") * self.clock_hz
            bits_per_cycle = length / (length / bits_per_cycle + gap)
        words = [level.memory, *([tensor] if tensor else []), *([what] if what != "shared" else [])]
        return Port(
            name=" ".join(words),
            bits_per_cycle=bits_per_cycle,
            tensors=(tensor,) if tensor else None,
            reads=what != "write",
            writes=what != "read",
        )

    def loops(self, rules: model.LoopRules, path: At) -> Loops:
        for key in ("loops", "full"):
            self.distinct(getattr(rules, key), *path, key)
        allowed = tuple(rules.loops) if "loops" in rules.model_fields_set else None
        for dim in rules.full:
            if allowed is not None and dim not in allowed:
                self.fail((*path, "full"), dim, f"is not in `loops`, so it cannot be whole here; add {dim}")
        return Loops(allowed, tuple(rules.full))

    def energies(self, level: Any, actions: Sequence[str], path: At) -> dict[str, ActionEnergy]:
        found = {}
        for action in actions:
            if (value := getattr(level.energy, action)) is not None:
                energy_pj = self.quantity(units.energy_pj, value, *path, "energy", action)
                found[action] = ActionEnergy(energy_pj, self.given(level.source, *path, "energy", action))
        return found

    def given(self, source: str, *path: str | int) -> str:
        source = source or self.chip.source
        return f"given in {self.document.where(*path)}" + (f": {source}" if source else "")

    def technology(self) -> dict[str, str]:
        given = self.chip.technology
        found = {}
        if given.node is not None:
            self.quantity(units.length_nm, given.node, "technology", "node")
            found["node"] = str(given.node)
        if given.voltage is not None:
            self.quantity(units.voltage_v, given.voltage, "technology", "voltage")
            found["voltage"] = str(given.voltage)
        return found

    def area(self, value: Any, *path: str | int) -> float | None:
        return None if value is None else self.quantity(units.area_mm2, value, *path)

    def part(self, name: str, *path: str | int) -> None:
        if name in self.places:
            self.fail(path, name, f"names a second part, after {self.places[name]}; names must differ")
        if name in self.tensors:
            self.fail(path, name, "is a tensor's name; call the part something else")
        self.places[name] = self.document.where(*path)

    def known(self, name: str, names: Sequence[str], what: str, *path: str | int) -> None:
        if name not in names:
            self.fail(path, name, f"is no {what} here." + did_you_mean(name, names))

    def distinct(self, names: Sequence[str], *path: str | int) -> None:
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            self.fail(path, twice[0], "is listed twice; delete one")

    def quantity(self, parse: Callable[[Any], T], value: Any, *path: str | int) -> T:
        try:
            return parse(value)
        except InputError as error:
            raise InputError(f"{self.document.where(*path)}: {spelled(path)} = {error}") from None

    def fail(self, path: At, value: object, rule: str) -> NoReturn:
        self.refuse(path, f"{value!r} {rule}" if path[-1] == value else f"= {value!r} {rule}")

    def refuse(self, path: At, rule: str) -> NoReturn:
        raise InputError(f"{self.document.where(*path)}: {spelled(path)} {rule}")
