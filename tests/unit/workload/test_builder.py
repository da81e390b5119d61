import pytest

from chipwise.errors import InputError
from chipwise.workload.network import INPUT
from chipwise.workload.zoo._builder import Builder, Value, rounded


def builder(*shape: int) -> Builder:
    return Builder("net", input_shape=shape, title="Net", source="2000")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "ceil", "plane"),
    [
        (55, 3, 2, 0, False, 27),
        (112, 3, 2, 0, False, 55),
        (112, 3, 2, 0, True, 56),
        (111, 3, 2, 0, True, 55),
        (112, 3, 2, 1, False, 56),
        (224, 2, 2, 1, False, 113),
        # A last window that would start in the padding is left out.
        (2, 1, 2, 1, True, 2),
    ],
)
def test_pooling_follows_pytorch(size, kernel, stride, padding, ceil, plane):
    net = builder(4, size, size)
    x = net.max_pool("pool", net.input, kernel, stride=stride, padding=padding, ceil=ceil)
    assert x.shape == (4, plane, plane)


def test_a_convolution_keeps_the_plane_by_default():
    net = builder(3, 17, 20)
    x = net.conv("conv", net.input, 8, (3, 7))
    assert x == Value("conv", (8, 17, 20))
    assert net.network().inputs == {"conv": (INPUT,)}


def test_a_fully_connected_layer_takes_all_values_or_each_token():
    net = builder(3, 4, 4)
    assert net.fc("fc", net.input, 10).shape == (10,)
    assert net.fc("tokens", net.input.reshaped(12, 4), 10).shape == (12, 10)
    whole, tokens = net.network().layers
    assert (dict(whole.dims), dict(tokens.dims)) == ({"N": 1, "M": 10, "C": 48}, {"N": 12, "M": 10, "C": 4})


def test_a_value_is_read_once_even_if_twice_in_a_sum():
    net = builder(3, 4, 4)
    x = net.conv("conv", net.input, 3)
    net.add("double", x, x)
    assert net.network().inputs["double"] == ("conv",)


@pytest.mark.parametrize("join", ["add", "concat"])
def test_shapes_that_differ_are_not_joined(join):
    net = builder(3, 8, 8)
    x = net.conv("conv", net.input, 4, stride=2)
    with pytest.raises(InputError, match=r"network 'net': 'sum' joins values of shapes .* which differ"):
        getattr(net, join)("sum", net.input, x)


def test_a_filter_larger_than_its_input_is_refused():
    net = builder(3, 4, 4)
    with pytest.raises(InputError, match="layer 'conv': the filter reaches over 7"):
        net.conv("conv", net.input, 4, 7, padding=0)


def test_widths_are_multiples_of_eight_and_at_most_a_tenth_smaller():
    for channels in range(1, 400):
        width = rounded(channels)
        assert width % 8 == 0
        assert width >= 0.9 * channels
        assert width <= max(8, channels + 8)
