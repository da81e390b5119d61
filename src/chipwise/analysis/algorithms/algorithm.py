"""What an algorithm for convolution is: whether it applies, what it costs, and how it computes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from chipwise.analysis.algorithms.counted import Array, Tallies
from chipwise.analysis.algorithms.shape import Shape

Setting = tuple[int, ...]
"""What an algorithm leaves to choose: the size of its transforms, the depth of its recursion."""


@final
@dataclass(frozen=True, slots=True)
class Operations:
    """Real multiplications and additions; subtractions are additions, changes of sign are free.

    >>> Operations(2, 3) + Operations(1, 1)
    Operations(multiplications=3, additions=4)
    """

    multiplications: int = 0
    additions: int = 0

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(self.multiplications + other.multiplications, self.additions + other.additions)

    def times(self, count: int) -> "Operations":
        """The same done `count` times."""
        return Operations(self.multiplications * count, self.additions * count)


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """Operations of each stage for a whole batch, and values stored.

    A sum of K terms takes K − 1 additions. Factors of 1 and −1 are free, all others are multiplications,
    powers of two included. Nothing is gained from the zeros that pad a plane to whole tiles.
    """

    filters: Operations = field(default_factory=Operations)
    """Transform of the filters: done once for all inputs where filters are weights."""
    input: Operations = field(default_factory=Operations)
    product: Operations = field(default_factory=Operations)
    output: Operations = field(default_factory=Operations)
    filter_values: int = 0
    """Values kept of the filters, in the form in which they are multiplied."""
    workspace_values: int = 0
    """Values held besides input, filters and output, with every stage done for the whole batch at once."""
    details: Mapping[str, int] = field(default_factory=dict)

    def total(self, *, with_filters: bool) -> Operations:
        """Input, product and output stages, and the filters' where they are transformed each time."""
        found = self.input + self.product + self.output
        return found + self.filters if with_filters else found


class Algorithm(ABC):
    """One way to compute a convolution; `name` is what tables call it."""

    name: str

    @abstractmethod
    def why_not(self, shape: Shape) -> str | None:
        """Why the algorithm cannot compute this shape; None if it can."""

    @abstractmethod
    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """What may be chosen for a shape that it can compute."""

    @abstractmethod
    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """Operations and storage, by formula."""

    @abstractmethod
    def label(self, cost: Cost) -> str:
        """How the algorithm was set, in words."""

    @abstractmethod
    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """Compute, counting every operation.

        Args:
            shape: the convolution.
            inputs: (N, G, C, H, W), with padding.
            weights: (G, M, C, R, S).
            setting: one of `settings`.

        Returns:
            The output (N, G, M, P, Q), and what was counted in each stage.
        """
