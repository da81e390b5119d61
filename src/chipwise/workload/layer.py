"""The algebra of one layer: dimensions, tensors, and ranks that are affine in the dimensions.

A layer is an einsum over dimensions with extents. A tensor is a list of ranks; a rank is a sum of
coefficient x dimension, as `H = 2*P + R`. Everything that counts data works on boxes: a tile of the
iteration space touches, per rank, the interval of length 1 + Σ c·(t_d − 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import final

from chipwise.errors import InputError
from chipwise.sparsity.densities.density import DensityModel

MAX_EXTENT = 2**31 - 1
"""Largest extent of a dimension: counts are products of a few of them and stay exact integers."""

MAX_COUNT = 2**53
"""Most MACs of a layer and values of a tensor: above, doubles would no longer be exact."""


@final
@dataclass(frozen=True, slots=True)
class Rank:
    """One coordinate of a tensor: the sum of `coefficient * dimension` over `terms`.

    >>> Rank("H", (("P", 2), ("R", 1))).extent({"P": 4, "R": 3})
    9
    """

    name: str
    terms: tuple[tuple[str, int], ...]

    def extent(self, tile: Mapping[str, int]) -> int:
        """Length of the interval touched by a tile: 1 + Σ c·(t − 1)."""
        return 1 + sum(c * (tile[d] - 1) for d, c in self.terms)

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions that move this coordinate."""
        return tuple(d for d, _ in self.terms)


@final
@dataclass(frozen=True, slots=True)
class Tensor:
    """A data type of a layer: `input`, `weight` or `output` (or a user's names in an einsum).

    `bits` is the width of a value, None for the chip's word; `density` the fraction of non-zeros, 1 where
    nobody has given or measured it.
    """

    name: str
    ranks: tuple[Rank, ...]
    is_output: bool = False
    bits: int | None = None
    density: float = 1.0
    pattern: DensityModel | None = None
    """Where non-zeros lie, if not each on its own by chance: 2:4 groups, blocks. Its density is `density`."""
    density_known: bool = field(default=False, compare=False)
    """Whether `density` was given or measured, so that 1 may mean either; no reason to map a shape twice."""

    @property
    def dims(self) -> frozenset[str]:
        """Dimensions relevant to this tensor: moving along any other one reuses its data."""
        return frozenset(d for r in self.ranks for d in r.dims)

    def volume(self, tile: Mapping[str, int]) -> int:
        """Values in the box that a tile touches: Π over ranks of the rank's extent."""
        return prod(r.extent(tile) for r in self.ranks)


@final
@dataclass(frozen=True, slots=True)
class Layer:
    """One einsum: `dims` with extents, input tensors and one output tensor.

    `kind` is conv, fc, matmul, ... for display and for grouping only; all costs follow from the ranks.
    """

    name: str
    kind: str
    dims: Mapping[str, int]
    tensors: tuple[Tensor, ...]
    batch_dim: str | None = None
    """The dimension that counts independent inputs, None where the layer has none."""
    notes: Mapping[str, int] = field(default_factory=dict)
    """What the user wrote and the algebra no longer shows (stride, padding, groups), for tables."""

    def __post_init__(self) -> None:
        self._check_dims()
        self._check_tensors()

    def _check_dims(self) -> None:
        if not self.dims:
            raise InputError(f"layer {self.name!r}: has no dimensions; give at least one extent")
        for d, extent in self.dims.items():
            if isinstance(extent, bool) or not isinstance(extent, int):
                raise InputError(f"layer {self.name!r}: {d} = {extent!r} must be a whole number")
            if not 1 <= extent <= MAX_EXTENT:
                shown = extent if abs(extent) < 10**30 else "a number of over 30 digits"
                raise InputError(f"layer {self.name!r}: {d} = {shown} must be between 1 and {MAX_EXTENT}")
        macs = prod(self.dims.values())
        if macs > MAX_COUNT:
            shown = f"{macs:.3g}" if macs < 10**300 else "over 1e+300"
            raise InputError(f"layer {self.name!r}: {shown} MACs are more than 2^53; check the extents")

    def _check_tensors(self) -> None:
        outputs = [t.name for t in self.tensors if t.is_output]
        if len(outputs) != 1:
            raise InputError(f"layer {self.name!r}: needs exactly one output tensor, has {outputs or 'none'}")
        names = [t.name for t in self.tensors]
        if len(set(names)) != len(names):
            raise InputError(f"layer {self.name!r}: two tensors have one name in {names}")
        used: set[str] = set()
        for t in self.tensors:
            in_tensor = [d for r in t.ranks for d in r.dims]
            used.update(in_tensor)
            if len(set(in_tensor)) != len(in_tensor):
                raise InputError(
                    f"layer {self.name!r}: tensor {t.name!r} uses one dimension in two ranks ({in_tensor}); "
                    "diagonals are not supported, give each rank its own dimensions"
                )
            for r in t.ranks:
                if any(not 1 <= c <= MAX_EXTENT for _, c in r.terms):
                    raise InputError(
                        f"layer {self.name!r}: rank {r.name!r} of {t.name!r} has a coefficient below 1 or "
                        f"above {MAX_EXTENT}; strides and dilations are positive"
                    )
        self._check_names(used)
        for t in self.tensors:
            if t.volume(self.dims) > MAX_COUNT:
                raise InputError(
                    f"layer {self.name!r}: tensor {t.name!r} spans more than 2^53 values; check its extents and strides"
                )

    def _check_names(self, used: set[str]) -> None:
        unknown = sorted(used - set(self.dims))
        if unknown:
            raise InputError(f"layer {self.name!r}: no extent for dimension {', '.join(unknown)}")
        unused = sorted(set(self.dims) - used)
        if unused:
            raise InputError(f"layer {self.name!r}: dimension {', '.join(unused)} is in no tensor")

    @property
    def macs(self) -> int:
        """Multiply-accumulates: Π of all extents (1 MAC = 2 operations)."""
        return prod(self.dims.values())

    @property
    def output(self) -> Tensor:
        """The tensor that is accumulated."""
        return next(t for t in self.tensors if t.is_output)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that are read, in order."""
        return tuple(t for t in self.tensors if not t.is_output)

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`."""
        for t in self.tensors:
            if t.name == name:
                return t
        raise InputError(
            f"layer {self.name!r} has no tensor {name!r}; it has {[t.name for t in self.tensors]}"
        )

    def volume(self, tensor: str) -> int:
        """Values of a whole tensor (the box the layer touches, padding included)."""
        return self.tensor(tensor).volume(self.dims)

    @property
    def shape_key(self) -> tuple[object, ...]:
        """Equal for layers that differ in name only: these are mapped once."""
        return (tuple(self.dims.items()), self.tensors)

    def with_batch(self, batch: int) -> "Layer":
        """The layer with `batch` inputs at once, by its batch dimension."""
        if batch < 1:
            raise InputError(f"batch = {batch} must be at least 1")
        if self.batch_dim is None:
            if batch == 1:
                return self
            raise InputError(
                f"layer {self.name!r} ({self.kind}) has no batch dimension, so batch = {batch} cannot be applied; "
                "write the batch into its extents"
            )
        return replace(self, dims={**self.dims, self.batch_dim: self.dims[self.batch_dim] * batch})
