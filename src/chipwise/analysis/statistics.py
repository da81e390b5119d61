"""What a network holds and does before any chip is chosen: shapes, weights, MACs and activations.

The columns are those of Table II in Sze et al., "Efficient Processing of Deep Neural Networks: A Tutorial and
Survey", Proc. IEEE 105(12), 2017.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from chipwise.workload.layer import Layer
from chipwise.workload.network import INPUT, Network


@final
@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One layer. Shapes are None for layers that have no filters (matmul, einsum).

    `dims` are those of the einsum, per group; `filters` and `channels` are those of the whole layer.
    """

    name: str
    kind: str
    dims: Mapping[str, int]
    macs: int
    weights: int
    input_activations: int
    """Values read besides the weights, as the filter touches them: with padding, without skipped rows."""
    output_activations: int
    filters: int | None = None
    channels: int | None = None
    groups: int | None = None
    filter_size: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None

    @property
    def macs_per_value(self) -> float:
        """Arithmetic intensity: MACs / (weights + input and output activations), each value moved once."""
        return self.macs / (self.weights + self.input_activations + self.output_activations)

    def to_dict(self) -> dict[str, Any]:
        """The layer as JSON holds it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "dims": dict(self.dims),
            "macs": self.macs,
            "weights": self.weights,
            "input_activations": self.input_activations,
            "output_activations": self.output_activations,
            "macs_per_value": self.macs_per_value,
            "filters": self.filters,
            "channels": self.channels,
            "groups": self.groups,
            "filter_size": list(self.filter_size) if self.filter_size else None,
            "stride": list(self.stride) if self.stride else None,
        }


@final
@dataclass(frozen=True, slots=True)
class KindStatistics:
    """All conv or all fc layers of a network: one half of Table II."""

    layers: int
    weights: int
    macs: int
    filter_sizes: tuple[int, ...]
    channels: tuple[int, ...]
    """Smallest and largest number of channels of one filter: C/G, as Table II counts grouped layers."""
    filters: tuple[int, ...]
    """Smallest and largest number of filters of a layer."""
    strides: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """A network's layers, and the totals that follow from them."""

    network: str
    input: tuple[int, ...]
    layers: tuple[LayerStatistics, ...]
    conv_depth: int
    """Convolutions on the longest path; fewer than there are where branches run side by side."""

    @property
    def weights(self) -> int:
        """Weights of all layers, without biases."""
        return sum(layer.weights for layer in self.layers)

    @property
    def macs(self) -> int:
        """MACs of all layers."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activations(self) -> int:
        """Output activations of all layers, as Radosavovic et al., CVPR 2020, count activations."""
        return sum(layer.output_activations for layer in self.layers)

    @property
    def input_activations(self) -> int:
        """Input activations of all layers; an activation that two layers read counts twice."""
        return sum(layer.input_activations for layer in self.layers)

    @property
    def macs_per_value(self) -> float:
        """Arithmetic intensity: MACs / values, each layer moving each of its values once."""
        return self.macs / (self.weights + self.input_activations + self.activations)

    @property
    def conv(self) -> KindStatistics:
        """The convolutions."""
        return _of_kind("conv", self.layers)

    @property
    def fc(self) -> KindStatistics:
        """The fully-connected layers."""
        return _of_kind("fc", self.layers)

    def to_dict(self) -> dict[str, Any]:
        """The network as `chipwise describe --json` writes it."""
        totals: dict[str, Any] = {
            "layers": len(self.layers),
            "weights": self.weights,
            "macs": self.macs,
            "activations": self.activations,
            "input_activations": self.input_activations,
            "macs_per_value": self.macs_per_value,
        }
        for kind, group in (("conv", self.conv), ("fc", self.fc)):
            totals |= {
                f"{kind}_layers": group.layers,
                f"{kind}_weights": group.weights,
                f"{kind}_macs": group.macs,
                f"{kind}_filter_sizes": list(group.filter_sizes),
                f"{kind}_channels": list(group.channels),
                f"{kind}_filters": list(group.filters),
            }
        totals |= {"conv_strides": list(self.conv.strides), "conv_depth": self.conv_depth}
        return {
            "network": self.network,
            "input": list(self.input),
            "totals": totals,
            "layers": [layer.to_dict() for layer in self.layers],
        }


def describe(network: Network) -> NetworkStatistics:
    """The shapes, weights, MACs and activations of a network and of each of its layers.

    The `weight` operand counts as weights, except where a dimension B runs along it in a layer that is
    neither conv nor fc: each of a matmul's `batch` products then has an operand of its own, as in attention,
    and it counts as input activations.

    >>> from chipwise.workload.zoo import alexnet
    >>> statistics = describe(alexnet.build())
    >>> statistics.conv.weights, statistics.conv.macs, statistics.conv.filter_sizes
    (2332704, 665784864, (3, 5, 11))
    """
    layers = tuple(_layer(layer) for layer in network.layers)
    return NetworkStatistics(network.name, network.input_shape, layers, _conv_depth(network))


def _layer(layer: Layer) -> LayerStatistics:
    values = {t.name: t.volume(layer.dims) for t in layer.inputs}
    has_filters = layer.kind in {"conv", "fc"}
    weights = values.get("weight", 0)
    if not has_filters and weights and "B" in layer.tensor("weight").dims:
        weights = 0
    shape: dict[str, Any] = {}
    if has_filters:
        groups = layer.dims.get("G", 1)
        shape = {
            "filters": layer.dims.get("M", 1) * groups,
            "channels": layer.dims.get("C", 1) * groups,
            "groups": groups,
            "filter_size": (layer.dims.get("R", 1), layer.dims.get("S", 1)),
            "stride": (_stride(layer, "P"), _stride(layer, "Q")),
        }
    return LayerStatistics(
        name=layer.name,
        kind=layer.kind,
        dims=dict(layer.dims),
        macs=layer.macs,
        weights=weights,
        input_activations=sum(values.values()) - weights,
        output_activations=layer.output.volume(layer.dims),
        **shape,
    )


def _stride(layer: Layer, dim: str) -> int:
    """Steps of the input per step of `dim`: its coefficient in the input's rank, 1 if it has none."""
    terms = (term for t in layer.inputs for rank in t.ranks for term in rank.terms)
    return next((c for d, c in terms if d == dim), 1)


def _of_kind(kind: str, layers: Iterable[LayerStatistics]) -> KindStatistics:
    chosen = [layer for layer in layers if layer.kind == kind]
    channels = [(layer.channels or 1) // (layer.groups or 1) for layer in chosen]
    filters = [layer.filters or 1 for layer in chosen]
    return KindStatistics(
        layers=len(chosen),
        weights=sum(layer.weights for layer in chosen),
        macs=sum(layer.macs for layer in chosen),
        filter_sizes=tuple(sorted({size for layer in chosen for size in layer.filter_size or ()})),
        channels=(min(channels), max(channels)) if chosen else (),
        filters=(min(filters), max(filters)) if chosen else (),
        strides=tuple(sorted({step for layer in chosen for step in layer.stride or ()})),
    )


def _conv_depth(network: Network) -> int:
    """Most convolutions on any path from the input."""
    depth = {INPUT: 0}
    # Not Network.sources, which searches the layers for each name.
    previous = INPUT
    for node in network.nodes:
        sources = network.inputs.get(node.name, (previous,))
        depth[node.name] = max((depth[s] for s in sources), default=0) + (node.kind == "conv")
        previous = node.name
    return max(depth.values())
