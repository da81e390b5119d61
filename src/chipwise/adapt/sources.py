"""Networks by name: one of chipwise's, with its widths as wanted, or the user's own `module:function`."""

import inspect
from math import isfinite
from typing import Any

from chipwise.adapt import networks
from chipwise.adapt.extra import nn
from chipwise.adapt.task import Task
from chipwise.errors import InputError, did_you_mean
from chipwise.workload.importers.own_code import is_own_code, made_by, told


def is_own(spec: str) -> bool:
    """Whether `spec` names one of chipwise's networks, which come untrained."""
    return spec.partition(":")[0] in networks.__all__


def complete(spec: str, task: Task) -> str:
    """`spec` with the numbers of channels and classes that the task needs, where it does not say others.

    >>> from chipwise.adapt.tasks.digits import digits
    >>> complete("mobile:width=0.5", digits(train=20, holdout=10, test=10))
    'mobile:width=0.5,classes=10,channels=1'
    """
    if not is_own(spec):
        return spec
    name, given = _parts(spec)
    example = task.example
    fitting = {"classes": task.classes, "channels": example.shape[1], "side": example.shape[-1]}
    known = inspect.signature(getattr(networks, name)).parameters
    given = {**{k: v for k, v in fitting.items() if k in known and v is not None}, **given}
    order = sorted(given, key=list(known).index) if given.keys() <= known.keys() else sorted(given)
    wanted = spec.partition(":")[2]
    extra = [f"{k}={given[k]:g}" for k in order if f"{k}=" not in wanted]
    return f"{name}:" + ",".join([wanted, *extra] if wanted else extra)


def make_network(spec: str) -> Any:
    """The network that `spec` names.

    Args:
        spec: `bypass`, `inverted`, `mobile`, `plain`, `residual`, each with numbers as in
            `mobile:width=0.5,classes=10`; or `package.module:function`, the user's own code, which is run and returns a
            torch.nn.Module.

    Raises:
        InputError: another form, an unknown name or number, one out of range, code that raises or returns no module.
    """
    if is_own(spec):
        name, given = _parts(spec)
        function = getattr(networks, name)
        numbers = [k for k, p in inspect.signature(function).parameters.items() if not _is_sequence(p)]
        for key in given:
            if key not in numbers:
                raise InputError(f"network {spec!r}: no number {key!r}." + did_you_mean(key, numbers))
        with told(f"network {spec!r}: "):  # sizes beyond memory
            return function(**given)
    if not is_own_code(spec):
        raise InputError(
            f"network {spec!r} is not known: give a name of chipwise's or package.module:function, your own code."
            + did_you_mean(spec.partition(":")[0], networks.__all__)
        )
    network = made_by(
        spec, f"network {spec!r}", lambda found: found if isinstance(found, nn.Module) else found()
    )
    if not isinstance(network, nn.Module):
        raise InputError(f"network {spec!r}: gives {type(network).__name__}, which is no torch.nn.Module")
    return network


def _parts(spec: str) -> tuple[str, dict[str, Any]]:
    name, _, numbers = spec.partition(":")
    given: dict[str, Any] = {}
    for part in numbers.split(",") if numbers else ():
        key, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise InputError(f"network {spec!r}: {part!r} must be name=number, as width=0.5") from None
        key = key.strip()
        if not isfinite(number) or number <= 0:
            raise InputError(f"network {spec!r}: {part!r} must be a finite number above 0")
        if key != "width" and not number.is_integer():
            raise InputError(f"network {spec!r}: {part!r} must be a whole number; only width is a share")
        given[key] = number if key == "width" else int(number)
    return name, given


def _is_sequence(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.default, tuple) or parameter.default is None
