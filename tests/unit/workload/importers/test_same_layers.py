"""A model gives the same layers through torch.onnx.export as it gives directly."""

import warnings

import pytest
import torch

from chipwise.workload.load import load_network
from tests.unit.workload.importers import models


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The ONNX file that torch writes of a model."""

    def exported(model, *, dynamo=True, **how):
        path = tmp_path_factory.mktemp("onnx") / f"{model.__name__}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                models.build(model), (models.example(model),), path, dynamo=dynamo, verbose=False, **how
            )
        return path

    return exported


def products(network):
    """Dims and tensors of each layer, in order."""
    return [(layer.kind, layer.shape_key) for layer in network.layers]


NAMELESS = {models.Decoder}
"""The exporter keeps no names of weights that it transposes, nor of biases that it cuts."""

UNROLLED = {models.Plain}
"""The exporter writes one product per step."""


@pytest.mark.parametrize(
    "model", [m for m in models.SHAPES if m not in UNROLLED], ids=lambda model: model.__name__
)
def test_the_same_layers_through_onnx(model, exported):
    directly = load_network(models.build(model), example_input=models.example(model))
    through_onnx = load_network(exported(model))
    if model not in NAMELESS:
        assert [layer.name for layer in through_onnx.layers] == [layer.name for layer in directly.layers]
    assert products(through_onnx) == products(directly)


@pytest.mark.parametrize("model", [models.ResNet, models.MobileNet, models.ViT], ids=lambda m: m.__name__)
def test_the_same_layers_through_the_older_exporter(model, exported):
    directly = load_network(models.build(model), example_input=models.example(model))
    through_onnx = load_network(exported(model, dynamo=False, opset_version=17))
    assert products(through_onnx) == products(directly)


def test_macs_of_what_is_unrolled_agree(exported):
    directly = load_network(models.build(models.Plain), example_input=(1, 20, 12))
    of_zeros = 8 * 8 + 4 * 6 * 6
    # The exporter computes products with the states before the first step, which are zero.
    assert load_network(exported(models.Plain)).macs == directly.macs - of_zeros


@pytest.mark.parametrize("dynamo", [True, False])
def test_dynamic_axes_ask_for_sizes(exported, dynamo):
    axes = {0: "batch", 2: "height", 3: "width"}
    how = {"dynamic_shapes": ({a: torch.export.Dim(n, min=1 if a == 0 else 32) for a, n in axes.items()},)}
    if not dynamo:
        how = {"dynamic_axes": {"x": axes}, "input_names": ["x"], "opset_version": 17}
    path = exported(models.MobileNet, dynamo=dynamo, **how)
    directly = load_network(models.build(models.MobileNet), example_input=(1, 3, 48, 64))
    assert products(load_network(path, input_size={"height": 48, "width": 64})) == products(directly)
    assert products(load_network(path, example_input="3x48x64")) == products(directly)


@pytest.mark.parametrize(
    "model", [models.ResNet, models.MobileNet, models.Inception], ids=lambda m: m.__name__
)
def test_operations_agree_too(model, exported):
    directly = load_network(models.build(model), example_input=models.example(model))
    through_onnx = load_network(exported(model))
    assert [(o.name, o.kind, o.operations, o.reads, o.writes) for o in through_onnx.operations] == [
        (o.name, o.kind, o.operations, o.reads, o.writes) for o in directly.operations
    ]
