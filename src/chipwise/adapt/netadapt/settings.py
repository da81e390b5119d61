"""What a search for a network may be told, and checks of it."""

from dataclasses import dataclass
from typing import Literal, final, get_args

from chipwise.adapt.filters import Choice
from chipwise.errors import InputError, did_you_mean

Select = Literal["accuracy", "loss", "ratio"]


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """Of NetAdapt; defaults are those of the published code where it has one (init ratio 0.025, decay 0.96)."""

    first_step: float = 0.025
    """dR_0: how much of each resource the first iteration saves, as a share of the start."""
    decay: float = 0.96
    """dR_i = dR_0 · decay^i, but at least a fifth of dR_0: without an end of the decay all steps together save
    dR_0 / (1 - decay) at most."""
    granularity: int = 1
    """Units remain in multiples of this, where a group has as many."""
    choice: Choice = "magnitude"
    select: Select = "accuracy"
    """Which proposal is kept: `accuracy` on the hold-out (ties by loss), as published; `loss`, less noisy on a
    small hold-out; `ratio`: least loss of accuracy per resource saved, as the published code does."""
    together: bool = False
    """Whether each iteration of NetAdapt also tries what all groups come to that give the same share of their units."""
    short_steps: int | None = None
    """Of short-term fine-tuning; by default the task's."""
    long_steps: int | None = None
    """Of long-term fine-tuning; by default the task's."""
    most_iterations: int = 200
    samples: int = 8
    """J of NetAdaptV2: proposals per iteration."""
    layers: int = 2
    """L of NetAdaptV2: groups, kernels or bypassed layers that each proposal shrinks."""
    supernet_steps: int | None = None
    """Of training NetAdaptV2's super-network; by default the task's for long-term fine-tuning."""
    max_drop: float | None = None
    """Accuracy on the hold-out that energy-aware pruning may lose before long-term fine-tuning; None: any."""

    def __post_init__(self) -> None:
        if not 0 < self.first_step < 1:
            raise InputError(f"first step {self.first_step:g} must be a share between 0 and 1, as 0.025")
        if not 0 < self.decay <= 1:
            raise InputError(f"decay {self.decay:g} must be above 0 and at most 1")
        if self.max_drop is not None and not 0 <= self.max_drop < 1:
            raise InputError(f"max drop {self.max_drop:g} must be at least 0 and below 1, as 0.01")
        for name in ("granularity", "most_iterations", "samples", "layers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', ' ')} {getattr(self, name)} must be at least 1")
        for name in ("short_steps", "long_steps", "supernet_steps"):
            if (getattr(self, name) or 0) < 0:
                raise InputError(f"{name.replace('_', ' ')} {getattr(self, name)} must not be negative")
        for name, known in (("choice", get_args(Choice)), ("select", get_args(Select))):
            if getattr(self, name) not in known:
                raise InputError(
                    f"{name} {getattr(self, name)!r} is not known." + did_you_mean(getattr(self, name), known)
                )

    def step(self, iteration: int) -> float:
        """DR of an iteration, counted from 0, as a share of the start.

        >>> Settings(first_step=0.5, decay=0.5).step(1), Settings(first_step=0.5, decay=0.5).step(9)
        (0.25, 0.1)
        """
        return self.first_step * max(self.decay**iteration, 0.2)
