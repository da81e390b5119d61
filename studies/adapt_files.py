"""What the studies of adapted networks share: their sections of docs/adapt.md, means with standard errors."""

# ruff: noqa: INP001 - scripts beside each other, not a package

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "adapt.md"


def section(name: str, text: str) -> None:
    """Put a study's text between its marks in the document.

    Raises:
        ValueError: the document has no such marks.
    """
    old = DOCUMENT.read_text(encoding="utf-8")
    mark = re.compile(rf"(<!-- study {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not mark.search(old):
        raise ValueError(f"{DOCUMENT} has no section <!-- study {name} -->")
    DOCUMENT.write_text(mark.sub(lambda m: m[1] + text + m[2], old), encoding="utf-8")


def least_at(curve: Sequence[tuple[float, float]], accuracy: float) -> float | None:
    """Least need of straight lines between points (need, accuracy) at which `accuracy` is kept; None below all points.

    >>> least_at([(1.0, 0.9), (0.5, 0.8), (0.25, 0.4)], 0.6)
    0.375
    """
    ordered = sorted(curve)
    if ordered[0][1] >= accuracy:
        return None
    for (e0, a0), (e1, a1) in pairwise(ordered):
        if a1 >= accuracy:
            return e0 + (e1 - e0) * (accuracy - a0) / (a1 - a0)
    return None


def at_equal_accuracy(
    curves: Mapping[str, Sequence[Sequence[tuple[float, float]]]],
    accuracies: Sequence[float],
    told: str,
    digits: int,
    ratio: Callable[[list[float]], str],
) -> list[list[str]]:
    """By method what it needs where it keeps an accuracy, that over the first method's, and how many seeds have it.

    Args:
        curves: of each method, in each seed, its points (need, accuracy).
        accuracies: of each seed.
        told: how rows begin.
        digits: of needs.
        ratio: shows needs over the first method's, seed by seed.
    """
    at = {
        method: [least_at(curve, accuracy) for curve, accuracy in zip(own, accuracies, strict=True)]
        for method, own in curves.items()
    }
    first = next(iter(at))
    rows = []
    for method, values in at.items():
        known = [v for v in values if v]
        ratios = [v / o for v, o in zip(values, at[first], strict=True) if v and o]
        shown = ratio(ratios) if len(ratios) > 1 and method != first else ""
        needs = with_error(known, digits) if known else ""
        rows.append([f"{told}, {method}", needs, shown, f"{len(known)} of {len(values)}"])
    return rows


def noise(values: Sequence[float], usual: float = 0.0) -> str:
    """A remark where the mean is within two standard errors of what it would be without a difference."""
    error = stdev(values) / sqrt(len(values)) if len(values) > 1 else float("inf")
    return "" if abs(mean(values) - usual) > 2 * error else " (within the noise)"


def with_error(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± standard error of the mean.

    >>> with_error([1.0, 2.0, 3.0])
    '2.0 ± 0.6'
    """
    spread = stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{mean(values):.{digits}f} ± {spread:.{digits}f}"
