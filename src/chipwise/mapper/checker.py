"""Certificates checked: that a mapping is the best of its mapspace, proven a second time by plain exact integers.

What is shared with the search, and what is not, is in docs/certificates.md.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, prod
from typing import final

from chipwise.errors import ChipwiseError, InputError
from chipwise.hardware.accelerator import Accelerator, Array, Memory
from chipwise.mapper.classes import all_codes
from chipwise.mapper.mapspace import Keeping, Mapspace, Nest, axis_sizes, keepings
from chipwise.mapper.objectives import Objective, objective_for
from chipwise.mapper.proof.boxes import Proof, Tally
from chipwise.mapper.proof.factors import Chain, Positions, chains_of
from chipwise.mapper.proof.frame import TOLERANCE, Claim, Frame
from chipwise.mapper.proof.orders import Orders
from chipwise.mapper.search import Certificate, Found
from chipwise.mapper.space import classes_of, nests_of
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Spatial, Storage
from chipwise.mapping.storage import RAW
from chipwise.mapping.text import render
from chipwise.model.actions import Counts
from chipwise.model.counts import count
from chipwise.model.energy import action_energy
from chipwise.model.latency import exact_latency
from chipwise.model.sparse import ACTIONS, Sparse, sparse_of
from chipwise.workload.layer import Layer


class CertificateError(ChipwiseError):
    """A certificate that does not hold: says which claim fails, and how."""


@final
@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at to prove a certificate again."""

    classes: int
    """Classes proven; all of them unless `only` chose some."""
    boxes: int
    closed_by_bound: int
    closed_by_fit: int
    leaves: int
    """Single sets of chains, priced over all orders of loops."""
    value: Fraction
    """Exact, of what the objective names first."""


def verify(
    layer: Layer, chip: Accelerator, found: Found, space: Mapspace, *, only: Container[int] | None = None
) -> Verified:
    """Prove again that no mapping of a mapspace beats the one found.

    Args:
        layer: what is computed.
        chip: what it runs on.
        found: the mapping and its certificate.
        space: the mapspace that was searched.
        only: numbers of the classes to prove, from 0; None: all of them. All else is checked in full.

    Raises:
        CertificateError: the mapping is not legal, not of the mapspace or not priced as claimed, the certificate
            contradicts itself, or some mapping is better.
    """
    claim = _claimed(layer, chip, found)
    _check_numbers(found.certificate, claim, space)
    placed = _placed(layer, chip, found.mapping, space)
    number, sizes, proven = 0, 0, 0
    total = Tally()
    for keeping in keepings(layer, chip):
        nests = nests_of(chip, keeping, space)
        sizes += sum(_size(layer, nest, space) for nest in nests)
        frame = Frame(layer, chip, claim, nests, space.factors)
        if placed.nest in nests:
            _check_costs(frame, placed)
        for of in classes_of(layer, chip, keeping, space):
            if only is None or number in only:
                proof = Proof(frame, of)
                better = proof.run()
                if better is not None:
                    raise CertificateError(_beaten(layer, chip, claim, better, number))
                if proof.tally.mappings != proof.size:
                    raise CertificateError(
                        f"the checker's boxes of class {number} hold {proof.tally.mappings} sets of chains, "
                        f"the class holds {proof.size}"
                    )
                total.add(proof.tally)
                proven += 1
            number += 1
    _check_size(found.certificate, number, sizes)
    return Verified(
        proven, total.boxes, total.closed_by_bound, total.closed_by_fit, total.leaves, claim.values[0]
    )


@final
@dataclass(frozen=True, slots=True)
class _Placed:
    """A mapping as the mapspace has it: its nest, chains, and loops of every block from outside in."""

    nest: Nest
    chains: dict[str, Chain]
    order: dict[int, list[str]]


# The mapping and what it costs


def _claimed(layer: Layer, chip: Accelerator, found: Found) -> Claim:
    """The exact costs of the mapping; refuses one that is not legal, or not priced as the certificate says."""
    try:
        objective = objective_for(chip, found.certificate.objective)
        check(layer, chip, found.mapping)
    except InputError as error:
        raise CertificateError(f"the certificate of {layer.name!r} does not hold: {error}") from error
    claim = Claim(objective, _values(layer, chip, objective, count(layer, chip, found.mapping)))
    given = found.certificate.value
    if not isfinite(given) or abs(Fraction(given) - claim.values[0]) > TOLERANCE * claim.values[0]:
        raise CertificateError(
            f"the mapping of {layer.name!r} has {objective.names[0]} {float(claim.values[0])!r}, "
            f"the certificate says {given!r}"
        )
    return claim


def _check_costs(frame: Frame, placed: _Placed) -> None:
    """Refuse to go on where the transfers that are bounded do not add up to what the readable model counts."""
    orders = Orders(frame, placed.nest, Positions.of(placed.nest))
    if not orders.costs_as_claimed(placed.chains, placed.order):
        raise CertificateError(f"the transfers of {frame.layer.name!r} do not add up to the mapping's cost")


def _values(layer: Layer, chip: Accelerator, objective: Objective, counts: Counts) -> tuple[Fraction, ...]:
    """Exact costs by the names of an objective, from counts."""
    sparse = sparse_of(layer, chip)
    energy = _energy(sparse, counts)
    latency = exact_latency(sparse, counts)
    bits = sum(
        (
            n * Fraction(sparse.moved_bits(memory, kind, tensor))
            for memory, tensor, kind, n in _accesses(counts)
            if memory == chip.memories[0].name
        ),
        start=Fraction(0),
    )
    of = {"energy": energy, "latency": latency, "edp": energy * latency, "traffic": bits}
    return tuple(of[name] for name in objective.names)


def _energy(sparse: Sparse, counts: Counts) -> Fraction:
    """Energy in pJ, without rounding: counts x energy of a word x its share as stored x what zeros leave."""
    chip = sparse.chip
    total = counts.macs * Fraction(sparse.mac_pj)
    arrays = {array.name: array for array in chip.arrays}
    moved: list[tuple[Memory | Array, str, str, int]]
    moved = [(chip.memory(name), tensor, kind, n) for name, tensor, kind, n in _accesses(counts)]
    for (name, tensor), hops in counts.hops.items():
        moved.append((arrays[name], tensor, "transfers", hops.transfers))
        moved.append((arrays[name], tensor, "reductions", hops.reductions))
    for part, name, kind, n in moved:
        raw = chip.bits(sparse.layer.tensor(name).bits)
        written = sparse.stored[part.name, name]
        share = Fraction(raw if kind == "reductions" else written.bits) / chip.word_bits
        each = Fraction(action_energy(part, ACTIONS[kind]).energy_pj) * share
        codec = part.energy.get({"read": "decompress", "write": "compress"}.get(ACTIONS[kind], ""))
        if codec is not None and written.format != RAW:
            each += Fraction(codec.energy_pj) * raw / chip.word_bits
        total += n * each * Fraction(sparse.kept(part.name, kind, name).energy)
    return total


def _accesses(counts: Counts) -> Iterator[tuple[str, str, str, int]]:
    """(memory, tensor, kind, how many) of all accesses."""
    for (memory, tensor), found in counts.actions.items():
        for kind in ("reads", "fills", "updates", "drains"):
            yield memory, tensor, kind, getattr(found, kind)


def _beaten(layer: Layer, chip: Accelerator, claim: Claim, better: Mapping, number: int) -> str:
    """Name a better mapping, priced once more by the readable model."""
    check(layer, chip, better)
    values = _values(layer, chip, claim.objective, count(layer, chip, better))
    if not values < claim.values:
        raise CertificateError(f"the checker priced a mapping of class {number} of {layer.name!r} too low")
    pairs = zip(claim.objective.names, claim.values, values, strict=True)
    said = ", ".join(f"{name} {float(new)!r} instead of {float(old)!r}" for name, old, new in pairs)
    return f"class {number} of {layer.name!r} holds a better mapping, with {said}:\n{render(layer, chip, better)}"


# The certificate


def _check_numbers(certificate: Certificate, claim: Claim, space: Mapspace) -> None:
    """Refuse a certificate that contradicts itself or the question."""

    def demand(holds: bool, what: str) -> None:
        if not holds:
            raise CertificateError(f"the certificate contradicts itself: {what}")

    c = certificate
    demand(c.proven is True, f"proven is {c.proven!r}, so it claims no optimum")
    demand(c.bound == c.value, f"proven, with bound {c.bound!r} and value {c.value!r}")
    demand(c.gap == 0, f"proven, with a gap of {c.gap!r}")
    asked, said = (space.placement, space.factors), (c.placement, c.factors)
    demand(asked == said, f"it is about the mapspace {said}, not {asked}")
    for name in ("nodes", "pruned_by_bound", "pruned_by_fit", "leaves", "templates"):
        n = getattr(c, name)
        demand(isinstance(n, int) and n >= 0, f"{name} is {n!r}")
    ends = c.pruned_by_bound + c.pruned_by_fit + c.leaves
    demand(c.nodes >= ends, f"{c.nodes} nodes, of which {ends} are closed or leaves")
    demand(c.leaves >= 1, "a mapping was found without looking at one")
    demand(c.templates >= 1, "a mapping was found without searching a class")
    demand(claim.values[0] >= 0, f"the value {c.value!r} is negative")


def _check_size(certificate: Certificate, classes: int, size: int) -> None:
    """Compare with the mapspace as the checker counts it."""
    if abs(Fraction(certificate.mapspace) - size) > TOLERANCE * size:
        raise CertificateError(
            f"the mapspace holds {size} choices of nodes and tile sizes, the certificate says {certificate.mapspace!r}"
        )
    if certificate.templates > classes:
        raise CertificateError(
            f"the certificate says that {certificate.templates} classes were searched; there are {classes}"
        )


def _size(layer: Layer, nest: Nest, space: Mapspace) -> int:
    """Chains of all dimensions of one nest."""
    codes = all_codes(layer, nest)
    if isinstance(codes, str):
        return 0
    sizes = axis_sizes(nest)
    return prod(len(chains_of(e, codes[d], sizes, space.factors)) for d, e in layer.dims.items())


def _placed(layer: Layer, chip: Accelerator, mapping: Mapping, space: Mapspace) -> _Placed:
    """Where the mapspace has the mapping; refuses one that is not in it."""
    for keeping in keepings(layer, chip):
        for nest in _with_nodes_of(chip, keeping, mapping, space):
            found = _in_nest(layer, nest, mapping, space)
            if found is not None:
                return found
    raise CertificateError(
        f"the mapping of {layer.name!r} is not in the mapspace ({space.placement}, {space.factors})"
    )


def _with_nodes_of(chip: Accelerator, keeping: Keeping, mapping: Mapping, space: Mapspace) -> Sequence[Nest]:
    """Nests with the storage nodes of a mapping, in its order."""
    nodes = [(n.memory, n.tensor) for n in mapping.nodes if isinstance(n, Storage)]
    if sorted(node for level in keeping for node in level) != sorted(nodes):
        return []
    return [
        nest for nest in nests_of(chip, keeping, space) if [n for head in nest.heads for n in head] == nodes
    ]


def _in_nest(layer: Layer, nest: Nest, mapping: Mapping, space: Mapspace) -> _Placed | None:
    """A mapping that has loops where a nest takes them, and chains that the mapspace declares."""
    codes = all_codes(layer, nest)
    if isinstance(codes, str):
        return None
    ends = [sum(len(nodes) for nodes in nest.heads[: k + 1]) for k in range(len(nest.heads))]
    places = {(p.block, p.axis.name if p.axis else ""): at for at, p in enumerate(nest.positions)}
    cuts: dict[str, dict[int, int]] = {d: {} for d in layer.dims}
    order: dict[int, list[str]] = {}
    stored, last = 0, -1
    for node in mapping.nodes:
        if isinstance(node, Storage):
            stored += 1
            continue
        if stored not in ends:
            return None
        at = places.get((ends.index(stored), node.axis if isinstance(node, Spatial) else ""), -1)
        if at < last or at in cuts[node.dim]:
            return None
        cuts[node.dim][at], last = node.tile, at
        if not isinstance(node, Spatial):
            order.setdefault(nest.positions[at].block, []).append(node.dim)
    sizes, chains = axis_sizes(nest), {}
    for d, extent in layer.dims.items():
        tile, chain = extent, []
        for at in range(len(nest.positions)):
            tile = cuts[d].get(at, tile)
            chain.append(tile)
        chains[d] = tuple(chain)
        if chains[d] not in chains_of(extent, codes[d], sizes, space.factors):
            return None
    return _Placed(nest, chains, order)
