"""Tasks by name: `digits`, `images:FOLDER`, `cifar:FOLDER`, `mnist:FOLDER`, or the user's own `module:function`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from chipwise.adapt.task import Task
from chipwise.adapt.tasks.digits import digits
from chipwise.adapt.tasks.files import cifar, image_folders, mnist
from chipwise.errors import ChipwiseError, InputError, did_you_mean

ON_DISK: dict[str, Callable[..., Task]] = {"images": image_folders, "cifar": cifar, "mnist": mnist}


def load_task(spec: str, *, seed: int = 0) -> Task:
    """The task that `spec` names.

    Args:
        spec: `digits`; `images:`, `cifar:` or `mnist:` and a folder; or `package.module:function`, the user's own
            code, which is run with `seed=` and returns a Task.
        seed: of splits and training.

    Raises:
        InputError: another form, a folder without the files, code that raises or returns no Task.
    """
    name, colon, rest = spec.partition(":")
    if spec == "digits":
        return digits(seed)
    if name in ON_DISK and rest:
        return ON_DISK[name](rest, seed=seed)
    if not colon or not rest:
        form = f"{name}:FOLDER" if name in ON_DISK else "package.module:function"
        raise InputError(f"task {spec!r}: must be {form}." + did_you_mean(name, ["digits", *ON_DISK]))
    if not all(part.isidentifier() for part in (*name.split("."), *rest.split("."))):
        raise InputError(
            f"task {spec!r}: must be digits, images:FOLDER, cifar:FOLDER, mnist:FOLDER or module:function"
        )
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = importlib.import_module(name)
        for part in rest.split("."):
            found = getattr(found, part)
        task = found(seed=seed)  # type: ignore[operator]
    except ChipwiseError:
        raise
    except Exception as error:  # the user's code runs here, and may raise anything
        line = (str(error).strip().splitlines() or [""])[0][:300]
        raise InputError(f"task {spec!r}: {type(error).__name__}: {line}") from error
    finally:
        sys.path.remove(here)
    if not isinstance(task, Task):
        raise InputError(f"task {spec!r}: gives {type(task).__name__}, which is no chipwise.adapt.task.Task")
    return task
