import re

import pytest

from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.network import INPUT


def test_the_networks_of_the_survey_are_there():
    assert {"alexnet", "resnet50", "vgg16"} <= set(registry.names())


@pytest.mark.parametrize("name", registry.names())
class TestEveryNetwork:
    def test_it_goes_by_its_file_name(self, name):
        assert registry.build(name).name == name

    def test_it_says_what_it_is_and_where_it_is_from(self, name):
        network = registry.build(name)
        assert network.title
        assert re.search(r"\b(19|20)\d\d\b", network.source), "a source names its year"
        assert network.input_shape

    def test_the_first_layer_reads_the_input(self, name):
        network = registry.build(name)
        assert network.sources(network.layers[0].name) == (INPUT,)
        first = network.layers[0].dims
        assert first["C"] * first.get("G", 1) == network.input_shape[0]

    def test_every_layer_but_the_last_is_read(self, name):
        network = registry.build(name)
        read = {source for layer in network.layers for source in network.sources(layer.name)}
        assert {layer.name for layer in network.layers[:-1]} <= read

    def test_channels_match_the_filters_of_what_is_read(self, name):
        network = registry.build(name)
        for layer in network.layers:
            filters = {
                network.layer(s).dims["M"] * network.layer(s).dims.get("G", 1)
                for s in network.sources(layer.name)
                if s != INPUT
            }
            assert filters <= {layer.dims["C"] * layer.dims.get("G", 1)}, layer.name

    def test_it_takes_a_batch(self, name):
        network = registry.build(name)
        assert network.with_batch(3).macs == 3 * network.macs

    def test_building_twice_gives_the_same(self, name):
        assert registry.build(name) == registry.build(name)


@pytest.mark.parametrize(
    ("spelt", "name"),
    [("AlexNet", "alexnet"), ("resnet-50", "resnet50"), ("ResNet_50", "resnet50"), ("VGG-16", "vgg16")],
)
def test_case_and_hyphens_do_not_matter(spelt, name):
    assert registry.find(spelt) == name
    assert registry.build(spelt).name == name


def test_an_unknown_name_gets_the_nearest_one():
    assert registry.find("alexnt") is None
    with pytest.raises(InputError, match=r"'alexnt'.* Did you mean 'alexnet'\?"):
        registry.build("alexnt")


def test_residual_sums_join_the_branch_and_the_shortcut():
    network = registry.build("resnet50")
    assert network.sources("layer1.0.conv1") == ("conv1",)
    assert network.sources("layer1.0.downsample") == ("conv1",)
    assert network.sources("layer1.0.conv2") == ("layer1.0.conv1",)
    assert network.sources("layer1.1.conv1") == ("layer1.0.conv3", "layer1.0.downsample")
    assert network.sources("layer2.0.downsample") == ("layer1.2.conv3", "layer1.1.conv3")
    assert network.sources("fc") == ("layer4.2.conv3", "layer4.1.conv3")


def test_the_stride_of_a_stage_is_in_its_first_convolution():
    network = registry.build("resnet50")
    strided = [layer.name for layer in network.layers if layer.notes.get("stride", 1) == 2]
    assert strided == [
        "conv1",
        *(f"layer{stage}.0.{layer}" for stage in (2, 3, 4) for layer in ("conv1", "downsample")),
    ]
