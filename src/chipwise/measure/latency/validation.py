"""How right a lookup table is: its sums against whole networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, final

from chipwise.adapt.resource import Macs
from chipwise.adapt.shapes import layer_shapes
from chipwise.errors import InputError
from chipwise.measure.latency.table import LatencyTable, whole
from chipwise.measure.latency.timing import Backend


@final
@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an estimate follows measurements, after the one scale factor that suits it best."""

    scale: float
    mape: float
    """Mean |scale·estimate − measured|/measured."""
    rank_correlation: float
    """Spearman's."""


@final
@dataclass(frozen=True, slots=True)
class Validation:
    """Whole networks: sums of entries, measured times and MACs, and how the sums and the MACs agree."""

    sums_s: tuple[float, ...]
    measured_s: tuple[float, ...]
    macs: tuple[float, ...]
    table: Agreement
    by_macs: Agreement


def validate(
    table: LatencyTable, backend: Backend, models: Sequence[Any], example: Any, *, rounds: int = 3
) -> Validation:
    """Time whole networks, and compare the table's sums with them.

    The networks take turns, so that a busy spell of the machine does not fall on one of them alone.

    Args:
        table: measures the layers that it lacks.
        backend: the table's own.
        models: at least three networks.
        example: an input of all of them.
        rounds: turns; the fastest of all runs counts.

    Raises:
        InputError: fewer than three networks, or one that does not run as a whole.
    """
    if len(models) < 3:
        raise InputError(
            f"{len(models)} networks are too few to validate a lookup table; give at least three"
        )
    shapes = [layer_shapes(model, example) for model in models]
    sums = [table.of(own) for own in shapes]
    macs = [Macs().of(own) for own in shapes]
    best = [float("inf")] * len(models)
    for _ in range(rounds):
        for index, model in enumerate(models):
            best[index] = min(best[index], whole(backend, model, example).min_s)
    table.check_sentinels()
    table.save()
    return Validation(tuple(sums), tuple(best), tuple(macs), agreement(sums, best), agreement(macs, best))


def agreement(estimates: Sequence[float], measured: Sequence[float]) -> Agreement:
    """How well estimates follow measurements.

    The scale minimises the squares of the relative errors: Σr/Σr² with r = estimate/measured.

    >>> agreement([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    Agreement(scale=2.0, mape=0.0, rank_correlation=1.0)
    """
    ratios = [e / m for e, m in zip(estimates, measured, strict=True)]
    scale = sum(ratios) / sum(r * r for r in ratios)
    mape = sum(abs(scale * r - 1) for r in ratios) / len(ratios)
    return Agreement(scale, mape, _correlation(_ranks(estimates), _ranks(measured)))


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 0; equal values share their mean rank."""
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    return [first[value] + (ordered.count(value) - 1) / 2 for value in values]


def _correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    joint = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    spread = sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))
    return joint / spread if spread else 0.0
