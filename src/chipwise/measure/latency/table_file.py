"""The file of a lookup table, checked as it is read: whatever is wrong with it is told before anything is measured."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, final

from pydantic import ConfigDict, Field, ValidationError

from chipwise.errors import InputError
from chipwise.measure.latency.keys import shape_of
from chipwise.yamlfile import FileModel
from chipwise.yamlrules import explain

SCHEMA = "chipwise.latency/1"
MAX_BYTES = 64 * 2**20

Seconds = Annotated[float, Field(gt=0, lt=1e6)]


@final
class _Entry(FileModel):
    min_s: Seconds
    median_s: Seconds
    count: Annotated[int, Field(ge=1)]


@final
class _Provenance(FileModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    threads: Annotated[int, Field(ge=1)]
    backend: str = ""


@final
class _File(FileModel):
    declared: Annotated[Literal["chipwise.latency/1"], Field(alias="schema")]
    provenance: _Provenance
    drift: float = 0.0
    noisy: bool = False
    sentinels: dict[str, Annotated[list[Seconds], Field(min_length=1)]]
    entries: dict[str, _Entry]


def read_table(path: Path) -> dict[str, Any]:
    """What a table's file holds.

    Raises:
        InputError: it cannot be read, or is no such table, with the place in it.
    """
    again = "measure it anew, or name another file"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"lookup table {path}: is larger than {MAX_BYTES:,} bytes, and no such table")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"lookup table {path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"lookup table {path}: is no such table ({error}); {again}") from None
    try:
        _File.model_validate(content)
    except ValidationError as error:
        _, problem = explain(error.errors(include_url=False)[0], content, _File)
        raise InputError(f"lookup table {path}: is no such table: {problem}; {again}") from None
    try:
        for key in content["entries"]:
            shape_of(key)
    except InputError as error:
        raise InputError(f"lookup table {path}: is no such table: {error}") from None
    found: dict[str, Any] = content
    return found
