"""The networks that chipwise brings: every module in `zoo/` is one, found by its file name.

What a network can be asked for stands behind an @: `mobilenet_v1@width=0.5,resolution=160`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import parameters as ask
from chipwise.workload import zoo
from chipwise.workload.network import Network
from chipwise.workload.parameters import Parameter


def names() -> tuple[str, ...]:
    """Names of the networks in the zoo, sorted.

    >>> "alexnet" in names()
    True
    """
    return tuple(sorted(m.name for m in pkgutil.iter_modules(zoo.__path__) if not m.name.startswith("_")))


def find(name: str) -> str | None:
    """The registered name that `name` spells, whatever its case, `-`, `_` and spaces; None if there is none.

    What stands behind an @ is not looked at: `build` says what is wrong with it.

    >>> find("ResNet-50"), find("MobileNet-V1@width=0.5")
    ('resnet50', 'mobilenet_v1')
    """
    wanted = _letters(name.partition("@")[0])
    return next((known for known in names() if _letters(known) == wanted), None)


def parameters(name: str) -> tuple[Parameter, ...]:
    """What the network of that name can be asked for.

    >>> [str(p) for p in parameters("mobilenet_v1")]
    ['width=1 (0.25, 0.5, 0.75 or 1)', 'resolution=224 (32 to 2048)']
    """
    return ask.parameters(_builder(_known(name)))


def build(name: str) -> Network:
    """The network of that name, spelt as `find` accepts it, with its parameters.

    Raises:
        InputError: an unknown name, with the nearest one; an unknown parameter or a value that it does not take.

    >>> build("alexnet").layers[0].name
    'conv1'
    >>> build("MobileNetV1@resolution=160,width=0.50").name
    'mobilenet_v1@width=0.5,resolution=160'
    """
    known = _known(name)
    make = _builder(known)
    _, at, text = name.partition("@")
    if not at:
        return make()
    takes = ask.parameters(make)
    arguments = ask.parse(known, text, takes)
    return replace(make(**arguments), name=ask.spelt(known, arguments, takes))


def _known(name: str) -> str:
    known = find(name)
    if known is None:
        raise InputError(
            f"network {name!r} is not one that chipwise has." + did_you_mean(name.partition("@")[0], names())
        )
    return known


def _builder(known: str) -> Callable[..., Network]:
    module = importlib.import_module(f"{zoo.__name__}.{known}")
    return cast("Callable[..., Network]", module.build)


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c not in "-_ ")
