"""Real FFTs of powers of two, counted: the transforms, and what they cost by formula.

The spectrum of n real values is n real numbers: `re` of the bins 0..n/2 and `im` of 1..n/2 − 1. The sign of
the exponent is positive, which saves changes of sign and conjugates every spectrum alike.
A product with a constant complex factor takes 3 multiplications and 3 additions, 2 and 2 where its parts
are equal (k = n/8), none for 1 and i.
"""

from functools import cache
from math import pi
from typing import NamedTuple

import numpy as np

from chipwise.analysis.algorithms.algorithm import Operations
from chipwise.analysis.algorithms.counted import Array, Counted, join, stack


class Spectrum(NamedTuple):
    """Bins along the last axis; one without imaginary part is not in `im`."""

    re: Counted
    im: Counted


class Spectrum2(NamedTuple):
    """Bins of a real plane: `real` those that are real (corners), `re` and `im` the others, flattened."""

    real: Counted
    re: Counted
    im: Counted


@cache
def operations(n: int) -> Operations:
    """Of a real FFT of n values, or of its inverse.

    T(n) = 2·T(n/2) + 2 additions + (n/4 − 1)·(3 multiplications, 7 additions), one of each less for k = n/8.

    >>> operations(4), operations(8)
    (Operations(multiplications=0, additions=6), Operations(multiplications=2, additions=20))
    """
    if n == 1:
        return Operations()
    if n == 2:
        return Operations(0, 2)
    pairs, halves = n // 4 - 1, int(n >= 8)
    return operations(n // 2).times(2) + Operations(3 * pairs - halves, 7 * pairs - halves + 2)


def plane_operations(height: int, width: int) -> Operations:
    """Of a 2-D real FFT, or of its inverse: rows, columns as real FFTs of both parts, sums that join these.

    >>> plane_operations(2, 2)  # ((a + b), (a − b)) ± ((c + d), (c − d))
    Operations(multiplications=0, additions=8)
    """
    joins = 4 * max(0, height // 2 - 1) * max(0, width // 2 - 1)
    return operations(width).times(height) + operations(height).times(width) + Operations(0, joins)


def real_bins(height: int, width: int) -> int:
    """Bins without imaginary part: first and middle of each axis."""
    return min(2, height) * min(2, width)


def complex_bins(height: int, width: int) -> int:
    """The other bins, half of which follow from the other half and are not kept."""
    return (height * width - real_bins(height, width)) // 2


def rfft(x: Counted) -> Spectrum:
    """Along the last axis."""
    n = x.shape[-1]
    if n == 1:
        return Spectrum(x, x[..., 1:])
    if n == 2:
        a, b = x[..., :1], x[..., 1:]
        return Spectrum(join([a + b, a - b], -1), x[..., 2:])
    (e_re, e_im), (o_re, o_im) = rfft(x[..., ::2]), rfft(x[..., 1::2])
    quarter = n // 4
    first, last = e_re[..., :1] + o_re[..., :1], e_re[..., :1] - o_re[..., :1]
    t_re, t_im = _turned(Spectrum(o_re[..., 1:quarter], o_im), n, forward=True)
    inner = e_re[..., 1:quarter]
    low_re, low_im = inner + t_re, e_im + t_im
    high_re, high_im = inner - t_re, t_im - e_im
    return Spectrum(
        join([first, low_re, e_re[..., quarter:], high_re[..., ::-1], last], -1),
        join([low_im, o_re[..., quarter:], high_im[..., ::-1]], -1),
    )


def irfft(x: Spectrum) -> Counted:
    """The values whose spectrum is `x` with all complex bins halved, times n.

    So scaled, it undoes `rfft` step by step at the same cost.
    """
    re, im = x
    n = re.shape[-1] + im.shape[-1]
    if n == 1:
        return re
    if n == 2:
        a, b = re[..., :1], re[..., 1:]
        return join([a + b, a - b], -1)
    quarter, half = n // 4, n // 2
    first, last = re[..., :1], re[..., half:]
    low_re, high_re = re[..., 1:quarter], re[..., quarter + 1 : half][..., ::-1]
    low_im, high_im = im[..., : quarter - 1], im[..., quarter:][..., ::-1]
    turned = _turned(Spectrum(low_re - high_re, low_im + high_im), n, forward=False)
    even = Spectrum(
        join([first + last, low_re + high_re, re[..., quarter : quarter + 1]], -1), low_im - high_im
    )
    odd = Spectrum(join([first - last, turned.re, im[..., quarter - 1 : quarter]], -1), turned.im)
    both = stack([irfft(even), irfft(odd)], -1)
    return Counted(both.values.reshape(*both.shape[:-2], n), re.tally)


def _turned(x: Spectrum, n: int, *, forward: bool) -> Spectrum:
    """Bins k = 1..n/4 − 1 times exp(±2πik/n)."""
    count = x.re.shape[-1]
    if not count:
        return x
    middle = count // 2  # k = n/8, where cosine and sine are equal
    below = _product(x, n, range(1, middle + 1), forward=forward)
    above = _product(x, n, range(middle + 2, count + 1), forward=forward)
    a, b = x.re[..., middle : middle + 1], x.im[..., middle : middle + 1]
    root = np.sqrt(0.5).item()
    difference, total = (a - b, a + b) if forward else (a + b, b - a)
    return Spectrum(
        join([below.re, difference * root, above.re], -1), join([below.im, total * root, above.im], -1)
    )


def _product(x: Spectrum, n: int, bins: range, *, forward: bool) -> Spectrum:
    """(a + ib)(c + is) by 3 products: t = c(a + b), re = t − (c + s)b, im = t + (s − c)a."""
    chosen = slice(bins.start - 1, bins.stop - 1)
    a, b = x.re[..., chosen], x.im[..., chosen]
    angle = 2 * pi * np.arange(bins.start, bins.stop) / n
    c, s = np.cos(angle), np.sin(angle) * (1 if forward else -1)
    t = (a + b) * c
    return Spectrum(t - b * (c + s), t + a * (s - c))


def rfft2(x: Counted) -> Spectrum2:
    """Of planes in the last two axes."""
    rows = rfft(x)
    straight = _along_columns(rows.re)
    crossed = _along_columns(rows.im)
    real_columns = [0] if x.shape[-1] == 1 else [0, x.shape[-1] // 2]
    inner = slice(1, x.shape[-1] // 2)
    edge = Spectrum(straight.re[..., real_columns, :], straight.im[..., real_columns, :])
    a, b = Spectrum(straight.re[..., inner, :], straight.im[..., inner, :]), crossed
    ends = [0] if x.shape[-2] == 1 else [0, x.shape[-2] // 2]
    mid = slice(1, x.shape[-2] // 2)
    a_re, b_re = a.re[..., mid], b.re[..., mid]
    re = [edge.re[..., mid], a.re[..., ends], a_re - b.im, a_re + b.im]
    im = [edge.im, b.re[..., ends], a.im + b_re, b_re - a.im]
    return Spectrum2(_flat(edge.re[..., ends]), _joined(re), _joined(im))


def irfft2(x: Spectrum2, height: int, width: int) -> Counted:
    """The planes of a spectrum, scaled as in `irfft`: height · width times those with all complex bins halved."""
    sides, ends = min(2, width), min(2, height)
    mid, inner = max(0, height // 2 - 1), max(0, width // 2 - 1)
    corners = _shaped(x.real, (sides, ends))
    edge_re, a_ends, minus, plus = _cut(x.re, sides, ends, mid, inner)
    edge_im, b_ends, added, taken = _cut(x.im, sides, ends, mid, inner)
    edge = _with_ends(corners, edge_re)
    a = Spectrum(_with_ends(a_ends, minus + plus), added - taken)
    b = Spectrum(_with_ends(b_ends, added + taken), plus - minus)
    real = irfft(Spectrum(edge, edge_im))
    re = join([real[..., :1, :], irfft(a), real[..., 1:, :]], -2)
    return irfft(Spectrum(_swapped(re), _swapped(irfft(b))))


def _along_columns(x: Counted) -> Spectrum:
    return rfft(_swapped(x))


def _swapped(x: Counted) -> Counted:
    return Counted(x.values.swapaxes(-1, -2), x.tally)


def _with_ends(ends: Counted, inner: Counted) -> Counted:
    return join([ends[..., :1], inner, ends[..., 1:]], -1)


def _flat(x: Counted) -> Counted:
    return _shaped(x, (-1,), axes=2)


def _joined(parts: list[Counted]) -> Counted:
    return join([_flat(part) for part in parts], -1)


def _shaped(x: Counted, shape: tuple[int, ...], axes: int = 1) -> Counted:
    values: Array = x.values
    before = values.shape[:-axes]
    if -1 in shape:  # -1 is undefined where there are no values
        shape = (int(np.prod(values.shape[-axes:])),)
    return Counted(values.reshape(*before, *shape), x.tally)


def _cut(x: Counted, sides: int, ends: int, mid: int, inner: int) -> list[Counted]:
    """The four blocks that `rfft2` puts one after another."""
    found, at = [], 0
    for shape in ((sides, mid), (inner, ends), (inner, mid), (inner, mid)):
        size = shape[0] * shape[1]
        found.append(_shaped(x[..., at : at + size], shape))
        at += size
    return found
