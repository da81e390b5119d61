"""Sizes of register files and buffer ("DNN dataflow choice is overrated"), from stored mappings."""

from itertools import pairwise

from chipwise.analysis.validation import validate
from chipwise.analysis.validations import interstellar as study


def energy(registers: tuple[int, ...], buffer_kib: int, kind: str = "") -> float:
    return study.energy_per_mac_pj(study.results()[study.name_of(registers, buffer_kib)], kind=kind)


def test_rows_outside_their_band_say_why():
    assert [row for row in validate("interstellar") if row.unexplained] == []


def test_small_registers_need_less_energy_than_large_ones():
    assert energy((64,), 128) < energy((128,), 128) < energy((256,), 128) < energy((512,), 128)


def test_a_second_level_of_registers_saves():
    single = min(energy((rf,), 128, "conv") for rf in study.RF_BYTES)
    assert energy((256, 16), 128, "conv") < single


def test_every_chip_has_every_layer():
    layers = {layer.name for layer in study.network().layers}
    assert all(set(own) == layers for own in study.results().values())
    assert set(study.results()) == set(study.chips())


def test_a_larger_buffer_moves_less_off_chip():
    def traffic(kib: int) -> float:
        own = study.results()[study.name_of((study.RF,), kib)]
        return sum(result.off_chip_bytes for result in own.values())

    assert all(traffic(more) <= traffic(less) * 1.02 for less, more in pairwise(study.BUFFER_KIB))
