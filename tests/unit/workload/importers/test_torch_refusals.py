"""PyTorch models that do not export, raise, or hold what is not known."""

import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

from chipwise.errors import InputError
from chipwise.workload.load import load_network


class Decides(nn.Module):
    """Goes on as long as values say, which no export can follow."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.bn = nn.Linear(4, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.lstm = nn.LSTM(8, 6, num_layers=2)

    def forward(self, x):
        x = torch.relu(self.bn(self.a(x)))
        if x.sum() > 1e9:
            x = self.b(x)
        return self.lstm(self.b(x)[None])[0]


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 8)

    def forward(self, x):
        raise ValueError(f"the tokenizer is missing\nfor {x}")


@torch.library.custom_op("chipwise_tests::strange", mutates_args=())
def strange(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@strange.register_fake
def _(x):
    return torch.empty_like(x)


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 8)

    def forward(self, x):
        return strange(self.a(x))


def test_what_does_not_export_is_recorded_and_said():
    with pytest.warns(UserWarning, match=r"Decides does not export .*; its layers are those of one run with"):
        network = load_network(Decides(), example_input=(2, 4))
    products = [(layer.name, dict(layer.dims)) for layer in network.layers]
    assert products[:2] == [("a", {"N": 2, "M": 8, "C": 4}), ("b", {"N": 2, "M": 8, "C": 8})]
    assert [name for name, _ in products[2:]] == [
        "lstm.input",
        "lstm.recurrent",
        "lstm.2.input",
        "lstm.2.recurrent",
    ]
    assert [text.partition(" ")[0] for text in network.fused["a"]] == ["bn", "relu"]


def test_recording_and_exporting_give_the_same_layers():
    from chipwise.workload.importers.assemble import assemble
    from chipwise.workload.importers.record import record
    from tests.unit.workload.importers import models

    for model in (models.ResNet, models.UNet, models.Bert, models.Speech):
        module = models.build(model)
        exported = load_network(module, example_input=models.example(model))
        with torch.no_grad():
            recorded = assemble(record(module, (models.example(model),), {}, fake=True))
        assert [layer.shape_key for layer in recorded.layers] == [
            layer.shape_key for layer in exported.layers
        ]


def test_the_model_is_left_as_it_was():
    model = Decides()
    model.bn.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.warns(UserWarning, match="does not export"):
        load_network(model, example_input=(2, 4))
    assert (model.training, model.a.training, model.bn.training) == (True, True, False)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model._forward_hooks
    assert not model.a._forward_pre_hooks


def refused(says, source, **how):
    with warnings.catch_warnings(), pytest.raises(InputError) as caught:
        load_network(source, **how)
    assert says in str(caught.value)


def test_a_forward_that_raises_is_told_with_its_words():
    says = "its forward raises ValueError: the tokenizer is missing; check the example input, [1, 4] of torch.float32"
    refused(says, Raises(), example_input=(1, 4))


def test_an_example_that_does_not_fit():
    refused("mat1 and mat2 shapes cannot be multiplied (1x5 and 4x8)", Decides(), example_input=(1, 5))


def test_an_example_is_needed():
    refused(
        "a PyTorch model needs an example input; give example_input=torch.zeros(1, 3, 224, 224)", Raises()
    )


def test_an_example_of_another_kind():
    refused(
        "example_input = float must be a tensor, a tuple or dict of tensors, or a shape",
        Raises(),
        example_input=2.5,
    )


def test_an_unknown_operator_is_named_with_its_place():
    refused(
        "layer 'strange': operator chipwise_tests.strange.default is not known; --allow-unknown",
        Custom(),
        example_input=(2, 4),
    )


def test_an_unknown_operator_is_counted_as_the_data_it_moves():
    network = load_network(Custom(), example_input=(2, 4), allow_unknown=True)
    (node,) = network.operations
    assert (node.name, node.kind, node.operations, node.reads, node.writes) == (
        "strange",
        "unknown",
        0,
        16,
        16,
    )


@pytest.mark.parametrize(
    "example",
    [
        torch.zeros(2, 4),
        (torch.zeros(2, 4),),
        {"x": torch.zeros(2, 4)},
        (2, 4),
        [(2, 4)],
        {"x": (2, 4)},
        torch.Size([2, 4]),
    ],
    ids=str,
)
def test_an_example_in_every_form(example):
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 8)

        def forward(self, x):
            return self.a(x)

    assert load_network(One(), example_input=example).macs == 2 * 4 * 8


CODE = """
import torch
from torch import nn

def model():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))

def ids():
    return nn.Sequential(nn.Embedding(50, 16), nn.Linear(16, 4))

ready = nn.Linear(4, 2)

def broken():
    raise RuntimeError("no weights")

def number():
    return 3
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_models", None)


@pytest.mark.usefixtures("code")
def test_the_users_own_code():
    network = load_network("torch:own_models:model", example_input="3x8x8")
    assert [layer.name for layer in network.layers] == ["0", "3"]
    assert network.fused["0"] == ("1 (aten.relu.default)",)
    assert load_network("torch:own_models:ids", example_input="7:int").macs == 7 * 16 * 4
    assert load_network("torch:own_models:ready", example_input="4").macs == 8


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("torch:own_models", "must be torch:package.module:callable"),
        ("torch:own models:x", "must be torch:package.module:callable"),
        ("torch:absent_models:x", "ModuleNotFoundError: No module named 'absent_models'"),
        ("torch:own_models:absent", "AttributeError: module 'own_models' has no attribute 'absent'"),
        ("torch:own_models:broken", "RuntimeError: no weights"),
        ("torch:own_models:number", "gives int, which is no torch.nn.Module"),
    ],
)
def test_code_that_gives_no_model(spec, says):
    refused(says, spec, example_input="3x8x8")


def test_sizes_are_for_onnx():
    refused("--input-size is for ONNX files; a PyTorch model takes --input", Raises(), input_size={"h": 3})


@pytest.mark.parametrize("text", ["3x", "x3", "3,x", "0x3", "3x3:float", "-1"])
def test_an_input_that_is_no_shape(text):
    refused("must be the shape of one input without the batch, as 3x224x224", Raises(), example_input=text)


def test_without_torch_the_install_line_is_given():
    code = """
import sys
sys.modules["torch"] = None
sys.modules["onnx"] = None
import chipwise
for source in ("torch:a.b:c", "x.onnx"):
    try:
        chipwise.load_network(source, example_input="3")
    except chipwise.ChipwiseError as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'chipwise[torch]'" in done.stdout
    assert "pip install 'chipwise[onnx]'" in done.stdout
