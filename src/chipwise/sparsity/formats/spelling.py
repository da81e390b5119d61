"""Formats by the names that chip files use: `rle(5, 16)`, `csc(4)`, `ranks(UOP, CP)`, `2:4`, `best`."""

import re
from collections.abc import Sequence
from functools import lru_cache

from chipwise.errors import InputError, did_you_mean
from chipwise.sparsity.densities.density import DensityModel
from chipwise.sparsity.formats.bitmask import Bitmask
from chipwise.sparsity.formats.coordinate import Coordinate
from chipwise.sparsity.formats.csc import Csc
from chipwise.sparsity.formats.csr import Csr
from chipwise.sparsity.formats.format import Bits, Format
from chipwise.sparsity.formats.ranked import Ranked
from chipwise.sparsity.formats.run_length import RunLength
from chipwise.sparsity.formats.shared import Shared
from chipwise.sparsity.formats.structured import StructuredFormat
from chipwise.sparsity.formats.uncompressed import Uncompressed

BEST = "best"
"""Whichever of CHOICES takes the fewest bits."""
CHOICES: tuple[Format, ...] = (
    Uncompressed(),
    Bitmask(),
    RunLength(5),
    RunLength(4),
    Coordinate(),
    Csr(),
    Csc(4),
)
"""What `best` chooses among; the first where several are as small."""

_PLAIN: dict[str, Format] = {
    "raw": Uncompressed(),
    "bitmask": Bitmask(),
    "coordinate": Coordinate(),
    "csr": Csr(),
}
_NAMES = (*_PLAIN, "rle", "csc", "ranks", "shared", BEST)
_CALL = re.compile(r"([a-z]+)(?:\(([^()]*)\))?")
_PACKED = re.compile(r"([0-9]{1,4}) in ([0-9]{1,4})")
_N_OF_M = re.compile(r"([0-9]{1,3}):([0-9]{1,3})")


def parse_format(text: str) -> tuple[Format, ...]:
    """The formats that a name stands for: one, or all that `best` chooses among.

    Raises:
        InputError: no format is written so.

    >>> [f.text for f in parse_format("rle(5, 16, 3 in 64)")]
    ['rle(5, 16, 3 in 64)']
    """
    spelled = " ".join(text.split())
    if spelled == BEST:
        return CHOICES
    if match := _N_OF_M.fullmatch(spelled):
        return (StructuredFormat(int(match[1]), int(match[2])),)
    call = _CALL.fullmatch(spelled)
    name = call[1] if call else spelled
    inside = [a.strip() for a in call[2].split(",")] if call and call[2] is not None else []
    if name in _PLAIN and not inside:
        return (_PLAIN[name],)
    if name == "ranks" and inside:
        return (Ranked(tuple(kind.upper() for kind in inside)),)
    if name == "shared" and len(inside) == 1 and _numbers(inside, 1):
        return (Shared(int(inside[0])),)
    if name == "csc" and _numbers(inside, 2):
        return (Csc(*map(int, inside)),)
    if name == "rle" and inside:
        packed = _PACKED.fullmatch(inside[-1])
        widths = inside[:-1] if packed else inside
        if widths and _numbers(widths, 2):
            value = int(widths[1]) if len(widths) > 1 else None
            words = (int(packed[1]), int(packed[2])) if packed else (None, None)
            return (RunLength(int(widths[0]), value, *words),)
    raise InputError(
        f"{text!r} is no format; write raw, bitmask, rle(RUN BITS), rle(5, 16, 3 in 64), coordinate, csr, csc, "
        "csc(RUN BITS), ranks(UOP, CP), shared(INDEX BITS), 2:4 or best."
        + (_near(name) if name not in _NAMES else "")
    )


def _numbers(texts: Sequence[str], most: int) -> bool:
    return len(texts) <= most and all(re.fullmatch("[0-9]{1,4}", t) for t in texts)


def _near(name: str) -> str:
    near = did_you_mean(name, _NAMES)
    return near if near.startswith(" Did") else ""


@lru_cache(maxsize=4096)
def smallest(
    formats: tuple[Format, ...], shape: tuple[int, ...], density: DensityModel, value_bits: int
) -> tuple[Format, Bits]:
    """The format that takes the fewest bits, and how many; one that cannot hold the tensor is passed over.

    Raises:
        InputError: none of them can.

    >>> from chipwise.sparsity.densities.uniform import Uniform
    >>> smallest(CHOICES, (64, 9), Uniform(1.0), 16)
    (Uncompressed(), Bits(data=9216, metadata=0))
    """
    sizes = []
    for number, choice in enumerate(formats, 1):
        try:
            sizes.append((choice, choice.expected_bits(shape, density, value_bits)))
        except InputError:
            if number == len(formats) and not sizes:
                raise
    return min(sizes, key=lambda found: found[1].total)
