"""How something is timed: many runs, of which the fastest counts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median
from typing import Any, final

from chipwise.adapt.shapes import LayerShape

Sampler = Callable[[], float]
"""Runs something once and returns the seconds that it took."""


@final
@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one run.

    The least counts: whatever else the machine does only adds to a run, never takes from it. The median tells how
    busy it was.
    """

    min_s: float
    median_s: float
    count: int


@final
@dataclass(frozen=True, slots=True)
class Effort:
    """How often something is run: until both `runs` and `seconds` are reached, at most `most` times."""

    runs: int = 30
    seconds: float = 0.02
    most: int = 150
    warm_up: int = 3


USUAL = Effort()


def best_of(sampler: Sampler, effort: Effort = USUAL) -> Timing:
    """Time it, after runs that are not counted.

    >>> best_of(iter([9.0, 9.0, 9.0, 3.0, 2.0, 4.0]).__next__, Effort(runs=3, seconds=0.0))
    Timing(min_s=2.0, median_s=3.0, count=3)
    """
    for _ in range(effort.warm_up):
        sampler()
    samples: list[float] = []
    spent = 0.0
    while len(samples) < effort.runs or (spent < effort.seconds and len(samples) < effort.most):
        samples.append(sampler())
        spent += samples[-1]
    return Timing(min(samples), median(samples), len(samples))


class Backend(ABC):
    """Something that runs layers and networks on one device, with a fixed number of threads."""

    @property
    @abstractmethod
    def name(self) -> str:
        """`torch`, `onnxruntime`, `cuda`."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """Threads that one layer may use."""

    @abstractmethod
    def provenance(self) -> Mapping[str, Any]:
        """Device, versions and settings: what must agree for two timings to be of one table."""

    @abstractmethod
    def layer(self, shape: LayerShape) -> Sampler:
        """Runs one layer with what is fused to it, on random values, as cold as it is within a network."""

    @abstractmethod
    def network(self, model: Any, example: Any) -> Sampler:
        """Runs a whole network in evaluation mode on an example."""

    @abstractmethod
    def quiet(self) -> AbstractContextManager[None]:
        """Settings under which samplers are called; put back afterwards."""
