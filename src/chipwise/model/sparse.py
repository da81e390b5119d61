"""What zeros save and what they cost: factors per memory and tensor, for a layer on a chip.

    bits of a value as stored  = expected bits of the format over the whole tensor / its values
    accesses that are left     = Π over leaders of P(the leader's values are not all zero)
    energy of an access        = energy of a word x bits as stored / word bits x accesses left + codec

The factors do not depend on tiles, so that a mapping is found exactly with them. Leaders are taken to be independent.
What an operand's condition saves in one memory is saved further in and at the compute as well, since what is not
fetched is not computed with; of one leader the strongest condition counts. Without formats and savings, and at
density 1 wherever raw may be chosen, every factor is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import final

from chipwise.hardware.accelerator import Accelerator, Array, Compute, Memory, Parallel
from chipwise.mapping.storage import RAW, Stored, density_model
from chipwise.mapping.storage import stored as stored_in
from chipwise.model.energy import action_energy
from chipwise.sparsity.balance import slowest_share
from chipwise.sparsity.densities.constant import Constant
from chipwise.sparsity.densities.structured import Structured
from chipwise.sparsity.saving import COMPUTE
from chipwise.workload.layer import Layer, Tensor

ACTIONS = {
    "reads": "read",
    "drains": "read",
    "fills": "write",
    "updates": "write",
    "transfers": "transfer",
    "reductions": "reduce",
}
"""Counts, and the action that each of them costs."""
_CODECS = {"read": "decompress", "write": "compress"}


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """Fractions of accesses that cost energy (neither gated nor skipped) and that take time (not skipped)."""

    energy: float = 1.0
    time: float = 1.0


Conditions = Mapping[str, Kept]
"""Leader → what its zeros leave."""


@final
@dataclass(frozen=True, slots=True)
class Sparse:
    """All factors of one layer on one chip; keys are (memory or array, tensor)."""

    layer: Layer
    chip: Accelerator
    stored: Mapping[tuple[str, str], Stored]
    served: Mapping[tuple[str, str], Kept]
    """Of reads and updates of a memory: accesses on the side of the compute."""
    passed: Mapping[tuple[str, str], Kept]
    """Of fills and drains of a memory, and of what crosses an array: what memories further out leave."""
    compute: Kept
    """Of MACs; `time` with the wait for the slowest PE."""
    done: float
    """Fraction of MACs that are not skipped; those of sub-words as parts of one."""

    @property
    def mac_pj(self) -> float:
        """Energy of one dense multiply-accumulate, pJ: what is left, and of narrow operands where they take less."""
        found = action_energy(self.chip.compute, "mac").energy_pj * self.compute.energy
        if self.chip.compute.sparsity.narrow_saves_energy:
            for tensor in self.layer.inputs:
                found *= self.chip.bits(tensor.bits) / self.chip.word_bits
        return found

    def kept(self, part: str, count: str, tensor: str) -> Kept:
        """What is left of a count such as `reads`."""
        return (self.served if count in {"reads", "updates"} else self.passed)[part, tensor]

    def access_pj(self, part: Memory | Array, count: str, tensor: Tensor) -> float:
        """Energy of one dense access, pJ: bits as stored x energy per bit x what is left, and the codec."""
        kept, action = self.kept(part.name, count, tensor.name), ACTIONS[count]
        raw = self.chip.bits(tensor.bits)
        bits = raw if count == "reductions" else self.stored[part.name, tensor.name].bits
        found = action_energy(part, action).energy_pj * bits / self.chip.word_bits * kept.energy
        codec = part.energy.get(_CODECS.get(action, ""))
        if codec is not None and self.stored[part.name, tensor.name].format != RAW:
            found += codec.energy_pj * raw / self.chip.word_bits * kept.energy
        return found

    def moved_bits(self, part: str, count: str, tensor: str) -> float:
        """Bits that one dense access moves through a port or a network, on average."""
        return self.stored[part, tensor].bits * self.kept(part, count, tensor).time


def sparse_of(layer: Layer, chip: Accelerator) -> Sparse:
    """The factors of a layer on a chip.

    >>> from chipwise.components.load import load_accelerator
    >>> from chipwise.workload.kinds import matmul
    >>> sparse = sparse_of(matmul("a", M=2, K=3, N=4), load_accelerator("eyeriss"))
    >>> sparse.compute, sparse.moved_bits("buffer", "reads", "input")
    (Kept(energy=1.0, time=1.0), 16.0)
    """
    stored: dict[tuple[str, str], Stored] = {}
    served: dict[tuple[str, str], Kept] = {}
    passed: dict[tuple[str, str], Kept] = {}
    above: dict[str, Conditions] = {t.name: {} for t in layer.tensors}
    for level in chip.levels:
        if level is chip.compute:
            break
        parts = level.memories if isinstance(level, Parallel) else (level,)
        after = dict(above)
        for part in parts:
            assert isinstance(part, Memory | Array)
            for tensor in layer.tensors:
                key = part.name, tensor.name
                stored[key] = stored_in(layer, chip, part, tensor)
                passed[key] = _left(above[tensor.name])
                if isinstance(part, Array):
                    continue
                own = _stronger(above[tensor.name], _conditions(layer, part, tensor.name))
                served[key] = _left(own)
                if not tensor.is_output and part.holds(tensor.name):
                    after[tensor.name] = own
        above = after
    return Sparse(layer, chip, stored, served, passed, *_compute(layer, chip, above))


def _compute(layer: Layer, chip: Accelerator, above: Mapping[str, Conditions]) -> tuple[Kept, float]:
    """Of the MACs: own conditions and those of operands, with the wait for the slowest PE; and those done."""
    found = _conditions(layer, chip.compute, COMPUTE)
    for tensor in layer.inputs:
        found = _stronger(found, above[tensor.name])
    left = _left(found)
    each = ceil(layer.macs / chip.pes)
    operations = each if chip.compute.sparsity.sync is None else min(each, chip.compute.sparsity.sync)
    # Structured zeros are as many in every PE; what the others leave is by chance.
    even = {t.name for t in layer.tensors if isinstance(t.pattern, Structured | Constant)}
    certain = prod((kept.time for leader, kept in found.items() if leader in even), start=1.0)
    by_chance = prod((kept.time for leader, kept in found.items() if leader not in even), start=1.0)
    time, parts = certain * slowest_share(by_chance, operations, chip.pes), subwords(layer, chip)
    return Kept(left.energy, time / parts), left.time / parts


def subwords(layer: Layer, chip: Accelerator) -> int:
    """MACs that the chip's one does at once: 1, or 2 and 4 where the wider operand fits that part of the word."""
    if not chip.compute.sparsity.narrow_splits:
        return 1
    widest = max(chip.bits(tensor.bits) for tensor in layer.inputs)
    return next((parts for parts in (4, 2) if widest * parts <= chip.word_bits), 1)


def _conditions(layer: Layer, part: Memory | Compute, follower: str) -> Conditions:
    found: Conditions = {}
    names = {t.name for t in layer.tensors}
    for saving in part.sparsity.saves:
        if follower in saving.gates or follower in saving.skips:
            for leader in names.intersection(saving.when):
                left = 1.0 - density_model(layer.tensor(leader)).p_zeros(saving.of)
                time = left if follower in saving.skips else 1.0
                found = _stronger(found, {leader: Kept(left, time)})
    return found


def _stronger(a: Conditions, b: Conditions) -> Conditions:
    """Both, and of one leader the least that either leaves."""
    found = dict(a)
    for leader, kept in b.items():
        before = found.get(leader, Kept())
        found[leader] = Kept(min(before.energy, kept.energy), min(before.time, kept.time))
    return found


def _left(conditions: Conditions) -> Kept:
    kept = conditions.values()
    return Kept(prod((k.energy for k in kept), start=1.0), prod((k.time for k in kept), start=1.0))
