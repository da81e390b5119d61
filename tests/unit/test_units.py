import contextlib
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise import units
from chipwise.errors import InputError


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("108 KiB", 884736),
        ("108KiB", 884736),
        ("224 words", 3584),
        ("1 word", 16),
        ("512 b", 512),
        ("64 B", 512),
        ("1 MiB", 2**23),
        ("1 kB", 8000),
        ("1 kb", 1000),
        ("0.5 KiB", 4096),
        ("  1e3 bits ", 1000),
        ("7 bytes", 56),
        (".25 B", 2),
        ("2 Gib", 2**31),
    ],
)
def test_capacity(text: str, bits: int):
    assert units.capacity_bits(text, word_bits=16) == bits


@pytest.mark.parametrize(
    ("text", "bits_per_cycle"),
    [("8 B/cycle", 64), ("0.48 GB/s", 19.2), ("4 words/cycle", 64), ("3.2 Gb/s", 16), ("200e6 words/s", 16)],
)
def test_bandwidth(text: str, bits_per_cycle: float):
    assert units.bandwidth_bits_per_cycle(text, clock_hz=200e6, word_bits=16) == bits_per_cycle


def test_the_other_kinds():
    assert units.frequency_hz("60 MHz") == 60e6
    assert units.energy_pj("0 pJ") == 0
    assert units.energy_pj("1.69 pJ") == 1.69
    assert units.power_w("106.3 mW") == 0.1063
    assert units.voltage_v("0.82 V") == 0.82
    assert units.length_nm("65 nm") == 65
    assert units.length_nm("4.0 mm") == 4e6
    assert units.area_mm2("282 µm^2") == units.area_mm2("282 um²") == 282e-6
    assert units.time_s("115.3 ms") == 0.1153


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (108, "108 needs a unit, e.g. 108 KiB"),
        ("108", "'108' needs a unit, e.g. 108 KiB"),
        pytest.param(10**6000, "a number of thousands of digits needs a unit", id="huge"),
        (True, "True is not a quantity"),
        (None, "None is not a quantity"),
        ("", "'' is not a quantity"),
        ("big", "'big' is not a quantity; write a number and a unit, e.g. 108 KiB"),
        ("1 KB", "unknown unit 'KB'; write kB for 1000 bytes or KiB for 1024 bytes"),
        ("1 KIB", "unknown unit 'KIB'. Did you mean 'KiB'?"),
        ("-1 B", "must not be negative"),
        ("0 B", "must be more than zero"),
        ("-0 B", "must be more than zero"),
        ("0.1 KiB", "'0.1 KiB' is 819.2 bits; a capacity is a whole number of bits"),
        ("1e19 b", "too large to be meant"),
        ("1e999999999 b", "too large to be meant"),
        ("1e-999999999 b", "too small to be meant"),
        ("nan B", "is not a quantity"),
        ("inf B", "is not a quantity"),
        ("١ B", "is not a quantity"),
        ("1 " + "B" * 5000, "is not a quantity"),
        ("108 KiB / 2", "unknown unit"),
    ],
)
def test_what_is_no_capacity(text: object, says: str):
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        units.capacity_bits(text)
    assert len(str(caught.value)) < 200


def test_a_word_needs_a_width():
    with pytest.raises(InputError, match="unknown unit 'words'"):
        units.capacity_bits("224 words")


def test_messages_name_an_example_of_their_own():
    with pytest.raises(InputError, match=re.escape("e.g. 8 B/cycle or 0.48 GB/s")):
        units.bandwidth_bits_per_cycle(8, clock_hz=1e6)
    with pytest.raises(InputError, match=re.escape("unknown unit 'Mhz'. Did you mean 'MHz'?")):
        units.frequency_hz("200 Mhz")
    with pytest.raises(InputError, match="too small"):
        units.frequency_hz("1e-3 Hz")


numbers = st.decimals(min_value=0, max_value=10**6, places=4, allow_nan=False)


@given(numbers, st.sampled_from(["b", "B", "KiB", "kB", "MiB", "words"]))
def test_capacities_are_exact_or_refused(number, unit):
    scale = {"b": 1, "B": 8, "KiB": 8192, "kB": 8000, "MiB": 2**23, "words": 12}[unit]
    exact = Fraction(number) * scale
    if exact.denominator == 1 and exact > 0:
        assert units.capacity_bits(f"{number} {unit}", word_bits=12) == exact
    else:
        with pytest.raises(InputError):
            units.capacity_bits(f"{number} {unit}", word_bits=12)


parsers = st.sampled_from(
    [
        units.capacity_bits,
        units.frequency_hz,
        lambda v: units.bandwidth_bits_per_cycle(v, clock_hz=1e9, word_bits=8),
        units.energy_pj,
        units.power_w,
        units.voltage_v,
        units.length_nm,
        units.area_mm2,
        units.time_s,
    ]
)
almost = st.tuples(
    st.text("0123456789.+-eE_ ", max_size=12), st.text("kKMGiBb/cyles Hzpnumf2JVWmµ", max_size=8)
).map("".join)


@settings(deadline=None)
@given(parsers, st.one_of(almost, st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text())))
def test_garbage_is_either_read_or_refused(parse, value):
    with contextlib.suppress(InputError):
        assert 0 <= parse(value) < 10**19


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (units.format_bytes(1023.6 * 8), "1 KiB"),
        (units.format_bytes(1000 * 8), "1000 B"),
        (units.format_bytes(0), "0 B"),
        (units.format_bytes(12), "1.5 B"),
        (units.format_energy(999.7), "1 nJ"),
        (units.format_energy(0), "0 pJ"),
        (units.format_energy(3.2e11), "320 mJ"),
        (units.format_time(1e-13), "0.1 ps"),
        (units.format_time(4.3095), "4.31 s"),
        (units.format_time(float("inf")), "inf s"),
        (units.format_power(0.236), "236 mW"),
        (units.format_count(999_600), "1M"),
        (units.format_count(15.5e9), "15.5G"),
        (units.format_count(0), "0"),
        (units.format_bandwidth(19.2), "2.4 B/cycle"),
        (units.format_area(12.25), "12.25 mm2"),
    ],
)
def test_numbers_for_people(written: str, expected: str):
    assert written == expected


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_what_is_written_is_read_back_within_rounding(energy_pj):
    assert units.energy_pj(units.format_energy(energy_pj)) == pytest.approx(energy_pj, rel=0.006)
