"""How one dimension may be cut: every chain of tiles that it may leave below the places where loops may stand.

The chain of a dimension has one tile for each place, outermost first, `extent >= t0 >= t1 >= ... >= 1`; there is a
loop where a tile is smaller than the one above it. The rules (`Space.factors`):

- `perfect`: every tile divides the one above it, on axes too.
- `spatial`: residuals arise on axes only. From the inside out, an axis has for every number of passes the least
  count that finishes in as many, and temporal trip counts divide the passes that are left.
- `imperfect`: every loop has for every number of passes the least count that finishes in as many.
- `any`: every chain.

Each holds all chains of the one before: a count that divides is the least of its number of passes.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import NamedTuple

Chain = tuple[int, ...]


class Spot(NamedTuple):
    """What a place means to one dimension: its instances (0: a slot), may it be cut here, must it be whole."""

    lanes: int
    open: bool
    whole: bool


@lru_cache(maxsize=1024)
def chains(extent: int, spots: tuple[Spot, ...], factors: str) -> tuple[Chain, ...]:
    """Every chain of tiles of one dimension, by the rule of its factors."""
    if factors in {"spatial", "imperfect"}:
        found = [
            (trips, tuple(min(extent, prod(trips[i + 1 :])) for i in range(len(spots))))
            for trips in _trips(extent, spots, everywhere=factors == "imperfect")
        ]
    else:
        cut = _cut(extent, spots, perfect={"perfect": True, "any": False}[factors])
        found = [
            (tuple(-(-a // b) for a, b in zip((extent, *chain), chain, strict=False)), chain) for chain in cut
        ]
    return tuple(
        chain
        for trips, chain in found
        if all(n == extent for n, spot in zip(trips, spots, strict=True) if spot.whole)
    )


def _cut(above: int, spots: tuple[Spot, ...], *, perfect: bool) -> Iterator[Chain]:
    """Tiles from the outside in, down to 1."""
    if not spots:
        if above == 1:
            yield ()
        return
    spot = spots[0]
    for tile in range(1, above + 1) if spot.open else [above]:
        if (not spot.lanes or -(-above // tile) <= spot.lanes) and not (perfect and above % tile):
            yield from ((tile, *rest) for rest in _cut(tile, spots[1:], perfect=perfect))


def _trips(left: int, spots: tuple[Spot, ...], *, everywhere: bool) -> Iterator[tuple[int, ...]]:
    """Iterations at each place that together run over `left` tiles, with residuals on axes or everywhere."""
    if not spots:
        if left == 1:
            yield ()
        return
    spot = spots[-1]
    for n in range(1, min(left, spot.lanes or left) + 1) if spot.open else [1]:
        passes = -(-left // n)
        if n == 1 or -(-left // (n - 1)) > passes if spot.lanes or everywhere else left % n == 0:
            yield from ((*outer, n) for outer in _trips(passes, spots[:-1], everywhere=everywhere))
