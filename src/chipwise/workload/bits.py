"""Bits beside a network: how wide the values of each tensor are, layer by layer.

A file of them, YAML or JSON; what it does not name stays as it was:

    {"schema": "chipwise.bits/1",
     "source": "quantisation of ...",
     "layers": {"conv1": {"input": 9, "weight": "int11"}, "fc8": {"weight": "bf16"}}}

Names of number formats stand for their widths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, final

from pydantic import BeforeValidator, Field

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import zoo
from chipwise.workload.densities import layer_places
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network, Node
from chipwise.workload.numbers import is_number, parse_number
from chipwise.yamlfile import Document, FileModel, load_yaml, parse_yaml, validated

MAX_BITS = 64


def _width(value: object) -> object:
    """A number format counts as its width; all else is left to the check."""
    if not isinstance(value, str):
        return value
    try:
        return parse_number(value).bits
    except InputError as error:
        raise ValueError(str(error)) from None


Width = Annotated[int, BeforeValidator(_width), Field(ge=1, le=MAX_BITS, strict=True)]


@final
@dataclass(frozen=True, slots=True)
class Bits:
    """Widths by layer and tensor (`input`, `weight`, `output`), and where they come from."""

    layers: Mapping[str, Mapping[str, int]]
    source: str = ""
    places: Mapping[tuple[str, ...], str] = field(default_factory=dict, compare=False)
    """`file:line` of each layer and of each of its tensors, for messages."""

    def where(self, *path: str) -> str:
        """`file:line: ` of a layer or of its tensor; empty for bits that come from no file."""
        place = self.places.get(path)
        return f"{place}: " if place else ""


@final
class _File(FileModel):
    declared: Annotated[Literal["chipwise.bits/1"], Field(alias="schema")]
    source: str = ""
    layers: dict[str, dict[str, Width]]


def read_bits(path: str | Path) -> Bits:
    """The bits in the YAML or JSON file at `path`, of at most 1 MiB.

    Raises:
        InputError: with file:line, for another form or a width outside 1 to 64.
    """
    return _bits(load_yaml(Path(path)))


def parse_bits(text: str, name: str) -> Bits:
    r"""The bits that `text` holds; `name` stands for the file in messages.

    >>> parse_bits("schema: chipwise.bits/1\nlayers: {conv1: {input: 9}}", "b.yaml").layers
    {'conv1': {'input': 9}}
    """
    return _bits(parse_yaml(text, name))


def _bits(document: Document) -> Bits:
    content = validated(document, _File)
    return Bits(content.layers, content.source, layer_places(document, content.layers))


def uniform_bits(network: Network, width: int) -> Bits:
    """One width for every tensor of every layer."""
    names = {layer.name: [tensor.name for tensor in layer.tensors] for layer in network.layers}
    return Bits(
        {name: dict.fromkeys(tensors, width) for name, tensors in names.items()}, f"{width} b throughout"
    )


def with_bits(network: Network, bits: Bits) -> Network:
    """The network with tensors of these bits; what they do not name stays as it was.

    Raises:
        InputError: a layer or tensor that the network does not have.

    >>> from chipwise.workload.zoo import alexnet
    >>> with_bits(alexnet.build(), Bits({"conv1": {"input": 9}})).layer("conv1").tensor("input").bits
    9
    """
    layers = [layer.name for layer in network.layers]
    for name in bits.layers:
        if name not in layers:
            raise InputError(
                f"{bits.where(name)}bits: network {network.name!r} has no layer {name!r}."
                + did_you_mean(name, layers)
            )
    nodes = tuple(_node(node, bits.layers.get(node.name, {}), bits) for node in network.nodes)
    return replace(network, nodes=nodes)


def _node(node: Node, given: Mapping[str, int], bits: Bits) -> Node:
    if not given or not isinstance(node, Layer):
        return node
    tensors = [tensor.name for tensor in node.tensors]
    for tensor, width in given.items():
        if tensor not in tensors:
            raise InputError(
                f"{bits.where(node.name, tensor)}bits: layer {node.name!r} has no tensor {tensor!r}."
                + did_you_mean(tensor, tensors)
            )
        if not 1 <= width <= MAX_BITS:
            raise InputError(f"bits: {tensor} of layer {node.name!r} = {width} must be from 1 to {MAX_BITS}")
    changed = (
        replace(tensor, bits=given[tensor.name]) if tensor.name in given else tensor
        for tensor in node.tensors
    )
    return replace(node, tensors=tuple(changed))


def published_bits(network: str) -> Bits:
    """The bits that were published for a network of the zoo, whatever its parameters.

    Raises:
        InputError: none were.

    >>> [published_bits("alexnet").layers[f"conv{i}"]["input"] for i in range(1, 6)]
    [9, 8, 5, 5, 7]
    """
    name = network.partition("@")[0]
    known = sorted(
        entry.name.partition(".")[0] for entry in _folder().iterdir() if entry.name.endswith(".json")
    )
    if name not in known:
        raise InputError(
            f"bits: none are published for network {name!r}, only for {', '.join(known)}; give a file or a number"
        )
    file = f"{name}.published.json"
    return parse_bits(_folder().joinpath(file).read_text(encoding="utf-8"), file)


def find_bits(spec: str, network: Network) -> Bits:
    """What `--bits` names: `published`, a width or number format for all tensors or for some, or a file.

    Raises:
        InputError: none of these; a file that cannot be read or has another form.

    >>> from chipwise.workload.zoo import alexnet
    >>> find_bits("input=8,weight=int4", alexnet.build()).layers["fc8"]
    {'input': 8, 'weight': 4}
    """
    if spec == "published":
        return published_bits(network.name)
    if "=" in spec:
        return _bits_of_tensors(spec, network)
    width = _bits_of(spec)
    if width is not None:
        return uniform_bits(network, width)
    if Path(spec).suffix.lower() in {".json", ".yaml", ".yml"} or Path(spec).is_file():
        return read_bits(spec)
    raise InputError(
        f"--bits {spec!r}: must be a number of bits, a number format, either for some tensors (input=8,weight=4), "
        "`published` or a .json, .yaml or .yml file"
    )


def _bits_of(text: str) -> int | None:
    """Of a number of bits or a number format; None for anything else."""
    if is_number(text):
        return parse_number(text).bits
    if not text.isascii() or not text.isdigit():
        return None
    width = int(text[:4])
    if not 1 <= width <= MAX_BITS:
        raise InputError(f"--bits {text[:40]}: must be from 1 to {MAX_BITS}, `published` or a file")
    return width


def _bits_of_tensors(spec: str, network: Network) -> Bits:
    """`input=8,weight=4`, for every layer that has the tensor."""
    widths: dict[str, int] = {}
    known = sorted({tensor.name for layer in network.layers for tensor in layer.tensors})
    for part in spec.split(","):
        name, _, text = (side.strip() for side in part.partition("="))
        width = _bits_of(text)
        if name not in known:
            near = did_you_mean(name, known)
            raise InputError(f"--bits {spec!r}: {name!r} is no tensor of network {network.name!r}." + near)
        if name in widths:
            raise InputError(f"--bits {spec!r}: names {name!r} twice; keep one")
        if width is None:
            raise InputError(
                f"--bits {spec!r}: {text!r} must be a number of bits or a number format, as {name}=8"
            )
        widths[name] = width
    layers = {
        layer.name: {t.name: widths[t.name] for t in layer.tensors if t.name in widths}
        for layer in network.layers
    }
    return Bits(layers, f"{spec} throughout")


def _folder() -> Traversable:
    return files(zoo).joinpath("bits")
