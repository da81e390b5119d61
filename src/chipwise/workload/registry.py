"""The networks that chipwise brings: every module in `zoo/` is one, found by its file name."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import cast

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import zoo
from chipwise.workload.network import Network


def names() -> tuple[str, ...]:
    """Names of the networks in the zoo, sorted.

    >>> "alexnet" in names()
    True
    """
    return tuple(sorted(m.name for m in pkgutil.iter_modules(zoo.__path__) if not m.name.startswith("_")))


def find(name: str) -> str | None:
    """The registered name that `name` spells, whatever its case, `-`, `_` and spaces; None if there is none.

    >>> find("ResNet-50")
    'resnet50'
    """
    wanted = _letters(name)
    return next((known for known in names() if _letters(known) == wanted), None)


def build(name: str) -> Network:
    """The network of that name, spelt as `find` accepts it; InputError with the nearest name otherwise.

    >>> build("alexnet").layers[0].name
    'conv1'
    """
    known = find(name)
    if known is None:
        raise InputError(f"network {name!r} is not one that chipwise has." + did_you_mean(name, names()))
    module = importlib.import_module(f"{zoo.__name__}.{known}")
    return cast("Callable[[], Network]", module.build)()


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c not in "-_ ")
