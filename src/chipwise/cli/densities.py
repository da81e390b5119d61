"""`chipwise densities`: how many zeros real data puts into a model, layer by layer."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from chipwise.cli.options import Batch
from chipwise.cli.output import TERMINAL, check_target, say, write_json
from chipwise.errors import InputError

MAX_IMAGES = 1_000_000
TORCH = "torch:"


def _limit(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= MAX_IMAGES:
        raise InputError(f"--limit {value}: must be a whole number from 1 to {MAX_IMAGES}")
    return int(value)


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="An .onnx file with its weights, or torch:package.module:callable, code of yours that makes a PyTorch "
        "module with its weights.",
        show_default=False,
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="FOLDER|FILE",
        help="A folder of images, or an .npz file with an array called `input` or as the model's input.",
        show_default=False,
    ),
]
Out = Annotated[
    str,
    typer.Option("--out", metavar="FILE", help="Write the densities to FILE, or to the terminal with `-`."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", parser=_limit, help="Use so many images.  [default: all]"),
]
Normalize = Annotated[
    str,
    typer.Option(
        "--normalize", metavar="HOW", help="Of images: imagenet, unit (0 to 1), signed (-1 to 1), none."
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="Of one input, as 3x224x224, where the model does not say it and images must be cut to it.",
        show_default=False,
    ),
]


def densities(
    model: Model,
    *,
    data: Data,
    out: Out = "densities.json",
    batch: Batch = 1,
    limit: Limit = None,
    normalize: Normalize = "imagenet",
    input_: Shape = None,
) -> None:
    """Zeros of weights and activations on real data.

    The file is what --densities reads elsewhere.
    """
    check_target("--out", out)
    if not model.startswith(TORCH) and Path(model).suffix.lower() != ".onnx":
        raise InputError(
            f"model {model!r}: densities are measured in .onnx files and in PyTorch modules "
            f"({TORCH}package.module:callable, or chipwise.measure_densities in Python)"
        )

    from chipwise.report.densities import densities_text
    from chipwise.workload.importers.inputs import parse_inputs

    shape = None if input_ is None else parse_inputs(input_)[0].shape
    with _progress() as progress:
        how: dict[str, Any] = {"batch": batch, "limit": limit, "normalize": normalize, "shape": shape}
        if model.startswith(TORCH):
            from chipwise.measure.torch_zeros import measure_module_on

            found = measure_module_on(model.removeprefix(TORCH), data, progress=progress, **how)
        else:
            from chipwise.measure.onnx_zeros import measure_onnx

            found = measure_onnx(model, data, progress=progress, **how)
    write_json("--out", out, found.to_dict())
    if out != TERMINAL:
        say(densities_text(found))


@contextmanager
def _progress() -> Iterator[Callable[[int], None] | None]:
    """A count of images on stderr while people wait; nothing where stderr is not a terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    with console.status("reading the model") as status:
        yield lambda done: status.update(f"measured {done} images")
