import pytest

from chipwise.components.energies import with_energies
from chipwise.components.registry import energy_table
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, ActionEnergy, Array, Axis, Compute, Memory

OWN_RW = "`energy: {read: 6 pJ, write: 6 pJ}`"
OWN = ActionEnergy(7.0, "mine")
ALL = ("input", "weight", "output")


def chip(**changes):
    parts = {
        "dram": Memory("dram", "dram", ALL),
        "buffer": Memory("buffer", "sram", ALL, capacity_bits=8 * 8192),
        "pes": Array("pes", (Axis("rows", 4),)),
        "mac": Compute("mac", "int_mac"),
    } | changes
    return Accelerator("toy", tuple(parts.values()), clock_hz=1e8)


def test_the_table_fills_what_the_chip_leaves_open():
    buffer = Memory("buffer", "sram", ALL, capacity_bits=8 * 8192, energy={"write": OWN, "leak": OWN})
    found = with_energies(chip(buffer=buffer), energy_table("horowitz-45nm"))
    energy = found.memory("buffer").energy
    assert energy["read"].energy_pj == 2.5  # 10 pJ per 64 b, words of 16 b
    assert energy["write"] is energy["leak"] is OWN
    assert found.memory("dram").energy["read"].energy_pj == 320
    assert set(found.compute.energy) == {"mac"}


def test_a_network_without_energies_costs_nothing_and_says_so():
    found = with_energies(chip(), energy_table("horowitz-45nm")).arrays[0].energy
    assert found["transfer"].energy_pj == 0
    assert found["transfer"].source.startswith("not modelled")
    assert found["reduce"].energy_pj == 0.05
    own = Array("pes", (Axis("rows", 4),), energy={"reduce": OWN})
    assert with_energies(chip(pes=own), energy_table("horowitz-45nm")).arrays[0].energy["reduce"] is OWN


def test_no_table_is_needed_when_the_chip_says_it_all():
    both = {"read": OWN, "write": OWN}
    found = with_energies(
        chip(
            dram=Memory("dram", "x", ALL, energy=both),
            buffer=Memory("buffer", "y", ALL, capacity_bits=8, energy=both),
            mac=Compute("mac", "z", energy={"mac": OWN}),
        ),
        None,
    )
    assert {a.source for m in found.memories for a in m.energy.values()} == {"mine"}


@pytest.mark.parametrize(
    ("table", "changes", "says"),
    [
        (
            None,
            {},
            (
                f"chip 'toy': memory 'dram' has no energy for read; give it {OWN_RW}"
                ", or give the chip a table, e.g. `energy: {table: horowitz-45nm}` "
                "(tables: aladdin-40nm, analytical, "
            ),
        ),
        (
            "horowitz-45nm",
            {"buffer": Memory("buffer", "srm", ALL, capacity_bits=8)},
            (
                "c.yaml:6: memory 'buffer': component 'srm' is not in energy table 'horowitz-45nm'; "
                f"change it or give {OWN_RW}. Did you mean 'sram'?"
            ),
        ),
        (
            "horowitz-45nm",
            {"buffer": Memory("buffer", "int_mac", ALL, capacity_bits=8)},
            "component 'int_mac' has no read; use one of dram, sram, register_file, smart_buffer",
        ),
        (
            "horowitz-45nm",
            {"buffer": Memory("buffer", "sram", ALL)},
            "has no read of 'sram' without a capacity; give one, or `energy: {read: 6 pJ, write: 6 pJ}`",
        ),
        (
            "horowitz-45nm",
            {"mac": Compute("mac", "fp_mac")},
            "chip 'toy': compute 'mac': energy table 'horowitz-45nm' has no mac of 'fp_mac' of this width",
        ),
    ],
)
def test_an_energy_that_nobody_gives(table, changes, says):
    toy = chip(**changes)
    if "mac" in changes:
        toy = Accelerator("toy", toy.levels, clock_hz=1e8, word_bits=3)
    with pytest.raises(InputError) as caught:
        with_energies(toy, table and energy_table(table), {"buffer": "c.yaml:6"})
    assert says in str(caught.value)
