"""Tables that are nothing but figures: rows of one source, looked up and, where the source allows it, stretched.

A row stands for one component of one size. Between two rows of a component the figure follows the power law
through both (in bits, or in capacity); beyond the last one it is linear in bits, or constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import final

from chipwise.components.classes import ACTIONS, MEMORIES
from chipwise.components.estimator import FIGURES, AbstractEstimator, Estimate, Query
from chipwise.errors import InputError

EXACT, BETWEEN, BEYOND = 0.0, 10.0, 35.0
"""Points of accuracy lost where the figure is printed, lies between printed ones, or beyond them. Guesses, which
only have to rank a printed figure before an interpolated one and that before a stretched one."""


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One printed figure: `value` for `bits`, of a memory with `capacity_bits` where it has one.

    `figure`: an action, "read write" for both at once, or one of `FIGURES`. `per_mm`: of wire.
    """

    component: str
    figure: str
    value: float
    bits: int
    capacity_bits: int | None = None
    power: float = 1.0
    """Of the width by which the figure grows: 1 for memories and adders, 2 for multipliers, 0: not at all."""
    per_mm: bool = False


@final
@dataclass(frozen=True, slots=True)
class PublishedTable(AbstractEstimator):
    """Rows of one source."""

    table: str
    source: str
    rows: tuple[Row, ...]
    holds_for: str
    accuracy: float
    """Of a printed figure, per cent."""
    node: float | None = None
    voltage: float | None = None
    memories: float | None = None
    """Accuracy of memories; None: that of all. Published memories of one size differ by 40 % on average (see
    `memory_points`), so none of them is as good for another chip as what is fitted to all."""

    @property
    def name(self) -> str:
        """As chip files write it."""
        return self.table

    @property
    def components(self) -> tuple[str, ...]:
        """Those with a row."""
        return tuple(dict.fromkeys(row.component for row in self.rows))

    @property
    def range(self) -> str:
        """As the source says."""
        return self.holds_for

    @property
    def node_nm(self) -> float | None:
        """Technology of the figures."""
        return self.node

    @property
    def voltage_v(self) -> float | None:
        """Supply of the figures."""
        return self.voltage

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The row, or what the laws of this module make of the nearest ones."""
        if figure not in FIGURES and figure not in ACTIONS.get(query.component, ()):
            return None
        rows = [r for r in self.rows if r.component == query.component and figure in r.figure.split()]
        if not rows or (rows[0].per_mm and query.length_mm is None):
            return None
        if rows[0].capacity_bits is not None:
            return self._memory(rows, query)
        # The nearest width; of two as near the smaller one, which stretches up and so errs less.
        row = min(rows, key=lambda r: (abs(log(r.bits / query.bits)), r.bits))
        value = row.value * (query.bits / row.bits) ** row.power
        # A figure per bit is printed for every width.
        less = EXACT if row.bits in {1, query.bits} or row.power == 0 else BEYOND
        if row.per_mm:
            value *= query.length_mm or 0.0
        elif query.length_mm is not None:
            less = BEYOND  # printed for wires of some other length
        how = f"{row.value:g} for {row.bits} b" + ("" if less == EXACT else f", stretched to {query.bits} b")
        if less == EXACT and row.bits != query.bits and row.power:
            how = f"{row.value:g} per bit x {query.bits}"
        return self._said(value, less, how, query.component)

    def _memory(self, rows: Sequence[Row], query: Query) -> Estimate | None:
        if query.bank_bits is None:
            return None
        # A memory has one width of row; take the printed one nearest to it, and the sizes printed for it.
        bits = min({r.bits for r in rows}, key=lambda b: (abs(log(b / query.bits)), b))
        points = sorted((r.capacity_bits or 1, r.value) for r in rows if r.bits == bits)
        if rows[0].figure in FIGURES:
            value, less = between(points, query.bank_bits, alone=1.0)
            value *= query.banks
            return self._said(value, less, f"{len(points)} sizes printed", query.component)
        value, less = between(points, query.bank_bits)
        linear = "" if bits == query.bits else f", linear to {query.bits} b"
        less = max(less, EXACT if bits == query.bits else BETWEEN)
        how = f"{len(points)} sizes printed for {bits} b{linear}"
        return self._said(value * query.bits / bits, less, how, query.component)

    def _said(self, value: float, less: float, how: str, component: str) -> Estimate:
        best = self.memories if self.memories is not None and component in MEMORIES else self.accuracy
        return Estimate(value, max(1.0, best - less), f"{self.table}: {how} ({self.source})")


def between(points: Sequence[tuple[float, float]], x: float, *, alone: float = 0.5) -> tuple[float, float]:
    """Value at `x` on the power laws through `points`, and the points of accuracy that are lost.

    Beyond the points the slope of the outermost two goes on; a single point has the slope `alone`: the square
    root, as word and bit lines grow with the side of an array.

    >>> round(between([(1, 2.0), (4, 4.0)], 2)[0], 6)
    2.828427
    >>> between([(1, 2.0)], 4)
    (4.0, 35.0)
    """
    for at, value in points:
        if at == x:
            return value, EXACT
    if len(points) == 1:
        (at, value) = points[0]
        return value * (x / at) ** alone, BEYOND
    above = next((i for i, (at, _) in enumerate(points) if at >= x), len(points) - 1)
    (x0, y0), (x1, y1) = points[max(above, 1) - 1], points[max(above, 1)]
    less = BETWEEN if points[0][0] < x < points[-1][0] else BEYOND
    return exp(log(y0) + log(y1 / y0) * log(x / x0) / log(x1 / x0)), less


def not_in_macs(name: str, mac_pj: float | None) -> None:
    """Refuse a MAC for a table that is in pJ."""
    if mac_pj is not None:
        raise InputError(
            f"energy table {name!r} is in pJ and takes no `mac`; delete it, or give the compute its own "
            "`energy: {mac: ...}`"
        )
