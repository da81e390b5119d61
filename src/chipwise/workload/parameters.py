"""What a network of the zoo can be asked for by name: `mobilenet_v1@width=0.5,resolution=160`.

A parameter is an argument of the network's `build`, annotated with the values that it takes:

    def build(resolution: Annotated[int, Between(32, 2048)] = 224) -> Network: ...
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from chipwise.errors import InputError, did_you_mean

Argument = int | float | str | bool

_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the values that the source publishes.

    >>> str(OneOf(0.25, 0.5))
    '0.25 or 0.5'
    """

    values: tuple[Argument, ...]

    def __init__(self, *values: Argument) -> None:
        object.__setattr__(self, "values", values)

    def allows(self, value: Argument) -> bool:
        """Whether `value` is one of them."""
        return value in self.values

    def __str__(self) -> str:
        *most, last = map(_written, self.values)
        return f"{', '.join(most)} or {last}" if most else last


@final
@dataclass(frozen=True, slots=True)
class Between:
    """A whole number from `least` to `most`.

    >>> Between(32, 64).allows(64), str(Between(32, 64))
    (True, '32 to 64')
    """

    least: int
    most: int

    def allows(self, value: Argument) -> bool:
        """Whether `value` lies between them."""
        return isinstance(value, int) and self.least <= value <= self.most

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


@final
@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a network: its type, what it is if not given, and what it may be."""

    name: str
    kind: type
    default: Argument
    values: OneOf | Between

    def __str__(self) -> str:
        return f"{self.name}={_written(self.default)} ({self.values})"

    def to_dict(self) -> dict[str, Any]:
        """The parameter as `chipwise networks --json` writes it."""
        if isinstance(self.values, OneOf):
            return {"name": self.name, "default": self.default, "values": list(self.values.values)}
        return {
            "name": self.name,
            "default": self.default,
            "least": self.values.least,
            "most": self.values.most,
        }

    def parse(self, network: str, text: str) -> Argument:
        """The value that `text` spells; InputError if it is none that the network takes."""
        value: Argument = text
        try:
            value = _WORDS[text.lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError):
            value = ""
        if value == "" or not self.values.allows(value):
            shown = text if len(text) <= 40 else text[:40] + "..."
            raise InputError(f"network {network!r}: {self.name} = {shown} must be {self.values}")
        return value


def parameters(build: Callable[..., object]) -> tuple[Parameter, ...]:
    """The parameters that `build` takes, in order.

    >>> from typing import Annotated
    >>> def build(width: Annotated[float, OneOf(0.5, 1.0)] = 1.0) -> None: ...
    >>> str(parameters(build)[0])
    'width=1 (0.5 or 1)'
    """
    hints = typing.get_type_hints(build, include_extras=True)
    found = []
    for argument in inspect.signature(build).parameters.values():
        kind, values = typing.get_args(hints[argument.name])
        found.append(Parameter(argument.name, kind, argument.default, values))
    return tuple(found)


def parse(network: str, text: str, known: tuple[Parameter, ...]) -> dict[str, Argument]:
    """The arguments in `text`, written `name=value,name=value`.

    Raises:
        InputError: not of this form, an unknown name, a name given twice, a value that is not taken.

    >>> parse("net", "width=0.5", (Parameter("width", float, 1.0, OneOf(0.5, 1.0)),))
    {'width': 0.5}
    """
    names = {parameter.name: parameter for parameter in known}
    found: dict[str, Argument] = {}
    for item in text.split(","):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not name or not value:
            raise InputError(
                f"network {network!r}: {item!r} behind the @ must be written name=value, several with commas"
            )
        if not names:
            raise InputError(f"network {network!r} has no parameters, so {name} = {value} cannot be set")
        if name not in names:
            raise InputError(f"network {network!r} has no parameter {name!r}." + did_you_mean(name, names))
        if name in found:
            raise InputError(f"network {network!r}: {name} is given twice; give it once")
        found[name] = names[name].parse(network, value)
    return found


def spelt(network: str, arguments: Mapping[str, Argument], known: tuple[Parameter, ...]) -> str:
    """The name with the arguments that differ from the defaults, in the network's own order.

    >>> spelt("net", {"width": 0.5}, (Parameter("width", float, 1.0, OneOf(0.5, 1.0)),))
    'net@width=0.5'
    """
    changed = [
        f"{p.name}={_written(arguments[p.name])}"
        for p in known
        if p.name in arguments and arguments[p.name] != p.default
    ]
    return f"{network}@{','.join(changed)}" if changed else network


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
