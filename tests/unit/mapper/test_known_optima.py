"""Optima that were found elsewhere: nothing known may be better than what is called the best."""

import pytest

from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import Found, search
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Spatial, Storage, Temporal
from chipwise.model.cost import cost
from tests.oracle import brute
from tests.unit.mapper.cases import LIMIT_S
from tests.unit.model.known_case import LAYER, matmul_chip, uneven_mapping

KNOWN = 4_841_472
"""pJ of the best mapping that the research prototype found, by its counts and by AccelForge's (semantics, 3.4).

AccelForge's own mapper returns 4,997,120.
"""

OPTIMA = {
    Mapspace("even", "perfect"): 4_620_288,
    Mapspace("uneven", "perfect"): 4_620_288,
    Mapspace("even", "spatial"): 4_161_536,
    Mapspace("uneven", "spatial"): 4_161_536,
}
"""pJ; proven by chipwise.

Why less than KNOWN, with perfect factors: the best mapping keeps 32 partial sums in every register file while K
advances above the array. No loop there moves them, so they rest. The peers end what lies below an array with
every loop above it, and pay for writing the sums to the buffer and for reading them again. Residual
passes on the axes (N in 3 passes of 24 = 2 x 24 + 16) save even more.
"""


def best(space: Mapspace) -> Found:
    return search(LAYER, matmul_chip(), "energy", LIMIT_S, space)


@pytest.mark.parametrize("space", OPTIMA, ids=str)
def test_the_optimum_is_no_worse_than_the_known_mapping(space):
    found = best(space)
    check(LAYER, matmul_chip(), found.mapping)

    assert found.certificate.proven
    assert found.certificate.value == OPTIMA[space] <= KNOWN
    assert cost(LAYER, matmul_chip(), found.mapping).energy_pj == OPTIMA[space]
    assert cost(LAYER, matmul_chip(), uneven_mapping()).energy_pj == KNOWN


def test_partial_sums_rest_below_the_array_while_loops_above_it_run():
    nodes = best(Mapspace("uneven", "perfect")).mapping.nodes
    sums, array = (
        nodes.index(Storage("rf", "output")),
        next(i for i, node in enumerate(nodes) if isinstance(node, Spatial)),
    )
    kept = nodes.index(Storage("buffer", "output"))
    between = [node.dim for node in nodes[kept:sums] if isinstance(node, Temporal)]

    assert kept < array < sums
    assert set(between) == {"K"}  # which moves no output


@pytest.mark.slow
def test_the_slow_truth_counts_the_same():
    mapping = best(Mapspace("uneven", "perfect")).mapping

    assert brute.cost(LAYER, matmul_chip(), mapping).energy == OPTIMA[Mapspace("uneven", "perfect")]
