import pytest

from chipwise.errors import InputError
from chipwise.workload import registry


def test_the_networks_of_the_survey_are_there():
    assert {"lenet5", "alexnet", "overfeat_fast", "vgg16", "googlenet", "resnet50"} <= set(registry.names())


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
    with pytest.raises(InputError, match=r"'alexnt@width=2'.* Did you mean 'alexnet'\?"):
        registry.build("alexnt@width=2")


def test_parameters_stand_behind_an_at():
    small = registry.build("MobileNet-V1@width=0.50, resolution=160")
    assert small.name == "mobilenet_v1@width=0.5,resolution=160"
    assert small.input_shape == (3, 160, 160)
    assert small.layer("Conv2d_0").dims["M"] == 16
    assert registry.find("MobileNet-V1@width=0.50") == "mobilenet_v1"


def test_the_name_tells_what_differs_from_the_usual_only():
    assert registry.build("mobilenet_v1@resolution=224,width=1").name == "mobilenet_v1"
    assert (
        registry.build("mobilenet_v3_large@minimalistic=yes").name == "mobilenet_v3_large@minimalistic=true"
    )
    assert registry.build("resnet50@version=1.5").name == "resnet50@version=1.5"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mobilenet_v1@width=0.6", "network 'mobilenet_v1': width = 0.6 must be 0.25, 0.5, 0.75 or 1"),
        ("mobilenet_v1@width=wide", "width = wide must be 0.25, 0.5, 0.75 or 1"),
        ("mobilenet_v1@width=nan", "width = nan must be"),
        ("mobilenet_v1@resolution=16", "resolution = 16 must be 32 to 2048"),
        ("mobilenet_v1@resolution=160.5", "resolution = 160.5 must be 32 to 2048"),
        ("mobilenet_v1@resolution=" + "9" * 5000, "must be 32 to 2048"),
        ("mobilenet_v1@widht=0.5", "has no parameter 'widht'. Did you mean 'width'?"),
        ("mobilenet_v1@width=0.5,width=0.25", "width is given twice"),
        ("mobilenet_v1@width", "'width' behind the @ must be written name=value, several with commas"),
        ("mobilenet_v1@", "'' behind the @ must be written name=value"),
        ("mobilenet_v1@width=", "'width=' behind the @ must be written name=value"),
        ("alexnet@width=0.5", "network 'alexnet' has no parameters, so width = 0.5 cannot be set"),
        ("unet@resolution=570", "resolution = 570 leaves an odd plane before a pooling; take 556"),
        ("gpt2@tokens=1024,cached=1", "tokens + cached = 1025 must be at most 1024"),
        ("mobilenet_v3_large@minimalistic=maybe", "minimalistic = maybe must be false or true"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(name, says):
    with pytest.raises(InputError) as caught:
        registry.build(name)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_residual_sums_join_the_branch_and_the_shortcut():
    network = registry.build("resnet50")
    assert network.sources("layer1.0.conv1") == ("maxpool",)
    assert network.sources("layer1.0.downsample") == ("maxpool",)
    assert network.sources("layer1.0.add") == ("layer1.0.conv3", "layer1.0.downsample")
    assert network.sources("layer1.1.add") == ("layer1.1.conv3", "layer1.0.add")
    assert network.sources("fc") == ("avgpool",)


@pytest.mark.parametrize(("version", "strided"), [("1", "conv1"), ("1.5", "conv2")])
def test_the_stride_of_a_stage_is_in_one_convolution(version, strided):
    network = registry.build(f"resnet50@version={version}")
    assert [layer.name for layer in network.layers if layer.notes.get("stride", 1) == 2] == [
        "conv1",
        *(f"layer{stage}.0.{layer}" for stage in (2, 3, 4) for layer in (strided, "downsample")),
    ]
