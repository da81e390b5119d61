"""The kernel prices a candidate as the readable closed forms (and so as the oracle) do, whatever the candidate.

And no bound of a class of loop orders is above a mapping of the class: that is what prunes.
"""

from random import Random

import numpy as np
import pytest

from chipwise.errors import InputError, NoMappingError
from chipwise.mapper.cache import value_of
from chipwise.mapper.mapspace import FACTORS, PLACEMENTS, Mapspace
from chipwise.mapper.objectives import objective_for
from chipwise.mapper.question import Clock, Question, Run, mapping_of
from chipwise.mapper.templates import Template
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from tests.oracle.problems import Problem, random_problem
from tests.unit.mapper.cases import is_quick, with_other_orders

OBJECTIVES = (
    "energy",
    "latency",
    "edp",
    "traffic",
    "energy,latency",
    "latency,edp",
    "traffic,latency,energy",
)
SPACES = [Mapspace(placement, factors) for placement in PLACEMENTS for factors in FACTORS]
CLOSE = 1e-12
CANDIDATES = 4


def question(problem: Problem, objective: str, space: Mapspace) -> Question | None:
    """What a search would work on; None where dimensions have no chain of tiles."""
    try:
        return Question(*problem, objective_for(problem.chip, objective), space, Clock(None))
    except NoMappingError:
        return None


def fresh(run: Run) -> None:
    """Forget the moves of another template's terms, as a search does."""
    run.arrays.memo_row[:-1] = -1
    run.arrays.memo_row[-1] = 0


def leaf(run: Run, template: Template, chosen: np.ndarray) -> tuple[list[float], np.ndarray]:
    """The keys and the orders of a candidate."""
    order = np.full((run.arrays.n_blocks, len(run.problem.dims)), -1, np.int64)
    keys = np.empty(len(run.problem.objective.names))
    proven = kernel.leaf(run.arrays, template.lower(), chosen, run.work, order, np.inf, keys)
    assert proven
    return keys.tolist(), order


def assert_priced(problem: Problem, run: Run, template: Template, rng: Random) -> int:
    """Price random candidates of a template both ways; the number of legal ones."""
    legal = 0
    fresh(run)
    for _ in range(CANDIDATES):
        chosen = np.array([t.first_id + rng.randrange(len(t)) for t in template.tables])
        keys, order = leaf(run, template, chosen)
        mapping = mapping_of(run.problem, template.of.nest, run.arrays, chosen, order)
        names = run.problem.objective.names
        priced = cost(*problem, mapping)
        expected = [value_of(name, priced) for name in names]
        assert keys == pytest.approx(expected, rel=CLOSE), (problem, mapping)
        # The orders are the best: others of the same tiles cost as much or more.
        for _ in range(CANDIDATES):
            other = cost(*problem, with_other_orders(rng, mapping))
            assert value_of(names[0], other) >= keys[0] * (1 - CLOSE), (problem, mapping)
        try:
            check(*problem, mapping)
            legal += 1
        except InputError as refusal:
            # Candidates stand in their places; all that a search has to see to is whether they fit.
            if not any(word in str(refusal) for word in ("too much", "axis")):
                raise
    return legal


def assert_kernel_agrees(seed: int) -> int:
    rng = Random(seed)
    problem, space = random_problem(rng), SPACES[seed % len(SPACES)]
    asked = question(problem, rng.choice(OBJECTIVES), space) if is_quick(problem) else None
    if asked is None or not asked.runs:
        return 0
    legal = 0
    for _ in range(3):
        run = rng.choice(asked.runs)
        legal += assert_priced(problem, run, rng.choice(run.templates), rng)
    return legal


@pytest.mark.parametrize("block", range(8))
def test_kernel_equals_the_closed_forms(block):
    legal = sum(assert_kernel_agrees(seed) for seed in range(block * 60, (block + 1) * 60))
    assert legal > 60


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_kernel_equals_the_closed_forms_on_thousands_of_candidates(block):
    for seed in range(1000 + block * 250, 1000 + (block + 1) * 250):
        assert_kernel_agrees(seed)


def bound_at(template: Template, tiles: list[np.ndarray]) -> float:
    """The lower bound of a template where all tiles are chosen, infinite where it does not have them."""
    lowered = template.lower()
    product, at = np.ones(lowered.columns.shape[1]), []
    for root, table, wanted in zip(lowered.roots, template.tables, tiles, strict=True):
        rows = np.flatnonzero((table.entries.tiles == wanted).all(axis=(1, 2)))
        if not rows.size:
            return np.inf
        at.append(root + np.flatnonzero(table.entries.tree.row == rows[0])[0])
        product *= lowered.columns[at[-1]]
    values, keys = np.empty(lowered.weight.shape[0]), np.empty(lowered.kinds.size)
    kernel.lower_bound(lowered, product, np.array(at), values, keys)
    return float(keys[0])


def exceeds_an_axis(problem: Problem, mapping: Mapping) -> bool:
    """Whether loops side by side need more places than there are."""
    try:
        check(*problem, mapping)
    except InputError as refusal:
        return "axis" in str(refusal)
    return False


def assert_bounded(seed: int) -> int:
    """Of even mappings every loop order is in a class, so the least of the classes' bounds holds for all."""
    rng = Random(seed)
    problem, space = random_problem(rng), Mapspace("even", FACTORS[seed % len(FACTORS)])
    asked = question(problem, rng.choice(OBJECTIVES), space)
    if asked is None or not asked.runs:
        return 0
    run = rng.choice(asked.runs)
    template = rng.choice(run.templates)
    for _ in range(CANDIDATES):
        picked = [rng.randrange(len(t)) for t in template.tables]
        chosen = np.array([t.first_id + row for t, row in zip(template.tables, picked, strict=True)])
        fresh(run)
        keys, order = leaf(run, template, chosen)
        if exceeds_an_axis(problem, mapping_of(run.problem, template.of.nest, run.arrays, chosen, order)):
            continue  # the bound knows how many cycles the axes leave possible
        tiles = [t.entries.tiles[row] for t, row in zip(template.tables, picked, strict=True)]
        bounds = [bound_at(other, tiles) for other in run.templates]
        assert min(bounds) <= keys[0] * (1 + CLOSE), (seed, problem, tiles)
    return 1


def test_a_loop_passed_on_the_way_out_may_move_a_tensor():
    """Two tensors rest innermost; of the other loops of their block it is not known which of them each one moves."""
    assert assert_bounded(1222)


@pytest.mark.parametrize("block", range(4))
def test_no_bound_is_above_what_it_bounds(block):
    assert sum(assert_bounded(seed) for seed in range(block * 40, (block + 1) * 40)) > 30


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_no_bound_is_above_what_it_bounds_in_many(block):
    for seed in range(1000 + block * 200, 1000 + (block + 1) * 200):
        assert_bounded(seed)
