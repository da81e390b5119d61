"""Options of networks that are imported (ONNX, PyTorch), for every command that takes a network or a layer."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

import functools
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

_TAKES = ("network", "layer", "what")
"""Parameters that name a network or one layer of one."""

_OPTIONS = {
    "input": Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="SHAPE",
            help="PyTorch, ONNX: shape of one input, as 3x224x224, or 128:int for token ids; several joined by commas.",
            show_default=False,
        ),
    ],
    "input_size": Annotated[
        str | None,
        typer.Option(
            "--input-size",
            metavar="AXIS=N",
            help="ONNX: sizes of axes that the file leaves open, as batch=1,height=224.",
            show_default=False,
        ),
    ],
    "allow_unknown": Annotated[
        bool,
        typer.Option(
            "--allow-unknown", help="PyTorch, ONNX: count unknown operators as the data that they move."
        ),
    ],
}


def importing(command: Callable[..., None]) -> Callable[..., None]:
    """The command with these options, if it takes a network; what they are about is loaded before it runs.

    Declared around the commands and not in each: a command that forgets them could not read most ONNX files.
    """
    signature = inspect.signature(command)
    taken = [name for name in _TAKES if name in signature.parameters]
    if not taken:
        return command

    @functools.wraps(command)
    def run(**given: Any) -> None:
        how = {name: given.pop(name) for name in _OPTIONS}
        wanted = any(how.values())
        for name in taken:
            # An owner of the layer, where one is given, is what the options are about.
            if isinstance(given.get(name), str) and (wanted or _is_imported(given[name])):
                given[name] = _loaded(given[name], how)
                break
        command(**given)

    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=option,
            default=False if name == "allow_unknown" else None,
        )
        for name, option in _OPTIONS.items()
    ]
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *options])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, **_OPTIONS}
    return run


def _is_imported(text: str) -> bool:
    from chipwise.workload.load import TORCH

    if "," in text:
        return False  # several networks, each of which its command loads
    owner, _, _ = _parts(text)
    return owner.startswith(TORCH) or owner.lower().endswith(".onnx")


def _parts(text: str) -> tuple[str, str, str]:
    """The network, a colon and the layer, of `model.onnx:conv1` and of `torch:package.module:callable:conv1`."""
    from chipwise.workload.load import TORCH

    if text.startswith(TORCH):
        where, first, rest = text.removeprefix(TORCH).partition(":")
        what, colon, layer = rest.partition(":")
        return f"{TORCH}{where}{first}{what}", colon, layer
    at = text.lower().rfind(".onnx:")
    return (text[: at + 5], ":", text[at + 6 :]) if at >= 0 else (text, "", "")


def _loaded(text: str, how: dict[str, Any]) -> Any:
    """The network, or the layer of it that `text` names; what the importer has to say goes to stderr."""
    from chipwise.workload.load import load_network

    owner, colon, layer = _parts(text)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        network = load_network(
            owner,
            example_input=how["input"],
            input_size=how["input_size"],
            allow_unknown=how["allow_unknown"],
        )
    for warning in said:
        if issubclass(warning.category, UserWarning):
            print(f"note: {' '.join(str(warning.message).split())}", file=sys.stderr)
    return network.layer(layer) if colon else network
