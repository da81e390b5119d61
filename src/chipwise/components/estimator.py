"""The seam behind which figures come from: an estimator knows components, what actions cost and what they take.

A third party's package offers one by an entry point of the group `chipwise.estimators`:

    [project.entry-points."chipwise.estimators"]
    my-chip = "my_package:MyEstimator"
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Final, final

AREA: Final = "area_mm2"
LEAKAGE: Final = "leakage_w"
LATENCY: Final = "latency_ns"
FIGURES: Final = (AREA, LEAKAGE, LATENCY)
"""What an estimator may be asked besides the energy of an action."""


@final
@dataclass(frozen=True, slots=True)
class Query:
    """One component: its class and what a figure may depend on. None: not given.

    `bits` is the width of the value that an action is on; `width_bits` that of one access of a memory, which
    may move several values. `ways` counts the inputs of an adder tree, the ports of a crossbar, the PEs on a bus.
    """

    component: str
    bits: int
    capacity_bits: int | None = None
    width_bits: int | None = None
    banks: int = 1
    ports: int = 1
    ways: int = 1
    length_mm: float | None = None
    node_nm: float | None = None
    voltage_v: float | None = None

    @property
    def access_bits(self) -> int:
        """Bits of one access: the width, or the value's own; at most what one bank holds."""
        width = self.width_bits or self.bits
        return width if self.bank_bits is None else max(1, min(width, self.bank_bits))

    @property
    def bank_bits(self) -> int | None:
        """Capacity of one bank: capacity / banks."""
        return None if self.capacity_bits is None else max(1, self.capacity_bits // self.banks)


@final
@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, how accurate it is believed to be, and how it came about.

    `value` is pJ for an action, else in the unit that the name of the figure carries. `accuracy` is in per cent,
    100 - expected error, as in Accelergy: it only ranks estimators.
    """

    value: float
    accuracy: float
    source: str

    def times(self, factor: float, why: str, less: float = 0.0) -> "Estimate":
        """The figure x `factor`, `less` accurate.

        >>> Estimate(2.0, 90, "a").times(3, "three of them").source
        'a; x 3 three of them'
        """
        source = f"{self.source}; x {factor:.4g} {why}"
        return replace(
            self, value=self.value * factor, accuracy=max(1.0, self.accuracy - less), source=source
        )


class AbstractEstimator(ABC):
    """Figures of components from one source.

    An estimator is final data: a frozen dataclass. chipwise's own stand each in a module of `tables/`, made by
    the module's `build(mac_pj)`, where `mac_pj` is what the chip states for one multiply-accumulate, or None.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """As chip files write it."""

    @property
    @abstractmethod
    def components(self) -> tuple[str, ...]:
        """Components of which it knows at least one action or figure."""

    @property
    @abstractmethod
    def range(self) -> str:
        """For what its figures hold, in a line."""

    @property
    def node_nm(self) -> float | None:
        """Technology of its figures, for scaling; None: they are right as they are for every chip."""
        return None

    @property
    def voltage_v(self) -> float | None:
        """Supply of its figures; None: nominal for its node."""
        return None

    @abstractmethod
    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """One figure of one component.

        Args:
            query: the component.
            figure: an action, for its energy on one value in pJ, or one of `FIGURES`.

        Returns:
            The figure of one instance, or None for what is not known.
        """
