"""Files that people write: YAML read strictly, with line numbers, and checked against a pydantic model.

The parser of ruamel.yaml supplies syntax and positions; values are built here from its events, by the rules
of YAML 1.2's core schema, so nothing but text, numbers, booleans, lists and mappings can come out.
Going through events, not through ruamel's constructor, is what makes the limits hold: depth is checked before
any recursion, aliases and tags are refused before they mean anything, and `no` or `12:30` stay text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, TypeVar, final

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from chipwise.errors import InputError, did_you_mean
from chipwise.yamlrules import explain, short

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 2**20
"""Largest file: published chips and networks take a few KiB."""
MAX_DEPTH = 30
MAX_DIGITS = 30
"""Longest whole number: every quantity here stays below 10^30, and longer ones overflow a float later."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class FileModel(BaseModel):
    """Base of every model of a file: no unknown keys, no changes, no silent conversions.

    Strict, so that `size: "12"` and `size: true` are refused; write sequences as `list[...]`. Tags of unions
    must differ from every key, since messages drop from a location what is not in the file.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


@final
@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: `data` in plain Python containers, all keys text, and where each value stands."""

    name: str
    data: dict[str, Any]
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)

    def where(self, *path: str | int) -> str:
        r"""`file:line` of the value at `path`, or of the nearest thing around it that is in the file.

        >>> parse_yaml("a:\n  b: [1, 2]", "x.yaml").where("a", "b")
        'x.yaml:2'
        """
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


def load_yaml(path: Path) -> Document:
    """Read and parse the file at `path`.

    Raises:
        InputError: it is missing, a folder, too large, not UTF-8, or not the YAML that `parse_yaml` takes.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: there is no such file.{_sibling(path)}")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise InputError(f"{path}: is {kind}; give the path of a YAML file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be read: {reason}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(raw) > MAX_BYTES:
            raise InputError(_too_large(str(path))) from None
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; save the file as UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Document:
    r"""Parse `text`; `name` stands for the file in messages.

    YAML 1.2: `no` is text, duplicate keys are errors. Aliases, tags, several documents, infinities and more
    than `MAX_DEPTH` levels are refused.

    >>> parse_yaml("clock: 200 MHz\nsizes: [1, 2.5, no]", "chip.yaml").data
    {'clock': '200 MHz', 'sizes': [1, 2.5, 'no']}
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise InputError(_too_large(name))
    return _Builder(name, text).document()


def validated(document: Document, model: type[M]) -> M:
    """The document as `model`, or one InputError with file:line, field, value, rule and fix."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # A misspelt key often causes a missing one as well, and the user wrote only the former.
    problems.sort(key=lambda p: p["type"] != "extra_forbidden")
    path, message = explain(problems[0], document.data, model)
    others = len(problems) - 1
    more = f" (and {others} more problem{'s' if others > 1 else ''} in this file)" if others else ""
    raise InputError(f"{document.where(*path)}: {message}{more}")


def _too_large(name: str) -> str:
    return f"{name}: is larger than {MAX_BYTES // 1024} KiB, the most that is read; split it"


def _sibling(path: Path) -> str:
    known = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    return did_you_mean(path.name, known)


@final
class _Builder:
    """Builds plain values from parser events, with the line of each."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.events = self._safe_events()

    def document(self) -> Document:
        """The only document of the stream."""
        data: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a second document starts here; keep one per file")
                data = self._value(next(self.events), ())
            elif not isinstance(event, DocumentEndEvent | StreamStartEvent | StreamEndEvent):
                raise self._error(event, "is not valid YAML")
        if data is None:
            raise InputError(f"{self.name}:1: is empty; it needs `key: value` lines")
        if not isinstance(data, dict):
            raise InputError(
                f"{self.name}:{self.lines.get((), 1)}: holds {_shape(data)} at the top; "
                "it needs `key: value` lines"
            )
        return Document(self.name, data, self.lines)

    def _safe_events(self) -> Iterator[Any]:
        try:
            yield from YAML(typ="safe", pure=True).parse(self.text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else 1
            said = (error.problem or error.context or "it cannot be parsed").replace("'\\x00'", "the end")
            raise InputError(f"{self.name}:{line}: is not valid YAML: {said}") from None
        except ReaderError as error:
            line = self.text[: error.position].count("\n") + 1
            raise InputError(
                f"{self.name}:{line}: holds the control character {self.text[error.position]!r}; remove it"
            ) from None
        except (ValueError, OverflowError, LookupError, AttributeError, TypeError, AssertionError) as error:
            # ruamel lets these out on malformed text, such as an escape beyond the last code point.
            raise InputError(f"{self.name}:1: is not valid YAML: {error}") from None

    def _value(self, event: Any, path: tuple[str | int, ...]) -> Any:
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            raise self._error(event, f"`*{event.anchor}` is an alias; repeat the values instead")
        if event.tag is not None:
            raise self._error(event, f"the tag {str(event.tag)!r} is not read; write the plain value")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if len(path) >= MAX_DEPTH:
            raise self._error(event, f"is nested more than {MAX_DEPTH} levels deep; flatten it")
        return self._sequence(path) if isinstance(event, SequenceStartEvent) else self._mapping(event, path)

    def _sequence(self, path: tuple[str | int, ...]) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, start: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
        assert isinstance(start, MappingStartEvent)
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.tag is not None:
                raise self._error(event, "a key must be plain text")
            key = self._text(event)
            if key in found:
                first = self.lines[(*path, key)]
                raise self._error(
                    event, f"the key {key!r} stands twice (first in line {first}); keep one of them"
                )
            self.lines[(*path, key)] = event.start_mark.line + 1
            found[key] = self._value(next(self.events), (*path, key))
        return found

    def _text(self, event: Any) -> str:
        try:  # JSON escapes characters beyond U+FFFF as two surrogates, which belong together
            return str(event.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._error(event, "holds half of a surrogate pair; write the character itself") from None

    def _scalar(self, event: Any) -> str | int | float | bool | None:
        text = self._text(event)
        if event.style:  # quoted or a block: text, whatever it looks like
            return text
        if _NULL.fullmatch(text):
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.fullmatch(text):
            digits = len(text.lstrip("+-"))
            if digits > MAX_DIGITS:
                raise self._error(event, f"a number of {digits} digits; at most {MAX_DIGITS} are read")
            return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if not isfinite(number):
                raise self._error(event, f"{short(text)} is too large for a number")
            return number
        if _NOT_FINITE.fullmatch(text):
            raise self._error(event, f"{text} is not a finite number; write one, or quote the text")
        return text

    def _error(self, event: Any, message: str) -> InputError:
        return InputError(f"{self.name}:{event.start_mark.line + 1}: {message}")


def _shape(data: object) -> str:
    return "a list" if isinstance(data, list) else f"the single value {short(repr(data))}"
