"""Formats of numbers, and widths of accumulators against sums of the largest values."""

import pytest

from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.bits import find_bits, parse_bits, with_bits
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.numbers import accumulator_bits, parse_number

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8_e4m3", "fp8_e5m2", "fp4_e2m1")


@pytest.mark.parametrize("name", FLOATS)
def test_a_float_is_sign_exponent_and_mantissa(name):
    number = parse_number(name)
    assert number.is_float
    assert number.bits == 1 + number.exponent_bits + number.mantissa_bits


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
@pytest.mark.parametrize("channels", [1, 3, 64, 1000])
def test_no_sum_of_unsigned_products_overflows_and_one_bit_less_would(bits, channels):
    width = accumulator_bits(fully_connected("fc", M=2, C=channels), bits, bits)
    assert channels * (2**bits - 1) ** 2 < 2**width
    if channels == 64 and bits > 4:
        assert channels * (2**bits - 1) ** 2 >= 2 ** (width - 1)


def test_the_window_counts_and_groups_do_not():
    layer = conv("c", M=8, C=8, P=4, Q=4, R=3, S=3, groups=4)
    assert accumulator_bits(layer, 8, 8) == 16 + 5  # 2 x 9 terms


def test_mixed_widths_come_from_the_tensors():
    network = with_bits(registry.build("alexnet"), parse_bits("{schema: chipwise.bits/1, layers: {conv3: "
                        "{input: int4, weight: bf16}}}", "b.yaml"))  # fmt: skip
    assert accumulator_bits(network.layer("conv3")) == 4 + 16 + 12
    assert find_bits("fp8_e4m3", network).layers["conv1"]["weight"] == 8


@pytest.mark.parametrize("name", ["fp12", "int0", "int65", "", "INT8"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="is not known"):
        parse_number(name)
    with pytest.raises(InputError, match=r"b\.yaml:1"):
        parse_bits(f"{{schema: chipwise.bits/1, layers: {{c: {{input: '{name}'}}}}}}", "b.yaml")
