"""The zoo beside the same networks in PyTorch: MACs as its counter has them, weights, published parameters."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from chipwise.analysis.statistics import describe
from chipwise.workload import registry
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


def test_every_network_is_rebuilt():
    assert {name.partition("@")[0] for name in MODELS} == set(registry.names())
