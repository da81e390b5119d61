"""Published densities of AlexNet and VGG-16, and Table IV of Sze et al., Proc. IEEE 105(12), 2017."""

import pytest

import chipwise
from chipwise.analysis.validation import validate
from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.densities import with_densities, write_densities
from chipwise.workload.published_densities import find_densities, published_densities, published_names

# Zeros in percent as printed.
EYERISS_ALEXNET = (0.01, 38.7, 72.5, 79.3, 77.6)  # JSSC 52(1), Table V
EYERISS_VGG16 = (1.6, 24.8, 39.7, 64.3, 79.4)  # JSSC 52(1), Table VI
CNNERGY = {
    "alexnet": (
        (0.01, 38.70, 72.50, 79.30, 77.60, 71.13, 83.12, 81.25),
        (51.02, 80.66, 72.44, 70.18, 90.50, 83.12, 81.25),
    ),
    "vgg16": (
        (1.76, 48.04, 21.35, 36.26, 35.35, 51.48, 52.33, 58.00, 69.80, 74.52, 81.51, 82.02, 84.51),
        (47.11, 31.36, 33.96, 51.99, 47.95, 48.86, 69.91, 65.33, 70.75, 87.30, 76.51, 79.77, 93.20),
    ),
}
SPARSELOOP = (
    (0.999, 0.710166, 0.378),
    (0.6, 0.385306, 0.169),
    (0.275, 0.346133, 0.303),
    (0.207, 0.372449, 0.304),
    (0.23, 0.368811, 0.1),
)


def zeros(densities, tensor):
    return [100 * (1 - layer[tensor]) for layer in densities.layers.values() if tensor in layer]


@pytest.mark.parametrize("name", CNNERGY)
def test_the_fullest_set_is_cnnergys(name):
    found = published_densities(name)
    inputs, outputs = CNNERGY[name]
    assert zeros(found, "input") == pytest.approx(inputs)
    assert zeros(found, "output") == pytest.approx(outputs)
    names = [layer.name for layer in registry.build(name).layers]
    assert list(found.layers) == names[: len(found.layers)]


@pytest.mark.parametrize(("name", "printed"), [("alexnet", EYERISS_ALEXNET), ("vgg16", EYERISS_VGG16)])
def test_eyeriss_measured_zeros_of_inputs(name, printed):
    assert zeros(published_densities(name, "eyeriss"), "input") == pytest.approx(printed)


def test_sparseloops_inputs():
    layers = published_densities("alexnet", "sparseloop").layers.values()
    assert [tuple(layer.values()) for layer in layers] == list(SPARSELOOP)


def test_eyeriss_measured_fewer_nonzero_macs_than_table_iv_prints():
    network = with_densities(registry.build("alexnet"), published_densities("alexnet", "eyeriss"))
    layers = [layer for layer in network.layers if layer.kind == "conv"]
    macs = sum(layer.macs * layer.tensor("input").density for layer in layers)
    assert macs == pytest.approx(324e6, rel=2e-3)  # 0.486 of 666M


@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_every_set_fits_its_network_and_names_its_source(network):
    for name in published_names(network):
        found = find_densities(name, registry.build(network))
        assert len(found.source) > 20
        assert with_densities(registry.build(network), found).layers


def test_a_set_is_found_by_name_and_a_file_by_its_ending(tmp_path):
    network = registry.build("alexnet")
    path = tmp_path / "own.json"
    path.write_text(write_densities(published_densities("alexnet")), encoding="utf-8")
    assert find_densities(str(path), network).layers == find_densities("published", network).layers
    for spec, said in [
        ("eyerss", "Did you mean 'eyeriss'"),
        (str(tmp_path / "own.txt"), "end in .json, .yaml or .yml"),
        (str(tmp_path / "none.json"), "none.json"),
    ]:
        with pytest.raises(InputError, match=said):
            find_densities(spec, network)
    with pytest.raises(InputError, match="None are published for it"):
        find_densities("published", chipwise.load_network("resnet50"))


def test_table_iv():
    rows = {(row.item, row.quantity): row for row in validate("table-iv")}
    for name in ("alexnet", "googlenet"):
        for kind in ("CONV", "FC"):
            assert rows[f"{name}, dense", f"{kind} NZ weights"].within
    assert rows["alexnet, dense", "FC NZ MACs"].within
    # Other images: reported with its size, not judged.
    conv = rows["alexnet, dense", "CONV NZ MACs"]
    assert (conv.within, conv.error) == (None, pytest.approx(-0.18, abs=0.005))
    pruned = rows["alexnet, sparse, weights evenly pruned", "CONV NZ MACs"]
    assert (pruned.within, pruned.error) == (None, pytest.approx(-0.136, abs=0.005))
