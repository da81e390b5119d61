"""All estimators: those that chipwise brings, and those of installed packages, found by entry point.

A package whose estimator cannot be had, or that fails when asked, is named once in a warning and left out: other
estimators still answer.
"""

import importlib
import logging
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from math import isfinite
from typing import cast, final

from chipwise.components import tables
from chipwise.components.classes import CLASSES
from chipwise.components.estimator import AbstractEstimator, Estimate, Query
from chipwise.components.scaling import Scaled
from chipwise.errors import InputError, did_you_mean

GROUP = "chipwise.estimators"
"""Entry points of third parties."""

MOST_ACCURATE = "most-accurate"

_log = logging.getLogger("chipwise.estimators")
_broken: dict[str, str] = {}


def table_names() -> tuple[str, ...]:
    """Names of all estimators that chipwise brings, sorted.

    >>> {"eyeriss-normalized", "horowitz-45nm"} <= set(table_names())
    True
    """
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(tables.__path__)))


def energy_table(name: str, mac_pj: float | None = None) -> AbstractEstimator:
    """The estimator called `name`, with its figures as published.

    Args:
        name: one of `table_names()`, of an installed package's, or `most-accurate`.
        mac_pj: energy of one multiply-accumulate, which a normalized table needs and no other takes.

    Raises:
        InputError: an unknown name, or `mac_pj` missing or out of place.

    >>> energy_table("eyeriss-normalized", mac_pj=2.0).name
    'eyeriss-normalized'
    """
    if name in table_names():
        module = importlib.import_module(f"{tables.__name__}.{name.replace('-', '_')}")
        return cast("Callable[[float | None], AbstractEstimator]", module.build)(mac_pj)
    others = {MOST_ACCURATE: cast("AbstractEstimator", MostAccurate()), **installed()}
    if name not in others:
        known = (*table_names(), *others)
        raise InputError(f"energy table {name!r} is not known.{did_you_mean(name, known)}")
    if mac_pj is not None:
        raise InputError(f"energy table {name!r} takes no `mac`; delete it")
    return others[name]


def installed() -> dict[str, AbstractEstimator]:
    """Estimators of installed packages, by name."""
    found: dict[str, AbstractEstimator] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        label = f"{entry.name} ({entry.value})"
        try:
            loaded = entry.load()
            made = loaded if isinstance(loaded, AbstractEstimator) else loaded()
        except Exception as error:  # noqa: BLE001 - whatever another's package does must not end the command
            _skip(label, f"cannot be loaded: {type(error).__name__}: {error}")
            continue
        if not isinstance(made, AbstractEstimator):
            _skip(label, "is no AbstractEstimator")
            continue
        found[entry.name] = made
    return found


def broken() -> dict[str, str]:
    """Estimators that were left out, and why."""
    return dict(_broken)


def _skip(label: str, reason: str) -> None:
    if label not in _broken:
        _broken[label] = " ".join(reason.split())[:300]
        _log.warning("warning: estimator %s is left out: %s", label, _broken[label])


def all_estimators() -> list[AbstractEstimator]:
    """Everyone who can be asked without a chip's own MAC, scaled to the chip where that can be."""
    found: list[AbstractEstimator] = []
    for name in table_names():
        try:
            found.append(Scaled(energy_table(name)))
        except InputError:
            continue  # counts in the chip's MACs
        except Exception as error:  # noqa: BLE001 - an adapter to another's package, which may fail to import
            _skip(name, f"cannot be loaded: {type(error).__name__}: {error}")
    return [*found, *(Scaled(estimator) for estimator in installed().values())]


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What one estimator says to one question."""

    estimator: str
    estimate: Estimate


def answers(query: Query, figure: str, asked: list[AbstractEstimator] | None = None) -> list[Answer]:
    """All estimates of one figure, the most accurate first; those as accurate by name.

    >>> [a.estimator for a in answers(Query("fp_mac", 32), "mac")]
    ['horowitz-45nm', 'pedram-45nm']
    """
    found = []
    for estimator in all_estimators() if asked is None else asked:
        try:
            estimate = estimator.estimate(query, figure)
        except InputError as error:
            _skip(estimator.name, str(error))
            continue
        except Exception as error:  # noqa: BLE001 - as for loading
            _skip(estimator.name, f"fails for {query.component}: {type(error).__name__}: {error}")
            continue
        if estimate is None:
            continue
        if not isinstance(estimate, Estimate) or not isfinite(estimate.value) or estimate.value < 0:
            _skip(estimator.name, f"gives no usable {figure} of {query.component}: {estimate!r}")
            continue
        found.append(Answer(estimator.name, estimate))
    return sorted(found, key=lambda a: (-a.estimate.accuracy, a.estimator))


@final
@dataclass(frozen=True, slots=True)
class MostAccurate(AbstractEstimator):
    """Whoever of all estimators states the highest accuracy for the question; ties by name."""

    asked: tuple[AbstractEstimator, ...] | None = None
    """Kept, so that a chip's many questions look for packages once."""

    @property
    def name(self) -> str:
        """As chip files write it."""
        return MOST_ACCURATE

    @property
    def components(self) -> tuple[str, ...]:
        """All classes."""
        return tuple(CLASSES)

    @property
    def range(self) -> str:
        """That of whoever answers."""
        return "that of the estimator chosen"

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        """The first of all answers."""
        found = answers(query, figure, None if self.asked is None else list(self.asked))
        return found[0].estimate if found else None


def most_accurate() -> MostAccurate:
    """The choice among all estimators there are now."""
    return MostAccurate(tuple(all_estimators()))
