"""Eyexam against every mapping of tiny problems, and its last step against a simulator."""

from dataclasses import replace
from itertools import pairwise, product
from math import inf, prod
from random import Random
from statistics import median

import pytest

from chipwise.analysis.eyexam import examine_layer
from chipwise.analysis.eyexam_bounds import bounds_of, spreads_of
from chipwise.analysis.eyexam_instant import instant
from chipwise.analysis.eyexam_search import fastest, without
from chipwise.errors import NoMappingError
from chipwise.hardware.accelerator import Accelerator, Compute, Memory, Port
from chipwise.hardware.buffering import Buffering
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapping.legality import utilisation
from chipwise.mapping.mapping import Mapping, Storage, Temporal
from chipwise.model.counts import count
from chipwise.workload.kinds import conv, matmul
from tests.oracle.brute import optima
from tests.oracle.problems import random_problem, small_problem
from tests.oracle.spaces import Space
from tests.oracle.timed import has_whole_tiles, simulated_cycles

MOST = 400
SPACES = [("even", "spatial"), ("even", "imperfect"), ("uneven", "spatial")]


def least_latency(layer, chip, space: Space) -> float:
    best = optima(layer, chip, space, ("latency",)).best
    return float(best["latency"].value[0]) if best else inf


def unlimited(chip: Accelerator) -> Accelerator:
    for memory in chip.memories:
        chip = without(chip, ports=True, capacity=memory.name)
    return chip


@pytest.mark.parametrize(("placement", "factors"), SPACES)
@pytest.mark.parametrize("seed", range(25))
def test_steps_4_to_6_are_the_optima_of_all_mappings(placement: str, factors: str, seed: int):
    space = Space(placement, factors, canonical=placement == "even")
    layer, chip = small_problem(seed, MOST, space)
    assert bounds_of(layer, chip).array == pytest.approx(least_latency(layer, unlimited(chip), space))
    try:
        exam = examine_layer(layer, chip, Mapspace(placement, factors))
    except NoMappingError:
        assert least_latency(layer, chip, space) == inf
        return
    assert exam.proven
    assert exam.cycles[4] == pytest.approx(least_latency(layer, without(chip, ports=True), space))
    assert exam.cycles[5] == pytest.approx(least_latency(layer, without(chip, waits=True), space))
    assert exam.cycles[6] >= least_latency(layer, chip, space) * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(200))
def test_pes_and_array_are_the_best_of_all_numbers_of_pieces(seed: int):
    """Steps 3 and 4 by trying every number of pieces of every dimension on every axis."""
    layer, chip = random_problem(Random(seed))
    sizes = [axis.size for array in chip.arrays for axis in array.axes]
    array = pes = inf
    for spread in spreads_of(layer, chip):
        choices = []
        for s in spread:
            each = [range(1, s.extent + 1) if a in s.axes else (1,) for a in range(len(sizes))]
            pieces = list(product(*each))
            choices.append([p for p in pieces if p[s.axes[0]] == s.extent] if s.whole else pieces)
            if not s.in_time:
                choices[-1] = [p for p in choices[-1] if prod(p) >= s.extent]
        if prod(len(c) for c in choices) > 20_000:
            return
        for chosen in product(*choices):
            passes = prod(-(-s.extent // prod(p)) for s, p in zip(spread, chosen, strict=True))
            used = [prod(p[a] for p in chosen) for a in range(len(sizes))]
            if prod(used) <= prod(sizes):
                pes = min(pes, passes)
            if all(u <= n for u, n in zip(used, sizes, strict=True)):
                array = min(array, passes)
    found = bounds_of(layer, chip)
    assert (found.pes, found.array) == (pes, array)


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_no_step_is_above_the_one_before(first: int):
    fits = 0
    for seed in range(first, first + 20):
        layer, chip = small_problem(10_000 + seed, 4 * MOST)
        try:
            exam = examine_layer(layer, chip)
        except NoMappingError:
            continue
        fits += 1
        active = exam.active_pes
        assert all(a >= b for a, b in pairwise(active))
        least = layer.macs / chip.pes
        assert sum(exam.lost_cycles) == pytest.approx(exam.cycles[-1] - least, abs=1e-9 * exam.cycles[-1])
    assert fits


LAYERS = [
    conv("conv", M=4, C=4, P=4, Q=4, R=3, S=3),
    conv("strided", M=2, C=4, P=4, Q=2, R=3, S=2, stride=2),
    matmul("matmul", M=8, N=8, K=8),
]


def chip_of(rng: Random, layer, inner: int) -> Accelerator:
    """A chain of memories with ports, but for the innermost; no array."""
    tensors = tuple(t.name for t in layer.tensors)
    words = sum(layer.volume(t) for t in tensors)
    memories = []
    for k in range(inner + 1):
        name = f"m{k}"
        ports = () if k == inner else tuple(ports_of(rng, name))
        capacity = None if k == 0 else 16 * max(3, words // rng.choice([2, 4, 8]) // 3**k)
        buffering = Buffering.ROLLING if k == 0 else rng.choice([Buffering.SINGLE, Buffering.DOUBLE])
        memories.append(Memory(name, "sram", tensors, (), capacity, buffering, ports))
    return Accelerator("chip", (*memories, Compute("mac", "mac")), 1e9, tensors=tensors)


def ports_of(rng: Random, name: str):
    width = rng.choice([2.0, 8.0, 16.0, 64.0])
    if rng.random() < 0.5:
        return [Port(name, width)]
    return [Port(f"{name} read", width, writes=False), Port(f"{name} write", width, reads=False)]


def tight(chip: Accelerator, layer, mapping) -> Accelerator:
    """Single buffers exactly as large as their tiles: nothing can come in early."""
    used = utilisation(layer, chip, mapping)
    levels = tuple(
        replace(m, capacity_bits=sum(used[m.name].values()))
        if isinstance(m, Memory) and m.capacity_bits and m.buffering is Buffering.SINGLE
        else m
        for m in chip.levels
    )
    return replace(chip, levels=levels)


def both(seed: int, inner: int):
    """(formula, simulator, step 6) of the fastest mapping of a drawn chip; None where nothing fits."""
    rng = Random(seed)
    layer = rng.choice(LAYERS)
    chip = chip_of(rng, layer, inner)
    found = fastest(layer, without(chip, waits=True), Mapspace("even", "perfect"), target=0.0)
    if found is None:
        return None
    chip = tight(chip, layer, found.mapping)
    assert has_whole_tiles(layer, found.mapping)
    formula = instant(layer, chip, found.mapping, count(layer, chip, found.mapping))
    return formula.cycles, simulated_cycles(layer, chip, found.mapping), found.cycles


def test_one_level_takes_what_a_simulator_takes():
    """Steps of one kind with and without psums to fetch count as their mean; nothing else differs."""
    for formula, simulated, _ in filter(None, (both(seed, 1) for seed in range(40))):
        assert formula == pytest.approx(simulated, rel=0.03)


def test_two_levels_take_about_what_a_simulator_takes():
    """Levels wait for one another, and ports serve whoever asks first: no formula has all of that."""
    found = [f for f in (both(seed, 2) for seed in range(30)) if f]
    ratios = [formula / simulated for formula, simulated, _ in found]
    assert min(ratios) > 0.7
    assert max(ratios) < 1.15
    assert median(abs(r - 1) for r in ratios) < 0.02
    assert median(average / simulated for _, simulated, average in found) < 0.9  # step 6 alone


def test_a_hand_made_pipeline():
    """Four tiles of 2 words, 4 cycles each to fetch and 2 to compute: 4 + 3 x 4 + 2, then 1 output at 2 cycles."""
    layer = matmul("dot", M=1, N=1, K=8)
    names = ("input", "weight", "output")
    ports = (Port("m0", 16.0),)
    inner = Memory("m1", "sram", names, (), 16 * 10, Buffering.DOUBLE)
    chip = Accelerator("chip", (Memory("m0", "dram", names, ports=ports), inner, Compute("mac", "mac")), 1e9)
    nodes = [Storage("m0", t) for t in names] + [Temporal("K", 2)]
    mapping = Mapping((*nodes, *(Storage("m1", t) for t in names), Temporal("K", 1)))
    found = instant(layer, chip, mapping, count(layer, chip, mapping))
    assert (found.ramp_up_cycles, found.steady_cycles, found.drain_cycles) == (4, 14, 1)
    assert found.cycles == simulated_cycles(layer, chip, mapping) == 19
    single = replace(
        chip,
        levels=(
            chip.levels[0],
            replace(inner, buffering=Buffering.SINGLE, capacity_bits=16 * 5),
            chip.levels[2],
        ),
    )
    found = instant(layer, single, mapping, count(layer, single, mapping))
    assert found.cycles == simulated_cycles(layer, single, mapping) == 4 * (4 + 2) + 1
