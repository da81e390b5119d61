"""The checker's factors: chains of tiles and what each dimension contributes to counts, in exact integers.

Written a second time on purpose: nothing here is shared with the search but the declaration of the mapspace (which
loops a position takes) and the readable counting rules of `model.boxes`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple, final

from chipwise.mapper.flows import CODES, Distinct, Flow
from chipwise.mapper.mapspace import ONE, TEMPORAL, WHOLE, Codes, Nest, axis_sizes
from chipwise.model.boxes import Loop, Role, combine, entries
from chipwise.workload.layer import Layer

Chain = tuple[int, ...]
"""The tile of one dimension that is left below each position."""
Roles = tuple[Role, ...]
"""Of the positions above a node."""
ROLES = {code: role for role, code in CODES.items()}
"""Of axes, by the numbers that flows have for them."""
ADVANCES = (Role.OUTER, Role.STEP, Role.INNER)
"""Roles of a temporal loop in a step of its own block: outside of the loop that advances, this loop, inside."""
Terms = tuple[tuple[str, int], ...]
"""(dimension, coefficient) of a rank; coefficient 0: a dimension on which the tensor does not depend."""


@lru_cache(maxsize=512)
def chains_of(extent: int, codes: Codes, sizes: tuple[int, ...], factors: str) -> tuple[Chain, ...]:
    """Every chain of one dimension that the mapspace declares.

    Args:
        extent: of the dimension.
        codes: what each position takes of it.
        sizes: instances on the axis of each position, 0 for a temporal block.
        factors: as in `Mapspace`.

    >>> from chipwise.mapper.mapspace import SPATIAL
    >>> chains_of(6, (TEMPORAL, SPATIAL), (0, 2), "perfect")
    ((1, 1), (2, 1))
    """
    if factors == "any":
        return tuple(_cuts(extent, extent, codes, sizes))
    trips = _trips(extent, extent, codes, sizes, factors)
    return tuple(sorted(tuple(min(extent, prod(row[at + 1 :])) for at in range(len(codes))) for row in trips))


@lru_cache(maxsize=1 << 14)
def _trips(
    extent: int, left: int, codes: Codes, sizes: tuple[int, ...], factors: str
) -> tuple[tuple[int, ...], ...]:
    """Trip counts that run over `left` tiles; the innermost position chooses first, as residuals are its own."""
    if not codes:
        return ((),) if left == 1 else ()
    code, size = codes[-1], sizes[-1]
    if code == ONE:
        choices = [(1, left)]
    elif code == WHOLE:
        choices = [(extent, 1)] if left == extent else []
    else:
        most = left if code == TEMPORAL else min(left, size)
        whole = factors == "perfect" or (factors == "spatial" and code == TEMPORAL)
        # Of the counts with as many passes the least: one less takes a pass more.
        choices = [
            (n, -(-left // n))
            for n in range(1, most + 1)
            if (left % n == 0 if whole else n == 1 or -(-left // n) < -(-left // (n - 1)))
        ]
    return tuple(
        (*outer, n)
        for n, passes in choices
        for outer in _trips(extent, passes, codes[:-1], sizes[:-1], factors)
    )


def _cuts(extent: int, above: int, codes: Codes, sizes: tuple[int, ...]) -> Iterator[Chain]:
    """Any tiles, from the outermost position inwards."""
    if not codes:
        if above == 1:
            yield ()
        return
    code, size = codes[0], sizes[0]
    if code == ONE:
        choices = [above]
    elif code == WHOLE:
        choices = [1] if above == extent else []
    else:
        choices = [t for t in range(1, above + 1) if code == TEMPORAL or -(-above // t) <= size]
    for tile in choices:
        for rest in _cuts(extent, tile, codes[1:], sizes[1:]):
            yield (tile, *rest)


def trips_of(extent: int, chain: Chain) -> tuple[int, ...]:
    """Iterations at each position, of a full tile.

    >>> trips_of(27, (14, 1))
    (2, 14)
    """
    return tuple(-(-above // tile) for above, tile in zip((extent, *chain), chain, strict=False))


def divides(extent: int, chain: Chain) -> bool:
    """Whether every loop of a chain divides the tile above it."""
    return all(above % tile == 0 for above, tile in zip((extent, *chain), chain, strict=False))


def moves(
    layer: Layer, terms: Terms, chains: Sequence[Chain], roles: Sequence[Roles], *, old: bool
) -> tuple[int, int]:
    """(values touched, values held before) of one rank in one kind of step, as in `model.counts`.

    Args:
        layer: gives the extents.
        terms: of the rank, or one with coefficient 0.
        chains: of its dimensions.
        roles: of the positions above the node, per dimension.
        old: whether something was held before the step; else the second number is 0.
    """
    if len(terms) == 1:
        dim, coefficient = terms[0]
        return _moves_of_one(layer.dims[dim], coefficient, chains[0], roles[0], old=old)
    parts = [
        (c, entries(layer.dims[d], _loops(layer.dims[d], chain, own), with_old=old))
        for (d, c), chain, own in zip(terms, chains, roles, strict=True)
    ]
    touched, held = combine(parts)
    return touched, held if old else 0


def _moves_of_one(extent: int, coefficient: int, chain: Chain, roles: Roles, *, old: bool) -> tuple[int, int]:
    """`moves` of a rank of one dimension.

    Where all loops divide, every index is like every other, and a step that moves the dimension at all leads to a tile
    that does not meet the one before: so nothing of it was held.
    """
    count, above, moved = 1, extent, False
    for tile, role in zip(chain, roles, strict=False):
        if tile == above:
            continue
        if above % tile or role is Role.UNION:
            break
        if role in {Role.OUTER, Role.SUM}:
            count *= above // tile
        elif role is Role.STEP:
            count *= above // tile - 1
        moved = moved or role in {Role.STEP, Role.INNER}
        above = tile
    else:
        touched = count * (1 + coefficient * (above - 1))
        return touched, touched if old and (coefficient == 0 or not moved) else 0
    found = entries(extent, _loops(extent, chain, roles), with_old=old and coefficient > 0)
    if coefficient == 0:
        times = sum(found.values())
        return times, times if old else 0
    touched, held = combine([(coefficient, found)])
    return touched, held if old else 0


def _loops(extent: int, chain: Chain, roles: Roles) -> tuple[Loop, ...]:
    """The loops of more than one iteration; others change nothing."""
    above = (extent, *chain)
    return tuple((tile, role) for a, tile, role in zip(above, chain, roles, strict=False) if tile < a)


@final
@dataclass(frozen=True, slots=True)
class Positions:
    """Where loops stand: the block and (0: temporal) the instances of every position; and the roles they get there."""

    blocks: tuple[int, ...]
    sizes: tuple[int, ...]
    n_heads: int

    @staticmethod
    def of(nest: Nest) -> "Positions":
        """Those of a nest."""
        return Positions(tuple(p.block for p in nest.positions), axis_sizes(nest), len(nest.heads))

    def charged(self, flow: Flow, relevant: bool, charged: int) -> Roles:
        """Irrelevant loops count in blocks before `charged`; for the MAC, which holds nothing, all do."""
        every = relevant or flow.child == self.n_heads
        return tuple(
            ROLES[flow.roles[relevant][at]]
            if self.sizes[at]
            else Role.OUTER
            if not flow.only_first and (every or self.blocks[at] < charged)
            else Role.FIRST
            for at in range(flow.end)
        )

    def distinct(self, term: Distinct, relevant: bool, several: bool) -> Roles:
        """Time is united, instances as the term says; tiles of one dimension are disjoint, so they add up."""
        together = (Role.UNION if several else Role.SUM) if relevant else Role.FIRST
        found = []
        for at in range(term.flow.end):
            role = ROLES[term.spatial[at]] if self.sizes[at] else together
            found.append(together if role is Role.UNION else role)
        return tuple(found)

    def once(self, flow: Flow, relevant: bool, several: bool) -> Roles:
        """Every value moves once into instances as the flow sees them."""
        together = (Role.UNION if several else Role.SUM) if relevant else Role.FIRST
        return tuple(
            ROLES[flow.roles[relevant][at]] if self.sizes[at] else together for at in range(flow.end)
        )

    def step(self, flow: Flow, relevant: bool, block: int, advance: int) -> Roles:
        """In a step of a loop of `block` (−1: the first touch), if the dimension's loop there has this role."""
        found = []
        for at in range(flow.end):
            if self.sizes[at]:
                found.append(ROLES[flow.roles[relevant][at]])
            elif self.blocks[at] == block:
                found.append(ADVANCES[advance])
            else:
                found.append(Role.OUTER if self.blocks[at] < block else Role.INNER)
        return tuple(found)


class Factor(NamedTuple):
    """A rank's factor of a bound: values touched over all steps with these roles.

    With `movers`, these dimensions may hold the loop that moves the rank innermost, if it stands at one of `spots`;
    of its steps only what is new counts.
    """

    terms: Terms
    roles: Roles
    movers: tuple[str, ...] = ()
    spots: tuple[int, ...] = ()


def factor_of(layer: Layer, factor: Factor, chains: Sequence[Chain]) -> int:
    """The least of what moves over all loops that may be the innermost one; without any, what full tiles make."""
    if not factor.movers:
        return moves(layer, factor.terms, chains, [factor.roles] * len(chains), old=False)[0]
    if len(chains) == 1:
        return _less_resting(layer, factor, chains[0])
    found = [
        _slid(layer, factor, chains, k, at)
        for k, (dim, _) in enumerate(factor.terms)
        if dim in factor.movers
        for at in [_innermost(layer.dims[dim], chains[k], factor)]
        if at in factor.spots
    ]
    return min(found) if found else factor_of(layer, factor._replace(movers=()), chains)


def _innermost(extent: int, chain: Chain, factor: Factor) -> int:
    """The position of a dimension's innermost temporal loop above the node; −1: there is none."""
    trips = trips_of(extent, chain)
    temporal = [at for at, role in enumerate(factor.roles) if role is Role.OUTER and trips[at] > 1]
    return temporal[-1] if temporal else -1


def _less_resting(layer: Layer, factor: Factor, chain: Chain) -> int:
    """Whole tiles, less those of instances that see but one tile of the innermost loop and rest while others move."""
    full, _ = moves(layer, factor.terms, [chain], [factor.roles], old=False)
    extent = layer.dims[factor.terms[0][0]]
    last = _innermost(extent, chain, factor)
    if last not in factor.spots or divides(extent, chain):
        return full
    wrapping = tuple(Role.INNER if at == last else role for at, role in enumerate(factor.roles))
    return full - moves(layer, factor.terms, [chain], [wrapping], old=True)[1]


def _slid(layer: Layer, factor: Factor, chains: Sequence[Chain], mover: int, last: int) -> int:
    """What a rank of several dimensions moves if the loop of `mover` at `last` moves it innermost.

    Its own steps are counted exactly. Where all tiles are whole, every round of the other loops brings in at least what
    one wrap of it does: further loops that wrap with it only move the tile further away.
    """
    every = [factor.roles] * len(chains)
    own = tuple(Role.STEP if at == last else role for at, role in enumerate(factor.roles))
    stepping = [own if k == mover else roles for k, roles in enumerate(every)]
    touched, held = moves(layer, factor.terms, chains, stepping, old=True)
    moved = touched - held
    extents = [layer.dims[d] for d, _ in factor.terms]
    whole = [divides(extent, chain[: len(own)]) for extent, chain in zip(extents, chains, strict=True)]
    trips = trips_of(extents[mover], chains[mover])
    alone = sum(trips[at] > 1 for at, role in enumerate(factor.roles) if role is Role.OUTER) == 1
    if all(w or (k == mover and alone) for k, w in enumerate(whole)):
        still = tuple(Role.FIRST if role is Role.OUTER else role for role in factor.roles)
        wrap = tuple(Role.INNER if at == last else role for at, role in enumerate(still))
        wrapping = [wrap if k == mover else still for k in range(len(chains))]
        touched, held = moves(layer, factor.terms, chains, wrapping, old=True)
        moved += touched - held
    return moved
