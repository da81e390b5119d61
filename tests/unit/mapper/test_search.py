"""The mapper on real layers: legal, costed as promised, deterministic, and clear where nothing fits."""

from dataclasses import replace

import pytest

from chipwise.analysis.evaluate import evaluate, find_mapping
from chipwise.components.load import load_accelerator
from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Accelerator, Memory, Parallel
from chipwise.mapper.mapspace import spatial_counts
from chipwise.mapper.search import search
from chipwise.mapping.legality import check
from chipwise.model.cost import cost
from chipwise.workload.kinds import conv, fully_connected, matmul
from chipwise.workload.network import Network

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
@pytest.mark.parametrize("objective", ["energy", "latency", "edp"])
def test_the_mapping_is_legal_and_costs_what_the_certificate_says(layer, objective):
    chip = load_accelerator("eyeriss")
    found = search(layer, chip, objective)
    check(layer, chip, found.mapping)
    priced = cost(layer, chip, found.mapping)
    value = {
        "energy": priced.energy_pj,
        "latency": priced.latency_cycles,
        "edp": priced.energy_pj * priced.latency_cycles,
    }[objective]

    assert found.certificate.proven
    assert value == pytest.approx(found.certificate.value, rel=1e-12)


def test_objectives_are_each_best_at_their_own():
    results = {o: find_mapping(LAYERS[0], "eyeriss", o) for o in ("energy", "latency", "edp")}

    assert min(results, key=lambda o: results[o].energy_pj) == "energy"
    assert min(results, key=lambda o: results[o].latency_cycles) == "latency"
    assert min(results, key=lambda o: results[o].energy_pj * results[o].latency_cycles) == "edp"


def test_results_do_not_depend_on_the_number_of_workers():
    network = Network("some", tuple(LAYERS[2:]))
    one, two = (evaluate(network, "eyeriss", workers=n).to_dict() for n in (1, 2))

    assert one == two


def test_row_stationary_keeps_the_filter_rows_on_the_rows():
    result = find_mapping(LAYERS[2], "eyeriss", "latency")

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
    wide = conv("wide", M=64, C=64, P=8, Q=8, R=3, S=20)
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


HARD = conv("hard", M=256, C=256, P=56, Q=56, R=5, S=5)


def test_a_time_limit_yields_a_mapping_with_its_gap():
    chip = load_accelerator("simple")
    found = search(HARD, chip, time_limit_s=1.0)
    certificate = found.certificate
    check(HARD, chip, found.mapping)

    assert not certificate.proven
    assert 0 < certificate.gap < 1
    assert certificate.bound == pytest.approx((1 - certificate.gap) * certificate.value)
    assert cost(HARD, chip, found.mapping).energy_pj == pytest.approx(certificate.value)


def test_a_time_limit_that_is_not_reached_changes_nothing():
    chip = load_accelerator("eyeriss")

    assert search(LAYERS[0], chip, time_limit_s=1000.0) == search(LAYERS[0], chip)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_time_limit_of_nothing_is_refused(seconds):
    with pytest.raises(InputError, match="must be above 0"):
        search(LAYERS[0], load_accelerator("eyeriss"), time_limit_s=seconds)


def test_too_little_time_to_find_anything_says_so():
    with pytest.raises(NoMappingError, match="allow more time"):
        search(HARD, load_accelerator("simple"), time_limit_s=1e-6)


def test_an_unknown_objective_is_refused():
    with pytest.raises(InputError, match="Did you mean 'energy'"):
        search(LAYERS[0], load_accelerator("eyeriss"), "enrgy")


def test_spatial_counts_take_the_least_for_each_number_of_passes():
    assert (14, 2) in spatial_counts(27, 14)
    assert spatial_counts(1, 14) == [(1, 1)]
    for n in range(1, 60):
        for most in (1, 3, 14):
            passes = [q for _, q in spatial_counts(n, most)]
            assert len(passes) == len(set(passes))
            assert min(passes) == -(-n // min(n, most))
