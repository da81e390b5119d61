"""The energy of one data value, by the equations of Chen et al., ISCA 2016, from chipwise's own counts.

The equations charge a value that is reused a times from DRAM, b from the buffer, c across the array and d
from the register file, a·b·c·d in all, with

    input, filter:  a·E(DRAM) + ab·E(buffer) + abc·E(array) + abcd·E(RF)
    psum:           (2a-1)·E(DRAM) + 2a(b-1)·E(buffer) + ab(c-1)·E(array) + 2abc(d-1)·E(RF)

Each factor is one loop of a small nest here, and the terms are actions that chipwise counts for it:

    DRAM            reads + updates
    buffer, RF      reads + updates, and for a psum less fills and drains
    array           transfers

So the counts agree term by term. What chipwise charges in the end is more, by design: a value that comes
from the level above is written (a fill) before it is read, and a psum is read (a drain) when it leaves,
where the equations let it pass on at no cost. The rows without a published figure say how much that makes.

The paper gives the equations, the costs and, as examples, the factors 1, 2, 3, 4 of an input and 2, 3, 3, 2
of a psum; 248 and 708 follow from them by arithmetic.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from chipwise.analysis.validation import Check
from chipwise.components.energies import with_energies
from chipwise.components.registry import energy_table
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory, Route
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping as LoopNest
from chipwise.mapping.mapping import Spatial, Storage, Temporal
from chipwise.model.cost import cost
from chipwise.workload.kinds import fully_connected

SOURCE = "Chen, Emer, Sze, ISCA 2016, section on the energy of data movement; costs 200, 6, 2, 1 of one MAC"

Factors = tuple[int, int, int, int]
"""Reuse from DRAM, buffer, array and register file: a, b, c, d."""

LEVELS = ("dram", "buffer", "array", "rf")
EXAMPLES: Mapping[str, tuple[Factors, tuple[float, float, float, float]]] = {
    "input": ((1, 2, 3, 4), (200.0, 12.0, 12.0, 24.0)),
    "output": ((2, 3, 3, 2), (600.0, 48.0, 24.0, 36.0)),
}
"""Factors, and what the terms of the equation come to."""

VALUES = 2
"""Values of the tensor that take turns in the register file, and as often in the buffer, so that each is
evicted between its uses; totals are divided by all of them."""


@final
@dataclass(frozen=True, slots=True)
class ValueEnergy:
    """Energy of one value in units of one MAC, by level: the equation's terms, and what chipwise charges."""

    terms: Mapping[str, float]
    charged: Mapping[str, float]


def value_energy(tensor: str, factors: Factors) -> ValueEnergy:
    """Energy of one value of `tensor` ("input" or "output") with these factors, from chipwise's counts.

    >>> value_energy("input", (1, 2, 3, 4)).terms
    {'dram': 200.0, 'buffer': 12.0, 'array': 12.0, 'rf': 24.0}
    >>> sum(value_energy("output", (2, 3, 3, 2)).terms.values())
    708.0
    """
    chip = _chip(tensor, factors[2])
    reused, kept = ("M", "C") if tensor == "input" else ("C", "M")
    a, b, c, d = factors
    values = VALUES * VALUES
    layer = fully_connected("one value", **{reused: a * b * c * d, kept: values})
    nest = LoopNest(
        (
            *(Storage("dram", t.name) for t in layer.tensors),
            *(Temporal(reused, b * c * d), Temporal(kept, VALUES), Storage("buffer", tensor)),
            *(Temporal(reused, c * d), Temporal(kept, 1)),
            *(Spatial("pes", reused, d), Storage("rf", tensor), Temporal(reused, 1)),
        )
    )
    check(layer, chip, nest)
    found = cost(layer, chip, nest)
    each = {(item.component, item.action): item.energy_pj_each for item in found.energy}
    terms: dict[str, float] = {}
    charged: dict[str, float] = {}
    for level in LEVELS:
        if level == "array":
            transfers = found.counts.hops[level, tensor].transfers
            terms[level] = charged[level] = transfers * each[level, "transfer"] / values
            continue
        actions = found.counts.actions[level, tensor]
        served, passing = actions.reads + actions.updates, actions.fills + actions.drains
        # Reading and writing cost the same in the paper, and so in its table.
        unit = each[level, "read"] / values
        terms[level] = (served - passing if tensor == "output" else served) * unit
        charged[level] = (served + passing) * unit
    return ValueEnergy(terms, charged)


def _chip(tensor: str, columns: int) -> Accelerator:
    """DRAM, a buffer and register files for `tensor` alone, with the costs of the paper for a MAC of 1 pJ."""
    array = Array("array", (Axis("pes", columns),), {tensor: Route(frozenset({"pes"}))})
    chip = Accelerator(
        name="isca16",
        levels=(
            Memory("dram", "dram", ("input", "weight", "output")),
            Memory("buffer", "sram", (tensor,)),
            array,
            Memory("rf", "register_file", (tensor,)),
            Compute("mac", "int_mac"),
        ),
        clock_hz=1.0,
    )
    return with_energies(chip, energy_table("eyeriss-normalized", mac_pj=1.0))


def checks() -> Iterator[Check]:
    """The two worked examples: every term, the sum, and what chipwise charges."""
    for tensor, (factors, published) in EXAMPLES.items():
        item = f"{tensor}, reuse {' x '.join(map(str, factors))}"
        found = value_energy(tensor, factors)
        for level, figure in zip(LEVELS, published, strict=True):
            yield Check(item, f"{level} term", "MAC energies", figure, found.terms[level], 0.0)
        yield Check(item, "energy", "MAC energies", sum(published), sum(found.terms.values()), 0.0)
        yield Check(item, "energy as chipwise charges it", "MAC energies", None, sum(found.charged.values()))
