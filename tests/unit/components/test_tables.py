import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.components.classes import ACTIONS
from chipwise.components.estimator import AREA, FIGURES, Query
from chipwise.components.registry import energy_table, table_names
from chipwise.components.tables.horowitz_45nm import SRAM, power_law
from chipwise.errors import InputError

KIB = 8192


def horowitz(component: str, action: str, bits: int, capacity_bits: int | None = None):
    return energy_table("horowitz-45nm").estimate(Query(component, bits, capacity_bits), action)


@pytest.mark.parametrize(
    ("component", "action", "units"),
    [
        ("int_mac", "mac", 1),
        ("register_file", "read", 1),
        ("register_file", "write", 1),
        ("network", "transfer", 2),
        ("network", "reduce", 0),
        ("sram", "read", 6),
        ("dram", "write", 200),
    ],
)
def test_eyeriss_costs_are_the_published_ratios(component: str, action: str, units: float):
    table = energy_table("eyeriss-normalized", mac_pj=1.5)
    for bits, capacity_bits in ((16, None), (8, 500 * KIB)):
        found = table.estimate(Query(component, bits, capacity_bits), action)
        assert found is not None
        assert found.value == units * 1.5
        assert "ISCA 2016" in found.source


@pytest.mark.parametrize(
    ("component", "action", "bits", "capacity_bits", "energy_pj"),
    [
        ("dram", "read", 32, None, 640),
        ("dram", "write", 16, None, 320),
        ("sram", "read", 32, 8 * KIB, 5),
        ("sram", "read", 64, 8 * KIB, 10),
        ("sram", "write", 64, 32 * KIB, 20),
        ("sram", "read", 64, 1024 * KIB, 100),
        ("sram", "read", 64, 4096 * KIB, 200),  # beyond the table: the root of the capacity
        ("register_file", "read", 64, KIB // 2, 2.5),
        ("int_mac", "mac", 8, None, 0.2 + 0.05),
        ("int_mac", "mac", 32, None, 3.1 + 0.2),
        ("fp_mac", "mac", 16, None, 1.5),
        ("fp_mac", "mac", 32, None, 4.6),
        ("network", "reduce", 32, None, 0.1),
    ],
)
def test_horowitz_entries(
    component: str, action: str, bits: int, capacity_bits: int | None, energy_pj: float
):
    found = horowitz(component, action, bits, capacity_bits)
    assert found is not None
    assert found.value == pytest.approx(energy_pj, rel=1e-12)
    assert "ISSCC 2014" in found.source


def test_what_horowitz_does_not_know():
    assert horowitz("network", "transfer", 16) is None
    assert horowitz("fp_mac", "mac", 3) is None
    assert horowitz("sram", "read", 16, None) is None
    assert horowitz("sram", "mac", 16, KIB) is None
    assert horowitz("adc", "convert", 8) is None


def test_register_files_agree_with_another_source():
    # Pedram et al., IEEE Design & Test 2017: 0.12 and 0.23 pJ for files of 16 and 64 words of 16 b
    for words, published in ((16, 0.12), (64, 0.23)):
        found = horowitz("register_file", "read", 16, words * 16)
        assert found is not None
        assert found.value == pytest.approx(published, rel=0.4)


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_larger_memories_cost_more(one: int, other: int):
    small, large = sorted((one, other))
    assert power_law(SRAM, small, beyond=0.5) <= power_law(SRAM, large, beyond=0.5) * (1 + 1e-12)


@pytest.mark.parametrize("name", table_names())
@settings(deadline=None)
@given(
    component=st.sampled_from(sorted(ACTIONS)),
    bits=st.integers(1, 4096),
    capacity_bits=st.none() | st.integers(1, 10**18),
)
def test_a_table_gives_a_finite_figure_with_its_name_or_nothing(name, component, bits, capacity_bits):
    table = energy_table(name, mac_pj=1.0 if name == "eyeriss-normalized" else None)
    assert table.name == name
    assert table.range
    for figure in {a for actions in ACTIONS.values() for a in actions} | set(FIGURES):
        found = table.estimate(Query(component, bits, capacity_bits), figure)
        if found is not None:
            assert figure in (*ACTIONS[component], *FIGURES)
            assert component in table.components
            assert math.isfinite(found.value)
            assert found.value >= 0
            assert 0 < found.accuracy <= 100
            assert found.source.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "mac_pj", "says"),
    [
        ("eyeris-normalized", None, "'eyeris-normalized' is not known. Did you mean 'eyeriss-normalized'?"),
        ("../evil", None, "is not known"),
        ("eyeriss-normalized", None, "counts in multiply-accumulates; give one, e.g."),
        ("horowitz-45nm", 1.0, "is in pJ and takes no `mac`; delete it"),
    ],
)
def test_tables_that_cannot_be_had(name: str, mac_pj: float | None, says: str):
    with pytest.raises(InputError) as caught:
        energy_table(name, mac_pj)
    assert says in str(caught.value)


def test_floats_of_other_widths_lie_on_the_law_through_the_printed_ones():
    energies = [horowitz("fp_mac", "mac", bits).value for bits in (4, 8, 16, 19, 32, 64)]
    assert energies == sorted(energies)
    assert energies[2:5:2] == pytest.approx([1.5, 4.6])
    assert horowitz("fp_multiplier", "multiply", 8).value == pytest.approx(1.1**2 / 3.7)
    areas = [horowitz("fp_mac", AREA, bits).value for bits in (8, 16, 32)]
    assert areas == sorted(areas)
