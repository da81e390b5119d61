"""Metrics over a suite of networks and over numbers of PEs."""

import pytest

import chipwise
from chipwise.analysis.metrics import Given, Metrics, Scaled, scaling, storage_bits, with_pes
from chipwise.report.metrics import metrics_text


@pytest.fixture(scope="module")
def results():
    return tuple(chipwise.evaluate(name, "simple") for name in ("lenet5", "tpu_mlp1"))


def test_flexibility_is_geometric_mean_and_worst(results):
    found = Metrics(results[0].accelerator, results, (Given(), Given())).flexibility()
    a, b = (r.totals()["utilization"] for r in results)
    assert found["utilization_geometric_mean"] == pytest.approx((a * b) ** 0.5)
    assert found["utilization_worst"] == pytest.approx(min(a, b))
    c, d = (r.totals()["energy_per_mac_pj"] for r in results)
    assert found["energy_per_mac_pj_geometric_mean"] == pytest.approx((c * d) ** 0.5)
    assert found["energy_per_mac_pj_worst"] == pytest.approx(max(c, d))


def test_storage_counts_every_instance():
    """128 KiB and 256 x 512 B."""
    assert storage_bits(chipwise.load_accelerator("simple")) == 8 * (128 * 1024 + 256 * 512)


@pytest.mark.parametrize("pes", [16, 64, 256, 1024, 4096, 16384])
@pytest.mark.parametrize("name", ["simple", "eyeriss", "tpu_v1", "eyeriss_v2"])
def test_the_array_has_as_many_pes_as_asked_for(name, pes):
    assert with_pes(chipwise.load_accelerator(name), pes).pes == pes


def test_more_pes_than_a_layer_has_work_for_end_the_scaling():
    network = chipwise.load_network("lenet5")
    found = scaling(network, chipwise.load_accelerator("simple"), pes=(16, 64, 256, 1024))
    assert [s.pes for s in found] == [16, 64, 256, 1024]
    active = [s.active_pes for s in found]
    assert None not in active
    assert all(s.active_pes <= s.pes for s in found)


def test_what_does_not_fit_is_said_and_not_counted():
    found = scaling(chipwise.load_network("alexnet"), chipwise.load_accelerator("eyeriss"), pes=(16, 256))
    assert found[0].active_pes is None
    assert "rows" in found[0].ends
    assert found[1].active_pes is not None


def test_scaling_ends_where_pes_bring_less_than_half(results):
    chip = results[0].accelerator
    points = (
        Scaled(16, (4, 4), 16.0, "none"),
        Scaled(64, (8, 8), 60.0, "array"),
        Scaled(256, (16, 16), 80.0, "bandwidth"),
    )
    made = Metrics(chip, results, (Given(), Given()), points)
    assert made.scaling_ends is points[2]
    assert "scaling ends before 256 PEs, by step 6 of Eyexam (bandwidth)" in metrics_text(made)
    assert Metrics(chip, results, (Given(), Given()), points[:2]).scaling_ends is None


def test_what_misleads_alone_stands_beside_the_rest(results):
    text = metrics_text(Metrics(results[0].accelerator, results, (Given(0.99), Given())))
    for name in (
        "accuracy",
        "latency",
        "utilisation",
        "energy",
        "off-chip",
        "TOPS/W",
        "MACs",
        "worst",
        "hardware cost",
    ):
        assert name in text
    assert "not given" in text
    assert "99.0 %" in text
