"""The mapper on chips that compress, gate and skip, against every mapping of tiny problems, and what zeros may do."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from chipwise.errors import NoMappingError
from chipwise.hardware.accelerator import Accelerator, Array, Compute, Level, Memory, Parallel
from chipwise.hardware.sparsity import Sparsity
from chipwise.hardware.zeros import without_zeros
from chipwise.mapper.checker import verify
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import search
from chipwise.mapping.legality import utilisation
from chipwise.mapping.mapping import Mapping
from chipwise.model.cost import Cost, cost
from chipwise.model.counts import count
from chipwise.sparsity.densities.structured import Structured
from chipwise.sparsity.formats.spelling import CHOICES, parse_format
from chipwise.sparsity.saving import COMPUTE, Saving
from chipwise.workload.layer import Layer
from tests.oracle.problems import Problem, small_problem
from tests.oracle.spaces import Space, tilings

FORMATS = ("raw", "bitmask", "rle(2)", "rle(5, 32)", "coordinate", "csr", "csc(2)", "best")
OBJECTIVES = ("energy", "latency", "edp", "traffic", "energy,latency")
MOST = 300


def sparse_problem(seed: int, placement: str, *, free: bool = False) -> Problem:
    """A drawn problem with densities, formats and savings drawn as well; `free`: every format may be raw."""
    rng = Random(seed)
    layer, chip = small_problem(seed, MOST, Space(placement, "spatial", canonical=placement == "even"))
    tensors = []
    for t in layer.tensors:
        structured = rng.random() < 0.2
        density = 0.5 if structured else rng.choice([0.0, 0.1, 0.3, 0.7, 1.0, rng.random()])
        tensors.append(replace(t, density=density, pattern=Structured(1, 2) if structured else None))
    levels = tuple(_zeros(rng, level, layer, free) for level in chip.levels)
    return Problem(replace(layer, tensors=tuple(tensors)), replace(chip, levels=levels))


def _zeros(rng: Random, level: Level, layer: Layer, free: bool) -> Level:
    if isinstance(level, Parallel):
        memories = (_zeros(rng, m, layer, free) for m in level.memories)
        return replace(level, memories=tuple(m for m in memories if isinstance(m, Memory)))
    names = [t.name for t in layer.tensors if not isinstance(level, Memory) or level.holds(t.name)]
    formats = {}
    for name in names if not isinstance(level, Compute) else ():
        if rng.random() < 0.6:
            formats[name] = CHOICES if free else parse_format(rng.choice(FORMATS))
    saves = []
    operands = [t.name for t in layer.inputs]
    for _ in range(0 if isinstance(level, Array) else rng.choice([0, 1, 2])):
        followers = [COMPUTE] if isinstance(level, Compute) else names
        when = tuple(rng.sample(operands, rng.randint(1, len(operands))))
        named = tuple(f for f in followers if f not in when and rng.random() < 0.7)
        how = {"skips": named} if rng.random() < 0.5 else {"gates": named}
        saves.append(Saving(when, **how, of=rng.choice([1, 1, 2])))
    return replace(
        level,
        sparsity=Sparsity(
            formats,
            tuple(saves),
            expected_occupancy=rng.random() < 0.5,
            sync=rng.choice([None, 1, 4]),
            narrow_saves_energy=rng.random() < 0.3,
        ),
    )


def mappings(problem: Problem, placement: str) -> list[Mapping]:
    """All of the mapspace that fit as stored: drawn without capacities, then measured."""
    layer, chip = problem
    roomy = replace(chip, levels=tuple(_roomy(level) for level in chip.levels))
    found = []
    for tiling in tilings(layer, roomy, Space(placement, "spatial", empty_slots=False)):
        for mapping in tiling.mappings():
            used = utilisation(layer, chip, mapping)
            rooms = ((m.usable_bits, sum(used[m.name].values())) for m in chip.memories)
            if all(room is None or need <= room for room, need in rooms):
                found.append(mapping)
    return found


def _roomy(level: Level) -> Level:
    if isinstance(level, Parallel):
        return replace(level, memories=tuple(replace(m, capacity_bits=None) for m in level.memories))
    return replace(level, capacity_bits=None) if isinstance(level, Memory) else level


def value(priced: Cost, objective: str) -> tuple[float, ...]:
    names = objective.split(",")
    if names in (["latency"], ["traffic"]):
        names.append("energy")
    energy, cycles = priced.energy_pj, priced.latency_cycles
    of = {"energy": energy, "latency": cycles, "edp": energy * cycles, "traffic": priced.off_chip_bits}
    return tuple(of[name] for name in names)


def assert_optimal(seed: int, placement: str) -> bool:
    problem = sparse_problem(seed, placement)
    layer, chip = problem
    prices = [cost(layer, chip, mapping) for mapping in mappings(problem, placement)]
    space = Mapspace(placement, "spatial")
    for objective in OBJECTIVES:
        if not prices:
            with pytest.raises(NoMappingError):
                search(layer, chip, objective, None, space)
            continue
        found = search(layer, chip, objective, None, space)
        best = min(value(p, objective) for p in prices)
        assert value(cost(layer, chip, found.mapping), objective)[0] == pytest.approx(best[0], rel=1e-9)
        assert found.certificate.value == pytest.approx(best[0], rel=1e-9)
        verify(layer, chip, found, space)
    return bool(prices)


@pytest.mark.parametrize("first", [0, 2, 4])
@pytest.mark.parametrize("placement", ["even", "uneven"])
def test_search_finds_the_optimum_and_the_checker_agrees(placement: str, first: int):
    assert sum(assert_optimal(seed, placement) for seed in (first, first + 1))


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["even", "uneven"])
def test_search_finds_the_optimum_of_many(placement: str):
    for seed in range(100, 220):
        assert_optimal(seed, placement)


@pytest.mark.parametrize("seed", range(20))
def test_without_zeros_formats_that_may_be_raw_change_nothing(seed: int):
    """Exactly the dense model: every number of every mapping."""
    layer, chip = sparse_problem(seed, "even", free=True)
    dense = replace(layer, tensors=tuple(replace(t, density=1.0, pattern=None) for t in layer.tensors))
    chip = _same_width(chip)
    for mapping in mappings(Problem(dense, without_zeros(chip)), "even")[:20]:
        ours, plain = cost(dense, chip, mapping), cost(dense, without_zeros(chip), mapping)
        assert ours.energy_pj == plain.energy_pj
        assert ours.latency_cycles == plain.latency_cycles
        assert ours.off_chip_bits == plain.off_chip_bits
        assert utilisation(dense, chip, mapping) == utilisation(dense, without_zeros(chip), mapping)


def _same_width(chip: Accelerator) -> Accelerator:
    """Narrow operands are another matter than zeros."""
    compute = replace(chip.compute, sparsity=replace(chip.compute.sparsity, narrow_saves_energy=False))
    return replace(chip, levels=(*chip.levels[:-1], compute))


@pytest.mark.parametrize("seed", range(12))
def test_fewer_nonzeros_never_cost_more(seed: int):
    """Least energy and least latency over all mappings, where formats are free to choose."""
    rng = Random(seed)
    layer, chip = sparse_problem(seed, "even", free=True)
    few = tuple(rng.random() for _ in layer.tensors)
    many = tuple(d + (1 - d) * rng.random() for d in few)
    found = []
    for densities in (few, many):
        tensors = zip(layer.tensors, densities, strict=True)
        of = replace(layer, tensors=tuple(replace(t, density=d, pattern=None) for t, d in tensors))
        try:
            least = [cost(of, chip, search(of, chip, goal).mapping) for goal in ("energy", "latency")]
        except NoMappingError:
            found.append(None)
            continue
        found.append((least[0].energy_pj, least[1].latency_cycles))
    if found[1] is not None:
        assert found[0] is not None  # what fits with more values fits with fewer
        assert found[0][0] <= found[1][0] * (1 + 1e-9)
        assert found[0][1] <= found[1][1] * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_costs_are_counts_times_factors(seed: int):
    """Energy written down once more, in fractions, from what a format and a condition mean."""
    problem = sparse_problem(seed, "even")
    layer, chip = problem
    for mapping in mappings(problem, "even")[:5]:
        counts, priced = count(layer, chip, mapping), cost(layer, chip, mapping)
        total = Fraction(0)
        for item in priced.energy:
            total += item.count * Fraction(item.energy_pj_each)
        assert float(total) == pytest.approx(priced.energy_pj, rel=1e-12)
        dense = cost(layer, without_zeros(chip), mapping)
        assert {(i.component, i.tensor, i.action) for i in priced.energy} == {
            (i.component, i.tensor, i.action) for i in dense.energy
        }
        for key in {(i.component, i.tensor, i.action) for i in dense.energy}:
            ours, theirs = (
                sum(i.count for i in c.energy if (i.component, i.tensor, i.action) == key)
                for c in (priced, dense)
            )
            assert ours == theirs
        assert counts.macs == layer.macs
