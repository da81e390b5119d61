"""The mapper on real layers: legal, costed as promised, deterministic, and clear where nothing fits."""

from dataclasses import replace

import pytest
from numba.core.registry import CPUDispatcher as Dispatcher

from chipwise.analysis.evaluate import evaluate, find_mapping
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator, Memory, Parallel
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import search
from chipwise.mapping.legality import check
from chipwise.model.kernels import search as kernel
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.network import Network
from tests.oracle.problems import Problem
from tests.unit.mapper.cases import OBJECTIVES, priced

LAYERS = [
    conv("alexnet3", M=384, C=256, P=13, Q=13, R=3, S=3),
    conv("grouped", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2),
    conv("strided", M=96, C=3, P=55, Q=55, R=11, S=11, stride=4),
    conv("depthwise", M=32, C=32, P=28, Q=28, R=3, S=3, groups=32),
    conv("dilated", M=32, C=16, P=20, Q=20, R=3, S=3, dilation=2),
    fully_connected("fc", M=1000, C=512, N=4),
    matmul("scores", M=64, K=64, N=64, batch=4),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("space", [Mapspace("uneven", "perfect"), Mapspace("even", "spatial")], ids=str)
def test_the_mapping_is_legal_and_costs_what_the_certificate_says(layer, objective, space):
    chip = load_accelerator("eyeriss")
    found = search(layer, chip, objective, space=space)
    check(layer, chip, found.mapping)

    assert found.certificate.proven
    assert found.certificate.objective == objective
    assert priced(Problem(layer, chip), found.mapping)[objective] == pytest.approx(
        found.certificate.value, rel=1e-12
    )


def test_kernels_are_compiled_once():
    """Arrays of another memory order would each take a kernel of their own, and compiling takes seconds."""
    for layer in LAYERS:
        for space in (Mapspace("uneven", "perfect"), Mapspace("even", "spatial")):
            search(layer, load_accelerator("eyeriss"), "energy", 60.0, space)
    compiled = {name: f.signatures for name, f in vars(kernel).items() if isinstance(f, Dispatcher)}
    # Taken with tables of the bounds and of the volumes.
    twice = {"_product_without"}
    assert compiled["search"]
    assert {name for name, signatures in compiled.items() if len(signatures) > 1} <= twice


def test_objectives_are_each_best_at_their_own():
    results = {o: find_mapping(LAYERS[0], "eyeriss", o) for o in OBJECTIVES}
    values = {o: priced(Problem(LAYERS[0], r.accelerator), r.mapping) for o, r in results.items()}

    for objective, own in values.items():
        assert all(own[objective] <= other[objective] * (1 + 1e-12) for other in values.values())
    assert values["energy"]["latency"] > values["latency"]["latency"]
    assert values["latency"]["energy"] > values["energy"]["energy"]


def test_results_do_not_depend_on_the_number_of_workers():
    network = Network("some", tuple(LAYERS[2:]))
    one, two = (evaluate(network, "eyeriss", workers=n).to_dict() for n in (1, 2))

    assert one == two


def test_row_stationary_keeps_the_filter_rows_on_the_rows():
    result = find_mapping(LAYERS[2], "eyeriss", "latency", factors="spatial")

    assert "R 11" in result.mapping_text
    assert result.cost.active_pes > 150  # 11 x 14 = 154 where the last pass is full


def _resized(chip: Accelerator, name: str, bits: int) -> Accelerator:
    def change(memory: Memory) -> Memory:
        return replace(memory, capacity_bits=bits) if memory.name == name else memory

    levels = tuple(
        Parallel(tuple(map(change, level.memories)))
        if isinstance(level, Parallel)
        else change(level)
        if isinstance(level, Memory)
        else level
        for level in chip.levels
    )
    return replace(chip, levels=levels)


def test_the_binding_memory_is_named_with_what_would_do():
    wide = conv("wide", M=8, C=8, P=4, Q=4, R=3, S=20)
    with pytest.raises(NoMappingError, match=r"'ifmap_spad' has room for 12 words.* need 20 words") as caught:
        search(wide, load_accelerator("eyeriss"))

    assert caught.value.constraint == "capacity of ifmap_spad"
    enough = _resized(load_accelerator("eyeriss"), "ifmap_spad", 20 * 16)
    assert search(wide, enough).certificate.proven


def test_the_binding_axis_is_named():
    tall = conv("tall", M=64, C=64, P=8, Q=8, R=13, S=3)
    with pytest.raises(NoMappingError, match="axis 'rows' must hold all of R, which is 13"):
        search(tall, load_accelerator("eyeriss"))


def test_several_memories_that_bind_together_are_named():
    tight = _resized(_resized(load_accelerator("eyeriss"), "ifmap_spad", 16), "psum_spad", 0)
    with pytest.raises(NoMappingError, match="leave nothing together"):
        search(LAYERS[0], tight)


@pytest.mark.parametrize("placement", ["even", "uneven"])
def test_a_time_limit_that_is_not_reached_changes_nothing(placement):
    chip, space = load_accelerator("eyeriss"), Mapspace(placement, "perfect")

    assert search(LAYERS[0], chip, time_limit_s=1000.0, space=space) == search(LAYERS[0], chip, space=space)


def test_an_unknown_objective_is_refused():
    with pytest.raises(InputError, match="Did you mean 'energy'"):
        search(LAYERS[0], load_accelerator("eyeriss"), "enrgy")
