"""How the optima of different mapspaces relate, those of objectives in different orders, and what a mapspace holds."""

from itertools import combinations, permutations, product
from math import inf

import pytest

from chipwise.components.load import load_accelerator
from chipwise.errors import InputError
from chipwise.hardware.accelerator import (
    Accelerator,
    ActionEnergy,
    Array,
    Axis,
    Compute,
    Memory,
    Parallel,
    Port,
    Route,
)
from chipwise.mapper.mapspace import (
    FACTORS,
    ONE,
    PLACEMENTS,
    SPATIAL,
    TEMPORAL,
    WHOLE,
    Mapspace,
    chains,
    count_chains,
    least_counts,
)
from chipwise.mapper.objectives import names_of
from chipwise.mapper.space import size_of
from chipwise.mapping.legality import check
from chipwise.workload.kinds import conv, fully_connected, matmul
from tests.oracle.chains import Spot
from tests.oracle.chains import chains as slow_chains
from tests.oracle.problems import Problem
from tests.unit.mapper.cases import CLOSE, OBJECTIVES, SPACES, best, drawn, priced, seeded, solve, value

TENSORS = ("input", "weight", "output")
INCLUSIONS = [
    *((Mapspace("even", factors), Mapspace("uneven", factors)) for factors in FACTORS),
    *((Mapspace(p, few), Mapspace(p, many)) for p in PLACEMENTS for few, many in combinations(FACTORS, 2)),
]
"""(mapspace, one with more mappings); `FACTORS` go from few tile sizes to all.

Of even mappings the uneven mapspace leaves some out that could as well be written in another way. With residuals or
sliding windows one of those may be the best in rare cases (docs/mapper.md); in none of the problems here.
"""


def each(energy_pj: float) -> dict[str, ActionEnergy]:
    return {action: ActionEnergy(energy_pj, "test") for action in ("read", "write")}


def memory(name: str, words: int, energy_pj: float, keeps: tuple[str, ...] = TENSORS) -> Memory:
    return Memory(name, "sram", keeps, capacity_bits=words * 16, energy=each(energy_pj))


def narrow_array() -> Accelerator:
    """Three levels and 3 x 2 PEs, all of them too small for what the layers here need."""
    both = dict.fromkeys(TENSORS, Route(frozenset({"x", "y"})))
    return Accelerator(
        "narrow",
        (
            Memory("dram", "dram", TENSORS, energy=each(100.0), ports=(Port("dram", 8.0),)),
            memory("buffer", 13, 6.0),
            Array("pes", (Axis("x", 3), Axis("y", 2)), both),
            memory("rf", 5, 1.0),
            Compute("mac", "mac", {"mac": ActionEnergy(1.0, "test")}),
        ),
        clock_hz=1e6,
    )


def split_pads() -> Accelerator:
    """A scratchpad for each tensor, reached through a port, and no array."""
    pads = (
        memory("a", 5, 2.0, ("input",)),
        memory("b", 3, 2.0, ("weight",)),
        memory("c", 4, 1.0, ("output",)),
    )
    return Accelerator(
        "split",
        (
            Memory("dram", "dram", TENSORS, energy=each(50.0), ports=(Port("dram", 4.0),)),
            Parallel(pads),
            Compute("mac", "mac", {"mac": ActionEnergy(1.0, "test")}),
        ),
        clock_hz=1e6,
    )


LAYERS = [
    matmul("matmul", M=5, K=4, N=3),
    matmul("long", M=5, K=4, N=7),
    fully_connected("fc", M=5, C=7),
    conv("conv", M=3, C=2, P=3, Q=1, R=2, S=1),
    conv("strided", M=2, C=2, P=2, Q=1, R=3, S=1, stride=2),
    conv("depthwise", M=3, C=3, P=3, Q=1, R=2, S=1, groups=3),
]
HAND_MADE = [Problem(layer, chip) for layer in LAYERS for chip in (narrow_array(), split_pads())]


def assert_inclusions(optimum: dict[Mapspace, float]) -> set[tuple[Mapspace, Mapspace]]:
    """The pairs of which the larger mapspace has a better optimum."""
    pairs = [(few, many) for few, many in INCLUSIONS if few in optimum and many in optimum]
    for few, many in pairs:
        assert optimum[many] <= optimum[few] * (1 + CLOSE), (few, many)
    return {(few, many) for few, many in pairs if optimum[many] < optimum[few] * (1 - 1e-9)}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_more_mappings_are_no_worse_and_often_better(objective):
    better = set()
    for problem in HAND_MADE:
        spaces = [
            s for s in SPACES if s != Mapspace("uneven", "any") or problem.layer.name in {"matmul", "fc"}
        ]
        better |= assert_inclusions({s: value(solve(problem, objective, s)) for s in spaces})
    # Residuals of residuals gain where PEs that idle keep what they hold, which is rare.
    rare = {(Mapspace(p, "imperfect"), Mapspace(p, "any")) for p in PLACEMENTS}
    assert better >= set(INCLUSIONS) - rare  # or the mapspaces here are all the same


@seeded
def test_more_mappings_are_no_worse(seeds):
    for seed in seeds:
        for objective in OBJECTIVES[seed % 2 :: 2]:
            assert_inclusions({s: value(best(seed, objective, s)) for s in SPACES})


@seeded
def test_what_is_legal_in_a_mapspace_is_legal(seeds):
    for seed in seeds:
        for space in SPACES:
            found = best(seed, "energy", space)
            if found is not None:
                check(*drawn(seed), found.mapping)
                certificate = found.certificate
                assert (certificate.placement, certificate.factors) == (space.placement, space.factors)
                assert certificate.mapspace == size_of(*drawn(seed), space)


# Objectives in the order in which they decide


TIED = [p for p in HAND_MADE if p.layer.name in {"matmul", "conv"}]


@pytest.mark.parametrize("problem", TIED, ids=lambda p: f"{p.layer.name}-{p.chip.name}")
@pytest.mark.parametrize("space", [Mapspace("even", "any"), Mapspace("uneven", "spatial")], ids=str)
def test_later_names_decide_ties_and_nothing_else(problem, space):
    alone = {o: solve(problem, o, space) for o in OBJECTIVES}
    for first, second in permutations(OBJECTIVES, 2):
        found = solve(problem, f"{first},{second}", space)
        paid = priced(problem, found.mapping)
        assert paid[first] == pytest.approx(value(alone[first]), rel=CLOSE)
        assert value(found) == pytest.approx(value(alone[first]), rel=CLOSE)
        assert paid[second] <= priced(problem, alone[first].mapping)[second] * (1 + CLOSE)
        assert paid[second] >= value(alone[second]) * (1 - CLOSE)
    for name in ("latency", "traffic"):  # alone they leave ties to energy
        assert solve(problem, f"{name},energy", space).mapping == alone[name].mapping
    third = priced(problem, solve(problem, "traffic,latency,energy", space).mapping)
    second = priced(problem, solve(problem, "traffic,latency", space).mapping)
    assert third["latency"] == pytest.approx(second["latency"], rel=CLOSE)
    assert third["energy"] <= second["energy"] * (1 + CLOSE)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("energy", ("energy",)),
        ("latency", ("latency", "energy")),
        ("traffic", ("traffic", "energy")),
        ("traffic, latency", ("traffic", "latency")),
        ("energy,traffic,edp", ("energy", "traffic", "edp")),
    ],
)
def test_names_of_objectives(text, names):
    assert names_of(text) == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("enrgy", "Did you mean 'energy'?"),
        ("energy,trafic", "Did you mean 'traffic'?"),
        ("latency,energy,latency", "names 'latency' twice"),
        ("", "objective '' is not known"),
        ("energy,", "objective '' is not known"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(text, says):
    with pytest.raises(InputError, match=says.replace("?", r"\?")) as caught:
        names_of(text)
    assert "\n" not in str(caught.value)


# What a mapspace holds


@pytest.mark.parametrize(
    ("placement", "factors", "says"),
    [
        ("evn", "spatial", "mapspace 'evn' is not known. Did you mean 'even'?"),
        ("even", "imprefect", "factors 'imprefect' is not known. Did you mean 'imperfect'?"),
        ("", "perfect", "mapspace '' is not known"),
    ],
)
def test_an_unknown_mapspace_is_refused(placement, factors, says):
    with pytest.raises(InputError) as caught:
        Mapspace(placement, factors)
    assert str(caught.value).startswith(says)


def test_larger_mapspaces_are_larger():
    for problem in HAND_MADE:
        sizes = {space: size_of(*problem, space) for space in SPACES}
        assert all(0 < sizes[few] <= sizes[many] < inf for few, many in INCLUSIONS)
        if problem.chip.arrays and problem.layer.name == "fc":
            assert all(sizes[few] < sizes[many] for few, many in INCLUSIONS)


def test_the_size_of_a_mapspace_counts_chains_of_tiles():
    # Below DRAM, the buffer and the registers, and M on columns, C on rows: four places for each.
    # So 4 = 4 or 2 x 2 in 4 + 6 ways, 2 in 4; uneven: 3! orders on each side, 7 blocks and an axis, 8 + 28 ways and 8.
    layer, chip = fully_connected("fc", M=4, C=2), load_accelerator("simple")
    assert size_of(layer, chip, Mapspace("even", "perfect")) == (4 + 6) * 4
    assert size_of(layer, chip, Mapspace("uneven", "perfect")) == 36 * (8 + 28) * 8


@pytest.mark.parametrize("extent", [1, 2, 5, 6, 8])
def test_chains_are_those_of_the_slow_truth(extent):
    sizes = {ONE: (0, 2), TEMPORAL: (0,), SPATIAL: (1, 2, 3, 9), WHOLE: (8,)}
    places = [(code, size) for code, found in sizes.items() for size in found]
    for chosen in product(places, repeat=3):
        codes, lanes = tuple(code for code, _ in chosen), tuple(size for _, size in chosen)
        spots = tuple(Spot(n, c != ONE, c == WHOLE) for c, n in chosen)
        found: dict[str, set[tuple[int, ...]]] = {}
        for factors in FACTORS:
            rows = [tuple(map(int, row)) for row in chains(extent, codes, lanes, factors)]
            found[factors] = set(rows)
            assert len(rows) == len(found[factors]) == count_chains(extent, extent, codes, lanes, factors)
        for factors in ("perfect", "spatial", "any"):
            assert found[factors] == set(slow_chains(extent, spots, factors)), (codes, lanes)
        assert found["perfect"] <= found["spatial"] <= found["imperfect"] <= found["any"]


@pytest.mark.parametrize("extent", range(1, 14))
def test_imperfect_loops_finish_in_as_many_iterations_with_the_least_counts(extent):
    # Two temporal loops, the inner one of t trips: as few as t for ceil(extent / t) iterations of the outer one.
    found = chains(extent, (TEMPORAL, TEMPORAL), (0, 0), "imperfect")
    trips = {-(-extent // outer) for outer in range(1, extent + 1)}
    assert sorted(int(t) for t, _ in found) == sorted(-(-extent // n) for n in trips)


def test_counts_on_an_axis_take_the_least_for_each_number_of_passes():
    assert (14, 2) in least_counts(27, 14)
    assert least_counts(1, 14) == ((1, 1),)
    for n in range(1, 60):
        for most in (1, 3, 14):
            passes = [q for _, q in least_counts(n, most)]
            assert len(passes) == len(set(passes))
            assert min(passes) == -(-n // min(n, most))
