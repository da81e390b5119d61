"""Every algorithm computes the convolution, with exactly the operations that its formula says."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipwise.analysis.algorithms.algorithm import Operations
from chipwise.analysis.algorithms.compare import ALGORITHMS
from chipwise.analysis.algorithms.counted import Counted, Tally
from chipwise.analysis.algorithms.real_fft import irfft, operations, plane_operations, rfft, rfft2
from chipwise.analysis.algorithms.shape import Axis, Shape

BY_NAME = {a.name: a for a in ALGORITHMS}

extents = st.integers(1, 9)
axes = st.builds(
    Axis,
    outputs=extents,
    filter=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
)
plain_axes = st.builds(Axis, outputs=extents, filter=st.sampled_from([1, 3, 5]))
shapes = st.builds(
    Shape,
    groups=st.integers(1, 2),
    batch=st.integers(1, 2),
    filters=st.integers(1, 5),
    channels=st.integers(1, 4),
    height=axes | plain_axes,
    width=axes | plain_axes,
)


def whole_numbers(shape, seed=0):
    draw = np.random.default_rng(seed)
    inputs = (shape.batch, shape.groups, shape.channels, shape.height.inputs, shape.width.inputs)
    weights = (shape.groups, shape.filters, shape.channels, shape.height.filter, shape.width.filter)
    return draw.integers(-9, 10, inputs), draw.integers(-9, 10, weights)


def convolution(shape, inputs, weights):
    """The definition, one output at a time."""
    h, v = shape.height, shape.width
    found = np.zeros((shape.batch, shape.groups, shape.filters, h.outputs, v.outputs), inputs.dtype)
    for p in range(h.outputs):
        for q in range(v.outputs):
            top, left = p * h.stride, q * v.stride
            rows = slice(top, top + h.reach, h.dilation)
            columns = slice(left, left + v.reach, v.dilation)
            found[..., p, q] = np.einsum("ngcrs,gmcrs->ngm", inputs[..., rows, columns], weights)
    return found


def counted(tallies):
    return {
        stage: Operations(**asdict(getattr(tallies, stage)))
        for stage in ("filters", "input", "product", "output")
    }


@pytest.mark.parametrize("name", BY_NAME)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_result_is_right_and_the_count_is_the_formula(name, data):
    algorithm = BY_NAME[name]
    shape = data.draw(shapes)
    if algorithm.why_not(shape) is not None:
        shape = replace(
            shape,
            height=Axis(shape.height.outputs, 3),
            width=Axis(shape.width.outputs, 3),
            filters=shape.filters + 1,
        )
        shape = replace(shape, batch=2)
    assert algorithm.why_not(shape) is None
    setting = data.draw(st.sampled_from(algorithm.settings(shape)))
    cost = algorithm.cost(shape, setting)
    inputs, weights = whole_numbers(shape)
    expected = convolution(shape, inputs, weights)
    exact = name in {"direct", "toeplitz", "strassen"}
    for dtype, tolerance in [(np.int64, 0.0)] if exact else [(np.float64, 1e-10), (np.float32, 2e-4)]:
        found, tallies = algorithm.execute(shape, inputs.astype(dtype), weights.astype(dtype), setting)
        assert found.dtype == dtype
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= tolerance * max(1, np.abs(expected).max())
        assert counted(tallies) == {
            stage: getattr(cost, stage) for stage in ("filters", "input", "product", "output")
        }
    assert algorithm.label(cost) is not None


@pytest.mark.parametrize(("m", "r"), [(2, 3), (4, 3), (2, 5)])
def test_winograd_is_stable_enough_on_many_channels(m, r):
    shape = Shape(1, 1, 4, 64, Axis(8, r), Axis(8, r))
    draw = np.random.default_rng(1)
    inputs, weights = (
        draw.standard_normal((1, 1, 64, 8 + r - 1, 8 + r - 1)),
        draw.standard_normal((1, 4, 64, r, r)),
    )
    expected = convolution(shape, inputs, weights)
    algorithm = BY_NAME[f"winograd-{m}x{m}"]
    errors = {}
    for dtype in (np.float64, np.float32):
        found, _ = algorithm.execute(shape, inputs.astype(dtype), weights.astype(dtype), ())
        errors[dtype] = np.abs(found - expected).max() / np.abs(expected).max()
    assert errors[np.float64] < 1e-13
    assert errors[np.float32] < 1e-4


@pytest.mark.parametrize("n", [1, 2, 4, 8, 16, 64])
def test_the_real_fft_is_numpys(n):
    values = np.random.default_rng(n).standard_normal((3, n))
    tally = Tally()
    found = rfft(Counted(values, tally))
    there = Operations(tally.multiplications, tally.additions)
    expected = np.fft.rfft(values).conj()  # the sign of the exponent
    assert np.allclose(found.re.values, expected.real, atol=1e-12)
    assert np.allclose(found.im.values, expected.imag[:, 1 : (n + 1) // 2], atol=1e-12)
    assert there == operations(n).times(3)
    halved = found.re.values.copy()
    halved[:, 1:-1] *= 2  # its inverse wants complex bins twice
    back = irfft(type(found)(Counted(halved, tally), Counted(found.im.values * 2, tally)))
    assert np.allclose(back.values, n * values, atol=1e-12)
    assert Operations(tally.multiplications, tally.additions) == there.times(2)


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (2, 2), (2, 4), (4, 1), (8, 4), (16, 16)])
def test_the_plane_has_the_energy_of_its_spectrum(size):
    # Parseval: every complex bin stands for two.
    values = np.random.default_rng(0).standard_normal(size)
    tally = Tally()
    real, re, im = (part.values for part in rfft2(Counted(values, tally)))
    total = (real**2).sum() + 2 * (re**2).sum() + 2 * (im**2).sum()
    assert total == pytest.approx(values.size * (values**2).sum())
    assert Operations(tally.multiplications, tally.additions) == plane_operations(*size)
