"""What authors list for their networks, other than Table II: MobileNets, SqueezeNext, FastDepth, the TPU's."""

import pytest

from chipwise.analysis.validation import validate
from chipwise.analysis.validations import mobilenet_macs, squeezenext
from chipwise.workload import registry

POINTS = [(width, size, macs) for width, sizes in mobilenet_macs.V2.items() for size, macs in sizes.items()]


def test_mobilenet_v2_has_twenty_two_points():
    assert len(POINTS) == 22


@pytest.mark.parametrize(("width", "size", "millions"), POINTS)
def test_mobilenet_v2(width, size, millions):
    """The list cuts: 11.93M is 11 there."""
    assert registry.build(f"mobilenet_v2@width={width},resolution={size}").macs // 10**6 == millions


@pytest.mark.parametrize(
    ("name", "parameters", "millions", "macs"),
    [
        ("squeezenext23", 724_056, 287.28, 275_920_640),
        ("squeezenext23@version=5", 921_816, 285.82, 276_943_616),
    ],
)
def test_squeezenext(name, parameters, millions, macs):
    network = registry.build(name)
    assert squeezenext.parameters(network) == parameters
    assert round(squeezenext.half_of_operations(network) / 1e6, 2) == millions
    assert network.macs == macs


@pytest.mark.parametrize(("width", "parameters"), [(1.5, 1_511_824), (2.0, 2_583_752)])
def test_wider_squeezenext(width, parameters):
    assert squeezenext.parameters(registry.build(f"squeezenext23@width={width}")) == parameters


@pytest.mark.parametrize("group", ["squeezenext", "fastdepth", "tpu-networks", "mobilenet-macs"])
def test_what_deviates_has_a_reason(group):
    rows = validate(group)
    assert rows
    assert all(bool(row.note) == (row.within is False) for row in rows)


def test_mobilenets_deviate_where_it_is_known():
    rows = validate("mobilenet-macs")
    assert len(rows) == 16 + 22 + 6
    assert {row.item for row in rows if not row.within} == set(mobilenet_macs.DEVIATIONS)
