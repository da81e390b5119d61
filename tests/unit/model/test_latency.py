"""Time by hand: ramp-up, drain, single buffers, networks, bursts, configuration; and what must hold of any mapping."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

import chipwise
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Memory, Port, Route
from chipwise.hardware.buffering import Buffering
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.model.counts import count
from chipwise.model.latency import Timing, exact_latency, timing
from chipwise.model.sparse import sparse_of
from chipwise.workload.kinds import matmul
from tests.oracle.strategies import random_case

TENSORS = ("input", "weight", "output")
DOT = matmul("dot", M=1, N=1, K=8)


def two_levels(buffering: Buffering = Buffering.ROLLING, **ports: float) -> Accelerator:
    """DRAM with a port of 16 b/cycle over one buffer."""
    dram = Memory("dram", "dram", TENSORS, ports=(Port("dram", ports.get("dram", 16.0)),))
    inner = (Port("buffer", ports["buffer"]),) if "buffer" in ports else ()
    buffer = Memory("buffer", "sram", TENSORS, (), 16 * 100, buffering, inner)
    return Accelerator("chip", (dram, buffer, Compute("mac", "mac")), 1e9)


def tiled(*inner: Temporal) -> Mapping:
    """Four tiles of 2 + 2 words."""
    outer = [Storage("dram", t) for t in TENSORS] + [Temporal("K", 2)]
    return Mapping((*outer, *(Storage("buffer", t) for t in TENSORS), *inner))


def timed(chip: Accelerator, mapping: Mapping | None = None, layer=DOT) -> Timing:
    mapping = mapping or tiled(Temporal("K", 1))
    return timing(sparse_of(layer, chip), count(layer, chip, mapping))


def test_a_port_that_is_busy_longest_decides_between_first_and_last_tile():
    """4 words come first, 12 follow in 12 cycles while 8 MACs take 8, 1 goes out."""
    found = timed(two_levels())
    assert found.breakdown == {"compute": 8, "ramp-up": 4, "drain": 1, "dram": 4}
    assert found.latency_cycles == 17
    assert found.busy == {"dram": 17}
    assert found.bound_by == "dram"


def test_with_a_faster_port_compute_decides():
    found = timed(two_levels(dram=32.0))
    assert found.breakdown == {"compute": 8, "ramp-up": 2, "drain": 0.5}
    assert found.bound_by == "compute"


def test_a_single_buffer_stops_work_whenever_tiles_change():
    """12 words after the first tile stop compute for 12 cycles; the psum stays."""
    found = timed(two_levels(Buffering.SINGLE))
    assert found.breakdown == {"compute": 8, "ramp-up": 4, "drain": 1, "exposed buffer": 12}
    assert found.bound_by == "exposed buffer"
    assert timed(two_levels(Buffering.DOUBLE)).latency_cycles == timed(two_levels()).latency_cycles


def test_what_lies_further_in_than_a_single_buffer_stops_with_it():
    """The buffer's own port: 8 + 8 words to the MAC, psums 8 times in and 7 times out; then it stands still for 12."""
    chip = two_levels(Buffering.SINGLE, buffer=16.0)
    found = timed(chip)
    served = 8 + 8 + 8 + 7
    assert found.steady["buffer"] == served + 12
    assert found.latency_cycles == 4 + 1 + served + 12
    # DRAM does not wait for what it does itself.
    assert found.steady["dram"] == 12


def pes(route: Route) -> Accelerator:
    """Four PEs in a row."""
    dram = Memory("dram", "dram", TENSORS, ports=(Port("dram", 1024.0),))
    array = Array("pes", (Axis("columns", 4),), {"input": route, "output": Route(), "weight": Route()})
    spad = Memory("spad", "register_file", ("input",), (), 16 * 100)
    return Accelerator("chip", (dram, array, spad, Compute("mac", "mac")), 1e9)


VECTOR = matmul("vector", M=1, N=4, K=8)
ON_PES = Mapping(
    (
        *(Storage("dram", t) for t in TENSORS),
        Temporal("K", 1),
        Spatial("columns", "N", 1),
        Storage("spad", "input"),
    )
)


@pytest.mark.parametrize(
    ("route", "busy"),
    [
        (Route(frozenset({"columns"}), bits_per_cycle=4.0), {"pes input": 32}),  # 8 words once
        (Route(bits_per_cycle=4.0), {"pes input": 128}),  # 8 words to each
        (
            Route(frozenset({"columns"}), bits_per_cycle=16.0, link_bits_per_cycle=4.0),
            {"pes input": 8, "pes input link": 32},
        ),
    ],
)
def test_networks_carry_what_they_do_not_share(route: Route, busy: dict[str, float]):
    found = timed(pes(route), ON_PES, VECTOR)
    assert {name: cycles for name, cycles in found.busy.items() if name != "dram"} == busy
    assert found.latency_cycles >= max(busy.values())


def test_words_that_are_passed_on_take_a_cycle_for_each_pe():
    at_once = timed(pes(Route(frozenset({"columns"}))), ON_PES, VECTOR)
    chained = timed(pes(Route(frozenset({"columns"}), delay_cycles=3)), ON_PES, VECTOR)
    assert chained.latency_cycles - at_once.latency_cycles == 3
    assert chained.waits["ramp-up"] - at_once.waits["ramp-up"] == 3


def test_configuration_comes_before_every_layer_or_behind_the_one_before():
    chip = replace(two_levels(), configuration_s=20e-9)
    assert timed(chip).latency_cycles == 17 + 20
    assert timed(chip).breakdown["configuration"] == 20


TWICE = """
name: twice
input: [1, 8]
layers:
  - {name: a, fc: {M: 64, C: 64}}
  - {name: b, fc: {M: 64, C: 64}}
"""


@pytest.mark.parametrize("prefetch", ["true", "false"])
def test_a_chip_that_prefetches_hides_starts_behind_the_layer_before(tmp_path, prefetch: str):
    (tmp_path / "n.yaml").write_text(TWICE)
    text = chip_text("bandwidth: {shared: 64 B/cycle}").replace(
        "levels:", f"configuration: 10 ns\nprefetch: {prefetch}\nlevels:"
    )
    (tmp_path / "c.yaml").write_text(text)
    result = chipwise.evaluate(tmp_path / "n.yaml", tmp_path / "c.yaml")
    alone = sum(r.latency_cycles for r in result.layers.values())
    assert sum(result.breakdown.values()) == pytest.approx(result.latency_cycles, rel=1e-12)
    if prefetch == "false":
        assert result.latency_cycles == alone
    else:
        assert (
            alone - 10 - max(r.cost.timing.waits["ramp-up"] for r in result.layers.values())
            <= result.latency_cycles
        )
        assert result.latency_cycles < alone - 9


def chip_text(dram: str) -> str:
    return f"""
name: c
clock: 1 GHz
word: 8 b
levels:
  - {{memory: dram, component: dram, keeps: [input, weight, output], {dram}, energy: {{read: 1 pJ, write: 1 pJ}}}}
  - memory: buffer
    component: sram
    capacity: 1 KiB
    keeps: [input, weight, output]
    energy: {{read: 1 pJ, write: 1 pJ}}
  - {{compute: mac, component: int_mac, energy: {{mac: 1 pJ}}}}
"""


@pytest.mark.parametrize(
    ("dram", "bits_per_cycle"),
    [
        ("bandwidth: {shared: 64 b at 500 MHz}", 32.0),
        ("bandwidth: {shared: 64 b/cycle}, burst: {length: 512 b, gap: 8 ns}", 32.0),  # 8 of 16 cycles
    ],
)
def test_links_with_clocks_of_their_own_and_bursts(tmp_path, dram: str, bits_per_cycle: float):
    (tmp_path / "c.yaml").write_text(chip_text(dram))
    chip = chipwise.load_accelerator(tmp_path / "c.yaml")
    assert chip.memories[0].ports[0].bits_per_cycle == pytest.approx(bits_per_cycle)


@pytest.mark.parametrize("block", range(6))
def test_what_holds_of_any_mapping(block: int):
    for seed in range(block * 30, (block + 1) * 30):
        case = random_case(Random(seed), max_macs=300)
        counts = count(case.layer, case.chip, case.mapping)
        sparse = sparse_of(case.layer, case.chip)
        found = timing(sparse, counts)
        assert sum(found.breakdown.values()) == pytest.approx(found.latency_cycles, rel=1e-12)
        assert all(cycles >= -1e-9 for cycles in found.breakdown.values())
        assert found.bound_by in found.breakdown
        assert found.latency_cycles == pytest.approx(float(exact_latency(sparse, counts)), rel=1e-12)
        assert found.latency_cycles >= max([found.compute, *found.busy.values()]) * (1 - 1e-12)
        overlapped = timing(replace(sparse, chip=replace(case.chip, waits=False)), counts)
        assert overlapped.latency_cycles == max([found.compute, *found.busy.values()])
        assert found.latency_cycles >= overlapped.latency_cycles * (1 - 1e-12)


def test_exact_cycles_are_fractions():
    chip = two_levels(dram=3.0)
    found = exact_latency(sparse_of(DOT, chip), count(DOT, chip, tiled(Temporal("K", 1))))
    assert found == Fraction(17 * 16, 3)
