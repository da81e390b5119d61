"""Densities beside a network: which fraction of each tensor's values is not zero, given or measured.

A file of them, YAML or JSON:

    {"schema": "chipwise.densities/1",
     "source": "10,000 images of ...",
     "layers": {"conv1": {"input": 0.99, "weight": 0.84, "output": 0.38}}}
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, final

from pydantic import Field

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network, Node
from chipwise.yamlfile import Document, FileModel, load_yaml, parse_yaml, validated

SCHEMA = "chipwise.densities/1"

Density = Annotated[float, Field(ge=0, le=1)]


@final
@dataclass(frozen=True, slots=True)
class Densities:
    """Fractions of non-zeros by layer and tensor (`input`, `weight`, `output`), and where they come from."""

    layers: Mapping[str, Mapping[str, float]]
    source: str = ""
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
    layers: dict[str, dict[str, Density]]
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


def _densities(document: Document) -> Densities:
    content = validated(document, _File)
    places: dict[tuple[str, ...], str] = {(name,): document.where("layers", name) for name in content.layers}
    for name, tensors in content.layers.items():
        places |= {(name, tensor): document.where("layers", name, tensor) for tensor in tensors}
    return Densities(content.layers, content.source, places)


def write_densities(densities: Densities) -> str:
    """The JSON form, which `read_densities` reads back.

    >>> parse_densities(write_densities(Densities({"fc": {"weight": 0.1}}, "by hand")), "d.json").source
    'by hand'
    """
    layers = {name: dict(tensors) for name, tensors in densities.layers.items()}
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
        if name not in names:
            known = [layer.name for layer in network.layers]
            raise InputError(
                f"{densities.where(name)}densities: network {network.name!r} has no layer {name!r}."
                + did_you_mean(name, known)
            )
    given = densities.layers
    nodes = tuple(
        _node(node, given[node.name], densities) if node.name in given else node for node in network.nodes
    )
    return replace(network, nodes=nodes)


def _node(node: Node, given: Mapping[str, float], densities: Densities) -> Node:
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
        replace(tensor, density=float(given[tensor.name]), density_known=True)
        if tensor.name in given
        else tensor
        for tensor in node.tensors
    )
    return replace(node, tensors=tuple(changed))
