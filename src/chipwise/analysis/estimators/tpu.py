"""Tiles of weights on the first TPU: how long each keeps the matrix unit at work, waiting and shifting.

While a tile works, the next one comes from the weight memory (load cycles) and then shifts in beside it (shift cycles,
one per row), so that in a steady state

    cycles of a tile = max(load, active, shift)
    shift exposed    = min(shift, cycles - active)
    stall            = cycles - active - shift exposed

active: rows of activations that stream past the tile x passes (2 with one operand of 16 b, 4 with two).

Source: Jouppi et al., ISCA 2017, arXiv:1704.04760, sections 2 and 4: two tiles of 64 KiB in the unit, a FIFO before it.
"""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class TileCycles:
    """Cycles of the matrix unit for one tile, by what it does."""

    active: float
    stall: float
    """Waiting for weights from outside."""
    shift: float
    """Waiting while they shift in."""

    @property
    def cycles(self) -> float:
        """All of them."""
        return self.active + self.stall + self.shift


def tile_cycles(load: float, shift: float, active: float) -> TileCycles:
    """What the matrix unit does from one tile to the next.

    Args:
        load: cycles in which a tile comes from the weight memory.
        shift: cycles in which it shifts into the unit.
        active: cycles in which activations stream past it.

    >>> tile_cycles(load=1349, shift=256, active=200)
    TileCycles(active=200, stall=893, shift=256)
    >>> tile_cycles(load=1349, shift=256, active=2888)
    TileCycles(active=2888, stall=0, shift=0)
    """
    idle = max(load, active, shift) - active
    exposed = min(shift, idle)
    return TileCycles(active, idle - exposed, exposed)
