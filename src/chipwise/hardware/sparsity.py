"""What a part of a chip does about zeros: how it stores tensors, and which accesses zeros save."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from chipwise.sparsity.formats.format import Format
from chipwise.sparsity.saving import Saving


@final
@dataclass(frozen=True, slots=True)
class Sparsity:
    """Of one memory, array or compute; empty: zeros are like other values."""

    formats: Mapping[str, tuple[Format, ...]] = field(default_factory=dict)
    """Tensor → formats of which the smallest is taken; others are raw."""
    saves: tuple[Saving, ...] = ()
    expected_occupancy: bool = False
    """Whether tiles take the room that they take on average; else that of a tile without zeros."""
    sync: int | None = None
    """Of the compute: MACs after which the PEs wait for each other; None: those of the whole layer."""
    narrow_saves_energy: bool = False
    """Of the compute: whether a MAC of operands narrower than the word takes less, by the product of their widths."""
    narrow_splits: bool = False
    """Of the compute: whether it does two MACs at once where both operands have half of the word, four at a quarter."""
