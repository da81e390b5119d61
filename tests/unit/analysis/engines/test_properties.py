"""What holds for any layer: more zeros or fewer bits never take longer or more energy."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.analysis.engines.registry import engine, engine_names
from chipwise.analysis.engines.work import work_of
from chipwise.workload.kinds import conv, fully_connected

SIZES = st.integers(1, 40)
LAYERS = st.one_of(
    st.builds(
        lambda M, C, P, R, stride, groups: conv(
            "c", M=M * groups, C=C * groups, P=P, Q=P + 1, R=R, S=R, stride=stride, groups=groups
        ),
        SIZES, SIZES, st.integers(1, 20), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3),
    ),
    st.builds(lambda M, C: fully_connected("f", M=M * 8, C=C * 8), SIZES, SIZES),
)  # fmt: skip
DENSITY = st.floats(0.0, 1.0)


@pytest.mark.parametrize("name", engine_names())
@settings(max_examples=40, deadline=None)
@given(LAYERS, DENSITY, DENSITY, DENSITY, DENSITY, st.integers(1, 16), st.integers(1, 16))
def test_less_never_takes_more(name, layer, a, b, c, d, e, f):
    work, tried = work_of(layer), engine(name)
    if tried.refusal(work):
        return
    fewer = tried.cost(replace(work, input_density=min(a, b), weight_density=min(c, d), input_bits=min(e, f)))
    more = tried.cost(replace(work, input_density=max(a, b), weight_density=max(c, d), input_bits=max(e, f)))
    assert 0 <= fewer.cycles <= more.cycles * (1 + 1e-12)
    assert 0 <= fewer.energy_pj <= more.energy_pj * (1 + 1e-9)
    assert all(item.count >= 0 for item in fewer.items)
