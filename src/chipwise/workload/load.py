"""The one way from what a user names to a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import registry
from chipwise.workload.einsum import is_einsum, network_of
from chipwise.workload.importers.inputs import Example, parse_inputs, parse_sizes
from chipwise.workload.network import Network
from chipwise.workload.network_file import read_network

TORCH = "torch:"
"""What stands before the user's own Python code that makes a PyTorch model."""

_ACCEPTED = (
    "a network's name, the path of a .yaml, .onnx, .txt or .csv file, an einsum with its extents, "
    f"or {TORCH}MODULE:CALLABLE"
)
_YAML = frozenset({".yaml", ".yml"})
_TABLES = frozenset({".txt", ".csv"})


def load_network(
    source: Any,
    *,
    example_input: Any = None,
    input_size: Mapping[str, int] | str | None = None,
    allow_unknown: bool = False,
) -> Network:
    """The network that `source` is or names.

    Args:
        source: a name from the zoo (case, `-` and `_` do not matter), perhaps with parameters
            (`mobilenet_v1@width=0.5`); the path of a YAML or ONNX file or of a 25-column layer table; an einsum with
            its extents; a torch.nn.Module; `torch:package.module:callable`, which runs that code; or a network.
        example_input: for PyTorch a tensor, a tuple or dict of them, a shape with its batch, or text as the
            command line takes it (`3x224x224`, a batch of 1 being added); for ONNX shapes, to fix symbolic axes.
        input_size: for ONNX, sizes of symbolic axes, as {"height": 224} or `height=224,width=224`.
        allow_unknown: count operators that are not known as the data that they move.

    Raises:
        InputError: an unknown name, a file of another type, a file with a mistake, a model that cannot be read.
        MissingExtra: onnx or torch is needed and not installed.

    >>> load_network("ResNet-50").name
    'resnet50'
    >>> load_network("O[m] = I[c] * W[m,c]; m=10, c=84").macs
    840
    """
    if isinstance(source, Network):
        return source
    sizes = parse_sizes(input_size) if isinstance(input_size, str) else input_size
    name, path = str(source), Path(source) if isinstance(source, str | Path) else None
    if path is None or name.startswith(TORCH):
        return _from_torch(source, example_input, sizes, allow_unknown=allow_unknown)
    if not (isinstance(source, str) and is_einsum(source)) and path.suffix.lower() == ".onnx":
        from chipwise.workload.importers.onnx import read_onnx  # noqa: PLC0415 - an importer is loaded when needed

        return read_onnx(path, sizes=sizes, shapes=_shapes(example_input), allow_unknown=allow_unknown)
    if example_input is not None or sizes is not None:
        raise InputError(
            f"network {name!r}: --input and --input-size are for PyTorch models and ONNX files; networks of the zoo "
            "take parameters, as mobilenet_v1@resolution=160"
        )
    return _of_text(source, path)


def _of_text(source: str | Path, path: Path) -> Network:
    """A network that needs no framework to be read."""
    name = str(source)
    if isinstance(source, str) and is_einsum(source):
        return network_of(source)
    if path.suffix.lower() in _YAML:
        return read_network(path)
    if path.suffix.lower() in _TABLES:
        from chipwise.workload.energy_table import read_energy_table  # noqa: PLC0415 - as above

        return read_energy_table(path)
    if registry.find(name) is not None:
        return registry.build(name)
    known = registry.names()
    if path.suffix and "@" not in name:
        raise InputError(
            f"network {name!r}: files of type {path.suffix!r} are not read; give {_ACCEPTED}."
            + did_you_mean(path.stem, known)
        )
    if len(path.parts) > 1:
        raise InputError(f"network {name!r}: a path must end in .yaml, .yml, .onnx, .txt or .csv")
    raise InputError(f"network {name!r} is not known; give {_ACCEPTED}." + did_you_mean(name, known))


def _from_torch(source: Any, example: Any, sizes: object, *, allow_unknown: bool) -> Network:
    """The network of a PyTorch model, or of the code that makes one."""
    from chipwise.workload.importers.torch import is_module, module_of, read_module  # noqa: PLC0415 - as above

    if not isinstance(source, str) and not is_module(source):
        raise InputError(
            f"network = {source!r:.200} cannot be loaded; give {_ACCEPTED}, a torch.nn.Module, or a Network"
        )
    if sizes is not None:
        raise InputError(
            "--input-size is for ONNX files; a PyTorch model takes --input 3x224x224 (example_input)"
        )
    module = module_of(source.removeprefix(TORCH)) if isinstance(source, str) else source
    inputs = parse_inputs(example) if isinstance(example, str) else example
    return read_module(module, inputs, allow_unknown=allow_unknown)


def _shapes(example: Any) -> tuple[tuple[int, ...], ...] | None:
    """Shapes of an ONNX file's inputs: of tensors, as tuples of whole numbers, or as text."""
    if example is None:
        return None
    if isinstance(example, str):
        return tuple(e.shape for e in parse_inputs(example))
    many = example if isinstance(example, list | tuple) and not _is_shape(example) else [example]
    found = [item.shape if isinstance(item, Example) or hasattr(item, "shape") else item for item in many]
    if not all(_is_shape(shape) for shape in found):
        raise InputError(
            f"example_input = {example!r:.200} must be a shape such as (1, 3, 224, 224), or a list of them"
        )
    return tuple(tuple(int(extent) for extent in shape) for shape in found)


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(extent, int) and extent > 0 for extent in value)
