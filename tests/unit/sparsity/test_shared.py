"""Weight sharing as storage: codebook and indices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.csc import Csc
from chipwise.sparsity.formats.shared import Shared
from chipwise.sparsity.formats.spelling import parse_format


@given(
    st.integers(1, 6).flatmap(
        lambda bits: st.tuples(
            st.just(bits), st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=60), st.integers(-9, 9)
        )
    )
)
def test_what_is_decoded_was_encoded_and_bits_are_the_modelled_ones(drawn):
    bits, places, start = drawn
    values = (np.array(places) * 5 + start).astype(np.int16)
    shared = Shared(bits)
    encoded = shared.encode(values, 16)
    assert (shared.decode(encoded) == values).all()
    assert encoded.bits == shared.expected_bits(values.shape, Uniform(0.3), 16)


def test_five_bits_for_weights_of_32_are_nearly_six_times_less():
    bits = Shared(5).expected_bits((384, 2304), Uniform(1.0), 32)
    assert bits.total == 384 * 2304 * 5 + 32 * 32
    assert 32 * 384 * 2304 / bits.total == pytest.approx(6.4, rel=1e-3)


def test_eie_stores_pairs_of_four_bits_in_columns():
    weights = np.zeros((64, 10), np.uint8)
    weights[::5] = 3
    pairs = Csc(4).encode(weights, 4)
    assert sum(s.codes.size for s in pairs.streams if s.name == "values") == 13 * 10
    assert {s.width_bits for s in pairs.streams if s.name != "pointers"} == {4}


def test_names():
    assert parse_format("shared(4)") == (Shared(4),)
    assert parse_format(Shared(8).text) == (Shared(8),)
    for wrong in ("shared", "shared(0)", "shared(17)", "shared(4, 2)"):
        with pytest.raises(InputError):
            parse_format(wrong)


def test_too_many_values_say_how_many_bits_they_need():
    with pytest.raises(
        InputError, match="5 distinct values are more than 4; share them first, or take 3 bits"
    ):
        Shared(2).encode(np.arange(5), 8)
