"""What the studies of adapted networks share: their sections of docs/adapt.md, means with standard errors."""

# ruff: noqa: INP001 - scripts beside each other, not a package

import re
from collections.abc import Sequence
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


def with_error(values: Sequence[float], digits: int = 1) -> str:
    """Mean ± standard error of the mean.

    >>> with_error([1.0, 2.0, 3.0])
    '2.0 ± 0.6'
    """
    spread = stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{mean(values):.{digits}f} ± {spread:.{digits}f}"
