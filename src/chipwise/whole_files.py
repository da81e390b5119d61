"""Files and folders that appear whole or not at all, so that what is there after a kill can be trusted."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chipwise.errors import InputError

MOST = 100
"""Characters of a name that are taken over, as names may not be much longer than twice that."""

_UNFINISHED = re.compile(r"\.(\d{2,}|start|[a-z-]+\.(json|safetensors|md|svg))\.\d+")
"""What `beside` calls what is being written: with a dot before, and the process behind its name."""


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder, which is moved to `path` at the end and removed after a failure."""
    place = path.with_name(f".{path.name[:MOST]}.{os.getpid()}")
    try:
        yield place
        if place.is_dir() and path.is_dir():  # a file takes no folder away
            shutil.rmtree(path)
        place.replace(path)
    except BaseException:
        _remove(place)
        raise


def is_unfinished(path: Path) -> bool:
    """Whether `beside` made this, and a kill left it there."""
    return _UNFINISHED.fullmatch(path.name) is not None


def remove_unfinished(folder: Path) -> None:
    """Delete what kills left in a folder of chipwise's."""
    for path in [path for path in folder.iterdir() if is_unfinished(path)] if folder.is_dir() else ():
        _remove(path)


def _remove(path: Path) -> None:
    # What cannot be removed is in nobody's way, and the reason for the removal matters more.
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text."""
    with beside(path) as place:
        place.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write plain data."""
    write_text(path, json.dumps(data, indent=1) + "\n")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell of a full disk, or of a folder that is no longer there, in one message.

    Raises:
        InputError: the system refused; what was written before is whole.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{str(folder)!r} cannot be written: {reason}; make room or name another folder, and run it again: what "
            "was kept before is whole"
        ) from None
