"""The command `chipwise`: one function per command, in files of their own, and how errors reach a person."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from chipwise import __version__
from chipwise.cli import (
    adapt,
    algorithms,
    card,
    compare,
    components,
    densities,
    engines,
    evaluate,
    eyexam,
    listing,
    mapping,
    measure,
    metrics,
    roofline,
    validate,
)
from chipwise.cli.imports import importing
from chipwise.cli.options import SHOW
from chipwise.errors import ChipwiseError

INTERRUPTED = 130
INTERNAL = 70
"""A mistake of ours (EX_SOFTWARE): 1 and 2 are answers, and scripts must not take this for one."""

app = typer.Typer(
    name="chipwise",
    help="What a deep neural network costs on a chip, why, and what to change.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain text, the same in a terminal, a pipe and a log
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"chipwise {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What a deep neural network costs on a chip, why, and what to change."""


for _command in (
    evaluate.evaluate,
    compare.compare,
    mapping.map_,
    eyexam.eyexam,
    card.card,
    metrics.metrics,
    roofline.roofline,
    listing.describe,
    algorithms.algorithms,
    densities.densities,
    engines.engines,
    measure.measure,
    listing.networks,
    listing.chips,
    components.components,
    listing.show,
    listing.schema,
    adapt.adapt,
    validate.validate,
):
    app.command(_command.__name__.rstrip("_"))(importing(_command))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` are those of the process by default.

    0: done. 1: nothing legal fits, or a figure outside its band. 2: bad input. 70: a mistake of chipwise's.
    Ctrl-C ends the process, with 130.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Bars and middle dots must not fail in a terminal that cannot show them.
            stream.reconfigure(errors="replace")
    try:
        code = _run(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except ChipwiseError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except Exception as error:
        if os.environ.get("CHIPWISE_DEBUG"):
            raise
        print(f"error: {_unexpected(error)}", file=sys.stderr)
        code = INTERNAL
    if code == INTERRUPTED:
        # A usual exit would wait for kernels that are still searching, and they do not hear Ctrl-C.
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    """Exit code of one command, which typer reports by SystemExit."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        typer.main.get_command(app)(args=with_values(given), prog_name="chipwise")
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else 0
    return 0


ALONE = {"--mapspace": SHOW, "--dataflows": compare.ALL}
"""What an option stands for without a value: typer has no options with optional values."""


def with_values(arguments: Sequence[str]) -> list[str]:
    """The arguments with the value of `ALONE` after an option of those that has none.

    >>> with_values(["map", "--mapspace", "alexnet:conv1", "--mapspace", "even"])
    ['map', '--mapspace', 'show', 'alexnet:conv1', '--mapspace', 'even']
    >>> with_values(["compare", "lenet5", "--dataflows", "--on", "simple"])
    ['compare', 'lenet5', '--dataflows', 'all', '--on', 'simple']
    """
    found: list[str] = []
    for i, word in enumerate(arguments):
        found.append(word)
        following = arguments[i + 1] if i + 1 < len(arguments) else "-"
        is_value = not following.startswith("-") and not {":", "=", "."} & set(following)
        if word in ALONE and not is_value:
            found.append(ALONE[word])
    return found


def _unexpected(error: Exception) -> str:
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"chipwise has met something unexpected ({words[:300]}); please report it with the command and its "
        "files. CHIPWISE_DEBUG=1 shows the traceback"
    )


if __name__ == "__main__":
    sys.exit(main())
