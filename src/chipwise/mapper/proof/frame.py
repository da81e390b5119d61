"""What the checker knows of a question: the claim, the objective in whole numbers, and the tables of all classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm
from typing import final

from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.flows import Flows, Quantity
from chipwise.mapper.mapspace import Codes, Nest
from chipwise.mapper.objectives import Objective
from chipwise.mapper.proof.factors import Terms
from chipwise.mapper.proof.tables import Table
from chipwise.model.sparse import sparse_of
from chipwise.workload.layer import Layer

TOLERANCE = Fraction(1, 10**12)
"""Relative; the certificate is a double, and the search takes for equal what differs by 1e-13."""


Weights = tuple[tuple[int, int], ...]
"""(row, scaled weight)."""


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """What no mapping is to undercut: per name of the objective its exact value."""

    objective: Objective
    values: tuple[Fraction, ...]

    def limits(self, scale: int) -> list[tuple[int, int]]:
        """Per name (least, most) of what counts as equal, times the scale of weights (squared for edp)."""
        found = []
        for name, value in zip(self.objective.names, self.values, strict=True):
            scaled = value * (scale**2 if name == "edp" else scale)
            found.append((ceil(scaled * (1 - TOLERANCE)), floor(scaled * (1 + TOLERANCE))))
        return found


@final
class Frame:
    """One choice of what is kept: the tables, weights and counts that its classes share."""

    def __init__(
        self, layer: Layer, chip: Accelerator, claim: Claim, nests: Sequence[Nest], factors: str
    ) -> None:
        self.layer, self.chip, self.claim, self.factors = layer, chip, claim, factors
        self.n_heads = len(nests[0].heads)
        sparse = sparse_of(layer, chip)
        self.flows = Flows(layer, chip, claim.objective, self.n_heads, sparse)
        self.components = _components(layer)
        weights = [Fraction(w) for nest in nests for q in self.flows.of(nest) for w in q.weight]
        fixed = Fraction(claim.objective.fixed_cycles)
        pace = Fraction(sparse.compute.time)
        self.scale = lcm(fixed.denominator, pace.denominator, *(w.denominator for w in weights))
        self.fixed, self.pace = self.scaled(fixed), self.scaled(pace)
        self.limits = claim.limits(self.scale)
        self._tables: dict[object, Table] = {}
        self.ranks = [_ranks(layer, t, self.components) for t in range(len(layer.tensors))]

    def scaled(self, weight: Fraction) -> int:
        """A weight as a whole number."""
        found = weight * self.scale
        assert found.denominator == 1
        return found.numerator

    def weights(self, q: Quantity) -> Weights:
        """(row, scaled weight) where it is not 0."""
        return tuple((row, self.scaled(Fraction(w))) for row, w in enumerate(q.weight) if w)

    def table(self, component: int, codes: tuple[Codes, ...], sizes: tuple[int, ...]) -> Table:
        """The chains of a component under these rules."""
        key = component, codes, sizes
        if key not in self._tables:
            self._tables[key] = Table(self.layer, self.components[component], codes, sizes, self.factors)
        return self._tables[key]

    def is_below(self, values: Sequence[int], cycles: int) -> bool:
        """Whether costs come before the claim: the first name in which they differ decides.

        Args:
            values: energy, rows of time, off-chip bits; scaled.
            cycles: of compute without zeros, not scaled.
        """
        for key, (least, most) in zip(self.keys(values, cycles), self.limits, strict=True):
            if key < least:
                return True
            if key > most:
                return False
        return False

    def keys(self, values: Sequence[int], cycles: int) -> list[int]:
        """Costs by the names of the objective."""
        objective = self.claim.objective
        waits, *others = values[1 : 1 + objective.n_timed] or [0]
        latency = max([cycles * self.pace + waits, *others]) + self.fixed
        of = {"energy": values[0], "latency": latency, "edp": values[0] * latency, "traffic": values[-1]}
        return [of[name] for name in objective.names]

    def slides(self, tensor: int) -> bool:
        """Whether several dimensions move one rank of a tensor."""
        return any(len(terms) > 1 for of in self.ranks[tensor] for terms in of)


def _components(layer: Layer) -> list[tuple[str, ...]]:
    """Dimensions with iterations, together where they move one rank."""
    found: list[set[str]] = [{d} for d, extent in layer.dims.items() if extent > 1]
    for tensor in layer.tensors:
        for rank in tensor.ranks:
            joined = [group for group in found if not group.isdisjoint(rank.dims)]
            found = [group for group in found if group not in joined] + [set().union(*joined)] * bool(joined)
    return [tuple(d for d in layer.dims if d in group) for group in found]


def _ranks(layer: Layer, tensor: int, components: list[tuple[str, ...]]) -> list[list[Terms]]:
    """Per component the factors of a tensor: its ranks, and each dimension alone on which it does not depend."""
    found: list[list[Terms]] = []
    of = layer.tensors[tensor]
    ranks = [tuple((d, c) for d, c in rank.terms if layer.dims[d] > 1) for rank in of.ranks]
    for dims in components:
        own = [terms for terms in ranks if terms and terms[0][0] in dims]
        found.append([*own, *(((d, 0),) for d in dims if d not in of.dims)])
    return found
