"""What must hold between optima of related problems, with no second mapper to ask.

More room, cheaper actions or fewer rules never make an optimum worse; names, order and units do not matter;
no mapping drawn at random beats it. Each problem is looked at in one of the six mapspaces; how the optima of
different mapspaces relate is in `test_mapspaces.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from chipwise.hardware.accelerator import ActionEnergy, Array, Axis, Compute, Loops, Memory, Parallel, Route
from chipwise.hardware.buffering import Buffering
from chipwise.mapper.mapspace import memory_levels
from chipwise.mapper.search import Found
from chipwise.mapping.legality import check
from chipwise.mapping.mapping import Mapping, Storage
from chipwise.workload.layer import Rank, Tensor
from tests.oracle.problems import Problem
from tests.unit.mapper.cases import (
    CLOSE,
    OBJECTIVES,
    best,
    drawn,
    larger_problem,
    nests,
    priced,
    random_mapping,
    seeded,
    solve,
    space_of,
    value,
    with_other_orders,
)

MOST_NESTS = 200
"""Of a relaxed problem; others are left as they are, to be quick."""

Part = Memory | Array | Compute


def edited(problem: Problem, kind: Any, change: Callable[[Any], Part], **fields: Any) -> Problem:
    """The problem with the parts of one kind of its chip changed, and the chip's own fields."""

    def one(part: Part) -> Part:
        return change(part) if isinstance(part, kind) else part

    levels = tuple(
        Parallel(tuple(map(one, level.memories))) if isinstance(level, Parallel) else one(level)
        for level in problem.chip.levels
    )
    return problem._replace(chip=replace(problem.chip, levels=levels, **fields))


def on_memories(problem: Problem, change: Callable[[Memory], Memory]) -> Problem:
    return edited(problem, Memory, change)


def on_axes(problem: Problem, change: Callable[[Axis], Axis]) -> Problem:
    return edited(problem, Array, lambda array: replace(array, axes=tuple(map(change, array.axes))))


def on_loops(problem: Problem, change: Callable[[Loops], Loops]) -> Problem:
    """The problem with the constraints of memories and axes changed."""
    eased = on_memories(problem, lambda m: replace(m, inner_loops=change(m.inner_loops)))
    return on_axes(eased, lambda axis: replace(axis, loops=change(axis.loops)))


def on_energies(problem: Problem, change: Callable[[float], float]) -> Problem:
    def change_all(part: Part) -> Part:
        return replace(
            part, energy={a: ActionEnergy(change(e.energy_pj), "") for a, e in part.energy.items()}
        )

    return edited(problem, Part, change_all)


# More room, cheaper actions, fewer rules: the old optimum is still there and costs no more


def doubled(bits: int | None) -> int | None:
    return None if bits is None else bits * 2


def optional_storage(rng: Random, problem: Problem) -> Problem:
    first, last = problem.chip.memories[0], problem.chip.memories[-1]  # the first one keeps everything

    def free(memory: Memory) -> Memory:
        if memory is first or (memory is not last and rng.random() < 0.5):
            return memory
        return replace(memory, keeps=(), may_keep=(*memory.keeps, *memory.may_keep))

    return on_memories(problem, free)


def more_storage(rng: Random, problem: Problem) -> Problem:
    def more(memory: Memory) -> Memory:
        names = [t.name for t in problem.layer.tensors if not memory.holds(t.name)]
        added = rng.sample(names, min(len(names), 1))
        return replace(memory, may_keep=(*memory.may_keep, *added))

    return on_memories(problem, more)


def one_more_memory(rng: Random, problem: Problem) -> Problem:
    """A level that need not be used; chips of three levels are left as they are, to be quick."""
    if len(memory_levels(problem.chip)) > 2:
        return problem
    levels = list(problem.chip.levels)
    energy = {action: ActionEnergy(rng.choice([0.0, 0.1, 3.0]), "") for action in ("read", "write")}
    kept = rng.choice(problem.layer.tensors).name
    levels.insert(rng.randint(1, len(levels) - 1), Memory("extra", "sram", (), (kept,), energy=energy))
    return problem._replace(chip=replace(problem.chip, levels=tuple(levels)))


def wider_ports(rng: Random, memory: Memory) -> Memory:
    wider = [replace(p, bits_per_cycle=p.bits_per_cycle * rng.choice([1, 1.5, 4])) for p in memory.ports]
    return replace(memory, ports=tuple(p for p in wider if rng.random() < 0.9))


def inputs_shared(_: Random, problem: Problem) -> Problem:
    """Whatever two instances read alike is read once; reductions of outputs stay as they are."""

    def share(array: Array) -> Array:
        axes = frozenset(axis.name for axis in array.axes)
        shared = {t.name: Route(axes, overlapping=True) for t in problem.layer.inputs}
        return replace(array, routes={**array.routes, **shared})

    return edited(problem, Array, share)


def narrower_values(rng: Random, problem: Problem) -> Problem:
    layer, bits = problem.layer, problem.chip.bits
    tensors = tuple(replace(t, bits=rng.randint(1, bits(t.bits))) for t in layer.tensors)
    return problem._replace(layer=replace(layer, tensors=tensors))


RELAXATIONS: dict[str, Callable[[Random, Problem], Problem]] = {
    "capacities": lambda _, p: on_memories(p, lambda m: replace(m, capacity_bits=doubled(m.capacity_bits))),
    "single buffers": lambda _, p: on_memories(p, lambda m: replace(m, buffering=Buffering.ROLLING)),
    "axes": lambda rng, p: on_axes(p, lambda axis: replace(axis, size=axis.size + rng.randint(1, 3))),
    "all loops allowed": lambda _, p: on_loops(p, lambda loops: replace(loops, allowed=None)),
    "nothing full": lambda _, p: on_loops(p, lambda loops: replace(loops, full=())),
    "optional storage": optional_storage,
    "more storage": more_storage,
    "one more memory": one_more_memory,
    "cheaper actions": lambda rng, p: on_energies(p, lambda energy: energy * rng.random()),
    "wider ports": lambda rng, p: on_memories(p, partial(wider_ports, rng)),
    "inputs shared": inputs_shared,
    "narrower values": narrower_values,
}


@seeded
@pytest.mark.parametrize("what", RELAXATIONS)
def test_relaxing_never_makes_the_optimum_worse(what, seeds):
    changed = 0
    for seed in seeds:
        relaxed = RELAXATIONS[what](Random(seed), drawn(seed))
        if nests(*relaxed) > MOST_NESTS:
            continue
        changed += relaxed != drawn(seed)
        for objective in OBJECTIVES:
            before, after = value(best(seed, objective)), value(solve(relaxed, objective, space_of(seed)))
            assert after <= before * (1 + CLOSE), (seed, objective)
    assert changed  # or nothing was relaxed


# Another way to write the same problem: every value stays


def reordered(rng: Random, problem: Problem) -> Problem:
    """Dimensions, tensors and terms of ranks in another order."""
    layer = problem.layer

    def shuffled(tensor: Tensor) -> Tensor:
        ranks = [replace(rank, terms=tuple(rng.sample(rank.terms, len(rank.terms)))) for rank in tensor.ranks]
        return replace(tensor, ranks=tuple(rng.sample(ranks, len(ranks))))

    tensors = tuple(shuffled(t) for t in rng.sample(layer.tensors, len(layer.tensors)))
    dims = {d: layer.dims[d] for d in rng.sample(list(layer.dims), len(layer.dims))}
    return problem._replace(layer=replace(layer, dims=dims, tensors=tensors))


def extent_one(rng: Random, problem: Problem) -> Problem:
    """A dimension that never moves, in ranks of its own or in those of others."""
    layer, one = problem.layer, rng.choice(["unused", "one"])  # chips have rules on "unused"

    def added(tensor: Tensor) -> Tensor:
        ranks, term = list(tensor.ranks), (one, rng.randint(1, 3))
        if ranks and rng.random() < 0.5:
            i = rng.randrange(len(ranks))
            ranks[i] = replace(ranks[i], terms=(*ranks[i].terms, term))
        else:
            ranks.insert(rng.randint(0, len(ranks)), Rank("r" + one, (term,)))
        return replace(tensor, ranks=tuple(ranks))

    chosen = rng.sample(range(len(layer.tensors)), rng.randint(1, len(layer.tensors)))
    tensors = tuple(added(t) if i in chosen else t for i, t in enumerate(layer.tensors))
    return problem._replace(layer=replace(layer, dims={**layer.dims, one: 1}, tensors=tensors))


def one_more_axis(_: Random, problem: Problem) -> Problem:
    """An axis with a single instance in every array."""
    return edited(problem, Array, lambda a: replace(a, axes=(*a.axes, Axis(a.name + "z", 1))))


def twice_the_bits(_: Random, problem: Problem) -> Problem:
    """Values, words, capacities and ports in units of half a bit."""

    def double(m: Memory) -> Memory:
        ports = tuple(replace(p, bits_per_cycle=p.bits_per_cycle * 2) for p in m.ports)
        return replace(m, capacity_bits=doubled(m.capacity_bits), ports=ports)

    def wider(array: Array) -> Array:
        routes = {
            tensor: replace(
                route,
                bits_per_cycle=doubled(route.bits_per_cycle),
                link_bits_per_cycle=doubled(route.link_bits_per_cycle),
            )
            for tensor, route in array.routes.items()
        }
        return replace(array, routes=routes)

    layer, chip = on_memories(problem, double)
    chip = replace(chip, levels=tuple(wider(x) if isinstance(x, Array) else x for x in chip.levels))
    tensors = tuple(replace(t, bits=doubled(t.bits)) for t in layer.tensors)
    return Problem(replace(layer, tensors=tensors), replace(chip, word_bits=chip.word_bits * 2))


@seeded
@pytest.mark.parametrize("rewrite", [reordered, extent_one, one_more_axis, twice_the_bits])
def test_writing_a_problem_in_another_way_changes_no_value(rewrite, seeds):
    for seed in seeds:
        rewritten = rewrite(Random(seed), drawn(seed))
        for objective in OBJECTIVES:
            after = value(solve(rewritten, objective, space_of(seed)))
            times = 2 if rewrite is twice_the_bits and objective == "traffic" else 1
            expected = value(best(seed, objective)) * times
            assert after == pytest.approx(expected, rel=CLOSE), (seed, objective)


@seeded
@pytest.mark.parametrize("factor", [0.3, 1e9])
def test_the_optimum_scales_with_energy(factor, seeds):
    for seed in seeds:
        scaled = on_energies(drawn(seed), lambda energy: energy * factor)
        for objective in OBJECTIVES:
            expected = value(best(seed, objective)) * (factor if objective in {"energy", "edp"} else 1.0)
            after = value(solve(scaled, objective, space_of(seed)))
            assert after == pytest.approx(expected, rel=CLOSE), (seed, objective)


def renamed(problem: Problem, names: dict[str, str]) -> Problem:
    """Other names for dimensions, tensors, layer and chip, in the same order."""

    def change(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return words and tuple(names.get(w, w) for w in words)

    def rename_memory(m: Memory) -> Memory:
        ports = tuple(replace(p, tensors=change(p.tensors)) for p in m.ports)
        return replace(m, keeps=change(m.keeps), may_keep=change(m.may_keep), ports=ports)

    def rename_routes(array: Array) -> Array:
        return replace(array, routes={names.get(t, t): route for t, route in array.routes.items()})

    def rename_tensor(tensor: Tensor) -> Tensor:
        ranks = (Rank("n" + r.name, tuple((names[d], c) for d, c in r.terms)) for r in tensor.ranks)
        return replace(tensor, name=names[tensor.name], ranks=tuple(ranks))

    moved = on_loops(problem, lambda loops: Loops(change(loops.allowed), change(loops.full)))
    tensors = tuple(map(rename_tensor, problem.layer.tensors))
    dims = {names[d]: extent for d, extent in problem.layer.dims.items()}
    layer = replace(problem.layer, name="another", kind="another", dims=dims, tensors=tensors)
    moved = edited(moved, Array, rename_routes)._replace(layer=layer)
    return edited(moved, Memory, rename_memory, name="another", tensors=change(problem.chip.tensors))


@seeded
def test_names_do_not_matter(seeds):
    for seed in seeds:
        rng, problem = Random(seed), drawn(seed)
        fresh = (f"n{i}" for i in rng.sample(range(100), 20))
        dims = dict(zip(problem.layer.dims, fresh, strict=False))
        same = {t.name: t.name for t in problem.layer.tensors}
        names = dict(zip(same, fresh, strict=False))
        for objective in OBJECTIVES:
            before = best(seed, objective)
            # Classes of orders are sorted by names of tensors, so of equals another may come first.
            after = value(solve(renamed(problem, dims | names), objective, space_of(seed)))
            assert after == pytest.approx(value(before), rel=CLOSE), (seed, objective)
            found = solve(renamed(problem, dims | same), objective, space_of(seed))
            if before is not None and found is not None:
                nodes = before.mapping.nodes
                moved = (n if isinstance(n, Storage) else replace(n, dim=dims[n.dim]) for n in nodes)
                assert found == Found(Mapping(tuple(moved)), before.certificate)


@seeded
def test_each_objective_is_best_at_its_own(seeds):
    for seed in seeds:
        found = {o: best(seed, o) for o in OBJECTIVES}
        assert len({f is None for f in found.values()}) == 1  # what is legal does not depend on what is asked
        costs = {o: priced(drawn(seed), f.mapping) for o, f in found.items() if f is not None}
        for objective, own in costs.items():
            for other in costs.values():
                assert own[objective] <= other[objective] * (1 + CLOSE), (seed, objective)
                if (
                    objective in {"latency", "traffic"} and other[objective] <= own[objective]
                ):  # ties by energy
                    assert own["energy"] <= other["energy"] * (1 + CLOSE), seed
            assert own[objective] == pytest.approx(value(best(seed, objective)), rel=CLOSE), (seed, objective)


@seeded
def test_a_second_run_finds_the_same(seeds):
    for seed in seeds:
        for objective in OBJECTIVES:
            again = solve(drawn.__wrapped__(seed), objective, space_of(seed))
            assert again == best(seed, objective)


# Mappings drawn at random


@seeded
def test_no_random_mapping_beats_the_optimum(seeds):
    legal = 0
    for seed in seeds:
        rng, space = Random(seed), space_of(seed)
        problem = larger_problem(rng, space)
        draws = [random_mapping(rng, problem, space) for _ in range(40)]
        mappings = [mapping for mapping in draws if mapping is not None]
        legal += len(mappings)
        for objective in OBJECTIVES:
            found = solve(problem, objective, space)
            assert found is not None or not mappings
            others = [] if found is None else [with_other_orders(rng, found.mapping) for _ in range(10)]
            for mapping in [*mappings, *others]:
                check(*problem, mapping)
                assert priced(problem, mapping)[objective] >= value(found) * (1 - CLOSE), (seed, objective)
    assert legal >= 5 * len(seeds)  # or nothing was tried
