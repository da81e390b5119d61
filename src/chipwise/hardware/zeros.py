"""A chip that makes nothing of zeros, or the most that the survey's energy estimation takes for granted."""

from dataclasses import replace

from chipwise.hardware.accelerator import Accelerator, Array, Compute, Level, Memory, Parallel
from chipwise.hardware.sparsity import Sparsity
from chipwise.sparsity.formats.run_length import RunLength
from chipwise.sparsity.formats.uncompressed import Uncompressed
from chipwise.sparsity.saving import COMPUTE, Saving

SHORTER = (Uncompressed(), RunLength(5))
"""Run-length coded as on Eyeriss, or raw where that takes fewer bits."""


def without_zeros(chip: Accelerator) -> Accelerator:
    """The chip with everything raw and nothing gated or skipped."""
    return replace(chip, levels=tuple(_plain(level) for level in chip.levels))


def estimating_zeros(chip: Accelerator) -> Accelerator:
    """The chip as the energy estimation of Yang, Chen and Sze takes it, whatever it does itself about zeros.

    A layer's energy is that of its computation and of its data. Only MACs of two non-zeros take energy, and only they
    access the innermost memories. What moves is run-length coded where that is shorter: operands everywhere, outputs
    off chip, since partial sums are rarely zero. Tiles take the room that they take coded, so that mappings are found
    anew. Narrow operands: data by their bits, a MAC by the product of both widths. Latency is not part of it, and
    changes only where coded data pass a port. Source: Yang et al., CVPR 2017; Sze et al., Proc. IEEE 105(12), 2017.
    """
    inner = {t: _innermost(chip, t) for t in chip.tensors}
    return replace(chip, levels=tuple(_estimating(chip, level, inner) for level in chip.levels))


def _estimating(chip: Accelerator, level: Level, inner: dict[str, tuple[str, ...]]) -> Level:
    *operands, output = chip.tensors
    formats = dict.fromkeys(operands, SHORTER)
    if isinstance(level, Compute):
        saves = (Saving(tuple(operands), gates=(COMPUTE,)),)
        return replace(level, sparsity=Sparsity(saves=saves, narrow_saves_energy=True))
    if isinstance(level, Array):
        return replace(level, sparsity=Sparsity(formats))
    if isinstance(level, Parallel):
        members = tuple(_estimating(chip, memory, inner) for memory in level.memories)
        return replace(level, memories=tuple(m for m in members if isinstance(m, Memory)))
    if level is chip.memories[0]:
        formats[output] = SHORTER
    found = []
    for tensor, names in inner.items():
        leaders = tuple(t for t in operands if t != tensor)
        if level.name in names and leaders:
            found.append(Saving(leaders, gates=(tensor,)))
    held = {t: choices for t, choices in formats.items() if level.holds(t)}
    return replace(level, sparsity=Sparsity(held, tuple(found), expected_occupancy=True))


def _innermost(chip: Accelerator, tensor: str) -> tuple[str, ...]:
    """Memories from which a tensor may reach the compute: the last that always keeps it, and those further in."""
    names: list[str] = []
    for memory in chip.memories:
        if tensor in memory.keeps:
            names = [memory.name]
        elif tensor in memory.may_keep:
            names.append(memory.name)
    return tuple(names)


def _plain(level: Level) -> Level:
    if isinstance(level, Parallel):
        return replace(level, memories=tuple(replace(m, sparsity=Sparsity()) for m in level.memories))
    return replace(level, sparsity=Sparsity())


def makes_something_of_zeros(chip: Accelerator) -> bool:
    """Whether any part stores compressed, gates or skips."""
    parts: list[Memory | Array | Compute] = [*chip.memories, *chip.arrays, chip.compute]
    return any(part.sparsity.formats or part.sparsity.saves for part in parts)
