"""Zeros of a tensor over many images: how many, in which channels, in how long runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt

from chipwise.errors import InputError

Array = npt.NDArray[Any]

BINS = 10
"""Of the histogram over images, from a zero fraction of 0 to 1."""

MAX_CHANNELS = 65536
"""More than any network has; a tensor with more is not described channel by channel."""


@final
@dataclass(slots=True)
class Zeros:
    """Zeros counted so far of one tensor; `add` takes the values of a batch."""

    values: int = 0
    zeros: int = 0
    runs: int = 0
    images: list[float] = field(default_factory=list)
    """Zero fraction of each image."""
    longest: list[int] = field(default_factory=list)
    """Longest run of zeros of each image, in the order in which the values are stored."""
    of_channel: npt.NDArray[np.int64] | None = None

    def add(self, values: Array, images: int, channel_axis: int) -> None:
        """Count a batch.

        Args:
            values: the tensor; its first axis holds the images, or several rows of each.
            images: how many there are.
            channel_axis: the axis of channels or features.

        >>> counted = Zeros()
        >>> counted.add(np.array([[0.0, 0.0, 1.0, 0.0]]), 1, 1)
        >>> counted.zeros, counted.longest, counted.runs, counted.density
        (3, [2], 2, 0.25)
        """
        is_zero = values == 0
        self.values += values.size
        self.zeros += int(is_zero.sum())
        rows = is_zero.reshape(images, -1) if is_zero.size % images == 0 else is_zero.reshape(1, -1)
        self.images += rows.mean(axis=1).tolist()
        for row in rows:
            lengths = run_lengths(row)
            self.runs += len(lengths)
            self.longest.append(int(lengths.max(initial=0)))
        if values.ndim > 1 and values.shape[channel_axis] <= MAX_CHANNELS:
            others = tuple(i for i in range(values.ndim) if i != channel_axis % values.ndim)
            found = is_zero.sum(axis=others)
            if self.of_channel is None:
                self.of_channel = found
            elif self.of_channel.shape == found.shape:
                self.of_channel += found

    @property
    def density(self) -> float:
        """Fraction of values that are not zero; 1 of none."""
        return (self.values - self.zeros) / self.values if self.values else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Count, density, and spread over images and channels."""
        found: dict[str, Any] = {"values": self.values, "zeros": self.zeros}
        if self.of_channel is not None and self.values:
            each = self.of_channel * (len(self.of_channel) / self.values)
            found["zero_fraction_by_channel"] = {"channels": len(each), **_spread(each)}
        if self.images:
            counts, _ = np.histogram(self.images, bins=BINS, range=(0.0, 1.0))
            found["zero_fraction_by_image"] = {**_spread(np.array(self.images)), "histogram": counts.tolist()}
            found["zero_runs"] = {
                "mean_length": self.zeros / self.runs if self.runs else 0.0,
                "mean_longest_by_image": float(np.mean(self.longest)),
            }
        return found


def run_lengths(is_zero: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Lengths of the runs of True.

    >>> run_lengths(np.array([True, True, False, True])).tolist()
    [2, 1]
    """
    edges = np.diff(np.concatenate(([False], is_zero, [False])).view(np.int8))
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


def _spread(values: Array) -> Mapping[str, float]:
    return {"min": float(values.min()), "mean": float(values.mean()), "max": float(values.max())}


@final
@dataclass(slots=True)
class LayerZeros:
    """One layer: its weights, counted once, and its activations, counted over all images."""

    input: Zeros = field(default_factory=Zeros)
    output: Zeros = field(default_factory=Zeros)
    """After the activation that follows the layer, if one does."""
    weight: Zeros | None = None

    def densities(self) -> dict[str, float]:
        """By tensor, as files of densities hold them."""
        found = {"input": self.input, "weight": self.weight, "output": self.output}
        return {name: z.density for name, z in found.items() if z is not None and z.values}

    def to_dict(self) -> dict[str, Any]:
        """By tensor; of weights only how many are zero."""
        found: dict[str, Any] = {"input": self.input.to_dict(), "output": self.output.to_dict()}
        if self.weight is not None:
            found["weight"] = {"values": self.weight.values, "zeros": self.weight.zeros}
        return found


def checked(values: Array, layer: str, tensor: str) -> Array:
    """The values, if all of them are numbers.

    Raises:
        InputError: one is not, as after an overflow or for an input on another scale.
    """
    if values.dtype.kind == "f" and bool(np.isnan(values).any()):
        raise InputError(
            f"layer {layer!r}: its {tensor} has values that are no numbers (NaN), which have no density; check the "
            "weights, and the scale of the input"
        )
    return values
