"""What a part of a chip does about zeros, as text and as JSON."""

from typing import Any

from chipwise.hardware.accelerator import Array, Compute, Memory
from chipwise.hardware.sparsity import Sparsity
from chipwise.sparsity.formats.format import Format
from chipwise.sparsity.formats.spelling import BEST, CHOICES
from chipwise.sparsity.saving import COMPUTE, Saving


def zeros_lines(part: Memory | Array | Compute) -> list[str]:
    """A line on formats and one per condition; none for a part to which zeros are like other values.

    >>> from chipwise.sparsity.formats.bitmask import Bitmask
    >>> about = Sparsity({"input": (Bitmask(),)}, (Saving(("input",), gates=("weight",)),))
    >>> zeros_lines(Memory("pad", "sram", ("input", "weight"), sparsity=about))
    ['stores input as bitmask', 'where input is zero: weight gated']
    """
    about = part.sparsity
    lines = []
    by_formats: dict[tuple[Format, ...], list[str]] = {}
    for tensor, formats in about.formats.items():
        by_formats.setdefault(formats, []).append(tensor)
    does = "carries" if isinstance(part, Array) else "stores"
    if by_formats:
        told = "; ".join(
            f"{', '.join(names)} as {_formats(formats)}" for formats, names in by_formats.items()
        )
        lines.append(f"{does} {told}{'; room for the average tile' if about.expected_occupancy else ''}")
    lines += [_saving(saving) for saving in about.saves]
    if about.sync is not None:
        lines.append(f"PEs wait for each other after {about.sync} MACs")
    if about.narrow_saves_energy:
        lines.append("MACs of narrow operands take less energy")
    return lines


def _formats(formats: tuple[Format, ...]) -> str:
    return BEST if formats == CHOICES else " or ".join(f.text for f in formats)


def _saving(saving: Saving) -> str:
    leaders = " or ".join(saving.when)
    many = f" ({saving.of} values)" if saving.of > 1 else ""
    parts = []
    for how, names in (("gated", saving.gates), ("skipped", saving.skips)):
        if names:
            parts.append(f"{', '.join('MAC' if n == COMPUTE else n for n in names)} {how}")
    return f"where {leaders} is zero{many}: {', '.join(parts)}"


def zeros_entry(about: Sparsity) -> dict[str, Any]:
    """`{"zeros": ...}` of a level in JSON; empty where there is nothing to say."""
    if about == Sparsity():
        return {}
    found = {
        "formats": {tensor: [f.text for f in formats] for tensor, formats in about.formats.items()},
        "saves": [
            {"when": list(s.when), "gates": list(s.gates), "skips": list(s.skips), "of": s.of}
            for s in about.saves
        ],
        "occupancy": "expected" if about.expected_occupancy else "worst",
        "sync": about.sync,
        "narrow": "energy" if about.narrow_saves_energy else "same",
    }
    return {"zeros": found}
