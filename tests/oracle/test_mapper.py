"""The mapper against every even mapping of tiny problems, tried one by one."""

import pytest

from chipwise.errors import NoMappingError
from chipwise.mapper.search import search
from chipwise.mapping.legality import check
from tests.oracle.brute import OBJECTIVES, cost, optima
from tests.oracle.problems import Problem, small_problem
from tests.oracle.spaces import EVEN, Space

FAST, SLOW = 150, 2000
GROUP = 10


def assert_optimal(problem: Problem, space: Space = EVEN) -> int:
    """Compare all objectives; the number of them that have a mapping."""
    best = optima(*problem, space, OBJECTIVES).best
    for objective in OBJECTIVES:
        if objective not in best:
            with pytest.raises(NoMappingError):
                search(*problem, objective)
            continue
        found = search(*problem, objective)
        check(*problem, found.mapping)
        value = cost(*problem, found.mapping).of(objective)
        assert [float(v) for v in value] == pytest.approx([float(v) for v in best[objective].value], rel=1e-9)
        assert found.certificate.value == pytest.approx(float(value[0]), rel=1e-9)
        assert found.certificate.proven
        assert cost(*problem, best[objective].mapping).of(objective) == best[objective].value
    return len(best)


@pytest.mark.parametrize("first", range(0, FAST, GROUP))
def test_search_finds_the_optimum(first: int):
    feasible = sum(assert_optimal(small_problem(seed, 400)) for seed in range(first, first + GROUP))
    assert feasible  # or nothing was tested


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FAST, FAST + SLOW, GROUP))
def test_search_finds_the_optimum_of_many(first: int):
    for seed in range(first, first + GROUP):
        assert_optimal(small_problem(seed, 3000))
