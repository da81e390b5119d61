"""Densities of models made here, in PyTorch and in ONNX, against zeros counted by hand."""

import warnings

import numpy as np
import pytest

import chipwise
from chipwise.errors import InputError
from chipwise.workload.densities import read_densities, with_densities

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from torch import nn  # noqa: E402

from chipwise.measure.onnx_zeros import measure_onnx  # noqa: E402


class Small(nn.Module):
    """A residual block, an in-place activation, a functional one, a layer that is used twice."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        )
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y = self.stem(x)
        y = torch.relu(self.conv(y) + y).mean((2, 3))
        y = torch.relu(self.fc(y))
        return self.head(torch.relu(self.fc(y)))


@pytest.fixture
def model():
    module = Small()
    with torch.no_grad():
        module.conv.weight[:4] = 0.0
        module.fc.weight[0, :] = 0.0
        module.fc.bias[0] = -1.0
    return module


@pytest.fixture
def data():
    return np.random.default_rng(0).standard_normal((5, 3, 6, 6)).astype(np.float32)


def by_hand(module, data):
    """Densities of inputs and outputs, by running the model step by step."""
    module.eval()
    density = lambda t: float((t != 0).float().mean())  # noqa: E731
    with torch.no_grad():
        x = torch.from_numpy(data)
        stem = module.stem(x)
        conv = module.conv(stem)
        mean = torch.relu(conv + stem).mean((2, 3))
        fc = torch.relu(module.fc(mean))
        fc2 = torch.relu(module.fc(fc))
        head = module.head(fc2)
    pairs = {
        "stem.0": (x, stem),
        "conv": (stem, conv),
        "fc": (mean, fc),
        "fc.2": (fc, fc2),
        "head": (fc2, head),
    }
    return {name: {"input": density(a), "output": density(b)} for name, (a, b) in pairs.items()}


WEIGHTS = {"stem.0": 1.0, "conv": 0.5, "fc": 7 / 8, "fc.2": 7 / 8, "head": 1.0}


def test_a_module_is_measured_after_its_activations(model, data):
    model.train()
    progress = []
    found = chipwise.measure_densities(
        model, [data[:2], torch.from_numpy(data[2:])], progress=progress.append
    )
    assert model.training
    assert (found.images, progress, found.unmeasured) == (5, [2, 5], ())
    expected = by_hand(model, data)
    assert list(found.layers) == list(expected)
    for name, densities in found.densities.layers.items():
        assert densities == pytest.approx({**expected[name], "weight": WEIGHTS[name]})
    assert found.provenance["model"] == "Small (PyTorch)"
    assert set(found.provenance["versions"]) == {"chipwise", "numpy", "torch"}


def test_the_layers_are_those_of_the_imported_network(model, data):
    network = chipwise.load_network(model, example_input=torch.from_numpy(data))
    known = with_densities(network, chipwise.measure_densities(model, [data]).densities)
    assert known.layer("conv").tensor("weight").density == 0.5
    assert all(t.density_known for layer in known.layers for t in layer.tensors)


def test_a_limit_cuts_the_last_batch(model, data):
    batches = iter([data[:2], data[2:], data])
    found = chipwise.measure_densities(model, batches, limit=3)
    assert found.images == 3
    assert found.densities.layers["conv"]["input"] == pytest.approx(by_hand(model, data[:3])["conv"]["input"])
    assert next(batches) is data


def test_what_the_weights_are_is_recorded(model, data):
    first, again = (chipwise.measure_densities(model, [data]).provenance["model_sha256"] for _ in range(2))
    with torch.no_grad():
        model.head.bias += 1
    other = chipwise.measure_densities(model, [data]).provenance["model_sha256"]
    assert first == again != other


def test_attention_is_measured_too():
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    found = chipwise.measure_densities(attention, [torch.randn(2, 5, 8)])
    names = {
        layer.name for layer in chipwise.load_network(attention, example_input=torch.randn(2, 5, 8)).layers
    }
    assert set(found.layers) | set(found.unmeasured) == names
    assert {"linear1", "linear2", "self_attn.out_proj"} <= set(found.layers)
    linear = found.layers["linear2"]
    assert 0.2 < linear.input.density < 0.8
    assert len(linear.input.images) == 2


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([], "there are no batches"),
        ([np.zeros((0, 3, 6, 6), np.float32)], "has no images"),
        ([np.zeros((1, 4, 6, 6), np.float32)], "its forward raises RuntimeError: .*of shape"),
        ([np.full((1, 3, 6, 6), np.nan, np.float32)], "not finite"),
        ([np.array(["a"])], "must hold numbers"),
    ],
)
def test_batches_that_do_not_fit(model, batches, said):
    model.train()
    with pytest.raises(InputError, match=said):
        chipwise.measure_densities(model, batches)
    assert model.training


def test_nan_inside_a_model_names_the_layer(model, data):
    with torch.no_grad():
        model.conv.bias[0] = float("nan")
    with pytest.raises(InputError, match="layer 'conv': its output has values that are no numbers"):
        chipwise.measure_densities(model, [data])


# ONNX


def exported(model, path, *, batch=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.zeros(batch or 2, 3, 6, 6)
        axes = None if batch else {"x": {0: torch.export.Dim("n")}}
        torch.onnx.export(model.eval(), (example,), path, dynamo=True, dynamic_shapes=axes, verbose=False)
    return path


def test_onnx_gives_the_densities_of_pytorch(model, data, tmp_path):
    path = exported(model, tmp_path / "small.onnx")
    np.savez(tmp_path / "x.npz", input=data)
    found = measure_onnx(path, tmp_path / "x.npz", batch=2)
    there = chipwise.measure_densities(model, [data])
    assert found.images == there.images == 5
    assert list(found.layers) == list(there.layers)
    for name, zeros in found.layers.items():
        assert zeros.to_dict() == there.layers[name].to_dict()
    network = with_densities(chipwise.load_network(path), found.densities)
    assert network.layer("conv").tensor("weight").density == 0.5


def test_a_fixed_batch_takes_whole_batches_only(model, data, tmp_path):
    path = exported(model, tmp_path / "two.onnx", batch=2)
    np.savez(tmp_path / "x.npz", input=data)
    assert measure_onnx(path, tmp_path / "x.npz", batch=64).images == 4
    np.savez(tmp_path / "one.npz", input=data[:1])
    with pytest.raises(InputError, match="takes 2 images at once, and the data has 1"):
        measure_onnx(path, tmp_path / "one.npz")


def written(path, nodes, weights, shape=("n", 4), inputs=("x",)):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_bias_and_an_activation_belong_to_their_product(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="fc"),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    path = written(tmp_path / "m.onnx", nodes, {"w": np.eye(4), "b": [0, 0, -9, -9]})
    np.savez(tmp_path / "x.npz", x=np.array([[1.0, 0, 5, 5], [2, 3, 5, 5]], np.float32))
    zeros = measure_onnx(path, tmp_path / "x.npz").layers["fc"]
    assert zeros.densities() == {"input": 7 / 8, "weight": 4 / 16, "output": 3 / 8}


def test_rounding_to_whole_numbers_may_stand_for_an_activation(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="fc"),
        helper.make_node("QuantizeLinear", ["a", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"], name="last"),
    ]
    path = written(tmp_path / "m.onnx", nodes, {"w": np.eye(4), "s": 1.0})
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.uint8(0), "z"))
    onnx.save(model, path)
    np.savez(tmp_path / "x.npz", x=np.array([[1.0, -2.0, 0.2, -3.0]], np.float32))
    layers = measure_onnx(path, tmp_path / "x.npz").densities.layers
    assert layers["fc"]["output"] == layers["last"]["input"] == 1 / 4


@pytest.mark.parametrize(
    ("inputs", "values", "said"),
    [
        (("x", "z"), np.zeros((1, 4)), "has inputs x, z; zeros are measured in models with one input"),
        (("x",), np.zeros((1, 5)), "the model takes N x 4"),
        (("x",), np.full((1, 4), np.inf), "not finite"),
        (("x",), np.full((1, 4), -1.0), "layer 'fc': its output has values that are no numbers"),
    ],
)
def test_onnx_models_and_data_that_do_not_fit(tmp_path, inputs, values, said):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], name="fc"),
        helper.make_node("Log", ["a"], ["b"], name="log"),
        helper.make_node("MatMul", ["b", "w"], ["y"], name="last"),
    ]
    if values.min() < 0:
        nodes = [
            helper.make_node("Sqrt", ["x"], ["r"]),
            helper.make_node("MatMul", ["r", "w"], ["y"], name="fc"),
        ]
    if len(inputs) > 1:
        nodes[0].input[1] = "z"
    path = written(tmp_path / "m.onnx", nodes, {"w": np.ones((4, 4))}, inputs=inputs)
    np.savez(tmp_path / "x.npz", x=values.astype(np.float32))
    said = said if values.min() >= 0 else "its input has values that are no numbers"
    with pytest.raises(InputError, match=said):
        measure_onnx(path, tmp_path / "x.npz")


def test_a_broken_file(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07 not a model")
    np.savez(tmp_path / "x.npz", x=np.zeros((1, 4)))
    with pytest.raises(InputError, match=r"m\.onnx"):
        measure_onnx(tmp_path / "m.onnx", tmp_path / "x.npz")


# The command


def test_the_command_writes_what_describe_reads(model, data, tmp_path, run, run_fails):
    path = exported(model, tmp_path / "small.onnx")
    np.savez(tmp_path / "x.npz", input=data)
    out = tmp_path / "d.json"
    text = run("densities", str(path), "--data", str(tmp_path / "x.npz"), "--out", str(out), "--limit", "3")
    assert text.startswith("measured: small.onnx, 3 images of x.npz\n")
    assert [line.split()[0] for line in text.splitlines()[3:8]] == ["stem.0", "conv", "fc", "fc.2", "head"]
    found = read_densities(out)
    assert found.layers["conv"]["weight"] == 0.5
    assert "conv" in run("describe", str(path), "--densities", str(out))
    assert "its array is 5 x 3 x 6 x 6" in run_fails(
        2,
        "densities",
        str(
            written(
                tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((4, 4))}
            )
        ),
        "--data",
        str(tmp_path / "x.npz"),
        "--out",
        "-",
    )
    for arguments, said in [
        (["alexnet", "--data", "."], "densities are measured in .onnx files and in PyTorch modules"),
        ([str(path), "--data", str(tmp_path / "none")], "is not there"),
        ([str(path), "--data", str(tmp_path), "--limit", "0"], "whole number from 1"),
        (
            [str(path), "--data", str(tmp_path), "--out", str(tmp_path / "no" / "d.json")],
            "there is no folder",
        ),
        ([str(path), "--data", str(tmp_path)], "has no images"),
    ]:
        assert said in run_fails(2, "densities", *arguments)


def test_code_that_makes_a_module(data, tmp_path, run, run_fails):
    Image = pytest.importorskip("PIL.Image")
    spec, out = "torch:tests.unit.measure.test_models:Small", str(tmp_path / "d.json")
    np.savez(tmp_path / "x.npz", input=data)
    run("densities", spec, "--data", str(tmp_path / "x.npz"), "--out", out, "--batch", "2")
    there = chipwise.measure_densities(Small(), [data]).densities.layers
    assert read_densities(out).layers == there
    Image.new("L", (9, 9), 7).save(tmp_path / "a.jpg")
    text = run("densities", spec, "--data", str(tmp_path), "--out", out, "--input", "3x6x6")
    assert "1 image of" in text
    assert "give --input" in run_fails(2, "densities", spec, "--data", str(tmp_path), "--out", out)


def test_extents_that_the_file_leaves_open(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], name="conv")]
    path = written(tmp_path / "m.onnx", nodes, {"w": np.ones((2, 3, 3, 3))}, shape=("n", 3, "h", "w"))
    (tmp_path / "images").mkdir()
    Image.new("RGB", (9, 9), (255, 0, 0)).save(tmp_path / "images" / "a.png")
    found = measure_onnx(path, tmp_path / "images", shape=(3, 5, 5), normalize="unit")
    assert found.densities.layers["conv"]["input"] == pytest.approx(1 / 3)
    for shape, said in [
        (None, "--input 3x224x224"),
        ((1, 5, 5), "--input 1x5x5 does not fit"),
        ((5, 5), "any x any"),
    ]:
        with pytest.raises(InputError, match=said):
            measure_onnx(path, tmp_path / "images", shape=shape)
