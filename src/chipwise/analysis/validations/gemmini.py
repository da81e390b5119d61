"""Gemmini: mappings of Timeloop imported, its cycles and energies counted again, and the RTL's cycles modelled.

The model of the RTL has two constants. They are fitted on every second layer of the data, in the order in which layers
first appear, with all of a layer's mappings; the figures here are of the other layers, which the fit has not seen.
Correlations are Pearson's of logarithms and Spearman's, and 1 is what would be perfect; within 0.01 is the aim.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from chipwise.analysis.estimators.gemmini import (
    GemminiRun,
    RtlModel,
    fit,
    gemmini_chip,
    read_runs,
    split,
    timeloop,
)
from chipwise.analysis.validation import Check
from chipwise.mapping.legality import check

SOURCE = "Hong et al., DOSA, MICRO 2023, data/firesim_test_data (github.com/ucb-bar/dosa), 111 of 222 rows"

AIM = 0.01

_ROUNDED = "one mapping takes a cycle more there: Timeloop rounds up a quotient of floating-point numbers"


def checks() -> Iterator[Check]:
    """What Timeloop says of all rows, then what the RTL takes, by row and by correlation."""
    runs = read_runs()
    chip = gemmini_chip()
    for run in runs:
        check(run.layer, chip, run.mapping)
    yield from _timeloop(runs)
    fitted, rest = split(runs)
    model = fit(fitted)
    yield from _rtl(model, rest)
    for run in rest:
        yield Check(run.name, "cycles of the RTL", "cycles", run.rtl_cycles, model.cycles(run))


def _timeloop(runs: Sequence[GemminiRun]) -> Iterator[Check]:
    item = f"{len(runs)} mappings, against Timeloop"
    found = [timeloop(run) for run in runs]
    off = [ours.cycles - run.timeloop_cycles for ours, run in zip(found, runs, strict=True)]
    yield Check(item, "equal cycles", "mappings", len(runs), off.count(0), 0.0, note=_ROUNDED)
    yield Check(item, "largest difference in cycles", "cycles", None, max(map(abs, off)))
    theirs = [run.timeloop_energy_uj for run in runs]
    ours = [each.energy_uj for each in found]
    yield Check(item, "rank correlation of energies", "", 1.0, spearman(ours, theirs), AIM)
    ratio = float(np.median(np.array(ours) / np.array(theirs)))
    yield Check(item, "median ratio of energies", "", 1.0, ratio, AIM)


def _rtl(model: RtlModel, rest: Sequence[GemminiRun]) -> Iterator[Check]:
    item = f"{len(rest)} mappings of layers not fitted, against the RTL"
    rtl = [run.rtl_cycles for run in rest]
    ours = [model.cycles(run) for run in rest]
    yield Check(item, "correlation of log cycles", "", 1.0, log_pearson(ours, rtl), AIM)
    yield Check(item, "rank correlation of cycles", "", 1.0, spearman(ours, rtl))
    yield Check(item, "median of RTL / model", "", 1.0, float(np.median(np.divide(rtl, ours))))
    theirs = [float(run.timeloop_cycles) for run in rest]
    yield Check(item, "correlation of log cycles, of Timeloop's", "", None, log_pearson(theirs, rtl))
    yield Check(item, "rank correlation of cycles, of Timeloop's", "", None, spearman(theirs, rtl))
    ratio = float(np.median(np.divide(rtl, theirs)))
    yield Check(item, "median of RTL / Timeloop", "", None, ratio)


def log_pearson(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's correlation of the logarithms.

    >>> round(log_pearson([1.0, 10.0, 100.0], [3.0, 30.0, 300.0]), 12)
    1.0
    """
    return float(np.corrcoef(np.log(x), np.log(y))[0, 1])


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's rank correlation; ties share the mean of their ranks.

    >>> round(spearman([1.0, 5.0, 5.0, 9.0], [10.0, 20.0, 20.0, 30.0]), 12)
    1.0
    """
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: Sequence[float]) -> list[float]:
    array = np.array(values)
    return [float((array < v).sum() + ((array == v).sum() - 1) / 2) for v in array]
