"""Networks and layers with what is known of their values: densities and widths."""

# ruff: noqa: PLC0415 - what computes is imported by the command that needs it, so that --help stays quick

from dataclasses import replace
from typing import TYPE_CHECKING

import chipwise

if TYPE_CHECKING:
    from chipwise.workload.layer import Layer
    from chipwise.workload.network import Network


def known_network(name: str, densities: str | None, bits: str | None) -> "Network":
    """The network that is asked for, with its densities and widths."""
    loaded = chipwise.load_network(name)
    if densities is not None:
        from chipwise.workload.densities import with_densities
        from chipwise.workload.published_densities import find_densities

        loaded = with_densities(loaded, find_densities(densities, loaded))
    if bits is not None:
        from chipwise.workload.bits import find_bits, with_bits

        loaded = with_bits(loaded, find_bits(bits, loaded))
    return loaded


def known_layer(layer: "Layer", owner: str, densities: str | None, bits: str | None) -> "Layer":
    """A layer of the network `owner`; what is known of other layers is passed over."""
    if densities is None and bits is None:
        return layer

    from chipwise.workload.network import Network

    alone = Network(owner, (layer,))
    if densities is not None:
        from chipwise.workload.densities import EVERY, with_densities
        from chipwise.workload.published_densities import find_densities

        given = find_densities(densities, alone)
        own = {name: tensors for name, tensors in given.layers.items() if name in {layer.name, EVERY}}
        alone = with_densities(alone, replace(given, layers=own))
    if bits is not None:
        from chipwise.workload.bits import find_bits, with_bits

        widths = find_bits(bits, alone)
        mine = {name: tensors for name, tensors in widths.layers.items() if name == layer.name}
        alone = with_bits(alone, replace(widths, layers=mine))
    return alone.layers[0]
