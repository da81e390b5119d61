"""PyTorch models of every make: MACs equal torch's own count, and nothing is lost."""

import warnings
from collections import Counter

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from chipwise.workload.importers.assemble import assemble
from chipwise.workload.importers.fx import graph_of
from chipwise.workload.load import load_network
from tests.unit.workload.importers import models


def flops(model: type) -> int:
    """Operations that torch counts, on the meta device, where recurrent layers fall into products too."""
    module = models.build(model).to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(models.example(model, "meta"))
    return counter.get_total_flops()


@pytest.mark.parametrize("model", models.SHAPES, ids=lambda model: model.__name__)
def test_macs_are_half_of_what_torch_counts(model):
    network = load_network(models.build(model), example_input=models.example(model))
    assert 2 * network.macs == flops(model)


def dims(network, name):
    return dict(network.layer(name).dims)


def test_layers_go_by_their_modules_and_what_is_folded_by_theirs():
    network = load_network(models.build(models.ResNet), example_input=(1, 3, 64, 64))
    names = [layer.name for layer in network.layers]
    assert names[:5] == ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2"]
    assert names[5:] == [
        "layer2.0.conv1",
        "layer2.0.conv2",
        "layer2.0.downsample.0",
        "layer2.1.conv1",
        "layer2.1.conv2",
        "fc",
    ]
    assert network.fused["conv1"] == ("bn1 (aten.batch_norm.default)", "relu (aten.relu.default)")
    assert network.fused["layer2.0.downsample.0"] == ("layer2.0.downsample.1 (aten.batch_norm.default)",)
    assert network.fused["layer1.0.add"] == ("layer1.0.relu (aten.relu_.default)",)
    assert [n.kind for n in network.operations] == ["pool", *["elementwise"] * 4, "pool"]
    assert network.sources("layer1.0.conv1") == ("maxpool",)
    assert set(network.sources("layer2.0.add")) == {"layer2.0.conv2", "layer2.0.downsample.0"}
    assert network.sources("fc") == ("avgpool",)
    assert network.free == ("flatten (aten.flatten.using_ints)",)
    assert network.input_shape == (3, 64, 64)
    assert network.name == "ResNet"


@pytest.mark.parametrize("model", models.SHAPES, ids=lambda model: model.__name__)
def test_every_operator_is_a_node_or_fused_or_free(model):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(models.build(model), (models.example(model),), strict=False)
    graph = graph_of(program, "model")
    network = assemble(graph)
    told = Counter(network.free) + Counter(text for texts in network.fused.values() for text in texts)
    rest = Counter(operator.shown for operator in graph.operators)
    assert told <= rest
    names = {node.name for node in network.nodes}
    for shown in (rest - told).elements():
        name = shown.partition(" (")[0]
        assert any(n == name or n.startswith(f"{name}.") for n in names), shown


def test_transformers():
    network = load_network(models.build(models.GPT), example_input=torch.zeros(1, 16, dtype=torch.int64))
    assert [layer.name for layer in network.layers] == [
        "blocks.0.attention.q",
        "blocks.0.attention.k",
        "blocks.0.attention.v",
        "blocks.0.attention.scaled_dot_product_attention.scores",
        "blocks.0.attention.scaled_dot_product_attention.context",
        "blocks.0.attention.out",
        "blocks.0.mlp.0",
        "blocks.0.mlp.2",
        "head",
    ]
    scores = network.layer("blocks.0.attention.scaled_dot_product_attention.scores")
    assert dict(scores.dims) == {"B": 4, "M": 16, "N": 16, "K": 8}
    assert network.sources(scores.name) == ("blocks.0.attention.q", "blocks.0.attention.k")
    assert [n.kind for n in network.operations][:2] == ["embedding", "elementwise"]
    assert "positions (aten.embedding.default)" in network.free
    assert network.fused["blocks.0.mlp.0"] == ("blocks.0.mlp.1 (aten.gelu.default)",)


def test_multi_head_attention_goes_by_its_parameters():
    names = [
        layer.name for layer in load_network(models.build(models.Bert), example_input=(1, 10, 32)).layers
    ]
    assert names[0] == "encoder.layers.0.self_attn.in_proj"
    assert names[3] == "encoder.layers.0.self_attn.out_proj"
    assert names[-1] == "pooler"


def test_convolutions_of_every_rank():
    network = load_network(models.build(models.Volume), example_input=(1, 4, 32))
    assert dims(network, "wave") == {"N": 1, "G": 2, "M": 4, "C": 2, "P": 16, "R": 5}
    assert dims(network, "cube") == {
        "N": 1,
        "G": 2,
        "M": 2,
        "C": 1,
        "Z": 4,
        "P": 4,
        "Q": 4,
        "T": 3,
        "R": 3,
        "S": 3,
    }
    assert network.layer("raised").notes["transposed"] == 1


def test_operators_without_modules_go_by_their_parents_and_parameters():
    network = load_network(models.build(models.Functional), example_input=(2, 3, 8, 8))
    assert [(layer.name, layer.kind) for layer in network.layers] == [
        ("conv2d", "conv"),
        ("matmul", "fc"),
        ("einsum", "matmul"),
        ("bmm", "matmul"),
        ("matmul.2", "matmul"),
    ]
    assert network.layer("conv2d").dims["N"] == 2
    assert network.fused["conv2d"] == ("sigmoid (aten.sigmoid.default)", "mul (aten.mul.Tensor)")


def test_a_module_that_is_called_twice_has_two_names():
    network = load_network(models.build(models.Shared), example_input=(4, 8))
    assert [layer.name for layer in network.layers] == ["fc", "fc.2"]


def test_recurrent_layers():
    network = load_network(models.build(models.Speech), example_input=(1, 20, 12))
    assert dims(network, "lstm.input") == {"N": 20, "M": 64, "C": 12}
    assert dims(network, "lstm.2.reverse.recurrent") == {"N": 20, "M": 64, "C": 16}
    assert dims(network, "gru.input") == {"N": 20, "M": 24, "C": 32}
    assert network.sources("lstm.2.input") == ("lstm.gates", "lstm.reverse.gates")


def test_recurrent_cells():
    network = load_network(models.build(models.Plain), example_input=(1, 20, 12))
    assert dims(network, "rnn.recurrent") == {"N": 20, "M": 8, "C": 8}
    assert dims(network, "cell.input") == {"N": 1, "M": 24, "C": 8}


def test_the_batch_of_the_example_is_kept_and_multiplied():
    network = load_network(models.build(models.MobileNet), example_input=(2, 3, 32, 32))
    one = load_network(models.build(models.MobileNet), example_input=(1, 3, 32, 32))
    assert one.with_batch(2).macs == network.macs
    assert [(n.name, n.reads, n.writes) for n in one.with_batch(2).operations] == [
        (n.name, n.reads, n.writes) for n in network.operations
    ]


class LowRank(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Parameter(torch.zeros(8, 2)), torch.nn.Parameter(torch.zeros(2, 8))

    def forward(self, x):
        return torch.nn.functional.linear(x, self.a @ self.b)


def test_products_of_weights_are_layers_as_torch_counts_them():
    network = load_network(LowRank(), example_input=(4, 8))
    assert [(layer.name, layer.kind) for layer in network.layers] == [("matmul", "fc"), ("linear", "fc")]
    assert dims(network, "linear") == {"N": 4, "M": 8, "C": 8}
    assert network.sources("linear") == ("input", "matmul")


class Cached(torch.nn.Module):
    def forward(self, x):
        keys = torch.cat([x.new_zeros(0), x.flatten()])
        return torch.relu(keys)


def test_an_empty_cache_costs_nothing():
    network = load_network(Cached(), example_input=(4, 8))
    assert [(node.name, node.kind) for node in network.nodes] == [("relu", "activation")]
    assert "cat (aten.cat.default)" in network.free


class Experts(torch.nn.Module):
    """Twelve rows through the weights of three experts, and a result that is no tensor."""

    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(3, 16, 32, dtype=torch.bfloat16))

    def forward(self, x):
        ends = torch.tensor([4, 8, 12], dtype=torch.int32)
        return torch._grouped_mm(x, self.weights, ends), None, {"state": object()}


def test_experts_and_results_that_are_no_tensors():
    network = load_network(Experts(), example_input=torch.zeros(12, 16, dtype=torch.bfloat16))
    assert [dict(layer.dims) for layer in network.layers] == [{"B": 3, "M": 4, "N": 32, "K": 16}]


class Chooses(torch.nn.Module):
    """Rows that values choose, whose number no export knows."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(x[x[:, 0] >= 0])


def test_shapes_that_depend_on_values_are_those_of_a_run():
    with pytest.warns(
        UserWarning, match="Chooses does not export .*depends on values.*one run with the example's data"
    ):
        network = load_network(Chooses(), example_input=(6, 8))
    assert dims(network, "fc") == {"N": 6, "M": 4, "C": 8}
