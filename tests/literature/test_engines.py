"""Engines for sparse and narrow networks: published cycles, latencies and speed-ups."""

import functools

import pytest

from chipwise.analysis.engines.designs.dual_side import ENGINE, fitted
from chipwise.analysis.validation import validate
from chipwise.analysis.validations.dstc import LATENCY


@functools.cache
def rows(group):
    return validate(group)


def row(group, item, quantity):
    return next(r for r in rows(group) if (r.item, r.quantity) == (item, quantity))


@pytest.mark.parametrize(("layer", "cycles"), [("L07", 1702140), ("L09", 1499682), ("L13", 1144158)])
def test_the_sparse_pe_is_exact_with_masks(layer, cycles):
    found = row("sparse-pe", f"{layer}, masks", "cycles")
    assert found.computed == cycles
    assert isinstance(found.computed, int)


def test_densities_alone_do_no_worse_than_sparseloop():
    found = [r for r in rows("sparse-pe") if r.item.endswith("densities")]
    assert len(found) == 8
    assert all(-0.065 <= r.error <= 0.005 for r in found)


def test_one_overhead_meets_ten_latencies_of_which_it_saw_five():
    found = [r for r in rows("dstc") if r.quantity == "latency / dense"]
    assert len(found) == 10
    assert all(r.within for r in found)
    assert fitted({at: value for at, value in LATENCY.items() if at[1] == 1.0}) == ENGINE


def test_eie_is_within_its_band_but_for_two_layers_with_a_reason():
    outside = {r.item for r in rows("eie") if r.within is False}
    assert outside == {"alexnet fc8", "vgg16 fc6"}
    assert not any(r.unexplained for r in rows("eie"))
    for name in ("alexnet fc6", "vgg16 fc7"):
        bare = row("eie", name, "theoretical time without padding")
        assert bare.error < -0.15 < row("eie", name, "theoretical time").error


def test_scnn_has_the_published_trends():
    item = "googlenet, inception"
    assert row("scnn", f"{item}, density 1", "performance / DCNN").within
    assert row("scnn", f"{item}, density 0.1", "performance / DCNN").within
    assert row("scnn", item, "density of equal performance").within
    assert not any(r.unexplained for r in rows("scnn"))


def test_cnvlutin_and_stripes_gain_what_is_published():
    assert row("cnvlutin", "mean of three networks, 44 % zeros", "speed-up").within
    assert not any(r.unexplained for r in rows("cnvlutin"))
    assert all(r.within for r in rows("stripes") if r.quantity == "speed-up" and r.band is not None)
    assert not any(r.unexplained for r in rows("stripes"))
