"""Shapes that are computed are those of the network that is cut."""

import pytest
import torch

from chipwise.adapt.channels import channel_groups, remove_channels
from chipwise.adapt.reshape import narrowed
from chipwise.adapt.shapes import layer_shapes
from tests.unit.adapt import channel_networks as zoo


@pytest.mark.parametrize("network", zoo.NETWORKS, ids=lambda n: n.__name__)
def test_computed_shapes_are_those_of_the_network(network):
    model, example = zoo.made(network), torch.zeros(1, 3, 8, 8)
    groups = [g for g in channel_groups(model, example) if not g.held]
    shapes = layer_shapes(model, example)
    for widths in [{g: (g.size + 1) // 2} for g in groups] + [dict.fromkeys(groups, 1)]:
        small = remove_channels(model, {g: range(n) for g, n in widths.items()})
        found = layer_shapes(small, example)
        assert narrowed(shapes, widths) == found
        assert [s.name for s in found] == [s.name for s in shapes]
