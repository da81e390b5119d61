"""The checker proves what the search found, agrees with the slow truth, and refuses certificates that do not hold."""

from collections.abc import Container
from dataclasses import replace
from functools import cache
from itertools import count, product
from random import Random

import pytest

from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Compute, Memory
from chipwise.mapper.checker import CertificateError, Verified, verify
from chipwise.mapper.mapspace import FACTORS, Mapspace, chains, count_chains
from chipwise.mapper.proof.factors import chains_of, divides, moves
from chipwise.mapper.proof.frame import Frame
from chipwise.mapper.search import Certificate, Found, search
from chipwise.mapper.space import size_of
from chipwise.mapping.mapping import Mapping, Spatial
from chipwise.model.boxes import Role, combine, entries
from chipwise.workload.kinds import fully_connected
from chipwise.workload.layer import Layer, Rank, Tensor
from chipwise.workload.load import load_network
from tests.oracle.brute import cost, optima
from tests.oracle.problems import Problem, random_problem, small_problem
from tests.oracle.spaces import Space
from tests.unit.mapper.cases import SPACES, is_quick, priced, random_mapping, solve

CHECKED = ("energy", "latency", "edp", "traffic,latency")
MAX_MACS = 24
MAX_SIZE = 50_000
RESNET = Mapspace("uneven", "perfect")

# What the search finds is proven again


@cache
def tiny(seed: int, space: Mapspace) -> Problem:
    """A problem with few chains: plain Python looks at every one."""
    rng = Random(seed)
    draws = (random_problem(rng, MAX_MACS) for _ in count())
    return next(
        problem
        for problem in draws
        if problem.layer.macs > 1 and is_quick(problem) and size_of(*problem, space) <= MAX_SIZE
    )


def assert_proven(seed: int) -> int:
    """Search and check one problem; every objective and mapspace has its turn. 1 if something was legal."""
    space, objective = SPACES[seed % len(SPACES)], CHECKED[seed // len(SPACES) % len(CHECKED)]
    problem = tiny(seed, space)
    found = solve(problem, objective, space)
    if found is None:
        return 0
    proven = verify(*problem, found, space)
    assert float(proven.value) == pytest.approx(found.certificate.value, rel=1e-12)
    assert proven.boxes >= proven.closed_by_bound + proven.closed_by_fit + proven.leaves
    return 1


@pytest.mark.parametrize("first", range(0, 48, 24))
def test_certificates_of_tiny_problems_hold(first: int):
    assert sum(assert_proven(seed) for seed in range(first, first + 24)) > 12


@pytest.mark.slow
@pytest.mark.parametrize("first", range(48, 528, 24))
def test_certificates_of_many_tiny_problems_hold(first: int):
    assert sum(assert_proven(seed) for seed in range(first, first + 24)) > 12


@cache
def on_eyeriss(name: str) -> tuple[Problem, Found]:
    """A layer of ResNet-50 and its best mapping."""
    problem = Problem(load_network("resnet50").layer(name), load_accelerator("eyeriss"))
    return problem, search(*problem, "energy", space=RESNET)


def proven_on_eyeriss(name: str, only: Container[int] | None = None) -> Verified:
    problem, found = on_eyeriss(name)
    return verify(*problem, found, RESNET, only=only)


@pytest.mark.parametrize("name", ["layer1.0.conv1", "layer3.0.downsample"])
def test_layers_of_resnet_are_proven(name: str):
    proven = proven_on_eyeriss(name)

    assert proven.classes == 30
    assert proven.closed_by_bound > 0
    assert proven.closed_by_fit > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "only"),
    [("layer1.1.conv1", None), ("layer4.0.downsample", None), ("layer2.0.conv2", range(0, 36, 6))],
)
def test_more_layers_of_resnet_are_proven(name: str, only: Container[int] | None):
    assert proven_on_eyeriss(name, only).classes in {30, 6}


def test_a_sample_of_classes_is_proven_alone():
    one = proven_on_eyeriss("layer1.0.conv1", {3})

    assert one.classes == 1
    assert one.boxes < proven_on_eyeriss("layer1.0.conv1").boxes


# The slow truth: the checker takes its optima, and finds what is better than any other mapping


def as_found(problem: Problem, mapping: Mapping, objective: str, space: Mapspace) -> Found:
    """A mapping with a certificate that says that it is the best."""
    value = float(cost(*problem, mapping).of(objective)[0])
    size = size_of(*problem, space)
    said = Certificate(
        objective, value, value, 0.0, True, 1, 0, 0, 1, 1, space.placement, space.factors, size
    )
    return Found(mapping, said)


def assert_takes_the_optimum_alone(seed: int) -> int:
    """Check what trying every mapping finds, and random mappings; the number of those that are worse."""
    space, objective = SPACES[seed % len(SPACES)], CHECKED[seed // len(SPACES) % len(CHECKED)]
    slow = Space(space.placement, space.factors, canonical=False)
    problem = small_problem(seed, 1500, slow)
    found = optima(*problem, slow, [objective]).best.get(objective)
    if found is None:
        return 0
    verify(*problem, as_found(problem, found.mapping, objective, space), space)
    rng, worse = Random(seed), 0
    for other in filter(None, (random_mapping(rng, problem, space) for _ in range(5))):
        if cost(*problem, other).of(objective) > found.value:
            worse += 1
            with pytest.raises(CertificateError, match="holds a better mapping"):
                verify(*problem, as_found(problem, other, objective, space), space)
    return worse


@pytest.mark.parametrize("first", range(0, 48, 12))
def test_the_checker_agrees_with_trying_every_mapping(first: int):
    assert sum(assert_takes_the_optimum_alone(seed) for seed in range(first, first + 12))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(48, 648, 24))
def test_the_checker_agrees_with_trying_every_mapping_of_many(first: int):
    assert sum(assert_takes_the_optimum_alone(seed) for seed in range(first, first + 24))


# Certificates that do not hold

WRONG = {
    "bound": ({"bound": 1.0}, "with bound 1.0"),
    "gap": ({"gap": 0.25}, "a gap of 0.25"),
    "not proven": ({"proven": False}, "proven is False"),
    "mapspace": ({"mapspace": 12.0}, "the certificate says 12.0"),
    "objective": ({"objective": "latency"}, "has latency"),
    "no objective": ({"objective": "beauty"}, "'beauty' is not known"),
    "nodes": ({"nodes": 3}, "3 nodes, of which"),
    "negative": ({"pruned_by_fit": -1}, "pruned_by_fit is -1"),
    "leaves": ({"leaves": 0}, "without looking at one"),
    "classes": ({"templates": 10**6}, "1000000 classes were searched"),
    "no classes": ({"templates": 0}, "without searching a class"),
    "factors": ({"factors": "imperfect"}, "it is about the mapspace"),
    "not a number": ({"value": float("nan")}, "the certificate says nan"),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_certificate_is_refused(change: dict[str, object], said: str):
    problem, found = on_eyeriss("layer1.0.conv1")
    wrong = replace(found, certificate=replace(found.certificate, **change))

    with pytest.raises(CertificateError, match=said):
        verify(*problem, wrong, RESNET, only={0})


def revalued(found: Found, value: float) -> Found:
    return replace(found, certificate=replace(found.certificate, value=value, bound=value))


@pytest.mark.parametrize("factor", [0.9, 1 - 1e-9, 1 + 1e-9, 1.1])
def test_a_value_that_is_not_that_of_the_mapping_is_refused(factor: float):
    problem, found = on_eyeriss("layer1.0.conv1")

    with pytest.raises(CertificateError, match="has energy"):
        verify(*problem, revalued(found, found.certificate.value * factor), RESNET)


def test_a_worse_mapping_is_refused_by_the_one_that_beats_it():
    problem, found = on_eyeriss("layer1.0.conv1")
    rng = Random(1)
    worse = next(m for m in (random_mapping(rng, problem, RESNET) for _ in count()) if m is not None)
    value = priced(problem, worse)["energy"]

    assert value > found.certificate.value
    with pytest.raises(CertificateError, match=r"holds a better mapping, with energy .* instead of"):
        verify(*problem, revalued(replace(found, mapping=worse), value), RESNET)


def test_an_illegal_mapping_is_refused():
    problem, found = on_eyeriss("layer1.0.conv1")
    cut = Mapping(found.mapping.nodes[:-1])

    with pytest.raises(CertificateError, match=r"does not hold: mapping of layer"):
        verify(*problem, replace(found, mapping=cut), RESNET)


def test_a_mapping_of_another_mapspace_is_refused():
    problem, found = on_eyeriss("layer1.0.conv1")
    even = Mapspace("even", "perfect")
    said = replace(found.certificate, placement="even", mapspace=size_of(*problem, even))

    with pytest.raises(CertificateError, match="is not in the mapspace"):
        verify(*problem, replace(found, certificate=said), even)


def test_residuals_are_not_perfect():
    problem = Problem(fully_connected("fc", M=27, C=4), load_accelerator("eyeriss"))
    rng, spatial = Random(0), Mapspace("uneven", "spatial")
    draws = filter(None, (random_mapping(rng, problem, spatial) for _ in count()))
    mapping = next(m for m in draws if any(isinstance(n, Spatial) and n.tile == 2 for n in m.nodes))

    with pytest.raises(CertificateError, match="is not in the mapspace"):
        verify(*problem, as_found(problem, mapping, "energy", RESNET), RESNET)
    with pytest.raises(CertificateError, match="holds a better mapping"):
        verify(*problem, as_found(problem, mapping, "energy", spatial), spatial)


def test_transfers_that_do_not_add_up_to_the_counts_prove_nothing(monkeypatch: pytest.MonkeyPatch):
    problem, found = on_eyeriss("layer1.0.conv1")
    weights = Frame.weights
    monkeypatch.setattr(Frame, "weights", lambda self, q: tuple((row, 2 * w) for row, w in weights(self, q)))

    with pytest.raises(CertificateError, match="do not add up to the mapping's cost"):
        verify(*problem, found, RESNET)


def test_one_iteration_and_free_actions_are_proven_too():
    free = {action: ActionEnergy(0.0, "test") for action in ("read", "write", "mac")}
    chip = Accelerator(
        "free",
        (
            Memory("dram", "dram", ("input", "weight", "output"), energy=free),
            Memory("buffer", "sram", ("input",), energy=free),
            Compute("mac", "mac", free),
        ),
        1e9,
    )
    for layer, space in product((fully_connected("fc", M=1, C=1), fully_connected("fc", M=4, C=3)), SPACES):
        for objective in CHECKED:
            verify(layer, chip, search(layer, chip, objective, space=space), space)


# Its parts


@pytest.mark.parametrize("factors", FACTORS)
def test_chains_are_those_of_the_mapspace(factors: str):
    for extent, codes in product((2, 6, 7, 12), product(range(4), repeat=3)):
        sizes = tuple(3 * (code > 1) for code in codes)
        own = chains_of(extent, codes, sizes, factors)
        declared = chains(extent, codes, sizes, factors)

        assert set(own) == {tuple(map(int, row)) for row in declared}
        assert len(own) == count_chains(extent, extent, codes, sizes, factors)


def test_moves_of_one_dimension_are_those_of_the_boxes():
    """Where all loops divide there is a closed form; most draws are such."""
    rng, perfect = Random(0), 0
    tensors = Tensor("I", (Rank("r", (("A", 1),)),)), Tensor("O", (), is_output=True)
    for _ in range(3000):
        extent, chain, roles = rng.randint(1, 24), [], []
        layer = Layer("any", "einsum", {"A": extent}, tensors)
        for _ in range(rng.randint(0, 4)):
            above = chain[-1] if chain else extent
            chain.append(rng.choice([t for t in range(1, above + 1) if above % t == 0 or rng.random() < 0.1]))
            allowed = [r for r in Role if r is not Role.STEP or (chain[-1] < above and r not in roles)]
            roles.append(rng.choice(allowed))
        loops, coefficient = list(zip(chain, roles, strict=True)), rng.randint(1, 3)
        for old in (False, True):
            expected = combine([(coefficient, entries(extent, loops, with_old=old))])
            arguments = [tuple(chain)], [tuple(roles)]
            assert moves(layer, (("A", coefficient),), *arguments, old=old)[: 1 + old] == expected[: 1 + old]
            alone = sum(entries(extent, loops, with_old=False).values())
            assert moves(layer, (("A", 0),), *arguments, old=old) == (alone, alone * old)
        perfect += divides(extent, tuple(chain))
    assert 1000 < perfect < 2900
