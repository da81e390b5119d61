"""Long work that Ctrl-C ends at once."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.2
"""Python looks for Ctrl-C between waits; on some systems an endless wait never does."""


def interruptible(work: Callable[[], T]) -> T:
    """What `work` returns or raises, computed in a thread of its own.

    Compiled kernels run for seconds without looking at signals. They release the interpreter, so the main
    thread waits beside them and can leave; `chipwise.cli.main` then ends the process without joining them.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_S)
    if errors:
        raise errors[0]
    return results[0]
