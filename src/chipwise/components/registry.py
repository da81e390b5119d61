"""The energy tables that chipwise brings: every module in `tables/` is one, found by its file name."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import cast

from chipwise.components import tables
from chipwise.components.table import AbstractEnergyTable
from chipwise.errors import InputError, did_you_mean


def table_names() -> tuple[str, ...]:
    """Names of all tables, sorted.

    >>> table_names()
    ('eyeriss-normalized', 'horowitz-45nm')
    """
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(tables.__path__)))


def energy_table(name: str, mac_pj: float | None = None) -> AbstractEnergyTable:
    """The table called `name`.

    Args:
        name: one of `table_names()`.
        mac_pj: energy of one multiply-accumulate, which a normalized table needs and no other takes.

    Raises:
        InputError: an unknown name, or `mac_pj` missing or out of place.

    >>> energy_table("eyeriss-normalized", mac_pj=2.0).name
    'eyeriss-normalized'
    """
    if name not in table_names():
        raise InputError(f"energy table {name!r} is not known.{did_you_mean(name, table_names())}")
    module = importlib.import_module(f"{tables.__name__}.{name.replace('-', '_')}")
    return cast("Callable[[float | None], AbstractEnergyTable]", module.build)(mac_pj)
