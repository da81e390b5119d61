"""Published figures beside ours: groups named after what they reproduce (JSON schema chipwise.validation/1).

A group is one module in `validations/`, found by its file name (`table_ii` is `table-ii`). It has a `SOURCE`
and a function `checks()` that computes; what is within its band is decided here, the same way for all.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast, final

from chipwise.analysis import validations
from chipwise.errors import InputError, did_you_mean

SCHEMA = "chipwise.validation/1"


@final
@dataclass(frozen=True, slots=True)
class Check:
    """One figure: what it is of, what the source prints, and what chipwise computes.

    `published` is None for a figure that the source does not give, shown beside those that it does. `band`
    is how far the computed one may be off, as a fraction of the published one. `note` is the reason of a
    deviation that is known. `at_least`: computed is a bound that the published measurement may not exceed.
    """

    item: str
    quantity: str
    unit: str
    published: float | None
    computed: float
    band: float | None = None
    note: str = ""
    at_least: bool = False


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A check with its group and source, and whether it holds.

    `error` is (computed - published) / published; `within` whether it is at most `band` either way, or of a bound
    whether it is at least 0; both are None where nothing is published, and of a published 0 no error is told.
    `note` says why it is not, where that is known.
    """

    group: str
    source: str
    item: str
    quantity: str
    unit: str
    published: float | None
    computed: float
    error: float | None
    band: float | None
    within: bool | None
    note: str = ""

    @property
    def unexplained(self) -> bool:
        """Whether it is outside its band for no known reason."""
        return self.within is False and not self.note


def groups() -> tuple[str, ...]:
    """Names of all groups, sorted.

    >>> {"table-ii", "isca16-energy"} <= set(groups())
    True
    """
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(validations.__path__)))


def validate(group: str | None = None) -> list[Row]:
    """Compute the rows of one group, or of all.

    Raises:
        InputError: an unknown group.

    >>> row = validate("table-ii")[0]
    >>> row.published, row.computed, row.within
    (5, 5, True)
    """
    if group is not None and group not in groups():
        raise InputError(f"validation group {group!r} is not known." + did_you_mean(group, groups()))
    return [row for name in (groups() if group is None else [group]) for row in _rows(name)]


def _rows(group: str) -> list[Row]:
    module = importlib.import_module(f"{validations.__name__}.{group.replace('-', '_')}")
    checks = cast("Callable[[], Iterable[Check]]", module.checks)()
    return [_judged(group, str(module.SOURCE), check) for check in checks]


def _judged(group: str, source: str, check: Check) -> Row:
    error = within = None
    if check.published is not None:
        off = check.computed - check.published
        error = off / check.published if check.published else None
        if check.at_least:
            within = off >= 0
        elif check.band is not None:
            within = off == 0 if error is None else abs(error) <= check.band
    return Row(
        group=group,
        source=source,
        item=check.item,
        quantity=check.quantity,
        unit=check.unit,
        published=check.published,
        computed=check.computed,
        error=error,
        band=check.band,
        within=within,
        note=check.note,
    )


def to_dict(rows: Sequence[Row]) -> dict[str, Any]:
    """The JSON form, schema chipwise.validation/1."""
    return {"schema": SCHEMA, "rows": [asdict(row) for row in rows]}
