"""The Pareto front of energy and latency: its ends are optima, and nothing drawn at random beats a point of it."""

from itertools import pairwise
from random import Random

import pytest

from chipwise.analysis.evaluate import find_front
from chipwise.components.load import load_accelerator
from chipwise.errors import NoMappingError
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import Found, front
from chipwise.mapping.legality import check
from chipwise.workload.kinds import conv, matmul
from tests.oracle.problems import Problem
from tests.unit.mapper.cases import (
    CLOSE,
    LIMIT_S,
    drawn,
    larger_problem,
    priced,
    random_mapping,
    seeded,
    solve,
    space_of,
    with_other_orders,
)

Point = tuple[float, float]
"""Energy and latency."""


def front_of(problem: Problem, space: Mapspace) -> list[Found]:
    """The whole front, empty where nothing is legal."""
    try:
        found = front(*problem, LIMIT_S, space)
    except NoMappingError as error:
        if error.constraint == "time":
            raise
        return []
    assert all(f.certificate.proven for f in found)
    return found


def points_of(problem: Problem, found: list[Found]) -> list[Point]:
    paid = [priced(problem, f.mapping) for f in found]
    return [(p["energy"], p["latency"]) for p in paid]


def assert_front(problem: Problem, space: Mapspace, found: list[Found]) -> None:
    """The ends are optima, and every point trades energy for latency."""
    points = points_of(problem, found)
    for f, (energy, _) in zip(found, points, strict=True):
        check(*problem, f.mapping)
        assert f.certificate.value == pytest.approx(energy, rel=CLOSE)
    for objective, end in (("energy,latency", points[0]), ("latency,energy", points[-1])):
        paid = priced(problem, solve(problem, objective, space).mapping)
        assert (paid["energy"], paid["latency"]) == pytest.approx(end, rel=CLOSE), objective
    for (energy, latency), (dearer, faster) in pairwise(points):
        assert faster < latency
        assert dearer > energy


def dominates(one: Point, other: Point) -> bool:
    """No worse in both, better in one by more than rounding."""
    no_worse = all(a <= b * (1 + CLOSE) for a, b in zip(one, other, strict=True))
    return no_worse and any(a < b * (1 - CLOSE) for a, b in zip(one, other, strict=True))


@seeded
def test_its_ends_are_optima_and_every_point_trades(seeds):
    longest = 0
    for seed in seeds:
        problem, space = drawn(seed), space_of(seed)
        found = front_of(problem, space)
        longest = max(longest, len(found))
        if found:
            assert_front(problem, space, found)
        else:
            assert solve(problem, "energy", space) is None
    assert longest > 1  # or no front was one


@seeded
def test_no_random_mapping_beats_a_point(seeds):
    compared = 0
    for seed in seeds:
        rng, space = Random(seed), space_of(seed)
        problem = larger_problem(rng, space)
        found = front_of(problem, space)
        points = points_of(problem, found)
        draws = [random_mapping(rng, problem, space) for _ in range(20)]
        others = [with_other_orders(rng, f.mapping) for f in found for _ in range(3)]
        for mapping in [*(m for m in draws if m is not None), *others]:
            paid = priced(problem, mapping)
            own = paid["energy"], paid["latency"]
            assert not any(dominates(own, point) for point in points), seed
            assert any(
                point == own or dominates(point, own) or own == pytest.approx(point) for point in points
            )
            compared += 1
    assert compared > 5 * len(seeds)  # or nothing was tried


@pytest.mark.parametrize(
    ("layer", "chip", "placement"),
    [
        (matmul("scores", M=12, K=16, N=12), "eyeriss", "uneven"),
        (conv("conv", M=8, C=4, P=7, Q=7, R=3, S=3), "eyeriss", "even"),
        (matmul("wide", M=24, K=12, N=8), "simple", "even"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_on_chips_of_the_gallery(layer, chip, placement):
    space = Mapspace(placement, "perfect" if placement == "uneven" else "spatial")
    problem = Problem(layer, load_accelerator(chip))
    found = front_of(problem, space)
    assert len(found) > 1
    assert_front(problem, space, found)
    results = find_front(layer, chip, mapspace=space.placement, factors=space.factors)
    assert [(r.energy_pj, r.latency_cycles) for r in results] == points_of(problem, found)
    assert all(r.certificate == f.certificate for r, f in zip(results, found, strict=True))


def test_where_nothing_fits_it_says_what_binds():
    with pytest.raises(NoMappingError, match="axis 'rows' must hold all of R, which is 13"):
        front(conv("tall", M=4, C=4, P=8, Q=8, R=13, S=3), load_accelerator("eyeriss"))
