"""Layer shapes, resources and budgets: what methods and devices agree on."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from chipwise.adapt.budget import budget, parse_budget
from chipwise.adapt.channels import channel_groups
from chipwise.adapt.networks import inverted, mobile, plain, residual
from chipwise.adapt.resource import Bops, Energy, Latency, Macs, Size, Weights
from chipwise.adapt.shapes import LayerShape, layer_shapes, to_network
from chipwise.analysis.evaluate import find_mapping
from chipwise.components.load import load_accelerator
from chipwise.errors import BudgetError, InputError
from chipwise.hardware.zeros import estimating_zeros
from chipwise.measure.latency.keys import key_of, shape_of
from chipwise.measure.latency.torch_cpu import module_and_input
from chipwise.workload.importers.torch import read_module

IMAGE = torch.zeros(1, 1, 32, 32)


@pytest.mark.parametrize("make", [plain, residual, mobile, inverted])
def test_shapes_are_those_that_export_finds(make):
    model = make().eval()
    ours = to_network(layer_shapes(model, IMAGE))
    theirs = read_module(model, IMAGE)
    assert [(x.dims, x.volume("input")) for x in ours.layers] == [
        (x.dims, x.volume("input")) for x in theirs.layers
    ]


def test_shape_of_a_strided_grouped_convolution():
    model = nn.Sequential(nn.Conv2d(4, 8, (3, 5), (2, 1), (1, 2), (1, 1), 2), nn.BatchNorm2d(8), nn.ReLU6())
    model.train()
    (shape,) = layer_shapes(model, torch.zeros(2, 4, 9, 9))
    assert shape == LayerShape(
        "any",
        "conv2d",
        N=2,
        M=8,
        C=4,
        G=2,
        H=9,
        W=9,
        P=5,
        Q=9,
        R=3,
        S=5,
        stride=(2, 1),
        padding=(1, 2),
        bias=True,
        fused=("batch_norm", "relu6"),
    )
    assert shape.name == "0"
    assert model.training


def test_transposed_convolution_and_tokens():
    up = nn.ConvTranspose2d(4, 6, 2, 2)
    (shape,) = layer_shapes(up, torch.zeros(1, 4, 5, 5))
    assert shape.macs == 4 * 6 * 25 * 4
    assert shape.to_layer().macs == shape.macs
    (tokens,) = layer_shapes(nn.Linear(8, 3), torch.zeros(2, 7, 8))
    assert tokens.macs == 2 * 7 * 8 * 3


def test_a_module_that_runs_twice_is_two_layers():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(self.fc(x))

    assert [s.name for s in layer_shapes(Twice(), torch.zeros(1, 4))] == ["fc", "fc.2"]


@pytest.mark.parametrize("module", [nn.LSTM(4, 4), nn.Conv1d(4, 4, 3), nn.MultiheadAttention(4, 2)])
def test_unsupported_modules_are_named(module):
    with pytest.raises(InputError, match=rf"module 'odd' is a {type(module).__name__}.*Conv2d"):
        layer_shapes(nn.ModuleDict({"odd": module}), torch.zeros(1, 4))


class Own(nn.Module):
    """A module with parts and parameters of its own, which `how` uses beside a layer's output."""

    def __init__(self, how, *shape):
        super().__init__()
        self.how, self.fc, self.w = how, nn.Linear(6, 8), nn.Parameter(torch.randn(shape))

    def forward(self, x):
        return self.how(self, self.fc(x))


@pytest.mark.parametrize(
    ("how", "shape"),
    [
        (lambda s, y: y @ s.w, (8, 4)),
        (lambda s, y: y @ s.w.T.contiguous().relu(), (4, 8)),
        (lambda s, y: torch.einsum("nc,mc->nm", y, s.w), (4, 8)),
        (lambda s, y: nn.functional.linear(y, s.w), (4, 8)),
        (lambda s, y: nn.functional.conv2d(y[..., None, None], s.w), (4, 8, 1, 1)),
    ],
)
def test_products_with_weights_outside_of_layers_are_refused_by_name(how, shape):
    model = nn.Sequential(nn.Flatten(), Own(how, *shape))
    with pytest.raises(
        InputError, match="module '1' is a Own that multiplies with a parameter of its own, 'w'"
    ):
        layer_shapes(model, torch.zeros(2, 6))


@pytest.mark.parametrize(
    ("how", "shape"),
    [
        (lambda s, y: y + s.w, (1, 8)),  # a position embedding
        (lambda s, y: y * s.w, (1, 8)),  # a scale
        (lambda s, y: y + s.fc(s.w), (1, 6)),  # a learned query, which a layer reads
    ],
)
def test_parameters_that_no_product_reads_are_taken(how, shape):
    assert layer_shapes(Own(how, *shape), torch.zeros(2, 6))[0].macs == 2 * 6 * 8
    masked = nn.Linear(6, 8)
    nn.utils.parametrize.register_parametrization(masked, "weight", nn.Identity())
    assert layer_shapes(masked, torch.zeros(2, 6))[0].macs == 2 * 6 * 8


def test_a_forward_that_fails_is_told():
    said = r"its forward raises RuntimeError: .*given float32 of shape \(1, 3, 32, 32\), in evaluation mode"
    with pytest.raises(InputError, match=said):
        layer_shapes(plain(), torch.zeros(1, 3, 32, 32))
    with pytest.raises(InputError, match=said):
        channel_groups(plain(), torch.zeros(1, 3, 32, 32))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_what_the_plane_of_a_layer_depends_on_is_in_its_shape():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 4, padding="same"), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), nn.MaxPool2d(3, 1, dilation=2),
    )  # fmt: skip
    even, reflecting = layer_shapes(model, torch.zeros(1, 1, 16, 16))
    assert (even.H, even.P, even.padding) == (17, 16, (1, 1))  # and one row of zeros on one side more
    assert even.fused == ("max_pool3s2p0c",)
    assert (reflecting.padding_mode, reflecting.fused) == ("reflect", ())
    assert [shape_of(key_of(s, 1)) for s in (even, reflecting)] == [even, reflecting]
    assert layer_shapes(*module_and_input(even)) == (even,)


def test_resources_by_hand():
    shape = LayerShape("fc", "linear", N=1, M=10, C=100, bias=True, weight_density=0.5, weight_bits=8)
    assert [r.of_layer(shape) for r in (Macs(), Weights(), Size(), Bops())] == [1000, 510, 4080, 256_000]


def at(shapes, density):
    return [shape.with_densities(lambda _: density) for shape in shapes]


def test_energy_counts_zeros_and_batch():
    shapes = layer_shapes(plain((8, 8)), IMAGE)
    one, many = Energy("eyeriss"), Energy("eyeriss", batch=16)
    assert many.of(shapes) < one.of(shapes)
    assert 0.25 * one.of(shapes) < one.of(at(shapes, 0.5)) < one.of(shapes)
    assert one.of([replace(s, weight_density=0.99) for s in shapes]) <= one.of(shapes)
    assert Energy("eyeriss") == one


def test_energy_is_that_of_the_survey_or_of_the_chip_as_it_is():
    """With whole 32ths a layer is mapped for its densities exactly, as `chipwise evaluate --zeros` maps it."""
    (shape,) = layer_shapes(nn.Conv2d(8, 8, 3), torch.zeros(1, 8, 10, 10))
    shape = replace(shape, input_density=0.5, weight_density=0.25, output_density=0.75)
    layer, chip = shape.to_layer().with_batch(4), load_accelerator("eyeriss")
    estimate, as_is = Energy(chip, 4), Energy(chip, 4, zeros="chip")
    assert estimate.of_layer(shape) == find_mapping(layer, estimating_zeros(chip)).energy_pj / 4
    assert as_is.of_layer(shape) == find_mapping(layer, chip).energy_pj / 4
    assert (estimate.name, as_is.name) == ("energy", "energy-as-is")
    # Weights that are zero save nothing on Eyeriss, whose PEs look at inputs alone.
    assert as_is.of_layer(replace(shape, weight_density=0.5)) == as_is.of_layer(shape)
    assert estimate.of_layer(replace(shape, weight_density=0.5)) > estimate.of_layer(shape)


@pytest.mark.parametrize(
    "resource", [Energy("eyeriss", 4), Energy("eyeriss_v2", 4, "chip"), Latency("eyeriss_v2")]
)
def test_more_zeros_never_need_more(resource):
    """Densities in between are priced on the mapping of the next 32th above."""
    shapes = layer_shapes(nn.Conv2d(4, 8, 3), torch.zeros(1, 4, 8, 8))
    needs = [resource.of(at(shapes, d)) for d in (0.001, 0.03, 0.24, 0.25, 0.251, 0.26, 0.6, 0.99, 1.0)]
    assert needs == sorted(needs)


def test_latency_falls_with_zeros_where_the_chip_skips_them():
    shapes = layer_shapes(nn.Conv2d(16, 32, 3), torch.zeros(1, 16, 16, 16))
    assert Latency("eyeriss_v2").of(at(shapes, 0.3)) < Latency("eyeriss_v2").of(shapes)
    assert Latency("nvdla_small").of(at(shapes, 0.3)) == Latency("nvdla_small").of(shapes)


SHAPES = [LayerShape("fc", "linear", N=1, M=10, C=100)]


def test_budgets_of_several_resources():
    wanted = parse_budget("macs = 50 %, weights=600,size=1KiB", [Macs(), Weights(), Size()])
    found = budget(wanted, SHAPES)
    assert [limit.most for limit in found.limits] == [500, 600, 8192]
    assert not found.met(SHAPES)
    assert found.exceeded(SHAPES) == {"macs": 2.0, "weights": 1000 / 600, "size": 32000 / 8192}
    assert budget({Macs(): 1.0}, SHAPES).met(SHAPES)


def test_a_budget_below_reach_says_what_can_be_reached():
    with pytest.raises(BudgetError, match=r"macs <= 100 .*least that can be reached is 300, 30.0%") as caught:
        budget({Macs(): 0.1, Weights(): 1.0}, SHAPES).refuse({"macs": 300.0, "weights": 300.0})
    assert caught.value.exit_code == 1
    assert caught.value.reached["macs"] == 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latency", "must be resource=value"),
        ("latancy=0.5", "Did you mean 'latency'"),
        ("macs=0.5,macs=0.4", "named twice"),
        ("latency=5", "a quantity with its unit"),
        ("latency=5 km", "budget latency: .*unknown unit"),
        ("macs=-1", "more than zero"),
        ("macs=nan", "more than zero"),
        ("macs=many", "must be a number"),
        ("latency=0 s", "budget latency: .*must be more than zero"),
        ("energy=0pJ", "budget energy = 0pJ must be more than zero, and finite"),
        ("energy=1e400 pJ", "budget energy: .* too large"),
    ],
)
def test_bad_budgets(text, message):
    with pytest.raises(InputError, match=message):
        budget(parse_budget(text, [Macs(), Latency("eyeriss"), Energy("eyeriss")]), SHAPES)
