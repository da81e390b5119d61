"""Problems drawn from seeds, their optima in one mapspace or another, and mappings drawn at random."""

from functools import cache
from itertools import groupby
from math import inf
from random import Random

import pytest

from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.cache import value_of
from chipwise.mapper.mapspace import FACTORS, PLACEMENTS, Mapspace, axis_sizes, chains, codes, keepings
from chipwise.mapper.search import Found, search
from chipwise.mapper.space import nests_of
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.model.cost import cost
from chipwise.workload.layer import Layer
from tests.oracle import strategies
from tests.oracle.problems import Problem, random_chip, random_problem

OBJECTIVES = ("energy", "latency", "edp", "traffic")
SPACES = tuple(Mapspace(placement, factors) for placement in PLACEMENTS for factors in FACTORS)
CLOSE = 1e-12
"""Relative; sums of doubles differ near 1e-15."""

LIMIT_S = 300.0
"""Nothing here takes that long; a search that would never end fails instead."""

FEW_NESTS = 40
"""Orders of nodes, over all choices of bypass, of the problems drawn; some chips have thousands."""

FAST, SLOW, GROUP = 25, 240, 60
SEEDS = [
    range(FAST),
    *(pytest.param(range(a, a + GROUP), marks=pytest.mark.slow) for a in range(FAST, FAST + SLOW, GROUP)),
]
seeded = pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")


def nests(layer: Layer, chip: Accelerator) -> int:
    """Orders of nodes over all choices of bypass."""
    return sum(len(nests_of(chip, keeping, Mapspace("uneven"))) for keeping in keepings(layer, chip))


def is_quick(problem: Problem) -> bool:
    """Whether nodes have few orders; a cheap look first, as the number of orders can be huge."""
    memories = problem.chip.memories[1:]
    return sum(len(m.keeps) + len(m.may_keep) for m in memories) <= 7 and nests(*problem) <= FEW_NESTS


@cache
def drawn(seed: int) -> Problem:
    """A tiny problem."""
    rng = Random(seed)
    return next(problem for problem in iter(lambda: random_problem(rng), None) if is_quick(problem))


def space_of(seed: int) -> Mapspace:
    """The mapspace in which the problem of a seed is looked at: each in turn."""
    return SPACES[seed % len(SPACES)]


def solve(problem: Problem, objective: str, space: Mapspace) -> Found | None:
    """The optimum, None where nothing is legal."""
    try:
        found = search(*problem, objective, LIMIT_S, space)
    except NoMappingError as error:
        if error.constraint == "time":
            raise
        return None
    assert found.certificate.proven
    return found


@cache
def best(seed: int, objective: str, space: Mapspace | None = None) -> Found | None:
    """The optimum of the problem of a seed, by default in its own mapspace; many tests start from it."""
    return solve(drawn(seed), objective, space or space_of(seed))


def value(found: Found | None) -> float:
    """Of what decides first; infinite where nothing is legal."""
    return inf if found is None else found.certificate.value


def priced(problem: Problem, mapping: Mapping) -> dict[str, float]:
    """Every objective of one mapping, by the readable model."""
    paid = cost(*problem, mapping)
    return {name: value_of(name, paid) for name in OBJECTIVES}


def larger_problem(rng: Random, space: Mapspace) -> Problem:
    """A problem too large to try every mapping of."""
    max_macs = 60 if space.factors == "any" else 500
    while True:
        layer = strategies.random_layer(rng, max_macs)
        problem = Problem(layer, random_chip(rng, layer))
        if is_quick(problem):
            return problem


def random_mapping(rng: Random, problem: Problem, space: Mapspace) -> Mapping | None:
    """A mapping of a declared mapspace, None where the draw is not legal."""
    layer, chip = problem
    nest = rng.choice(nests_of(chip, rng.choice(keepings(layer, chip)), space))
    allowed = {d: codes(nest, d, e) for d, e in layer.dims.items()}
    found = {
        d: chains(layer.dims[d], of_dim, axis_sizes(nest), space.factors)
        for d, of_dim in allowed.items()
        if of_dim is not None
    }
    if len(found) < len(allowed) or not all(len(rows) for rows in found.values()):
        return None
    chosen = {d: rng.choice(rows) for d, rows in found.items()}
    nodes: list[Node] = []
    tile = dict(layer.dims)
    head = -1
    for at, position in enumerate(nest.positions):
        if position.block > head:
            head = position.block
            nodes += [Storage(memory, tensor) for memory, tensor in nest.heads[head]]
        for d in rng.sample(list(tile), len(tile)):
            below = int(chosen[d][at])
            if below < tile[d]:
                axis = position.axis
                nodes.append(Temporal(d, below) if axis is None else Spatial(axis.name, d, below))
                tile[d] = below
    mapping = Mapping(tuple(nodes))
    try:
        check(layer, chip, mapping)
    except InputError:
        return None
    return mapping


def with_other_orders(rng: Random, mapping: Mapping) -> Mapping:
    """The mapping with the loops of each block shuffled; blocks that meet, with a dimension twice, stay."""
    nodes: list[Node] = []
    for temporal, group in groupby(mapping.nodes, lambda node: isinstance(node, Temporal)):
        block = list(group)
        if temporal and len({n.dim for n in block if isinstance(n, Temporal)}) == len(block):
            rng.shuffle(block)
        nodes += block
    return Mapping(tuple(nodes))
