"""The user's own code, as `package.module:name`: found as Python finds it, and run; what it raises is one message."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chipwise.errors import ChipwiseError, InputError, first_line


def is_own_code(spec: str) -> bool:
    """Whether `spec` has the form `package.module:name`.

    >>> is_own_code("models.vit:tiny"), is_own_code("models/vit.py:tiny"), is_own_code("tiny")
    (True, False, False)
    """
    module, _, path = spec.partition(":")
    return all(part.isidentifier() for part in (*module.split("."), *path.split(".")))


def made_by(spec: str, what: str, make: Callable[[Any], Any]) -> Any:
    """What `make` gives for the object that `spec` names; its module is imported, and `make` may run it.

    The working folder is searched too, as `python -m` does.

    Args:
        spec: `package.module:name`.
        what: the name in messages, as "task 'tasks:birds'".
        make: calls the object, if it is to be called.

    Raises:
        InputError: nothing of that name, or code that raises or ends the process.
    """
    module, _, path = spec.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        with told(f"{what}: "):
            found: Any = importlib.import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
            return make(found)
    finally:
        with suppress(ValueError):  # the user's code may have cleared the path
            sys.path.remove(here)


@contextmanager
def told(what: str, advice: str = "") -> Iterator[None]:
    """What the user's code raises in here, as one InputError: `what`, the error's class and first line, `advice`.

    SystemExit is caught as well: a script that ends itself would end the command without a word, as if all were done.
    Ctrl-C goes through.
    """
    try:
        yield
    except ChipwiseError:
        raise
    except SystemExit as error:
        raise InputError(
            f"{what}SystemExit: {error}: it ends the process (sys.exit); keep that out of what is imported and called"
        ) from error
    except Exception as error:
        raise InputError(f"{what}{type(error).__name__}: {first_line(error)}{advice}") from error
