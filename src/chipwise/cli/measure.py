"""`chipwise measure`: a lookup table of latencies on this machine, layer by layer."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from chipwise.cli.options import Batch, whole
from chipwise.cli.output import TERMINAL, check_target, notes, say
from chipwise.errors import InputError

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="torch:package.module:callable, code of yours that makes a PyTorch module; or a network as `chipwise "
        "evaluate` takes it, whose layers alone are timed.",
        show_default=False,
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The lookup table; one that is there already is gone on with.",
        show_default=False,
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="SHAPE", help="Of one input of a PyTorch model, as 3x224x224.", show_default=False
    ),
]
BackendName = Annotated[
    str, typer.Option("--backend", metavar="torch|onnxruntime|cuda", help="What runs the layers.")
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        metavar="N",
        parser=whole("--threads", 1024),
        help="More than one needs a machine that does nothing else.",
    ),
]
Rounds = Annotated[
    int,
    typer.Option(
        "--rounds",
        metavar="N",
        parser=whole("--rounds", 100),
        help="How often each layer is timed, in turns; the fastest run counts.",
    ),
]


def measure(
    model: Model,
    *,
    out: Out,
    input_: Shape = None,
    batch: Batch = 1,
    backend: BackendName = "torch",
    threads: Threads = 1,
    rounds: Rounds = 2,
) -> None:
    """Latency of each layer on this machine, into a lookup table.

    After a kill, the same command goes on where it was.
    """
    check_target("--out", out)
    if out == TERMINAL:
        raise InputError("--out -: a lookup table is a file that grows with each layer; name one")

    from chipwise.measure.latency.networks import backend_of, measure_network
    from chipwise.measure.latency.table import LatencyTable
    from chipwise.report.latency import latency_text

    runs = backend_of(backend, threads)
    with notes(), _progress() as report:
        table = LatencyTable.open(out, runs, report=report)
        found = measure_network(model, table, runs, inputs=input_, batch=batch, rounds=rounds)
    say(latency_text(found))


@contextmanager
def _progress() -> Iterator[Callable[[int, str], None] | None]:
    """The layer that was timed last, on stderr while people wait; nothing where stderr is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    with console.status("reading the model") as status:
        yield lambda done, key: status.update(f"timed {done} layers, last {key[:60]}")
