"""A progress bar for people who watch and wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chipwise.analysis.evaluate import Progress as Report
from chipwise.model.kernels import cache_folder, sources_hash

PATIENCE_S = 1.0
"""Shorter waits show nothing: a bar that only flashes disturbs."""


@contextmanager
def progress_bar(layers: int) -> Iterator[Report | None]:
    """A bar on stderr from the first second on; None, and no bar, where stderr is not a terminal."""
    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(_first_words(), total=layers)
    started = threading.Event()

    def start() -> None:
        started.set()
        bar.start()

    def report(done: int, total: int, name: str) -> None:
        bar.update(task, completed=done, total=total, description=f"mapped {name[:40]}")

    timer = threading.Timer(PATIENCE_S, start)
    timer.daemon = True
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        if started.is_set():
            bar.stop()


def _first_words() -> str:
    """What the bar says before the first layer is done."""
    compiled = (cache_folder() / f"numba-{sources_hash()}").is_dir()
    return "mapping layers" if compiled else "compiling the search, on first use only"
