"""The mapper against every mapping of tiny problems, tried one by one: each mapspace, each objective, the front."""

import pytest

from chipwise.errors import NoMappingError
from chipwise.mapper.mapspace import FACTORS, Mapspace
from chipwise.mapper.search import front, search
from chipwise.mapping.legality import check
from tests.oracle.brute import cost, optima
from tests.oracle.problems import Problem, slides, small_problem
from tests.oracle.spaces import Space

OBJECTIVES = ("energy", "latency", "edp", "traffic", "energy,latency", "traffic,latency,energy")
GROUP, FAST, SLOW = 10, 20, 250
MOST = {"even": 400, "uneven": 1500}
"""Mappings of a problem, in the ordinary suite; three times as many in the slow one."""

SPACES = [(placement, factors) for placement in MOST for factors in FACTORS]


def declared(problem: Problem, placement: str, factors: str) -> Space:
    """What the mapper declares to search; without windows and residuals that is as good as all loop trees."""
    everything = factors == "perfect" and not slides(problem.layer)
    return Space(placement, factors, canonical=not everything, empty_slots=False)


def assert_optimal(problem: Problem, placement: str, factors: str) -> int:
    """Compare all objectives and the front; the number of objectives that have a mapping."""
    truth = optima(*problem, declared(problem, placement, factors), OBJECTIVES)
    space = Mapspace(placement, factors)
    assert set(truth.best) in (set(), set(OBJECTIVES))
    if not truth.best:
        # Whether something fits is no question of the objective, and each refusal looks for what would fit.
        with pytest.raises(NoMappingError):
            search(*problem, OBJECTIVES[sum(problem.layer.dims.values()) % len(OBJECTIVES)], None, space)
        return 0
    for objective in OBJECTIVES:
        found = search(*problem, objective, None, space)
        check(*problem, found.mapping)
        value = [float(v) for v in cost(*problem, found.mapping).of(objective)]
        assert value == pytest.approx([float(v) for v in truth.best[objective].value], rel=1e-9)
        assert found.certificate.value == pytest.approx(value[0], rel=1e-9)
        assert found.certificate.proven
    if truth.front:
        points = [cost(*problem, found.mapping) for found in front(*problem, None, space)]
        pairs = [(float(p.energy), float(p.latency)) for p in points]
        assert pairs == [pytest.approx((float(e), float(t)), rel=1e-9) for e, t in truth.front]
    return len(truth.best)


def problem_of(seed: int, placement: str, factors: str, times: int = 1) -> Problem:
    """A problem with few enough mappings in a space."""
    return small_problem(
        seed, times * MOST[placement], Space(placement, factors, canonical=placement == "even")
    )


@pytest.mark.parametrize("first", range(0, FAST, GROUP))
@pytest.mark.parametrize(("placement", "factors"), SPACES)
def test_search_finds_the_optimum(placement: str, factors: str, first: int):
    seeds = range(first, first + GROUP)
    feasible = sum(assert_optimal(problem_of(s, placement, factors), placement, factors) for s in seeds)
    assert feasible  # or nothing was tested


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1000 + SLOW, GROUP))
@pytest.mark.parametrize(("placement", "factors"), SPACES)
def test_search_finds_the_optimum_of_many(placement: str, factors: str, first: int):
    for seed in range(first, first + GROUP):
        assert_optimal(problem_of(seed, placement, factors, 2), placement, factors)
