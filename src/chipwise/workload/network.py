"""A network: layers in order, joined by name into a graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.layer import Layer

INPUT = "input"
"""The name by which a layer refers to the network's own input."""


@final
@dataclass(frozen=True, slots=True)
class Network:
    """Layers in execution order; `inputs[name]` are the layers (or `input`) that layer `name` reads.

    Layers that do no MACs (pooling, activation) are not listed yet; an edge then runs from the layer
    whose result they change. A layer without an entry in `inputs` reads the one before it.
    """

    name: str
    layers: tuple[Layer, ...]
    title: str = ""
    source: str = ""
    input_shape: tuple[int, ...] = ()
    """Channels, height, width (or features) of one input."""
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    """Figures that the source prints for this network, for `chipwise validate`."""

    def __post_init__(self) -> None:
        if not self.layers:
            raise InputError(f"network {self.name!r} has no layers")
        seen = {INPUT}
        for layer in self.layers:
            if layer.name in seen:
                raise InputError(
                    f"network {self.name!r}: two layers are called {layer.name!r}; names must differ"
                )
            for source in self.inputs.get(layer.name, ()):
                if source not in seen:
                    raise InputError(
                        f"network {self.name!r}: layer {layer.name!r} reads {source!r}, which is no earlier layer."
                        + did_you_mean(source, seen)
                    )
            seen.add(layer.name)

    def layer(self, name: str) -> Layer:
        """The layer called `name`."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise InputError(f"network {self.name!r} has no layer {name!r}." + did_you_mean(name, names))

    def sources(self, name: str) -> tuple[str, ...]:
        """Names of what layer `name` reads."""
        if name in self.inputs:
            return self.inputs[name]
        index = next(i for i, layer in enumerate(self.layers) if layer.name == name)
        return (self.layers[index - 1].name if index else INPUT,)

    def with_batch(self, batch: int) -> "Network":
        """The network on `batch` inputs at once."""
        layers = tuple(layer.with_batch(batch) for layer in self.layers)
        return Network(
            self.name, layers, self.title, self.source, self.input_shape, self.inputs, self.published
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers."""
        return sum(layer.macs for layer in self.layers)
