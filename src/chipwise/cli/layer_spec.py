"""The one layer that a person names: in a network, as a shape, or alone in a file."""

import re
from pathlib import Path
from typing import Any

from chipwise.errors import InputError, did_you_mean
from chipwise.workload import einsum, registry
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network
from chipwise.workload.network import Network
from chipwise.workload.network_forms import ConvEntry, DepthwiseEntry, FullyConnectedEntry, MatmulEntry
from chipwise.yamlfile import Document, validated

_SHAPES: dict[str, type[ConvEntry | DepthwiseEntry | FullyConnectedEntry | MatmulEntry]] = {
    "conv": ConvEntry,
    "depthwise": DepthwiseEntry,
    "fc": FullyConnectedEntry,
    "linear": FullyConnectedEntry,
    "matmul": MatmulEntry,
}
_VALUE = re.compile(r"[0-9]{1,12}(?:x[0-9]{1,12}){0,2}")
_SWITCH = {"true": True, "false": False}
_FORMS = (
    "give NETWORK:LAYER (alexnet:conv2), a shape (fc:M=10,C=84), an einsum with its extents or a .yaml file with "
    "one layer"
)


def load_layer(spec: str | Layer | Network, network: str | Network | None = None) -> Layer:
    """The layer that `spec` names, in `network` if one is given; a layer or a network of one may have been loaded.

    Raises:
        InputError: what cannot be read or is not there, with the nearest name.

    >>> load_layer("alexnet:conv1").macs, load_layer("fc:M=10,C=84").macs
    (105415200, 840)
    """
    if isinstance(spec, Layer):
        return spec
    if isinstance(spec, Network):
        return _only(spec)
    if network is not None:
        return load_network(network).layer(spec)
    if _is_file(spec):
        return _only(load_network(spec))
    if einsum.is_einsum(spec):
        return _only(einsum.network_of(spec))
    head, colon, rest = spec.partition(":")
    if colon and head in _SHAPES:
        return _shape(spec, head, rest)
    owner, colon, name = spec.rpartition(":")
    if colon:
        if not _is_file(owner) and registry.find(owner) is None and "=" in name:
            raise InputError(f"layer {spec!r}: {owner!r} is no kind of layer." + did_you_mean(owner, _SHAPES))
        return load_network(owner).layer(name)
    if registry.find(spec) is not None:
        return _only(load_network(spec))
    raise InputError(f"layer {spec!r} is not known; {_FORMS}, or --network beside it")


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() in {".yaml", ".yml", ".onnx", ".txt", ".csv"}


def _only(network: Network) -> Layer:
    if len(network.layers) == 1:
        return network.layers[0]
    if not network.layers:
        raise InputError(f"network {network.name!r} has no layer that does MACs, so there is nothing to map")
    names = [layer.name for layer in network.layers]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise InputError(
        f"network {network.name!r} has {len(names)} layers; say which one, "
        f"as {network.name}:{names[0]} ({shown})"
    )


def _shape(spec: str, kind: str, text: str) -> Layer:
    """`M=96,C=3,stride=4`; values for height and width (and depth) are joined by x, as `stride=2x1`."""
    values: dict[str, Any] = {}
    for part in text.split(",") if text else ():
        key, equals, value = (word.strip() for word in part.partition("="))
        if not key or not equals or not (value in _SWITCH or _VALUE.fullmatch(value)):
            raise InputError(f"layer {spec!r}: {part.strip()!r} must be NAME=NUMBER, as M=96 (2x1 for two)")
        if key in values:
            raise InputError(f"layer {spec!r}: {key} is given twice; keep one")
        numbers = [] if value in _SWITCH else [int(number) for number in value.split("x")]
        values[key] = _SWITCH[value] if not numbers else numbers[0] if len(numbers) == 1 else numbers
    document = Document("shape", values)
    try:
        return validated(document, _SHAPES[kind]).build(kind)[0]
    except InputError as error:
        # A shape is no file and has no lines, so what a file's message says of them is left out.
        said = (
            str(error)
            .replace(" in this file)", ")")
            .removeprefix(document.where() + ": ")
            .removeprefix(f"layer {kind!r}: ")
        )
        raise InputError(f"layer {spec!r}: {said}") from None
