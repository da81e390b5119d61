"""All engines: the modules in `designs/`."""

import functools
import importlib
import pkgutil
from typing import cast

from chipwise.analysis.engines import designs
from chipwise.analysis.engines.engine import Engine
from chipwise.errors import InputError, did_you_mean


def engine_names() -> tuple[str, ...]:
    """Names of all engines, sorted.

    >>> {"eie", "scnn"} <= set(engine_names())
    True
    """
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(designs.__path__)))


@functools.cache
def engine(name: str) -> Engine:
    """The engine called `name`.

    Raises:
        InputError: an unknown name.

    >>> engine("scnn").name
    'scnn'
    """
    known = engine_names()
    if name not in known:
        raise InputError(f"engine {name!r} is not known." + did_you_mean(name, known))
    module = importlib.import_module(f"{designs.__name__}.{name.replace('-', '_')}")
    return cast("Engine", module.ENGINE)
