"""Tasks by name: `digits`, `images:FOLDER`, `cifar:FOLDER`, `mnist:FOLDER`, or the user's own `module:function`."""

from collections.abc import Callable

from chipwise.adapt.task import Task
from chipwise.adapt.tasks.digits import digits
from chipwise.adapt.tasks.files import cifar, image_folders, mnist
from chipwise.errors import InputError, did_you_mean
from chipwise.workload.importers.own_code import is_own_code, made_by

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
    if not is_own_code(spec):
        raise InputError(
            f"task {spec!r}: must be digits, images:FOLDER, cifar:FOLDER, mnist:FOLDER or module:function"
        )
    task = made_by(spec, f"task {spec!r}", lambda found: found(seed=seed))
    if not isinstance(task, Task):
        raise InputError(f"task {spec!r}: gives {type(task).__name__}, which is no chipwise.adapt.task.Task")
    return task
