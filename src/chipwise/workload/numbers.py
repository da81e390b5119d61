"""Formats of numbers, and how wide sums get.

An integer of N bits, or a floating-point number: a sign, an exponent and a mantissa without its leading 1.
"""

import re
from dataclasses import dataclass
from math import prod
from typing import final

from chipwise.errors import InputError, did_you_mean
from chipwise.workload.layer import Layer


@final
@dataclass(frozen=True, slots=True)
class NumberFormat:
    """`exponent_bits` and `mantissa_bits` are 0 for an integer."""

    name: str
    bits: int
    exponent_bits: int = 0
    mantissa_bits: int = 0

    @property
    def is_float(self) -> bool:
        """Whether it has an exponent."""
        return self.exponent_bits > 0

    @property
    def multiplier_bits(self) -> int:
        """Width of the multiplier: the mantissa with its leading 1, or the integer.

        >>> [parse_number(n).multiplier_bits for n in ("int8", "fp16", "bf16", "fp32")]
        [8, 11, 8, 24]
        """
        return self.mantissa_bits + 1 if self.is_float else self.bits


_FLOATS = {
    f.name: f
    for f in (
        NumberFormat("fp64", 64, 11, 52),
        NumberFormat("fp32", 32, 8, 23),
        NumberFormat("tf32", 19, 8, 10),
        NumberFormat("fp16", 16, 5, 10),
        NumberFormat("bf16", 16, 8, 7),
        NumberFormat("fp8_e4m3", 8, 4, 3),
        NumberFormat("fp8_e5m2", 8, 5, 2),
        NumberFormat("fp4_e2m1", 4, 2, 1),
    )
}
"""IEEE 754-2019 for fp64, fp32 and fp16; the OCP 8-bit and MX specifications (2023) for fp8 and fp4."""

_INTEGER = re.compile(r"int([1-9][0-9]?)")
MAX_BITS = 64


def parse_number(text: str) -> NumberFormat:
    """The format called `int8`, `fp16`, `bf16`, ...

    Raises:
        InputError: an unknown name.

    >>> parse_number("bf16").bits, parse_number("int4").is_float
    (16, False)
    """
    if text in _FLOATS:
        return _FLOATS[text]
    match = _INTEGER.fullmatch(text)
    if match and int(match[1]) <= MAX_BITS:
        return NumberFormat(text, int(match[1]))
    known = (*_FLOATS, "int8")
    raise InputError(
        f"number format {text[:40]!r} is not known; write int1 to int64 or a float."
        + did_you_mean(text, known)
    )


def is_number(text: str) -> bool:
    """Whether a format of numbers is called so, as far as its form goes.

    >>> is_number("int8"), is_number("fp16"), is_number("int8.yaml")
    (True, True, False)
    """
    return text in _FLOATS or _INTEGER.fullmatch(text) is not None


def accumulator_bits(layer: Layer, input_bits: int | None = None, weight_bits: int | None = None) -> int:
    """Bits that no sum of a layer's products can overflow: input + weight bits + ceil(log2(C·R·S)).

    Args:
        layer: what is summed; the dimensions that its output lacks are C, R and S.
        input_bits: of both operands, where their tensors do not say; 16 else.
        weight_bits: likewise.

    Source: Sze et al., Proc. IEEE 105(12), 2017, section VII-A: 2N + M bits, M = log2(C·R·S).

    >>> from chipwise.workload.kinds import conv
    >>> accumulator_bits(conv("conv3", M=384, C=256, P=13, Q=13, R=3, S=3), 8, 8)  # 16 + log2(2304)
    28
    """
    left, right = layer.inputs
    terms = prod(extent for d, extent in layer.dims.items() if d not in layer.output.dims)
    widths = (left.bits or input_bits or 16) + (right.bits or weight_bits or 16)
    return widths + (terms - 1).bit_length()
