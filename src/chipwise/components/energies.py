"""Completes a chip: every action gets its energy, every part its area, from the chip itself or else an estimator."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, final

from chipwise import units
from chipwise.components.classes import ACTIONS, CLASSES
from chipwise.components.compounds import LIBRARY, Compounded
from chipwise.components.estimator import AREA, LEAKAGE, AbstractEstimator, Estimate, Query
from chipwise.components.registry import table_names
from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import (
    Accelerator,
    ActionEnergy,
    Array,
    Compound,
    Compute,
    Level,
    Memory,
    Parallel,
    Part,
)

NOT_MODELLED = "not modelled: neither the chip nor its table gives it"
"""Source of the zero of a network without energies."""

AnyPart = Memory | Array | Compute | Part
P = TypeVar("P", Memory, Array, Compute, Part)


def query_of(accelerator: Accelerator, part: AnyPart) -> Query:
    """What an estimator is asked about a part of a chip."""
    physical, technology = part.physical, accelerator.technology
    is_memory = isinstance(part, Memory)
    node, voltage = technology.get("node"), technology.get("voltage")
    return Query(
        part.component,
        accelerator.word_bits if is_memory else physical.width_bits or accelerator.word_bits,
        capacity_bits=part.capacity_bits if isinstance(part, Memory) else None,
        width_bits=physical.width_bits if is_memory else None,
        banks=physical.banks,
        ports=physical.ports,
        ways=part.size if isinstance(part, Array) else 1,
        length_mm=physical.length_mm,
        node_nm=None if node is None else units.length_nm(node),
        voltage_v=None if voltage is None else units.voltage_v(voltage),
    )


def with_energies(
    accelerator: Accelerator,
    table: AbstractEstimator | None,
    places: Mapping[str, str] | None = None,
    note: str = "",
    *,
    others: AbstractEstimator | None = None,
    compounds: Mapping[str, Compound] | None = None,
    estimate_leakage: bool = False,
) -> Accelerator:
    """The chip with an energy for every action that a mapping can cause.

    What the chip gives stands; the rest comes from `table`. A network's energies are often not published, so
    an array without any costs nothing, and says so.

    Args:
        accelerator: a chip whose parts hold the energies given for them, or none.
        table: gives the others; None: there are no others.
        places: where each part stands, for messages.
        note: added to the source of every energy that the table gives.
        others: asked for components that `table` does not know, and for areas; None: nobody is.
        compounds: components made of others, besides those that chipwise brings.
        estimate_leakage: take the leakage of parts that give none from `others`.

    Raises:
        InputError: a memory's read or write or the compute's mac has no energy.
    """
    made = {**LIBRARY, **(compounds or {})}
    return _Completion(
        accelerator,
        None if table is None else Compounded(_Preferred(table, others), made),
        None if others is None else Compounded(others, made),
        places or {},
        note,
        made,
        table=table,
        estimate_leakage=estimate_leakage,
    ).chip()


@final
@dataclass(frozen=True, slots=True)
class _Preferred(AbstractEstimator):
    """A chip's own table, and others for components that it does not have at all."""

    first: AbstractEstimator
    others: AbstractEstimator | None

    @property
    def name(self) -> str:
        """That of the table."""
        return self.first.name

    @property
    def components(self) -> tuple[str, ...]:
        """Those of the table; the others are not promised."""
        return self.first.components

    @property
    def range(self) -> str:
        """That of the table."""
        return self.first.range

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The table's figure; another's where the table has nothing of the component."""
        try:
            found = self.first.estimate(query, figure) if query.component in CLASSES else None
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001
            # Another's package that a chip names itself: nobody stands in for it, and its traceback helps nobody.
            why = f"fails for {query.component}: {type(error).__name__}: {error}"
            raise InputError(f"energy table {self.first.name!r} {why}") from None
        if found is not None or self.others is None or query.component in self.first.components:
            return found
        return self.others.estimate(query, figure)


@final
@dataclass(frozen=True, slots=True)
class _Completion:
    """One chip being completed."""

    accelerator: Accelerator
    energies: AbstractEstimator | None
    others: AbstractEstimator | None
    places: Mapping[str, str]
    note: str
    compounds: Mapping[str, Compound]
    table: AbstractEstimator | None
    estimate_leakage: bool

    def chip(self) -> Accelerator:
        levels = tuple(self.level(i, level) for i, level in enumerate(self.accelerator.levels))
        parts = tuple(replace(self.sized(p), energy=self.complete(p)) for p in self.accelerator.parts)
        return replace(self.accelerator, levels=levels, parts=parts)

    def level(self, index: int, level: Level) -> Level:
        if isinstance(level, Parallel):
            return Parallel(tuple(replace(self.sized(m), energy=self.complete(m)) for m in level.memories))
        if isinstance(level, Array):
            return replace(self.sized(level), energy=self.network(level))
        if isinstance(level, Memory):
            # The outermost memory is another chip: its area and leakage are not this one's.
            return replace(level if index == 0 else self.sized(level), energy=self.complete(level))
        return replace(self.sized(level), energy=self.complete(level))

    def complete(self, part: Memory | Compute | Part) -> dict[str, ActionEnergy]:
        found = dict(part.energy)
        needed = ("read", "write") if isinstance(part, Memory) else ("mac",)
        for action in ("cycle",) if isinstance(part, Part) else needed:
            if action in found:
                continue
            energy = self.entry(part, action)
            if energy is not None:
                found[action] = energy
            elif not isinstance(part, Part):
                raise InputError(f"{self.at(part)}: {_missing(part, action, self.table, self.compounds)}")
        return found

    def network(self, part: Array) -> dict[str, ActionEnergy]:
        nothing = ActionEnergy(0.0, NOT_MODELLED)
        found = {a: part.energy.get(a) or self.entry(part, a) for a in ACTIONS["network"]}
        if found["transfer"] is None and part.physical.length_mm is not None and self.others is not None:
            estimate = self.others.estimate(query_of(self.accelerator, part), "transfer")
            found["transfer"] = estimate and ActionEnergy(estimate.value, estimate.source)
        if found["reduce"] is None and part.component != "network" and self.others is not None:
            # Whatever carries the values: where they meet, they are added.
            query = replace(query_of(self.accelerator, part), component="network")
            estimate = self.others.estimate(query, "reduce")
            found["reduce"] = estimate and ActionEnergy(estimate.value, estimate.source)
        return {a: energy or nothing for a, energy in found.items()}

    def entry(self, part: AnyPart, action: str) -> ActionEnergy | None:
        if self.energies is None:
            return None
        try:
            found = self.energies.estimate(query_of(self.accelerator, part), action)
        except InputError as error:
            raise InputError(f"{self.at(part)}: {error}") from None
        return found and ActionEnergy(found.value, found.source + self.note)

    def sized(self, part: P) -> P:
        """The part with its area, and its leakage where that is asked for."""
        if self.others is None:
            return part
        query, physical = query_of(self.accelerator, part), part.physical
        if part.area_mm2 is None:
            area = self.others.estimate(query, AREA)
            if area is not None:
                part = replace(part, area_mm2=area.value)
                physical = replace(physical, area_source=f"estimated by {area.source}")
        if self.estimate_leakage and physical.leakage_w is None:
            leakage = self.others.estimate(query, LEAKAGE)
            if leakage is not None:
                source = f"estimated by {leakage.source}"
                physical = replace(physical, leakage_w=leakage.value, leakage_source=source)
        return replace(part, physical=physical)

    def at(self, part: AnyPart) -> str:
        return self.places.get(part.name, f"chip {self.accelerator.name!r}")


def _missing(
    part: Memory | Compute, action: str, table: AbstractEstimator | None, compounds: Mapping[str, Compound]
) -> str:
    kind = "memory" if isinstance(part, Memory) else "compute"
    own = f"`energy: {{{'read: 6 pJ, write: 6 pJ' if kind == 'memory' else 'mac: 1 pJ'}}}`"
    if table is None:
        return (
            f"{kind} {part.name!r} has no energy for {action}; give it {own}, or give the chip a table, e.g. "
            f"`energy: {{table: horowitz-45nm}}` (tables: {', '.join(table_names())})"
        )
    actions = {**ACTIONS, **{name: tuple(c.actions) for name, c in compounds.items()}}
    if part.component not in actions or (
        part.component not in table.components and part.component not in compounds
    ):
        known = {*table.components, *compounds}
        return (
            f"{kind} {part.name!r}: component {part.component!r} is not in energy table {table.name!r}; "
            f"change it or give {own}.{did_you_mean(part.component, known)}"
        )
    if action not in actions[part.component]:
        fits = [c for c in (*table.components, *compounds) if action in actions[c]]
        return (
            f"{kind} {part.name!r}: component {part.component!r} has no {action}; use one of "
            f"{', '.join(fits)}, or give {own}"
        )
    unlimited = isinstance(part, Memory) and part.capacity_bits is None
    return (
        f"{kind} {part.name!r}: energy table {table.name!r} has no {action} of {part.component!r} "
        + ("without a capacity; give one, or " if unlimited else "of this width; give ")
        + own
    )
