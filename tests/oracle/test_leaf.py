"""The kernel prices a candidate as the readable closed forms (and so as the oracle) do, whatever the candidate."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from chipwise.mapper.lowering import lower, work_for
from chipwise.mapper.mapspace import all_chains, keepings, skeleton
from chipwise.mapper.problem import make_problem
from chipwise.mapper.search import mapping_of
from chipwise.mapping.legality import check
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from tests.oracle.problems import random_problem

OBJECTIVES = ("energy", "latency", "edp")


def assert_kernel_agrees(seed: int) -> int:
    """Price a few random candidates both ways; the number of legal ones."""
    rng = Random(seed)
    layer, chip = random_problem(rng)
    frame = skeleton(chip)
    legal = 0
    for keeping in keepings(layer, frame)[:3]:
        chains = all_chains(layer, frame, keeping)
        if not all(chains.values()):
            continue
        problem = make_problem(layer, chip, frame, keeping, chains, rng.choice(OBJECTIVES))
        if any(a == b for a, b in pairwise(problem.entry_start)):
            continue
        arrays, work = lower(problem).arrays, work_for(problem)
        order = np.full((problem.n_stages - 1, len(layer.dims)), -1, np.int64)
        for _ in range(4):
            chosen = np.array([rng.randrange(a, b) for a, b in pairwise(problem.entry_start)])
            first, second, proven = kernel.leaf(arrays, chosen, work, order)
            mapping = mapping_of(problem, chosen, order)
            priced = cost(layer, chip, mapping)
            if problem.objective == "energy":
                expected = (priced.energy_pj,)
            elif problem.objective == "latency":
                expected = (priced.latency_cycles, priced.energy_pj)
            else:
                expected = (priced.energy_pj * priced.latency_cycles,)
            assert proven
            assert (first, second)[: len(expected)] == pytest.approx(expected, rel=1e-12), (
                layer,
                chip,
                mapping,
            )
            lanes_fit = all(
                np.prod([arrays.lanes[e, a] for e in chosen]) <= size
                for a, size in enumerate(arrays.axis_size)
            )
            if lanes_fit and all(m.capacity_bits is None for m in chip.memories):
                check(layer, chip, mapping)
                legal += 1
    return legal


@pytest.mark.parametrize("block", range(8))
def test_kernel_equals_the_closed_forms(block):
    for seed in range(block * 60, (block + 1) * 60):
        assert_kernel_agrees(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_kernel_equals_the_closed_forms_on_thousands_of_candidates(block):
    for seed in range(1000 + block * 250, 1000 + (block + 1) * 250):
        assert_kernel_agrees(seed)
