"""What an entry of a lookup table goes by, as text."""

import re

from chipwise.adapt.shapes import LayerShape
from chipwise.errors import InputError


def key_of(shape: LayerShape, threads: int) -> str:
    """What an entry goes by: all that a layer's time depends on, zeros excluded, as kernels don't skip them.

    >>> key_of(LayerShape("fc", "linear", N=1, M=10, C=64, bias=True, fused=("relu",)), 1)
    'linear N1 C64 H1 W1 M10 P1 Q1 R1 S1 G1 stride1,1 pad0,0 dil1,1 bias1 relu float32 threads1'
    """
    s = shape
    sizes = f"N{s.N} C{s.C} H{s.H} W{s.W} M{s.M} P{s.P} Q{s.Q} R{s.R} S{s.S} G{s.G}"
    mode = "" if s.padding_mode == "zeros" else s.padding_mode
    steps = "stride{},{} pad{},{}{} dil{},{}".format(*s.stride, *s.padding, mode, *s.dilation)
    fused = "+".join(s.fused) or "-"
    return f"{s.op} {sizes} {steps} bias{int(s.bias)} {fused} {s.dtype} threads{threads}"


_KEY = re.compile(
    r"(conv2d|conv_transpose2d|linear) "
    r"N(\d+) C(\d+) H(\d+) W(\d+) M(\d+) P(\d+) Q(\d+) R(\d+) S(\d+) G(\d+) "
    r"stride(\d+),(\d+) pad(\d+),(\d+)([a-z]*) dil(\d+),(\d+) bias([01]) (\S+) (\w+) threads\d+"
)


def shape_of(key: str) -> LayerShape:
    """The layer that an entry is of; the inverse of `key_of`.

    Raises:
        InputError: no such key.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise InputError(f"lookup table: {key[:200]!r} is no key of an entry; measure a new table")
    n, c, h, w, m, p, q, r, s, g, down, across, above, beside = (int(match[i]) for i in range(2, 16))
    return LayerShape(
        key,
        match[1],  # type: ignore[arg-type]
        n,
        m,
        c,
        g,
        h,
        w,
        p,
        q,
        r,
        s,
        (down, across),
        (above, beside),
        (int(match[17]), int(match[18])),
        match[19] == "1",
        () if match[20] == "-" else tuple(match[20].split("+")),
        match[21],
        padding_mode=match[16] or "zeros",
    )
