"""What a network holds and does before any chip is chosen: shapes, weights, MACs, activations, non-zeros.

The columns are those of Tables II and IV in Sze et al., "Efficient Processing of Deep Neural Networks: A
Tutorial and Survey", Proc. IEEE 105(12), 2017.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from chipwise.workload.layer import Layer
from chipwise.workload.network import INPUT, Network
from chipwise.workload.operation import Operation


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
    filter_size: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    densities: Mapping[str, float] = field(default_factory=dict)
    """Fractions of non-zeros by tensor, where they are known."""
    fused: tuple[str, ...] = ()
    """The user's names of what is done with the layer, as a normalisation folded into its weights."""

    @property
    def nonzero_weights(self) -> int | None:
        """Weights x their density, None where it is not known."""
        if not self.weights:
            return 0
        return _scaled(self.weights, self.densities.get("weight"))

    @property
    def nonzero_macs(self) -> int | None:
        """MACs x density of weights x density of inputs, as if their zeros were independent; None if unknown."""
        weight, read = self.densities.get("weight"), self.densities.get("input")
        return None if weight is None or read is None else _scaled(self.macs, weight * read)

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
            "input_density": self.densities.get("input"),
            "weight_density": self.densities.get("weight"),
            "output_density": self.densities.get("output"),
            "nonzero_weights": self.nonzero_weights,
            "nonzero_macs": self.nonzero_macs,
            "fused": list(self.fused),
        }


def _scaled(count: int, density: float | None) -> int | None:
    return None if density is None else round(count * density)


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum, None if one is unknown: part of a sum says nothing of the whole."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


@final
@dataclass(frozen=True, slots=True)
class KindStatistics:
    """All conv or all fc layers of a network: one half of Tables II and IV."""

    layers: int
    weights: int
    macs: int
    filter_sizes: tuple[int, ...]
    channels: tuple[int, ...]
    """Smallest and largest number of channels of one filter: C/G, as Table II counts grouped layers."""
    filters: tuple[int, ...]
    """Smallest and largest number of filters of a layer."""
    strides: tuple[int, ...]
    nonzero_weights: int | None
    """None unless the density of every one of these layers is known; likewise the MACs."""
    nonzero_macs: int | None


@final
@dataclass(frozen=True, slots=True)
class OperationStatistics:
    """All operations of one kind: how many, and what they do and move."""

    count: int
    operations: int
    reads: int
    writes: int
    weights: int

    def to_dict(self) -> dict[str, int]:
        """As JSON holds it."""
        return {
            "count": self.count,
            "operations": self.operations,
            "reads": self.reads,
            "writes": self.writes,
            "weights": self.weights,
        }


@final
@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """A network's layers and operations, and the totals that follow from them."""

    network: str
    input: tuple[int, ...]
    layers: tuple[LayerStatistics, ...]
    conv_depth: int
    """Convolutions on the longest path; fewer than there are where branches run side by side."""
    operations: tuple[Operation, ...] = ()
    free: tuple[str, ...] = ()
    """The user's names of what costs nothing and is passed through (reshapes, dropout)."""

    @property
    def weights(self) -> int:
        """Weights of all layers, without biases and without those of operations."""
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
        return self.macs / max(1, self.weights + self.input_activations + self.activations)

    @property
    def nonzero_weights(self) -> int | None:
        """Weights that are not zero, None unless known of every layer."""
        return _sum(layer.nonzero_weights for layer in self.layers)

    @property
    def nonzero_macs(self) -> int | None:
        """MACs of two non-zeros, None unless known of every layer."""
        return _sum(layer.nonzero_macs for layer in self.layers)

    @property
    def by_kind(self) -> dict[str, OperationStatistics]:
        """The operations by kind, in the order in which kinds first occur."""
        kinds = dict.fromkeys(operation.kind for operation in self.operations)
        return {kind: operation_totals([o for o in self.operations if o.kind == kind]) for kind in kinds}

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
            "nonzero_weights": self.nonzero_weights,
            "nonzero_macs": self.nonzero_macs,
        }
        for kind, group in (("conv", self.conv), ("fc", self.fc)):
            totals |= {
                f"{kind}_layers": group.layers,
                f"{kind}_weights": group.weights,
                f"{kind}_macs": group.macs,
                f"{kind}_filter_sizes": list(group.filter_sizes),
                f"{kind}_channels": list(group.channels),
                f"{kind}_filters": list(group.filters),
                f"{kind}_strides": list(group.strides),
                f"{kind}_nonzero_weights": group.nonzero_weights,
                f"{kind}_nonzero_macs": group.nonzero_macs,
            }
        totals["conv_depth"] = self.conv_depth
        totals["operations"] = operation_totals(self.operations).to_dict()
        totals["operations_by_kind"] = {kind: group.to_dict() for kind, group in self.by_kind.items()}
        return {
            "network": self.network,
            "input": list(self.input),
            "totals": totals,
            "layers": [layer.to_dict() for layer in self.layers],
            "operations": [operation_dict(operation) for operation in self.operations],
            "free": list(self.free),
        }


def operation_totals(operations: Sequence[Operation]) -> OperationStatistics:
    """What `operations` do and move together."""
    return OperationStatistics(
        count=len(operations),
        operations=sum(o.operations for o in operations),
        reads=sum(o.reads for o in operations),
        writes=sum(o.writes for o in operations),
        weights=sum(o.weights for o in operations),
    )


def operation_dict(operation: Operation) -> dict[str, Any]:
    """An operation as JSON holds it."""
    return {
        "name": operation.name,
        "kind": operation.kind,
        "shape": list(operation.shape),
        "operations": operation.operations,
        "reads": operation.reads,
        "writes": operation.writes,
        "weights": operation.weights,
        "weight_reads": operation.weight_reads,
    }


def describe(network: Network) -> NetworkStatistics:
    """The shapes, weights, MACs, activations and known non-zeros of a network and of each of its layers.

    The `weight` operand counts as weights, except where a dimension B runs along it in a layer that is
    neither conv nor fc: each of a matmul's `batch` products then has an operand of its own, as in attention,
    and it counts as input activations.

    >>> from chipwise.workload.zoo import alexnet
    >>> statistics = describe(alexnet.build())
    >>> statistics.conv.weights, statistics.conv.macs, statistics.conv.filter_sizes
    (2332704, 665784864, (3, 5, 11))
    """
    layers = tuple(_layer(layer, network.fused.get(layer.name, ())) for layer in network.layers)
    return NetworkStatistics(
        network.name, network.input_shape, layers, _conv_depth(network), network.operations, network.free
    )


def _layer(layer: Layer, fused: tuple[str, ...]) -> LayerStatistics:
    values = {t.name: t.volume(layer.dims) for t in layer.inputs}
    has_filters = layer.kind in {"conv", "fc"}
    weights = values.get("weight", 0)
    if not has_filters and weights and "B" in layer.tensor("weight").dims:
        weights = 0
    shape: dict[str, Any] = {}
    if has_filters:
        groups = layer.dims.get("G", 1)
        flat = "R" in layer.dims and "S" not in layer.dims
        taps, places = ("R", "P") if flat else ("TRS", "ZPQ") if "T" in layer.dims else ("RS", "PQ")
        shape = {
            "filters": layer.dims.get("M", 1) * groups,
            "channels": layer.dims.get("C", 1) * groups,
            "groups": groups,
            "filter_size": tuple(layer.dims.get(d, 1) for d in taps),
            "stride": tuple(_stride(layer, d) for d in places),
        }
    return LayerStatistics(
        name=layer.name,
        kind=layer.kind,
        dims=dict(layer.dims),
        macs=layer.macs,
        weights=weights,
        input_activations=sum(values.values()) - weights,
        output_activations=layer.output.volume(layer.dims),
        densities={t.name: t.density for t in layer.tensors if t.density_known},
        fused=tuple(fused),
        **shape,
    )


def _stride(layer: Layer, dim: str) -> int:
    """Steps of the input per step of `dim` (of the output, if transposed): its largest coefficient."""
    return max((c for t in layer.tensors for rank in t.ranks for d, c in rank.terms if d == dim), default=1)


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
        nonzero_weights=_sum(layer.nonzero_weights for layer in chosen),
        nonzero_macs=_sum(layer.nonzero_macs for layer in chosen),
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
