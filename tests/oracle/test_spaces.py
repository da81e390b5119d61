"""The slow truth against itself: its mapspaces against the rules of mappings, and against one another."""

from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise, permutations, product
from math import prod

import pytest

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Axis, Compute, Loops, Memory
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.workload.layer import Layer, Rank, Tensor
from tests.oracle.brute import Cost, Prices, cost, optima
from tests.oracle.chains import Spot, chains
from tests.oracle.problems import Problem, small_problem
from tests.oracle.spaces import Space, size, tilings

FACTORS = ("perfect", "spatial", "imperfect", "any")
OBJECTIVES = ("energy", "latency", "edp", "traffic", "energy,latency", "traffic,latency,energy")
FULL = {factors: Space("uneven", factors, canonical=False) for factors in FACTORS}
SPACES = [*(Space("even", factors) for factors in FACTORS), *FULL.values()]
GROUP = 10


def mappings(problem: Problem, space: Space) -> list[Mapping]:
    return [mapping for tiling in tilings(*problem, space) for mapping in tiling.mappings()]


# Mappings


@pytest.mark.parametrize("space", SPACES)
def test_every_mapping_is_legal_once_and_counted(space: Space):
    tried = 0
    for seed in range(GROUP):
        problem = small_problem(seed, 250, space, least=5)
        found = mappings(problem, space)
        for mapping in found:
            check(*problem, mapping)
        assert len(found) == size(*problem, 250, space)
        # An empty stage leaves two slots in a row, and where a loop stands in them does not show.
        assert space.placement == "even" or len(set(found)) == len(found)
        tried += len(found)
    assert tried > 100  # or nothing was tested


@pytest.mark.parametrize("factors", FACTORS)
def test_canonical_mappings_are_mappings(factors: str):
    for seed in range(GROUP):
        problem = small_problem(seed, 400, FULL[factors])
        assert set(mappings(problem, Space("uneven", factors))) <= set(mappings(problem, FULL[factors]))


@pytest.mark.parametrize("space", SPACES)
def test_prices_are_those_of_a_whole_walk(space: Space):
    for seed in range(GROUP // 2):
        problem = small_problem(seed, 200, space, least=5)
        prices = Prices(*problem)
        priced = [
            (paid, t.mapping(blocks)) for t in tilings(*problem, space) for paid, blocks in prices.of(t)
        ]
        for paid, mapping in priced[:: 1 + len(priced) // 6]:
            assert prices.exact(paid) == cost(*problem, mapping)


# Nothing is missing


def every_mapping(problem: Problem) -> Iterator[Mapping]:
    """Every legal uneven mapping, by trying all that look like one."""
    layer, chip = problem
    outermost, *inner = chip.memories
    head = [Storage(outermost.name, t.name) for t in layer.tensors]
    held = [Storage(m.name, t.name) for m in inner for t in layer.tensors if m.holds(t.name)]
    for kept in product((True, False), repeat=len(held)):
        for nodes in permutations(n for n, yes in zip(held, kept, strict=True) if yes):
            steps = [[*head, None], *([node, None] for node in nodes)]
            # Each array stands after one of the slots, in the order of the chip.
            for at in combinations_with_replacement(range(len(steps)), len(chip.arrays)):
                items = [
                    item
                    for i, step in enumerate(steps)
                    for item in (
                        *step,
                        *(x for k, a in zip(at, chip.arrays, strict=True) if k == i for x in a.axes),
                    )
                ]
                yield from _legal(problem, items)


def _legal(problem: Problem, items: list[Storage | Axis | None]) -> Iterator[Mapping]:
    """Mappings with these nodes, slots and axes."""
    layer, chip = problem
    places = [item for item in items if not isinstance(item, Storage)]
    spots = tuple(Spot(place.size if place else 0, open=True, whole=False) for place in places)
    for cut in product(*(chains(extent, spots, "any") for extent in layer.dims.values())):
        blocks = []
        for i, place in enumerate(places):
            above = [
                chain[i - 1] if i else extent for extent, chain in zip(layer.dims.values(), cut, strict=True)
            ]
            tiles = [
                (d, chain[i]) for d, a, chain in zip(layer.dims, above, cut, strict=True) if chain[i] < a
            ]
            loops = [Spatial(place.name, d, t) if place else Temporal(d, t) for d, t in tiles]
            below = items[[k for k, item in enumerate(items) if not isinstance(item, Storage)][i] :]
            ordered = place is None and any(isinstance(item, Storage) for item in below)
            blocks.append(list(permutations(loops)) if ordered else [tuple(loops)])
        for chosen in product(*blocks):
            left = iter(chosen)
            nodes = [n for item in items for n in ([item] if isinstance(item, Storage) else next(left))]
            try:
                check(layer, chip, Mapping(tuple(nodes)))
            except InputError:
                continue
            yield Mapping(tuple(nodes))


def tries(problem: Problem) -> int:
    """About how many mappings `every_mapping` tries."""
    nodes = sum(m.holds(t.name) for m in problem.chip.memories[1:] for t in problem.layer.tensors)
    places = nodes + 1 + sum(len(a.axes) for a in problem.chip.arrays)
    per_dim = (places ** (extent - 1) for extent in problem.layer.dims.values())
    return prod(per_dim) * prod(range(1, nodes + 1)) * (nodes + 1) ** len(problem.chip.arrays)


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 200, 20))])
def test_no_legal_mapping_is_missing(first: int):
    tested = 0
    for seed in range(first, first + 20):
        problem = small_problem(seed, 200, FULL["any"], least=10)
        # Rule 6 asks of a full dimension that the memory's own nodes stand above its loops; a level is not
        # entered before the levels further out, so the mapspace asks more.
        if tries(problem) > 2000 or any(m.inner_loops.full for m in problem.chip.memories):
            continue
        assert set(every_mapping(problem)) == set(mappings(problem, FULL["any"]))
        tested += 1
    assert tested


# Spaces inside spaces


@pytest.mark.parametrize("extent", range(1, 8))
def test_each_rule_of_factors_holds_the_one_before(extent: int):
    for lanes in product((0, 0, 2, 3, 5), repeat=3):
        spots = tuple(Spot(n, open=True, whole=False) for n in lanes)
        found = [chains(extent, spots, factors) for factors in FACTORS]
        for few, many in pairwise(found):
            assert set(few) <= set(many)
            assert len(set(many)) == len(many)


def assert_no_better(few: dict, many: dict):
    for objective, best in few.items():
        assert many[objective].value <= best.value


@pytest.mark.parametrize("placement", ["even", "uneven"])
def test_more_factors_are_no_worse(placement: str):
    for seed in range(GROUP):
        problem = small_problem(seed, 600, Space(placement, "any", canonical=False))
        prices = Prices(*problem)
        found = [
            optima(*problem, Space(placement, factors, canonical=False), OBJECTIVES, prices).best
            for factors in FACTORS
        ]
        for few, many in pairwise(found):
            assert_no_better(few, many)


@pytest.mark.parametrize("factors", FACTORS)
def test_even_mappings_are_uneven(factors: str):
    """But for those of empty stages, whose slots have no node above them."""
    few = Space("even", factors, empty_slots=False)
    for seed in range(GROUP):
        problem = small_problem(seed, 600, FULL[factors])
        even = set(mappings(problem, few))
        assert even <= set(mappings(problem, FULL[factors]))
        assert even <= set(mappings(problem, Space("even", factors)))


# The canonical mappings


def assert_canonical_loses_nothing(problem: Problem):
    prices = Prices(*problem)
    full = optima(*problem, FULL["perfect"], OBJECTIVES, prices)
    canonical = optima(*problem, Space("uneven", "perfect"), OBJECTIVES, prices)
    assert full.best.keys() == canonical.best.keys()
    for objective, best in full.best.items():
        assert canonical.best[objective].value == best.value, (objective, best.mapping)
    assert list(canonical.front) == list(full.front)


def test_canonical_mappings_lose_nothing():
    """Where no rank slides; what happens else is told by the tests below."""
    for seed in range(20):
        problem = small_problem(seed, 300, FULL["perfect"], least=20, sliding=False)
        assert_canonical_loses_nothing(problem)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 400, GROUP))
def test_canonical_mappings_lose_nothing_in_many(first: int):
    for seed in range(first, first + GROUP):
        problem = small_problem(seed, 4000, FULL["perfect"], least=50, sliding=False)
        assert_canonical_loses_nothing(problem)


def tiny_problem(
    dims: dict[str, int], terms: dict[str, tuple[tuple[str, int], ...]], stored: dict[str, Loops]
) -> Problem:
    """Tensors of one rank with these terms, of which O is the output, on a chip where all is free.

    Some are stored once more, without limits, in a memory of their own, inside which these loops are allowed.
    """
    free = {action: ActionEnergy(0.0, "none") for action in ("read", "write", "mac")}
    tensors = tuple(
        Tensor(t, (Rank("r", rank),) if rank else (), is_output=t == "O") for t, rank in terms.items()
    )
    inner = (
        Memory(f"{t} memory", "sram", (t,), inner_loops=loops, energy=free) for t, loops in stored.items()
    )
    levels = (Memory("dram", "dram", tuple(terms), energy=free), *inner, Compute("mac", "mac", free))
    return Problem(
        Layer("tiny", "einsum", dims, tensors), Accelerator("tiny", levels, 1e9, tensors=tuple(terms))
    )


def test_loops_that_the_slot_below_refuses_stay():
    """`X` rests while K runs, but its memory takes no loop over K: no canonical mapping is left."""
    problem = tiny_problem({"K": 2}, {"X": (), "O": (("K", 1),)}, {"X": Loops(allowed=())})
    assert size(*problem, 100, FULL["perfect"]) == 1
    assert size(*problem, 100, Space("uneven", "perfect")) == 1


def test_sliding_ranks_gain_from_nodes_that_do_not_move():
    """Any node gives room for a second loop of a dimension, here C around A and inside it: a snake over `X`."""
    anything = Loops()
    problem = tiny_problem(
        {"A": 3, "C": 4}, {"X": (("A", 2), ("C", 2)), "O": ()}, {"O": anything, "X": anything}
    )
    full = optima(*problem, FULL["perfect"], ["traffic"]).best["traffic"]
    canonical = optima(*problem, Space("uneven", "perfect"), ["traffic"]).best["traffic"]
    assert (full.value[0], canonical.value[0]) == (144, 192)


# Values


def test_objectives_are_lists_in_order_of_priority():
    paid = Cost(2, 3, 5)
    assert paid.of("energy") == (2,)
    assert paid.of("edp") == (6,)
    assert paid.of("latency") == (3, 2)
    assert paid.of("traffic") == (5, 2)
    assert paid.of("traffic,latency,energy") == (5, 3, 2)
