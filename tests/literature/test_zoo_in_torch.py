"""The zoo beside the same networks in PyTorch: MACs as its counter has them, weights, published parameters."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chipwise.analysis.statistics import describe
from chipwise.workload import registry
from chipwise.workload.load import load_network
from chipwise.workload.network import Network
from tests.literature.rebuilt import images, mobile, sequences

MODELS = images.MODELS | mobile.MODELS | sequences.MODELS
LAYERS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def macs(model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """Half of what PyTorch counts: it knows convolutions and products, without biases."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(torch.empty((1, *shape), dtype=dtype, device="meta"))
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def weights(network: Network) -> int:
    return describe(network).weights


@pytest.mark.parametrize("name", MODELS)
def test_macs_and_weights_are_those_of_pytorch(name):
    make, shape, published = MODELS[name]
    with torch.device("meta"):
        model = make().eval()
    network = registry.build(name)
    reads_tokens = any(isinstance(m, nn.Embedding) for m in model.modules())
    assert network.input_shape == shape
    assert network.macs == macs(model, shape, torch.long if reads_tokens else torch.float32)
    used = {id(m.weight): m.weight.numel() for m in model.modules() if isinstance(m, LAYERS)}
    assert weights(network) == sum(used.values())
    if published is not None:
        assert sum(parameter.numel() for parameter in model.parameters()) == published


QUICK = (
    "alexnet",
    "squeezenet1_1",
    "fastdepth",
    "shufflenet_v2",
    "bert_base@tokens=128",
    "unet",
    "tpu_lstm0",
)
OTHER_SHAPES = {
    "lenet5": "fc1 as a filter over its plane",
    "alexnet": "fc6 as a filter over its plane",
    "overfeat": "the first fully-connected layer as a filter over its plane",
    "vgg": "fc6 as a filter over its plane",
    "vit_b16": "queries, keys and values in one layer",
    "gpt2": "queries, keys and values in one layer",
    "llama_3_8b": "heads that share keys in one product",
    "deepspeech2": "steps of recurrent layers in one product",
}
"""Networks that the zoo writes with other extents than PyTorch's modules give, and why."""


def extents(network: Network) -> list[list[tuple[str, int]]]:
    """Of every layer, those above 1, whatever the order of layers."""
    return sorted(sorted((d, e) for d, e in layer.dims.items() if e > 1) for layer in network.layers)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in MODELS]
)
def test_imported_from_pytorch_it_is_the_same_network(name):
    make, shape, _ = MODELS[name]
    with torch.device("meta"):
        model = make().eval()
    reads_tokens = any(isinstance(m, nn.Embedding) for m in model.modules())
    dtype = torch.long if reads_tokens else torch.float32
    network = load_network(model, example_input=torch.empty((1, *shape), dtype=dtype, device="meta"))
    known = registry.build(name)
    assert network.macs == known.macs == macs(model, shape, dtype)
    other = any(name.startswith(prefix) for prefix in OTHER_SHAPES)
    assert (extents(network) == extents(known)) is not other


def test_every_network_is_rebuilt():
    assert {name.partition("@")[0] for name in MODELS} == set(registry.names())
