"""The seam: an engine runs a layer with its zeros and bits, and the same layer on its dense counterpart."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.work import Work
from chipwise.components.estimator import Query
from chipwise.components.registry import MostAccurate, most_accurate
from chipwise.errors import InputError

Mask = NDArray[np.bool_]


@final
@dataclass(frozen=True, slots=True)
class Item:
    """How often a component acts, at what energy, and where that figure comes from."""

    component: str
    action: str
    count: float
    energy_pj_each: float
    source: str

    @property
    def energy_pj(self) -> float:
        """Count x energy of one."""
        return self.count * self.energy_pj_each


@final
@dataclass(frozen=True, slots=True)
class EngineCost:
    """What a layer takes: cycles, actions with their energy, and what else the engine has to say of it.

    `cycles` are a whole number where data are actual or one draw stands for them, and a mean otherwise.
    """

    cycles: float
    items: tuple[Item, ...]
    notes: Mapping[str, float] = field(default_factory=dict)

    @property
    def energy_pj(self) -> float:
        """Sum over all actions."""
        return sum(item.energy_pj for item in self.items)

    def energy_by_component_pj(self) -> dict[str, float]:
        """Energy summed by component, in order of appearance."""
        found: dict[str, float] = {}
        for item in self.items:
            found[item.component] = found.get(item.component, 0.0) + item.energy_pj
        return found


class Engine(ABC):
    """A published way to gain from zeros or from few bits.

    An engine is final data: a frozen dataclass whose fields are its sizes, as published unless said otherwise.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """As commands name it."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in a line."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Who published it."""

    @property
    @abstractmethod
    def counterpart(self) -> str:
        """The design without the mechanism that it is compared with, in a line."""

    @property
    @abstractmethod
    def area(self) -> str:
        """What is published of the area that the mechanism takes; empty: nothing that could be read."""

    @property
    @abstractmethod
    def clock_hz(self) -> float:
        """Cycles in a second."""

    @abstractmethod
    def refusal(self, work: Work) -> str:
        """Why it does not run a layer; empty where it does."""

    @abstractmethod
    def cost(self, work: Work) -> EngineCost:
        """What the layer takes with its densities and bits."""

    @abstractmethod
    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """What the layer takes with these very zeros: counts are whole numbers.

        Args:
            work: the layer.
            inputs: which are not zero, unrolled [groups, pixels, taps].
            weights: which are not zero [groups, filters, taps].
        """

    @abstractmethod
    def plain(self, work: Work) -> EngineCost:
        """What the layer takes on the counterpart, to which zeros and bits make no difference."""


@functools.cache
def _estimator() -> MostAccurate:
    return most_accurate()


@functools.lru_cache(maxsize=1024)
def item_energy(
    component: str, action: str, bits: int, node_nm: float | None = None, capacity_bits: int | None = None
) -> tuple[float, str]:
    """Energy of an action on a value of `bits`, pJ, and its source: the most accurate estimator's.

    Raises:
        InputError: no estimator knows the component.

    >>> item_energy("int_mac", "mac", 8, 45.0)[0] < item_energy("int_mac", "mac", 16, 45.0)[0]
    True
    """
    query = Query(component, bits, capacity_bits=capacity_bits, node_nm=node_nm)
    estimate = _estimator().estimate(query, action)
    if estimate is None:
        raise InputError(f"no estimator knows the energy of {action!r} of {component!r} at {bits} b")
    return estimate.value, estimate.source


def products_of(inputs: Mask, weights: Mask) -> int:
    """Products of two non-zeros: sum over taps of non-zero inputs x non-zero weights.

    >>> products_of(np.array([[[1, 0], [1, 1]]], bool), np.array([[[1, 1], [1, 0], [1, 0]]], bool))
    7
    """
    left, right = inputs.sum(axis=1, dtype=np.int64), weights.sum(axis=1, dtype=np.int64)
    return int((left * right).sum())


def item(
    name: str,
    count: float,
    component: str,
    action: str,
    bits: int,
    node_nm: float | None = None,
    capacity_bits: int | None = None,
) -> Item:
    """`count` actions of a component, at the energy that the most accurate estimator gives."""
    energy_pj, source = item_energy(component, action, bits, node_nm, capacity_bits)
    return Item(name, action, count, energy_pj, source)


def dram(name: str, bits: float) -> Item:
    """Bits that cross DRAM once, counted as words of 16 b."""
    return item(name, bits / 16, "dram", "read", 16)
