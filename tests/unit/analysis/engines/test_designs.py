"""What every engine must do: dense plus its overhead at density 1, never slower with more zeros."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from chipwise.analysis.engines.engine import Engine
from chipwise.analysis.engines.registry import engine, engine_names
from chipwise.analysis.engines.run import run_engine
from chipwise.analysis.engines.work import Work, work_of
from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.bits import uniform_bits, with_bits
from chipwise.workload.densities import parse_densities, with_densities
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.network import Network

LAYERS = [
    work_of(conv("conv", M=40, C=24, P=13, Q=13, R=3, S=3)),
    work_of(conv("strided", M=32, C=16, P=14, Q=14, R=5, S=5, stride=2)),
    work_of(conv("pointwise", M=48, C=96, P=7, Q=7, R=1, S=1)),
    work_of(conv("grouped", M=48, C=32, P=9, Q=9, R=3, S=3, groups=2)),
    work_of(fully_connected("fc", M=200, C=300)),
]
DENSITIES = (1.0, 0.93, 0.8, 0.6, 0.5, 0.35, 0.2, 0.1, 0.03)


def dense_dual_side(work: Work) -> float:
    tiles = [(min(32, work.filters - i), min(32, work.pixels - j)) for j in range(0, work.pixels, 32)
             for i in range(0, work.filters, 32)] * work.groups  # fmt: skip
    assert len(tiles) <= 320
    steps = [max(-(-x // 8) * -(-y // 16), x * y / 115) + 0.57 for x, y in tiles]
    return work.taps * max(steps)


def dense_eie(work: Work) -> float:
    return work.taps * -(-work.filters // 64)


def dense_cnvlutin(work: Work) -> float:
    bricks = work.window[0] * work.window[1] * -(-work.channels // 16)
    return work.groups * work.pixels * 16 * -(-bricks // 16)


def dense_stripes(work: Work) -> float:
    plain = engine("stripes").plain(work).cycles
    return plain if work.is_vector else plain / work.pixels * 16 * -(-work.pixels // 16)


def dense_plain(name: str) -> Callable[[Work], float]:
    return lambda work: engine(name).plain(work).cycles


DENSE = {
    "bit-fusion": dense_plain("bit-fusion"),
    "cnvlutin": dense_cnvlutin,
    "dual-side": dense_dual_side,
    "eie": dense_eie,
    "stripes": dense_stripes,
    "subword": dense_plain("subword"),
    "tensor-core-2-4": dense_plain("tensor-core-2-4"),
}
"""Cycles at density 1 by hand. Eyeriss v2 and SCNN are searched and cut; their bounds are below."""

runs = pytest.mark.parametrize(
    ("name", "work"),
    [(n, w) for n in engine_names() for w in LAYERS if not engine(n).refusal(w)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)


@runs
def test_zeros_never_make_it_slower_or_costlier(name, work):
    for tensors in (("input_density",), ("weight_density",), ("input_density", "weight_density")):
        costs = [engine(name).cost(replace(work, **dict.fromkeys(tensors, d))) for d in DENSITIES]
        for more, fewer in itertools.pairwise(costs):
            assert fewer.cycles <= more.cycles + 1e-9
            assert fewer.energy_pj <= more.energy_pj * (1 + 1e-9)


@runs
def test_without_zeros_it_is_the_counterpart_and_its_overhead(name, work):
    plain, dense = engine(name).plain(work), engine(name).cost(work.dense())
    if name in DENSE:
        assert dense.cycles == pytest.approx(DENSE[name](work))
    multipliers = {"eyeriss-v2": 384, "scnn": 1024}
    if name in multipliers:
        assert dense.cycles >= work.macs / multipliers[name]
    assert plain == engine(name).plain(replace(work, input_density=0.3, weight_density=0.3))


@runs
def test_counts_and_energies_make_sense(name, work):
    cost = engine(name).cost(replace(work, input_density=0.4, weight_density=0.4))
    assert cost.cycles >= 0
    assert all(item.count >= 0 and item.energy_pj_each > 0 and item.source for item in cost.items)
    assert sum(cost.energy_by_component_pj().values()) == pytest.approx(cost.energy_pj)


@pytest.mark.parametrize("name", ["bit-fusion", "stripes", "subword"])
def test_fewer_bits_never_make_it_slower_or_costlier(name):
    for work in LAYERS:
        costs = [engine(name).cost(replace(work, input_bits=b, weight_bits=b)) for b in range(16, 0, -1)]
        for more, fewer in itertools.pairwise(costs):
            assert fewer.cycles <= more.cycles
            assert fewer.energy_pj <= more.energy_pj * (1 + 1e-9)


def test_bit_serial_time_is_proportional_to_bits():
    work = LAYERS[0]
    cycles = {b: engine("stripes").cost(replace(work, input_bits=b)).cycles for b in (1, 5, 16)}
    assert cycles[5] == 5 * cycles[1]
    assert cycles[16] == 16 * cycles[1]


def test_subwords_double_the_products_of_a_cycle():
    work = replace(LAYERS[0], filters=64, channels=64)
    cycles = [
        engine("subword").cost(replace(work, input_bits=b, weight_bits=b)).cycles for b in (16, 8, 4, 3)
    ]
    assert cycles == [work.macs // 256, work.macs // 512, work.macs // 1024, work.macs // 1024]


def test_fused_bits_take_time_by_both_widths():
    work = replace(LAYERS[0], filters=64, channels=64)

    def cycles(inputs, weights):
        return engine("bit-fusion").cost(replace(work, input_bits=inputs, weight_bits=weights)).cycles

    one = work.macs // 256
    assert [cycles(b, b) for b in (16, 8, 4, 2)] == [4 * one, one, one // 4, one // 16]
    assert cycles(8, 2) == cycles(2, 8) == cycles(4, 4)
    assert cycles(1, 1) == cycles(2, 2)


def test_bits_of_a_network_reach_the_engine():
    network = with_bits(registry.build("lenet5"), uniform_bits(registry.build("lenet5"), 4))
    run = run_engine(network, engine("stripes"))
    c3 = next(layer for layer in run.layers if layer.work.name == "C3")
    assert c3.dense.cycles == 4 * c3.cost.cycles


def test_an_engine_that_runs_nothing_says_why():
    with pytest.raises(InputError, match="has no plane"):
        run_engine(registry.build("tpu_mlp0"), engine("scnn"))
    with pytest.raises(InputError, match="Did you mean 'scnn'"):
        engine("scn")


def test_engines_are_data():
    assert all(isinstance(engine(name), Engine) for name in engine_names())
    assert len({engine(name).title for name in engine_names()}) == len(engine_names())


@pytest.mark.parametrize(
    ("pattern", "faster"),
    [("2:4", True), ("1:2", True), ("1:4", True), ("2:8", True), ("4:8", False), ("3:4", False)],
)
def test_a_pattern_says_whether_two_of_four_are_zero(pattern, faster):
    layer = fully_connected("fc", M=64, C=64)
    network = Network("own", (layer,))
    known = parse_densities(
        f"{{schema: chipwise.densities/1, layers: {{fc: {{weight: '{pattern}'}}}}}}", "d.yaml"
    )
    run = run_engine(with_densities(network, known), engine("tensor-core-2-4")).layers[0]
    assert (run.cost.cycles < run.plain.cycles) is faster
