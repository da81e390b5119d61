"""A network: layers and operations in order, joined by name into a graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.layer import Layer
from chipwise.workload.operation import Operation

INPUT = "input"
"""The name by which a node refers to the network's own input."""

Node = Layer | Operation


@final
@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in execution order; `inputs[name]` are the nodes (or `input`) that node `name` reads.

    A node without an entry in `inputs` reads the one before it. Layers do MACs and are mapped onto chips;
    operations do none and are counted.
    """

    name: str
    nodes: tuple[Node, ...]
    title: str = ""
    source: str = ""
    input_shape: tuple[int, ...] = ()
    """Channels, height, width (or features) of one input."""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    """Figures that the source prints for this network, for `chipwise validate`."""
    fused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per node, the user's names of what is done with it: normalisation folded into its weights, activations."""
    free: tuple[str, ...] = ()
    """Operators of an imported network that cost nothing, by the user's names: reshapes, parts, constants."""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InputError(f"network {self.name!r} has no layers")
        seen = {INPUT}
        for node in self.nodes:
            if node.name in seen:
                raise InputError(
                    f"network {self.name!r}: two layers are called {node.name!r}; names must differ"
                )
            for source in self.inputs.get(node.name, ()):
                if source not in seen:
                    raise InputError(
                        f"network {self.name!r}: layer {node.name!r} reads {source!r}, which is no earlier layer."
                        + did_you_mean(source, seen)
                    )
            seen.add(node.name)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The nodes that do MACs, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Layer))

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The nodes that do none, in order."""
        return tuple(node for node in self.nodes if isinstance(node, Operation))

    def layer(self, name: str) -> Layer:
        """The layer called `name`."""
        for node in self.nodes:
            if node.name == name:
                if isinstance(node, Layer):
                    return node
                raise InputError(
                    f"network {self.name!r}: {name!r} is a {node.kind} and does no MACs, so it is not mapped"
                )
        names = [layer.name for layer in self.layers]
        raise InputError(f"network {self.name!r} has no layer {name!r}." + did_you_mean(name, names))

    def sources(self, name: str) -> tuple[str, ...]:
        """Names of what node `name` reads."""
        if name in self.inputs:
            return self.inputs[name]
        index = next(i for i, node in enumerate(self.nodes) if node.name == name)
        return (self.nodes[index - 1].name if index else INPUT,)

    def with_batch(self, batch: int) -> "Network":
        """The network on `batch` inputs at once."""
        return replace(self, nodes=tuple(node.with_batch(batch) for node in self.nodes))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)
