"""Formats write and read real values, and take as many bits as their formulas say."""

from itertools import product
from math import ceil, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.sparsity.densities.actual import Actual
from chipwise.sparsity.densities.structured import Structured
from chipwise.sparsity.densities.uniform import Uniform
from chipwise.sparsity.formats.bitmask import Bitmask
from chipwise.sparsity.formats.coordinate import Coordinate
from chipwise.sparsity.formats.csc import Csc
from chipwise.sparsity.formats.csr import Csr
from chipwise.sparsity.formats.format import Format
from chipwise.sparsity.formats.ranked import KINDS, Ranked
from chipwise.sparsity.formats.run_length import EYERISS, RunLength
from chipwise.sparsity.formats.spelling import parse_format, smallest
from chipwise.sparsity.formats.structured import StructuredFormat
from chipwise.sparsity.formats.uncompressed import Uncompressed

RUNS = (RunLength(5), RunLength(2), RunLength(1), EYERISS)
FORMATS = (Uncompressed(), Bitmask(), *RUNS, Coordinate(), Csr(), Csc(), Csc(1), Csc(2, 16))
RANKED = tuple(Ranked(kinds) for n in (1, 2, 3) for kinds in product(KINDS, repeat=n))


@st.composite
def arrays(draw: st.DrawFn):
    shape = tuple(draw(st.lists(st.integers(1, 12), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    mask = rng.random(shape) < draw(st.sampled_from([0.0, 0.02, 0.3, 0.8, 1.0]))
    signed = draw(st.booleans())
    values = rng.integers(-128, 128, shape) if signed else rng.integers(0, 256, shape).astype(np.uint16)
    return values * mask


@pytest.mark.parametrize("how", FORMATS, ids=lambda f: f.text)
@given(values=arrays())
def test_what_is_decoded_is_what_was_encoded(how: Format, values: np.ndarray):
    encoded = how.encode(values, 8)
    decoded = how.decode(encoded)
    assert decoded.dtype == values.dtype
    assert np.array_equal(decoded, values)
    assert encoded.spare_bits >= 0
    assert encoded.bits.metadata >= 0
    assert all(int(s.codes.max(initial=0)) < 2**s.width_bits for s in encoded.streams)
    modelled = how.expected_bits(values.shape, Actual(values), 8)
    assert modelled == encoded.bits
    assert isinstance(modelled.total, int)


@given(how=st.sampled_from(RANKED), values=arrays())
def test_ranks_are_decoded(how: Ranked, values: np.ndarray):
    if values.ndim < len(how.kinds):
        with pytest.raises(InputError, match="the tensor"):
            how.encode(values, 8)
        return
    encoded = how.encode(values, 8)
    assert np.array_equal(how.decode(encoded), values)
    assert all(int(s.codes.max(initial=0)) < 2**s.width_bits for s in encoded.streams)


@pytest.mark.parametrize("how", [*FORMATS, *RANKED[:30], *RANKED[30::17]], ids=lambda f: f.text)
def test_expected_bits_are_the_mean_over_all_places_of_the_nonzeros(how: Format):
    """Exact for uniform placing: all masks of a small tensor are encoded."""
    shape = (2, 2, 2)
    for some in range(9):
        masks = [m for m in range(256) if m.bit_count() == some]
        counted = [how.bits_of(_codes(m, 8).reshape(shape), 7) for m in masks]
        expected = how.expected_bits(shape, Uniform(some / 8, 8), 7)
        assert expected.data == pytest.approx(sum(c.data for c in counted) / len(masks), abs=1e-9)
        if how is not EYERISS:  # words are whole, which the mean of them is not
            assert expected.metadata == pytest.approx(sum(c.metadata for c in counted) / len(masks), abs=1e-9)


@pytest.mark.parametrize("how", FORMATS, ids=lambda f: f.text)
@pytest.mark.parametrize("density", [0.0, 1.0])
def test_without_chance_the_model_counts_exactly(how: Format, density: float):
    shape = (3, 50)
    counted = how.bits_of(np.full(shape, density, bool), 16)
    assert how.expected_bits(shape, Uniform(density, prod(shape)), 16) == counted


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_pairs_are_exact_on_average_over_all_places_of_the_nonzeros(bits: int):
    n = 10
    for some in range(n + 1):
        masks = [m for m in range(2**n) if m.bit_count() == some]
        pairs = [RunLength(bits).streams(_codes(m, n), 1)[0][0].codes.size for m in masks]
        expected = RunLength(bits).expected_pairs(n, Uniform(some / n, n))
        assert expected == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def _codes(mask: int, n: int) -> np.ndarray:
    return np.array([mask >> i & 1 for i in range(n)], np.uint64)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 5000))
def test_fewer_zeros_never_take_fewer_bits(a: float, b: float, n: int):
    low, high = sorted((a, b))
    for how in (Uncompressed(), Bitmask(), *RUNS, Coordinate(), Csr(), Csc()):
        few, many = (how.expected_bits((n,), Uniform(d), 16).total for d in (low, high))
        assert few <= many + 1e-6 * n


def test_eyeriss_packs_three_pairs_and_a_bit():
    values = np.zeros(100, np.int32)
    values[[5, 40, 41]] = (
        7,
        -3,
        2,
    )  # gaps of 5, 34 (cut at 31 zeros and one more), 0 and 58 zeros to the end
    encoded = EYERISS.encode(values, 16)
    assert encoded.stream("runs").tolist() == [5, 31, 2, 0, 31, 25]
    assert encoded.bits.total == 2 * 64
    assert encoded.spare_bits == 2


def test_eyeriss_at_its_published_densities():
    """A value that is not zero costs 64/3 bits, and runs longer than 31 a little more."""
    n = 256 * 13 * 13
    for density in (0.275, 0.207, 0.224):
        bits = EYERISS.expected_bits((n,), Uniform(density), 16).total
        assert bits >= ceil(density * n / 3) * 64 - 64
        assert bits == pytest.approx(density * n * 64 / 3, rel=2e-3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RunLength(0), "must have 1 to 32"),
        (lambda: RunLength(5, 16, pairs_per_word=3), "go together"),
        (lambda: RunLength(5, 16, pairs_per_word=4, word_bits=64), "do not fit a word"),
        (lambda: RunLength(5, 8).encode(np.arange(3), 16), "no room"),
        (lambda: Bitmask().encode(np.array([300]), 8), "from -128 to 127"),
        (lambda: Bitmask().encode(np.array([0.5]), 8), "whole numbers"),
        (lambda: Bitmask().encode(np.array([], int), 8), "not empty"),
    ],
)
def test_what_cannot_be_is_refused(make, says: str):
    with pytest.raises(InputError, match=says):
        make()


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 50), st.integers(0, 2**32))
def test_structured_values_are_decoded(m: int, n: int, size: int, seed: int):
    n = min(n, m)
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 9, (-(-size // m), m))
    values[np.argsort(rng.random(values.shape), axis=1) >= n] = 0
    values = values.ravel()[:size]
    how = StructuredFormat(n, m)
    assert np.array_equal(how.decode(how.encode(values, 8)), values)
    assert how.expected_bits((size,), Structured(n, m), 8).total == how.bits_of(values, 8).total


def test_structured_format_wants_structured_data():
    with pytest.raises(InputError, match="more than 2 non-zeros"):
        StructuredFormat(2, 4).encode(np.array([1, 2, 3, 0]), 8)
    with pytest.raises(InputError, match="give its density as 2:4"):
        StructuredFormat(2, 4).expected_bits((8,), Uniform(0.5), 8)


@pytest.mark.parametrize("how", [*FORMATS, *RANKED[:9], StructuredFormat(2, 4)], ids=lambda f: f.text)
def test_a_format_is_read_as_it_is_written(how: Format):
    assert parse_format(how.text) == (how,)


def test_best_is_never_worse_than_raw():
    for density in (0.0, 0.01, 0.1, 0.5, 0.94, 0.95, 1.0):
        _, bits = smallest(parse_format("best"), (32, 3, 9), Uniform(density), 16)
        assert bits.total <= 32 * 27 * 16


@pytest.mark.parametrize(
    "text", ["rle", "rle(x)", "rle(5, 16, 3 of 64)", "csc(1, 2, 3)", "bitmusk", "csr(3)", "", "3:"]
)
def test_no_format(text: str):
    with pytest.raises(InputError, match="is no format"):
        parse_format(text)
