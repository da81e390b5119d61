"""Where results go: the terminal, or a file that appears whole or not at all."""

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chipwise import whole_files
from chipwise.errors import InputError, Note

PIPE_CLOSED = 141
"""What a shell reports for a command that a closed pipe ended: 128 + SIGPIPE."""

TERMINAL = "-"


def say(text: str) -> None:
    """Write `text` to stdout now; a reader that has gone (`| head`) ends the command quietly."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more on its way out, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(PIPE_CLOSED) from None


@contextlib.contextmanager
def notes() -> Iterator[None]:
    """Print what is noted beside a result as `note: ...` on stderr; other warnings go where they always do."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, Note):
                print(f"note: {' '.join(str(message).split())}", file=sys.stderr)
            else:
                others(message, category, *rest, **more)

        warnings.showwarning = show
        yield


def check_target(option: str, target: str | None) -> None:
    """Refuse what cannot be written before the work is done, not after.

    Raises:
        InputError: no usable name, a folder, or a file in a folder that is not there.
    """
    if target is None or target == TERMINAL:
        return
    if not target or "\0" in target:
        raise InputError(f"{option} {target!r}: needs the name of a file, or - for the terminal")
    path = Path(target)
    try:
        if path.is_dir():
            raise InputError(f"{option} {target}: is a folder; name a file in it")
        if not path.parent.is_dir():
            raise InputError(f"{option} {target}: there is no folder {str(path.parent)!r}; make it first")
        # A file is replaced, so its folder must let us; a device or a pipe is written to itself.
        asked = path if path.exists() and not path.is_file() else path.parent
        if not os.access(asked, os.W_OK):
            raise InputError(f"{option} {target}: you may not write to {str(asked)!r}; name another place")
    except OSError as error:
        raise _cannot_write(option, target, error) from None


def check_targets(targets: Mapping[str, str | None]) -> None:
    """Refuse, by option, what cannot be written, and two outputs on one terminal.

    Raises:
        InputError: as `check_target`, or more than one `-`.
    """
    for option, target in targets.items():
        check_target(option, target)
    shown = [option for option, target in targets.items() if target == TERMINAL]
    if len(shown) > 1:
        both = " and ".join(f"{option} -" for option in shown)
        raise InputError(f"{both} would mix on the terminal; write one of them to a file")


def write_json(option: str, target: str, data: Any) -> None:
    """Write `data` as JSON to a file, or to stdout where `target` is `-`."""
    # ASCII: it reads the same in every encoding a terminal or a pipe may have.
    write_text(option, target, json.dumps(data, indent=2, allow_nan=False) + "\n")


def write_text(option: str, target: str, text: str) -> None:
    """Write `text` to a file, or to stdout where `target` is `-`.

    A file is written beside its place and then moved there, so that nobody reads half of it and a failure
    leaves the old one.

    Raises:
        InputError: it cannot be written, with the system's reason.
    """
    if target == TERMINAL:
        say(text)
        return
    check_target(option, target)
    try:
        path = Path(target).resolve()
        if path.exists() and not path.is_file():
            # A device or a named pipe is written to; a file moved over it would destroy it.
            path.write_text(text, encoding="utf-8")
        else:
            whole_files.write_text(path, text)
    except OSError as error:
        raise _cannot_write(option, target, error) from None


def _cannot_write(option: str, target: str, error: OSError) -> InputError:
    return InputError(f"{option} {target!r}: cannot be written: {error.strerror}")
