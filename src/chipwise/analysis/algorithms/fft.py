"""Convolution as a product of spectra: real 2-D FFTs of the whole plane, or of tiles that overlap."""

from dataclasses import dataclass
from typing import final

import numpy as np

from chipwise.analysis.algorithms.algorithm import Algorithm, Cost, Operations, Setting
from chipwise.analysis.algorithms.counted import Array, Counted, Tallies, dot
from chipwise.analysis.algorithms.real_fft import (
    Spectrum2,
    complex_bins,
    irfft2,
    plane_operations,
    real_bins,
    rfft2,
)
from chipwise.analysis.algorithms.shape import Axis, Shape


@final
@dataclass(frozen=True, slots=True)
class Fft(Algorithm):
    """Transform input and filters, multiply and sum over channels in the frequency domain, transform back.

    A product of two complex bins takes 3 multiplications, t = c(a + b), a(d − c), b(c + d): both sums of the
    filter are kept with it, a + b is made once per input, and each of the three is summed over the channels
    before they are joined; 4 multiplications would need more additions too. Planes and tiles are padded to
    powers of two. A stride computes the outputs between as well, and drops them.

    Source: Mathieu, Henaff, LeCun, "Fast training of convolutional networks through FFTs", ICLR 2014; Sze et al.,
    Proc. IEEE 105(12), 2017, section V-A.

    >>> from chipwise.analysis.algorithms.shape import Axis
    >>> cost = Fft().cost(Shape(1, 1, 1, 1, Axis(2, 3), Axis(2, 3)), (4, 4))  # 4 real and 6 complex bins
    >>> cost.product, cost.filter_values
    (Operations(multiplications=22, additions=0), 22)
    """

    name: str = "fft"
    is_tiled: bool = False

    def why_not(self, shape: Shape) -> str | None:
        """A window must slide."""
        if shape.height.filter == shape.width.filter == 1:
            return "a filter of 1 x 1 (or one that takes the whole plane) overlaps nothing between outputs"
        return None

    def settings(self, shape: Shape) -> tuple[Setting, ...]:
        """Sizes of the transform: the whole plane, or all powers of two from the filter's reach on."""
        sides = [_sizes(axis) for axis in (shape.height, shape.width)]
        if not self.is_tiled:
            return ((sides[0][-1], sides[1][-1]),)
        return tuple((h, w) for h in sides[0] for w in sides[1])

    def cost(self, shape: Shape, setting: Setting) -> Cost:
        """Transforms by plane and channel, products by bin."""
        height, width = setting
        tiles = _tiles(shape.height, height) * _tiles(shape.width, width)
        transform = plane_operations(height, width)
        bins = complex_bins(height, width)
        values = 3 * bins + real_bins(height, width)
        filters = shape.groups * shape.filters * shape.channels
        inputs = shape.groups * shape.batch * shape.channels * tiles
        outputs = shape.groups * shape.batch * shape.filters * tiles
        products = outputs * shape.channels * values
        # Each value of a filter's spectrum is scaled once, for the inverse transform.
        once = transform + Operations(height * width, 2 * bins)
        return Cost(
            filters=once.times(filters),
            input=(transform + Operations(0, bins)).times(inputs),
            product=Operations(products, products - outputs * values),
            output=(transform + Operations(0, 2 * bins)).times(outputs),
            filter_values=filters * values,
            workspace_values=(inputs + outputs) * values,
            details={"height": height, "width": width, "tiles": tiles},
        )

    def label(self, cost: Cost) -> str:
        """Size of the transform."""
        d = cost.details
        what = "whole plane" if d["tiles"] == 1 else f"{d['tiles']} tiles"
        return f"{what} in {d['height']} x {d['width']}"

    def execute(self, shape: Shape, inputs: Array, weights: Array, setting: Setting) -> tuple[Array, Tallies]:
        """Overlap-save: of each tile only the outputs are kept that no wrapping around has touched."""
        height, width = setting
        tallies = Tallies()
        x = _spread(shape, inputs, height, width)  # N G C tiles tiles height width
        spectrum = rfft2(Counted(x, tallies.input))
        kernel = rfft2(Counted(_laid(shape, weights, height, width), tallies.filters))
        scale = 1 / (height * width)
        k_real, k_re, k_im = kernel.real * scale, kernel.re * (2 * scale), kernel.im * (2 * scale)
        kept = {"real": k_real, "t": k_re, "a": k_im - k_re, "b": k_re + k_im}
        given = {"real": spectrum.real, "t": spectrum.re + spectrum.im, "a": spectrum.re, "b": spectrum.im}
        sums = {
            key: dot(
                given[key].into(tallies.product)[:, :, None],
                Counted(kept[key].values[None, :, :, :, None, None], tallies.product),
                3,
                3,
            ).into(tallies.output)
            for key in kept
        }
        found = irfft2(Spectrum2(sums["real"], sums["t"] - sums["b"], sums["t"] + sums["a"]), height, width)
        return _gathered(shape, found.values), tallies


def _sizes(axis: Axis) -> list[int]:
    """Powers of two from the filter's reach to the plane; 1 where the filter does not reach along the axis."""
    if axis.reach == 1:
        return [1]
    first, last = ((size - 1).bit_length() for size in (axis.reach, axis.inputs))
    return [1 << power for power in range(first, last + 1)]


def _tiles(axis: Axis, size: int) -> int:
    """Tiles along an axis, of size − reach + 1 outputs each."""
    return -(-axis.dense_outputs // (size - axis.reach + 1))


def _spread(shape: Shape, inputs: Array, height: int, width: int) -> Array:
    """The tiles of all planes, with zeros behind the last row and column."""
    found = inputs
    for axis, size, at in ((shape.height, height, 3), (shape.width, width, 5)):
        step, tiles = size - axis.reach + 1, _tiles(axis, size)
        end = (tiles - 1) * step + size
        padding = [(0, 0)] * found.ndim
        padding[at] = (0, max(0, end - found.shape[at]))
        index = step * np.arange(tiles)[:, None] + np.arange(size)
        found = np.take(np.pad(found, padding), index, axis=at)
    return found.transpose(0, 1, 2, 3, 5, 4, 6)


def _laid(shape: Shape, weights: Array, height: int, width: int) -> Array:
    """Filters turned around and spread by their dilation, in planes of the transform's size."""
    plane = np.zeros((*weights.shape[:3], height, width), weights.dtype)
    h, v = shape.height, shape.width
    plane[..., : h.reach : h.dilation, : v.reach : v.dilation] = weights[..., ::-1, ::-1]
    return plane


def _gathered(shape: Shape, tiles: Array) -> Array:
    """The outputs of all tiles as planes, without those that the stride skips."""
    h, v = shape.height, shape.width
    valid = tiles[..., h.reach - 1 :, v.reach - 1 :]
    rows, columns = valid.shape[3] * valid.shape[5], valid.shape[4] * valid.shape[6]
    planes = valid.transpose(0, 1, 2, 3, 5, 4, 6).reshape(*valid.shape[:3], rows, columns)
    return planes[..., : h.dense_outputs : h.stride, : v.dense_outputs : v.stride]
