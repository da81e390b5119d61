"""A mapping: storage, temporal and spatial nodes from the outermost to the innermost.

A loop names the tile that is left below it, not its trip count: `Temporal("P", 14)` cuts what is above it
into tiles of 14 (27 becomes 14 + 13). So every residual is exact and nothing needs to divide.
"""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Storage:
    """A tile of `tensor` kept in `memory`: everything that the nodes below touch."""

    memory: str
    tensor: str


@final
@dataclass(frozen=True, slots=True)
class Temporal:
    """`for dim`: one tile of `tile` after the other."""

    dim: str
    tile: int


@final
@dataclass(frozen=True, slots=True)
class Spatial:
    """Tiles of `tile` side by side along `axis`."""

    axis: str
    dim: str
    tile: int


Node = Storage | Temporal | Spatial


@final
@dataclass(frozen=True, slots=True)
class Mapping:
    """Nodes from outermost to innermost; the innermost loops leave tiles of 1, one MAC at a time."""

    nodes: tuple[Node, ...]

    def storage(self, memory: str, tensor: str) -> int | None:
        """Index of the node that keeps `tensor` in `memory`, None where it passes by."""
        for i, node in enumerate(self.nodes):
            if isinstance(node, Storage) and node.memory == memory and node.tensor == tensor:
                return i
        return None

    def tile_at(self, index: int, dims: MappingType[str, int]) -> dict[str, int]:
        """Extents of the (largest) tile that the nodes from `index` on work on."""
        tile = dict(dims)
        for node in self.nodes[:index]:
            if not isinstance(node, Storage):
                tile[node.dim] = min(node.tile, tile[node.dim])
        return tile

    def bounds(self, dims: MappingType[str, int]) -> tuple[int, ...]:
        """Trip count of each node on a full tile (1 for storage): ceil(extent above / tile)."""
        tile = dict(dims)
        found = []
        for node in self.nodes:
            if isinstance(node, Storage):
                found.append(1)
            else:
                found.append(-(-tile[node.dim] // node.tile))
                tile[node.dim] = min(node.tile, tile[node.dim])
        return tuple(found)
