"""Densities beside a network: which fraction of each tensor's values is not zero, given or measured.

A file of them, YAML or JSON:

    {"schema": "chipwise.densities/1",
     "source": "10,000 images of ...",
     "layers": {"conv1": {"input": 0.99, "weight": "2:4", "output": "0.25 in blocks of 8"}}}

A number says that non-zeros lie anywhere; a text says where. `*` stands for every layer that is not named and has the
tensor.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, final

from pydantic import Field

from chipwise.errors import InputError, did_you_mean
from chipwise.sparsity.densities.block import Block
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.densities.structured import Structured
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network, Node
from chipwise.yamlfile import Document, FileModel, load_yaml, parse_yaml, validated

SCHEMA = "chipwise.densities/1"

Density = Annotated[float, Field(ge=0, le=1)]
Pattern = Annotated[str, Field(max_length=100, examples=["2:4", "0.25 in blocks of 8"])]

EVERY = "*"
"""As a layer's name: all that are not named."""
_N_OF_M = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")
_BLOCKS = re.compile(r"([0-9.]{1,20}) in blocks of ([0-9]{1,6})")


@final
@dataclass(frozen=True, slots=True)
class Densities:
    """Fractions of non-zeros by layer and tensor (`input`, `weight`, `output`), and where they come from."""

    layers: Mapping[str, Mapping[str, float]]
    source: str = ""
    patterns: Mapping[tuple[str, str], DensityModel] = field(default_factory=dict)
    """(layer, tensor) → where its non-zeros lie, if not anywhere."""
    places: Mapping[tuple[str, ...], str] = field(default_factory=dict, compare=False)
    """`file:line` of each layer and of each of its tensors, for messages."""

    def where(self, *path: str) -> str:
        """`file:line: ` of a layer or of its tensor; empty for densities that come from no file."""
        place = self.places.get(path)
        return f"{place}: " if place else ""


@final
class _File(FileModel):
    declared: Annotated[Literal["chipwise.densities/1"], Field(alias="schema")]
    source: str = ""
    layers: dict[str, dict[str, Density | Pattern]]
    measured: dict[str, Any] = Field(default_factory=dict)
    """What else a measurement has found, for people and other programs."""


def read_densities(path: str | Path) -> Densities:
    """The densities in the YAML or JSON file at `path`, of at most 1 MiB.

    Raises:
        InputError: with file:line, for another form or a density outside 0 to 1.
    """
    return _densities(load_yaml(Path(path)))


def parse_densities(text: str, name: str) -> Densities:
    r"""The densities that `text` holds; `name` stands for the file in messages.

    >>> parse_densities("schema: chipwise.densities/1\nlayers: {conv1: {input: 0.5}}", "d.yaml").layers
    {'conv1': {'input': 0.5}}
    """
    return _densities(parse_yaml(text, name))


def layer_places(
    document: Document, layers: Mapping[str, Mapping[str, object]]
) -> dict[tuple[str, ...], str]:
    """`file:line` of each layer, and of each of its tensors, in a file with figures by layer and tensor."""
    found: dict[tuple[str, ...], str] = {(name,): document.where("layers", name) for name in layers}
    for name, tensors in layers.items():
        found |= {(name, tensor): document.where("layers", name, tensor) for tensor in tensors}
    return found


def _densities(document: Document) -> Densities:
    content = validated(document, _File)
    places = layer_places(document, content.layers)
    layers: dict[str, dict[str, float]] = {}
    patterns: dict[tuple[str, str], DensityModel] = {}
    for name, tensors in content.layers.items():
        layers[name] = {}
        for tensor, given in tensors.items():
            if isinstance(given, str):
                try:
                    patterns[name, tensor] = parse_pattern(given)
                except InputError as error:
                    raise InputError(f"{places[name, tensor]}: layers.{name}.{tensor} = {error}") from None
                layers[name][tensor] = patterns[name, tensor].density
            else:
                layers[name][tensor] = given
    return Densities(layers, content.source, patterns, places)


def parse_pattern(text: str) -> DensityModel:
    """Where non-zeros lie, in words.

    Raises:
        InputError: no pattern is written so.

    >>> parse_pattern("2:4"), parse_pattern("0.25 in blocks of 8").density
    (Structured(n=2, m=4), 0.25)
    """
    spelled = " ".join(text.split())
    if match := _N_OF_M.fullmatch(spelled):
        return Structured(int(match[1]), int(match[2]))
    if (match := _BLOCKS.fullmatch(spelled)) and match[1].count(".") <= 1 and match[1] != ".":
        return Block(int(match[2]), float(match[1]))
    raise InputError(f"{text!r} is no density; write a fraction, N:M as 2:4, or `0.25 in blocks of 8`")


def pattern_text(pattern: DensityModel) -> str:
    """What `parse_pattern` reads back.

    Raises:
        InputError: a model that only Python code can give.
    """
    if isinstance(pattern, Structured):
        return f"{pattern.n}:{pattern.m}"
    if isinstance(pattern, Block) and pattern.size is None:
        return f"{pattern.fraction} in blocks of {pattern.block}"
    raise InputError(
        f"densities: {type(pattern).__name__} has no form in a file; set it on the tensor in Python"
    )


def write_densities(densities: Densities) -> str:
    """The JSON form, which `read_densities` reads back.

    >>> parse_densities(write_densities(Densities({"fc": {"weight": 0.1}}, "by hand")), "d.json").source
    'by hand'
    """
    patterns = {key: pattern_text(pattern) for key, pattern in densities.patterns.items()}
    layers = {
        name: {tensor: patterns.get((name, tensor), density) for tensor, density in tensors.items()}
        for name, tensors in densities.layers.items()
    }
    data = {"schema": SCHEMA, "source": densities.source, "layers": layers}
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def with_densities(network: Network, densities: Densities) -> Network:
    """The network with these densities at its tensors; what they do not name stays as it was.

    Raises:
        InputError: a layer or tensor that the network does not have, or a density outside 0 to 1.

    >>> from chipwise.workload.zoo import alexnet
    >>> known = with_densities(alexnet.build(), Densities({"fc8": {"weight": 0.25}}))
    >>> known.layer("fc8").tensor("weight").density
    0.25
    """
    names = {node.name for node in network.nodes}
    for name in densities.layers:
        if name not in names and name != EVERY:
            known = [layer.name for layer in network.layers]
            raise InputError(
                f"{densities.where(name)}densities: network {network.name!r} has no layer {name!r}."
                + did_you_mean(name, known)
            )
    nodes = tuple(_node(node, densities) for node in network.nodes)
    return replace(network, nodes=nodes)


def _node(node: Node, densities: Densities) -> Node:
    name = node.name if node.name in densities.layers else EVERY
    given = densities.layers.get(name, {})
    if name == EVERY and isinstance(node, Layer):
        given = {t.name: given[t.name] for t in node.tensors if t.name in given}
    elif name == EVERY:
        return node
    if not isinstance(node, Layer):
        raise InputError(
            f"{densities.where(node.name)}densities: {node.name!r} is a {node.kind} and does no MACs; only layers "
            "have densities, so delete it"
        )
    tensors = [tensor.name for tensor in node.tensors]
    for tensor, density in given.items():
        if tensor not in tensors:
            raise InputError(
                f"{densities.where(node.name, tensor)}densities: layer {node.name!r} has no tensor {tensor!r}."
                + did_you_mean(tensor, tensors)
            )
        if not 0 <= density <= 1:  # also refuses nan
            raise InputError(
                f"densities: {tensor} of layer {node.name!r} = {density} must be between 0 and 1, the fraction of "
                "values that are not zero"
            )
    changed = (
        replace(
            tensor,
            density=float(given[tensor.name]),
            pattern=densities.patterns.get((name, tensor.name)),
            density_known=True,
        )
        if tensor.name in given
        else tensor
        for tensor in node.tensors
    )
    return replace(node, tensors=tuple(changed))
