"""The checker's price of one set of chains: the least over all orders of loops, as a shortest path.

What a step of a loop moves depends on which loops of its block stand inside of it, not on their order; so per block
the least is a shortest path over subsets of its loops. Paths start at the outermost block, where steps cost most,
and are given up once they cannot come before the claim: no step has a negative cost.
"""

from collections.abc import Sequence
from itertools import compress
from math import prod
from operator import add, mul
from typing import final

from chipwise.mapper.flows import Distinct, Flow, Term
from chipwise.mapper.mapspace import Nest
from chipwise.mapper.proof.factors import Chain, Positions, Roles, moves, trips_of
from chipwise.mapper.proof.frame import Frame
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.boxes import Role

START = -1
REMEMBERED = 300_000
"""Transfers of single loops kept in memory."""

Values = tuple[int, ...]
Trace = tuple["Trace", int, str] | None
"""The loops so far: those before, and the last one with its block."""
Label = tuple[Values, Trace]


def _is_counted(term: Term, block: int, n_heads: int) -> bool:
    """Whether a step of a block's loop moves a term."""
    return isinstance(term, Flow) and not term.only_first and block < term.child < n_heads


@final
class Orders:
    """The orders of all loops of one nest, for any chains."""

    def __init__(self, frame: Frame, nest: Nest, positions: Positions) -> None:
        self.frame, self.nest, self.positions = frame, nest, positions
        self.terms: list[Term] = []
        self.weights: list[list[int]] = []
        for q in frame.flows.of(nest):
            for term, sign in ((q.flow, 1), (q.minus, -1)):
                if term is not None:
                    self._add(term, sign, frame.weights(q))
        # Terms that the steps of a block's loops cost: transfers to heads below it.
        self.counted = {
            block: [_is_counted(t, block, frame.n_heads) for t in self.terms]
            for block in range(frame.n_heads - 1)
        }
        self.counted[START] = [True] * len(self.terms)
        self._rows = {
            block: [
                [own[row] for own in compress(self.weights, chosen)]
                for row in range(frame.claim.objective.n_rows)
            ]
            for block, chosen in self.counted.items()
        }
        self._roles: dict[object, Roles] = {}
        self._known: dict[object, tuple[list[int], list[int]]] = {}

    def _add(self, term: Term, sign: int, weights: Sequence[tuple[int, int]]) -> None:
        if term not in self.terms:
            self.terms.append(term)
            self.weights.append([0] * self.frame.claim.objective.n_rows)
        own = self.weights[self.terms.index(term)]
        for row, weight in weights:
            own[row] += sign * weight

    def beats(self, entries: Sequence[tuple[Chain, ...]], cycles: int) -> Mapping | None:
        """The mapping with these chains (per component) that comes before the claim, if there is one."""
        first = self._cost(entries, START, {})
        labels: list[Label] = [(first, None)] if self.frame.is_below(first, cycles) else []
        for block in range(self.frame.n_heads - 1):
            labels = self._through(labels, entries, block, cycles)
        return self._mapping(entries, labels[0][1]) if labels else None

    def costs_as_claimed(self, chains: dict[str, Chain], order: dict[int, list[str]]) -> bool:
        """Whether the mapping with these chains, and per block these loops from outside in, costs what is claimed."""
        frame, at = self.frame, self.positions
        entries = [tuple(chains[d] for d in dims) for dims in frame.components]
        values = self._cost(entries, START, {})
        for block in range(frame.n_heads - 1):
            loops = order.get(block, [])
            for i, dim in enumerate(loops):
                advances = dict.fromkeys(loops[:i], 0) | {dim: 1} | dict.fromkeys(loops[i + 1 :], 2)
                values = _sum(values, self._cost(entries, block, advances))
        roles = tuple(Role.FIRST if size else Role.OUTER for size in at.sizes)
        steps = [moves(frame.layer, ((d, 0),), [chain], [roles], old=False)[0] for d, chain in chains.items()]
        keys = frame.keys(values, prod(steps))
        return all(low <= key <= high for key, (low, high) in zip(keys, frame.limits, strict=True))

    def _through(
        self, labels: list[Label], entries: Sequence[tuple[Chain, ...]], block: int, cycles: int
    ) -> list[Label]:
        """Labels after all loops of a block, which are placed from outside in."""
        loops = self._loops(entries, block)
        states = {0: labels}
        for outside in range((1 << len(loops)) - 1):
            before = states.pop(outside, [])
            left = [i for i in range(len(loops)) if not outside >> i & 1] if before else []
            for i in left:
                advances = {
                    loops[k]: 0 if outside >> k & 1 else 1 if k == i else 2 for k in range(len(loops))
                }
                step = self._cost(entries, block, advances)
                assert min(step) >= 0, "a step that costs less than nothing"
                after = states.setdefault(outside | 1 << i, [])
                for values, trace in before:
                    now = _sum(values, step)
                    if self.frame.is_below(now, cycles):
                        _keep(after, (now, (trace, block, loops[i])))
        return states.get((1 << len(loops)) - 1, [])

    def _loops(self, entries: Sequence[tuple[Chain, ...]], block: int) -> list[str]:
        """Dimensions with iterations in a block."""
        at = next(
            i for i, b in enumerate(self.positions.blocks) if b == block and not self.positions.sizes[i]
        )
        return [
            d
            for dims, entry in zip(self.frame.components, entries, strict=True)
            for d, chain in zip(dims, entry, strict=True)
            if trips_of(self.frame.layer.dims[d], chain)[at] > 1
        ]

    def _cost(self, entries: Sequence[tuple[Chain, ...]], block: int, advances: dict[str, int]) -> Values:
        """What one kind of step costs in every row: of the loop that advances, or (START) what no order changes."""
        n = sum(self.counted[block])
        touched, held = [1] * n, [int(block != START)] * n
        for c, dims in enumerate(self.frame.components):
            own_touched, own_held = self._moves(c, entries[c], block, tuple(advances.get(d, 0) for d in dims))
            touched, held = list(map(mul, touched, own_touched)), list(map(mul, held, own_held))
        return tuple(
            sum(w * (t - h) for w, t, h in zip(row, touched, held, strict=True)) for row in self._rows[block]
        )

    def _moves(
        self, c: int, entry: tuple[Chain, ...], block: int, advances: tuple[int, ...]
    ) -> tuple[list[int], list[int]]:
        """Values touched and held of all terms counted, in one component."""
        key = c, entry, block, advances
        found = self._known.get(key)
        if found is None:
            if len(self._known) > REMEMBERED:
                self._known.clear()
            found = self._known[key] = [], []
            for i in compress(range(len(self.terms)), self.counted[block]):
                touched, held = self._of_term(i, c, entry, block, advances)
                found[0].append(touched)
                found[1].append(held)
        return found

    def _of_term(
        self, i: int, c: int, entry: tuple[Chain, ...], block: int, advances: tuple[int, ...]
    ) -> tuple[int, int]:
        dims, term = self.frame.components[c], self.terms[i]
        tensor = term.flow.tensor if isinstance(term, Distinct) else term.tensor
        touched = held = 1
        for terms in self.frame.ranks[tensor][c]:
            at = [dims.index(d) for d, _ in terms]
            roles = [self._roles_of(i, terms[0][1] > 0, len(terms) > 1, block, advances[k]) for k in at]
            chains = [entry[k] for k in at]
            t, h = moves(self.frame.layer, terms, chains, roles, old=block != START)
            touched, held = touched * t, held * h
        return touched, held

    def _roles_of(self, i: int, relevant: bool, several: bool, block: int, advance: int) -> Roles:
        key = i, relevant, several, block, advance
        if key not in self._roles:
            term, at = self.terms[i], self.positions
            if isinstance(term, Distinct):
                self._roles[key] = at.distinct(term, relevant, several)
            elif term.child == self.frame.n_heads:
                self._roles[key] = at.charged(term, relevant, 0)
            else:
                self._roles[key] = at.step(term, relevant, block, advance)
        return self._roles[key]

    def _mapping(self, entries: Sequence[tuple[Chain, ...]], trace: Trace) -> Mapping:
        """The loop tree of chains and orders."""
        order: dict[int, list[str]] = {}
        while trace is not None:
            trace, block, dim = trace
            order.setdefault(block, []).insert(0, dim)
        chains = {
            d: chain
            for dims, entry in zip(self.frame.components, entries, strict=True)
            for d, chain in zip(dims, entry, strict=True)
        }
        nodes: list[Node] = []
        tile, head = dict(self.frame.layer.dims), -1
        for at, position in enumerate(self.nest.positions):
            if position.block > head:
                head = position.block
                nodes += [Storage(memory, tensor) for memory, tensor in self.nest.heads[head]]
            axis = position.axis
            for d in order.get(head, chains) if axis is None else chains:
                below = chains[d][at]
                if below < tile[d]:
                    nodes.append(Temporal(d, below) if axis is None else Spatial(axis.name, d, below))
                    tile[d] = below
        return Mapping(tuple(nodes))


def _sum(a: Values, b: Values) -> Values:
    return tuple(map(add, a, b))


def _keep(labels: list[Label], new: Label) -> None:
    """Add a label unless another one is as good in every row; drop those that it is as good as."""
    if any(all(a <= b for a, b in zip(label[0], new[0], strict=True)) for label in labels):
        return
    labels[:] = [x for x in labels if not all(a <= b for a, b in zip(new[0], x[0], strict=True))]
    labels.append(new)
