"""Quantities: parsed once, at the edge, into base units, and written back for people.

Inside chipwise a quantity is a plain number whose name carries its unit. Bits are exact integers; parsing
goes through fractions, so `0.1 KiB`, which is no whole number of bits, is refused instead of rounded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import final

from chipwise.errors import InputError, did_you_mean

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*", re.ASCII)
_MAX_LENGTH = 60


def _scaled(base: str, prefixes: str) -> dict[str, Fraction]:
    """Units of `base` with SI `prefixes`; a blank stands for none."""
    power = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "c": -2, " ": 0}
    power |= {"k": 3, "M": 6, "G": 9, "T": 12}
    return {p.strip() + base: Fraction(10) ** power[p] for p in prefixes}


def _squared(units: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name + mark: scale**2 for name, scale in units.items() for mark in ("2", "^2", "²")}


def _data() -> dict[str, Fraction]:
    binary = {p + "i": Fraction(1024) ** n for n, p in enumerate(("K", "M", "G", "T"), 1)}
    units: dict[str, Fraction] = {"bit": Fraction(1), "bits": Fraction(1)}
    units |= {"byte": Fraction(8), "bytes": Fraction(8)}
    for unit, bits in (("b", 1), ("B", 8)):
        units |= {name: scale * bits for name, scale in _scaled(unit, " kMGT").items()}
        units |= {prefix + unit: scale * bits for prefix, scale in binary.items()}
    return units


_DATA = _data()
_WORDS = ("word", "words")
_AMBIGUOUS = {
    "KB": "write kB for 1000 bytes or KiB for 1024 bytes",
    "Kb": "write kb for 1000 bits or Kib for 1024 bits",
}


@final
@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of quantity: its units in terms of the base, the range that makes sense, an example."""

    units: Mapping[str, Fraction]
    least: Fraction
    most: Fraction
    example: str

    def parse(self, value: object, extra: Mapping[str, Fraction] | None = None) -> Fraction:
        """`value` in the base unit; `extra` units hold for this call only."""
        units = {**self.units, **(extra or {})}
        shown = _shown(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise InputError(f"{shown} needs a unit, e.g. {self.example}")
        match = _QUANTITY.fullmatch(value) if isinstance(value, str) and len(value) <= _MAX_LENGTH else None
        if match is None:
            raise InputError(f"{shown} is not a quantity; write a number and a unit, e.g. {self.example}")
        number, unit = Decimal(match[1]), match[2]
        if unit is None:
            raise InputError(f"{shown} needs a unit, e.g. {self.example}")
        if unit not in units:
            stem = unit.split("/")[0]
            fix = f"; {_AMBIGUOUS[stem]}" if stem in _AMBIGUOUS else "." + did_you_mean(unit, units)
            raise InputError(f"{shown} has the unknown unit {unit!r}{fix}")
        if number.is_signed() and number != 0:
            raise InputError(f"{shown} must not be negative")
        if number == 0:
            if self.least > 0:
                raise InputError(f"{shown} must be more than zero")
            return Fraction(0)
        # Only a sane exponent may become a fraction: 10**999999 would fill the memory.
        found = Fraction(number) * units[unit] if abs(number.adjusted()) <= 50 else None
        if found is None or not self.least <= found <= self.most:
            size = "large" if number > 1 else "small"
            raise InputError(f"{shown} is too {size} to be meant; check the unit, e.g. {self.example}")
        return found


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _MAX_LENGTH + 2 else text[:_MAX_LENGTH] + "..."


def _kind(units: Mapping[str, Fraction], least: str, most: str, example: str) -> _Kind:
    return _Kind(units, Fraction(least), Fraction(most), example)


_CAPACITY = _kind(_DATA, "1e-18", "1e18", "108 KiB")
_FREQUENCY = _kind(_scaled("Hz", " kMGT"), "1", "1e13", "200 MHz")
_PER_CYCLE = {f"{unit}/cycle": scale for unit, scale in _DATA.items()}
_PER_SECOND = {f"{unit}/s": scale for unit, scale in _DATA.items()}
_BANDWIDTH = _kind(_PER_CYCLE, "1e-12", "1e18", "8 B/cycle or 0.48 GB/s")
_ENERGY = _kind(_scaled("J", "afpnuµm "), "0", "1", "0.12 pJ")
_POWER = _kind(_scaled("W", "pnuµm k"), "1e-15", "1e9", "278 mW")
_VOLTAGE = _kind(_scaled("V", "m "), "1e-3", "1e3", "1.0 V")
_LENGTH = _kind(_scaled("m", "nuµmc "), "1e-10", "10", "65 nm")
_AREA = _kind(_squared(_scaled("m", "nuµmc ")), "1e-18", "100", "12.25 mm2")
_TIME = _kind(_scaled("s", "fpnuµm "), "1e-18", "1e12", "0.5 ms")


def capacity_bits(value: object, word_bits: int | None = None) -> int:
    """Bits of a capacity such as `108 KiB`, `64 B`, `512 b` or, with `word_bits`, `224 words`.

    b is a bit and B a byte; kB = 1000 B, KiB = 1024 B.

    >>> capacity_bits("108 KiB"), capacity_bits("224 words", word_bits=16)
    (884736, 3584)
    """
    bits = _CAPACITY.parse(value, _words(word_bits))
    if bits.denominator != 1:
        raise InputError(f"{value!r} is {float(bits):g} bits; a capacity is a whole number of bits")
    return int(bits)


def frequency_hz(value: object) -> float:
    """Hz of a frequency such as `200 MHz`.

    >>> frequency_hz("200 MHz")
    200000000.0
    """
    return float(_FREQUENCY.parse(value))


def bandwidth_bits_per_cycle(value: object, *, clock_hz: float, word_bits: int | None = None) -> float:
    """Bits per cycle of `8 B/cycle`, `4 words/cycle` or, divided by the clock, `0.48 GB/s` or `64 b at 60 MHz`.

    >>> bandwidth_bits_per_cycle("0.48 GB/s", clock_hz=200e6)
    19.2
    >>> bandwidth_bits_per_cycle("64 b at 60 MHz", clock_hz=200e6)
    19.2
    """
    clock = Fraction(clock_hz)
    width, at, link_clock = str(value).partition(" at ")
    if at:
        return float(capacity_bits(width, word_bits) * Fraction(frequency_hz(link_clock)) / clock)
    extra = {unit: scale / clock for unit, scale in _PER_SECOND.items()}
    for unit, scale in _words(word_bits).items():
        extra |= {f"{unit}/cycle": scale, f"{unit}/s": scale / clock}
    return float(_BANDWIDTH.parse(value, extra))


def energy_pj(value: object) -> float:
    """Picojoules of an energy such as `0.12 pJ` or `5 fJ`; zero is allowed.

    >>> energy_pj("5 fJ"), energy_pj("1 nJ")
    (0.005, 1000.0)
    """
    return float(_ENERGY.parse(value) * 10**12)


def power_w(value: object) -> float:
    """Watts of a power such as `278 mW`.

    >>> power_w("278 mW")
    0.278
    """
    return float(_POWER.parse(value))


def voltage_v(value: object) -> float:
    """Volts of a voltage such as `0.9 V`.

    >>> voltage_v("900 mV")
    0.9
    """
    return float(_VOLTAGE.parse(value))


def length_nm(value: object) -> float:
    """Nanometres of a length such as `65 nm` or `0.18 um`.

    >>> length_nm("0.18 um")
    180.0
    """
    return float(_LENGTH.parse(value) * 10**9)


def area_mm2(value: object) -> float:
    """Square millimetres of an area such as `12.25 mm2` or `282 um2`.

    >>> area_mm2("282 um2")
    0.000282
    """
    return float(_AREA.parse(value) * 10**6)


def time_s(value: object) -> float:
    """Seconds of a time such as `0.5 ms`.

    >>> time_s("0.5 ms")
    0.0005
    """
    return float(_TIME.parse(value))


def _words(word_bits: int | None) -> dict[str, Fraction]:
    return {} if word_bits is None else dict.fromkeys(_WORDS, Fraction(word_bits))


def format_energy(energy_pj: float) -> str:
    """An energy for people.

    >>> format_energy(1.69), format_energy(6.94e9), format_energy(0.03)
    ('1.69 pJ', '6.94 mJ', '30 fJ')
    """
    return _prefixed(energy_pj, 1e3, -1, ("fJ", "pJ", "nJ", "uJ", "mJ", "J", "kJ"))


def format_time(time_s: float) -> str:
    """A time for people.

    >>> format_time(0.0209), format_time(5e-9)
    ('20.9 ms', '5 ns')
    """
    return _prefixed(time_s, 1e3, -4, ("ps", "ns", "us", "ms", "s"))


def format_power(power_w: float) -> str:
    """A power for people.

    >>> format_power(0.278)
    '278 mW'
    """
    return _prefixed(power_w, 1e3, -3, ("nW", "uW", "mW", "W", "kW"))


def format_frequency(frequency_hz: float) -> str:
    """A frequency for people.

    >>> format_frequency(200e6)
    '200 MHz'
    """
    return _prefixed(frequency_hz, 1e3, 0, ("Hz", "kHz", "MHz", "GHz", "THz"))


def format_bytes(bits: float) -> str:
    """An amount of data for people, with binary prefixes.

    >>> format_bytes(884736), format_bytes(16), format_bytes(84.5 * 8192)
    ('108 KiB', '2 B', '84.5 KiB')
    """
    return _prefixed(bits / 8, 1024, 0, ("B", "KiB", "MiB", "GiB", "TiB"))


def format_bandwidth(bits_per_cycle: float) -> str:
    """A bandwidth for people.

    >>> format_bandwidth(64)
    '8 B/cycle'
    """
    return f"{_prefixed(bits_per_cycle / 8, 1024, 0, ('B', 'KiB', 'MiB', 'GiB'))}/cycle"


def format_area(area_mm2: float) -> str:
    """An area for people.

    >>> format_area(12.25), format_area(0.000282)
    ('12.25 mm2', '282 um2')
    """
    return _prefixed(area_mm2, 1e6, -1, ("um2", "mm2"), digits=4)


def format_count(count: float) -> str:
    """A number of things for people.

    >>> format_count(724_406_816), format_count(168)
    ('724M', '168')
    """
    return _prefixed(count, 1e3, 0, ("", "k", "M", "G", "T", "P")).replace(" ", "")


def _prefixed(value: float, step: float, first: int, units: tuple[str, ...], digits: int = 3) -> str:
    """Some significant digits in the largest unit that leaves at least 1; `units[0]` is step**first."""
    if value == 0 or not isfinite(value):
        return f"{value:g} {units[-first]}".rstrip()
    index = 0
    while index + 1 < len(units) and abs(float(_digits(value / step ** (first + index), digits))) >= step:
        index += 1
    return f"{_digits(value / step ** (first + index), digits)} {units[index]}".rstrip()


def _digits(value: float, digits: int) -> str:
    """Significant digits, but never fewer than stand before the point.

    >>> _digits(1022.7, 3), _digits(84.5, 3), _digits(7.0, 3), _digits(0.00012, 3)
    ('1023', '84.5', '7', '0.00012')
    """
    return f"{value:.0f}" if 10**digits <= abs(value) < 1e6 else f"{value:.{digits}g}"
