"""Zero-then-remove: removing channels whose filters were set to zero first leaves the outputs as they are."""

import copy

import pytest
import torch
from torch import nn

from chipwise.adapt.channels import ChannelGroup, channel_groups, named, remove_channels, remove_filters
from chipwise.adapt.networks import inverted
from chipwise.errors import InputError
from tests.unit.adapt import channel_networks as zoo


def zeroed(model: nn.Module, group: ChannelGroup, units: list[int]) -> nn.Module:
    """`model` whose units give zeros wherever they run: filters, scales and means."""
    model = copy.deepcopy(model)
    for member in group.members:
        module = model.get_submodule(member.layer)
        gone = member.removed(units)
        if member.side == "through" and isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            times = module.out_channels // module.in_channels
            gone = [c * times + i for c in gone for i in range(times)]
        if member.side == "in" or isinstance(module, nn.PReLU):
            continue
        with torch.no_grad():
            for name in ("weight", "bias", "running_mean"):
                value = getattr(module, name, None)
                if value is not None:
                    (by_output(module) if name == "weight" else value)[gone] = 0
    return model


def by_output(module: nn.Module) -> torch.Tensor:
    """The weights, by the channel that they make; those of transposed layers are (C, M/G, ...)."""
    if not isinstance(module, nn.ConvTranspose2d):
        return module.weight
    blocks = module.weight.unflatten(0, (module.groups, -1)).transpose(1, 2)
    return Rows(blocks)


class Rows:
    """Sets rows of (G, M/G, C/G, ...) by the number of the output channel."""

    def __init__(self, blocks: torch.Tensor) -> None:
        self.blocks = blocks

    def __setitem__(self, rows: list[int], value: float) -> None:
        for row in rows:
            self.blocks[divmod(row, self.blocks.shape[1])] = value


def check(model: nn.Module, example: torch.Tensor, read=lambda out: out) -> int:
    """Zero and remove a third of every group, alone and all at once; how many groups could be cut."""
    x = torch.randn(example.shape, generator=torch.Generator().manual_seed(1))
    before = copy.deepcopy(model.state_dict())
    groups = [g for g in channel_groups(model, example) if not g.held]
    keep, blind = {}, model
    with torch.no_grad():
        for group in groups:
            gone = list(range(0, group.size, 3))[: group.size - 1]
            keep[group] = [u for u in range(group.size) if u not in gone]
            alone = zeroed(model, group, gone)
            small = remove_filters(alone, group, keep[group])
            assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in model.parameters())
            torch.testing.assert_close(read(small(x)), read(alone(x)), rtol=1e-5, atol=1e-5)
            blind = zeroed(blind, group, gone)
        together = remove_channels(blind, keep)
        torch.testing.assert_close(read(together(x)), read(blind(x)), rtol=1e-5, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    again = channel_groups(together, example)
    assert [g.size for g in again if not g.held] == [len(k) for k in keep.values() if len(k) > 1]
    return len(groups)


@pytest.mark.parametrize("network", zoo.NETWORKS, ids=lambda n: n.__name__)
def test_removing_zeroed_filters_changes_nothing(network):
    assert check(zoo.made(network), *zoo.X) >= 1


def test_an_inverted_residual_ties_its_narrow_layers_and_its_wide_ones():
    model = inverted((4, 6), expand=2)
    example = torch.zeros(1, 1, 16, 16)
    assert check(model, example) == 7  # 4 expansions, 2 widths between blocks, the last layer
    groups = channel_groups(model, example)
    assert named(groups, "0").producers == ("0", "3.project", "4.project")
    assert "3.depthwise" in {member.layer for member in named(groups, "3.expand").members}


def sizes(network: type[nn.Module]) -> dict[str, int]:
    return {g.name: g.size for g in channel_groups(zoo.made(network), *zoo.X) if not g.held}


def test_a_residual_ties_filters_one_by_one():
    assert sizes(zoo.Residual) == {"stem.0": 8, "a.0": 6, "c.0": 12}
    group = named(channel_groups(zoo.made(zoo.Residual), *zoo.X), "stem.0")
    assert group.producers == ("stem.0", "b.0")
    assert set(group.consumers) == {"a.0", "c.0", "down"}


def test_a_depthwise_layer_ties_its_outputs_to_its_inputs_padded_or_not():
    assert sizes(zoo.Depthwise) == {"stem.0": 8, "pw": 10, "expand": 6}


def test_groups_lose_equal_places():
    """stem feeds 2 groups; a is read by 4; the shuffle of 3 rows and 4 groups of b share 12 channels."""
    assert sizes(zoo.Grouped) == {"stem.0": 6, "a.0": 6, "c.0": 4}


def test_what_cannot_be_cut_is_held_with_its_reason():
    groups = {g.name: g.held for g in channel_groups(zoo.made(zoo.Residual), *zoo.X)}
    assert groups["head.fc"] == "it makes the network's output"
    assert not groups["stem.0"]
    grouped = {g.name: g.held for g in channel_groups(zoo.made(zoo.Grouped), *zoo.X)}
    assert grouped["b.0"] == "it has one unit only"


def network_of(forward, **layers) -> nn.Module:
    class Custom(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, layer in layers.items():
                setattr(self, name, layer)

        def forward(self, x):
            return forward(self, x)

    torch.manual_seed(0)
    return Custom().eval()


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda s, x: s.b(s.a(x)[:, [0, 1, 2, 3, 4, 5, 6, 6]]), "some of its channels are chosen by number"),
        (lambda s, x: s.b(torch.cumsum(s.a(x), 1)), "the operation cumsum"),
        (lambda s, x: s.b(s.a(x) - s.a(x).mean(1, keepdim=True)), "averaged with other channels"),
        (lambda s, x: s.b(s.a(x).view(-1, 8, 8, 8)), "does not run without some of its filters"),
        (lambda s, x: s.b(s.a(x) + x.repeat(1, 3, 1, 1)[:, :8]), "values that are no channels"),
        (lambda s, x: s.b(torch.cat(s.a(x).split([3, 5], 1)[::-1], 1)), "parts of different sizes"),
    ],
)
def test_a_forward_that_is_not_understood_holds_its_channels(forward, reason):
    model = network_of(forward, a=zoo.conv(3, 8), b=zoo.conv(8, 4))
    with pytest.raises(InputError, match=f"no filters that can be removed .*{reason}"):
        channel_groups(model, *zoo.X)


@pytest.mark.parametrize(("groups", "filters"), [(2, 6), (2, 8), (8, 8), (8, 16)])
def test_grouped_and_depthwise_transposed_layers(groups, filters):
    model = network_of(
        lambda s, x: s.c(torch.relu(s.up(torch.relu(s.a(x))))).mean((2, 3)), a=zoo.conv(3, 8),
        up=nn.ConvTranspose2d(8, filters, 2, 2, groups=groups), c=zoo.conv(filters, 5),
    )  # fmt: skip
    assert check(model, *zoo.X) == (1 if groups == 8 else 2)


def test_layer_normalisation_holds_its_channels():
    model = network_of(lambda s, x: s.c(s.n(s.b(torch.relu(s.a(x))))), a=zoo.conv(3, 8), b=zoo.conv(8, 6),
                       n=nn.GroupNorm(2, 6), c=zoo.conv(6, 4))  # fmt: skip
    held = {g.name: g.held for g in channel_groups(model, *zoo.X)}
    assert not held["a"]
    assert held["b"] == "n normalises over channels"


def test_an_unsupported_module_is_named():
    model = nn.Sequential(nn.Flatten(2), nn.LSTM(64, 8))
    with pytest.raises(
        InputError, match=r"module '1' is a LSTM, whose weights chipwise cannot cut; supported"
    ):
        channel_groups(model, *zoo.X)


def test_bad_requests_say_what_there_is():
    model = zoo.made(zoo.Residual)
    groups = channel_groups(model, *zoo.X)
    with pytest.raises(InputError, match=r"Did you mean .stem\.0."):
        named(groups, "stem.1")
    group = named(groups, "stem.0")
    with pytest.raises(InputError, match="units 0 to 7, not 8"):
        remove_filters(model, group, [8])
    with pytest.raises(InputError, match="at least one"):
        remove_filters(model, group, [])
    with pytest.raises(InputError, match="cannot be removed: it makes the network's output"):
        remove_filters(model, named(groups, "head.fc"), [0])
    with pytest.raises(InputError, match="its forward raises RuntimeError"):
        channel_groups(model, torch.zeros(1, 4, 8, 8))
    small = remove_filters(model, group, [0])
    with pytest.raises(InputError, match="derive them anew"):
        remove_filters(small, group, [5, 6])


def test_masked_weights_must_be_made_plain_first():
    model = zoo.made(zoo.Residual)
    nn.utils.parametrize.register_parametrization(model.down, "weight", nn.Identity())
    with pytest.raises(InputError, match="'down' has parametrized weights"):
        channel_groups(model, *zoo.X)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ResNet", "MobileNetV2"])
def test_transformers_networks(name):
    """Random weights of the configurations that Hugging Face's library makes, where it is installed."""
    transformers = pytest.importorskip("transformers")
    options = {"ResNet": {"embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [2, 2, 2, 2]}}
    config = getattr(transformers, f"{name}Config")(**options.get(name, {}))
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}ForImageClassification")(config).eval()
    # ResNet: two inner widths in each of 8 blocks, and 4 that residuals tie. MobileNetV2: the stem, 16 widths inside
    # blocks, 7 that residuals tie, the last layer.
    assert (
        check(model, torch.zeros(1, 3, 64, 64), lambda out: out.logits)
        == {"ResNet": 20, "MobileNetV2": 25}[name]
    )
