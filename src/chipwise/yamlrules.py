"""Turns what pydantic says about a file into what a person can act on: field path, value, rule and fix."""

import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from chipwise.errors import did_you_mean

_RULES = {
    "missing": "is missing; add it",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list, as in [a, b]",
    "tuple_type": "must be a list, as in [a, b]",
    "dict_type": "must hold `key: value` pairs",
    "model_type": "must hold `key: value` pairs",
    "model_attributes_type": "must hold `key: value` pairs",
}
"""Pydantic's error types whose own wording speaks of Python; the others read well as they are."""


def explain(
    problem: Mapping[str, Any], data: object, model: type[BaseModel]
) -> tuple[tuple[str | int, ...], str]:
    """The path of a pydantic error in the file, and one sentence: field, value, rule, fix."""
    loc: tuple[str | int, ...] = tuple(problem["loc"])
    kind: str = problem["type"]
    path = _written(loc, data)
    field = spelled(path)
    if kind == "missing":
        missing = loc[-1]
        return path, f"{spelled((*path, missing))} {_RULES[kind]}"
    if kind == "extra_forbidden":
        known = sorted(_keys(model, loc[:-1]))
        inside = f" in {spelled(path[:-1])}" if len(path) > 1 else ""
        return path, f"unknown key {path[-1]!r}{inside}.{did_you_mean(str(path[-1]), known)}"
    value = problem["input"]
    if value is None:
        return path, f"{field} has no value; give one or delete the line"
    shown = f"{field} = {short(repr(value))}" if field else short(repr(value))
    if kind == "value_error":
        return path, f"{shown}: {problem['ctx']['error']}"
    if kind in {"literal_error", "enum"}:
        choices = re.findall(r"'([^']*)'", str(problem["ctx"]["expected"]))
        return path, f"{shown} must be {problem['ctx']['expected']}.{_hint(value, choices)}"
    rule = _RULES.get(kind)
    if rule is None:
        message = str(problem["msg"])
        rule = message[0].lower() + message[1:]
        rule = rule.replace("input should", "must", 1).replace("must be a valid", "must be a", 1)
    return path, f"{shown} {rule}"


def spelled(path: tuple[str | int, ...]) -> str:
    """A path as a person writes it.

    >>> spelled(("levels", 1, "capacity"))
    'levels[1].capacity'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _hint(value: object, choices: list[str]) -> str:
    found = did_you_mean(value, choices) if isinstance(value, str) else ""
    return found if found.startswith(" Did") else ""


def _written(loc: tuple[str | int, ...], data: Any) -> tuple[str | int, ...]:
    """`loc` without the parts that name a branch of a union: these are not in the file."""
    path: list[str | int] = []
    for part in loc:
        present = part in data if isinstance(data, dict) else isinstance(part, int) and isinstance(data, list)
        if present:
            data = data[part]
            path.append(part)
    return tuple(path)


def _keys(annotation: Any, loc: tuple[str | int, ...]) -> set[str]:
    """Keys that the model at `loc` below `annotation` knows."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _keys(args[0], loc)
    if origin in {Union, UnionType}:
        named = [a for a in args if loc and loc[0] in _branch_names(a)]
        if named:
            return _keys(named[0], loc[1:])
        return set().union(*(_keys(a, loc) for a in args))
    if origin in {list, tuple, dict, Mapping}:
        return _keys(args[-1] if origin in {dict, Mapping} else args[0], loc[1:])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        names = {info.alias or name: info for name, info in annotation.model_fields.items()}
        if not loc:
            return set(names)
        return _keys(names[str(loc[0])].annotation, loc[1:]) if loc[0] in names else set()
    return set()


def _branch_names(annotation: Any) -> set[str]:
    """How pydantic's locations name one branch of a union: by its tag, or by its class."""
    if get_origin(annotation) is Annotated:
        base, *metadata = get_args(annotation)
        return {m.tag for m in metadata if isinstance(m, Tag)} or _branch_names(base)
    return {annotation.__name__} if isinstance(annotation, type) else set()


def short(text: str) -> str:
    """`text`, cut to what fits into a message."""
    return text if len(text) <= 60 else text[:57] + "..."
