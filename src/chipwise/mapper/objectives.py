"""What a mapping is chosen for: one quantity, or several of which the later ones decide ties."""

from dataclasses import dataclass
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.hardware.accelerator import Accelerator
from chipwise.model.kernels.search import EDP, ENERGY, LATENCY, TRAFFIC
from chipwise.model.latency import Channel, channels, fixed_cycles

KINDS = {"energy": ENERGY, "latency": LATENCY, "edp": EDP, "traffic": TRAFFIC}
"""Energy in pJ, latency in cycles, their product, and bits that cross the outermost memory."""

TIES = {"latency": ("latency", "energy"), "traffic": ("traffic", "energy")}
"""Many mappings share a latency (that of compute) or a traffic (every value once); of these the least energy."""


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """Names in the order in which they decide, and the rows of costs that they need."""

    text: str
    """As it was asked for."""
    names: tuple[str, ...]
    timed: bool
    """Whether some name depends on time."""
    channels: tuple[Channel, ...]
    """Everything with limited bandwidth; empty where no name depends on time."""
    traffic: bool
    fixed_cycles: float
    """That every mapping takes besides."""

    @property
    def n_rows(self) -> int:
        """Rows of costs: energy, those of time, off-chip bits."""
        return 1 + self.n_timed + self.traffic

    @property
    def n_timed(self) -> int:
        """Rows of time: what compute waits for, then one per channel, busy or waiting for others."""
        return 1 + len(self.channels) if self.channels else 0

    @property
    def kinds(self) -> list[int]:
        """The kernel's numbers of the names."""
        return [KINDS[name] for name in self.names]


def names_of(text: str) -> tuple[str, ...]:
    """The names in an objective such as "energy" or "latency,energy".

    >>> names_of("latency"), names_of("traffic,latency")
    (('latency', 'energy'), ('traffic', 'latency'))

    Raises:
        InputError: an unknown name, or one twice.
    """
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in KINDS:
            raise InputError(
                f"objective {name!r} is not known; use {', '.join(KINDS)}, or several in the order in which they "
                "decide (energy,latency)." + did_you_mean(name, KINDS)
            )
        if names.count(name) > 1:
            raise InputError(f"objective {text!r} names {name!r} twice")
    return TIES.get(text.strip(), names)


def objective_for(chip: Accelerator, text: str) -> Objective:
    """An objective on a chip."""
    names = names_of(text)
    timed = not {"latency", "edp"}.isdisjoint(names)
    return Objective(
        text,
        names,
        timed,
        channels(chip) if timed else (),
        "traffic" in names,
        fixed_cycles(chip) if timed else 0.0,
    )
