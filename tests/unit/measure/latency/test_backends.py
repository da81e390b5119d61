"""The back ends run what they say they time; nothing here depends on how long it takes."""

import itertools

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

import onnxruntime
import torch
from torch import nn

from chipwise.adapt.networks import mobile, plain
from chipwise.adapt.shapes import LayerShape, layer_shapes
from chipwise.errors import InputError
from chipwise.measure.latency.onnx_runtime import OnnxRuntime, onnx_layer
from chipwise.measure.latency.timing import Effort, best_of
from chipwise.measure.latency.torch_cpu import TorchCpu, module_and_input

QUICK = Effort(runs=2, seconds=0, warm_up=0)
ODD = nn.Sequential(
    nn.Conv2d(4, 8, 3, 2, 1, groups=2),
    nn.BatchNorm2d(8),
    nn.ReLU6(),
    nn.AvgPool2d(2),
    nn.ConvTranspose2d(8, 6, 2, 2),
    nn.Hardswish(),
    nn.Conv2d(6, 6, (1, 3), padding="same", dilation=2),
    nn.SiLU(),
    nn.MaxPool2d(3, 1, 1),
    nn.Conv2d(6, 6, 3, padding=1),
    nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    nn.Upsample(8),
    nn.Flatten(),
    nn.Linear(6 * 64, 5),
    nn.GELU(),
)
SHAPES = layer_shapes(ODD, torch.zeros(1, 4, 16, 16))


def test_what_is_fused_is_seen():
    assert [s.fused for s in SHAPES] == [
        ("batch_norm", "relu6", "avg_pool2s2p0"),
        ("hardswish",),
        ("silu", "max_pool3s1p1"),
        ("avg_pool3s2p1c",),
        ("gelu",),
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.op + s.name)
def test_a_layer_is_rebuilt(shape):
    module, given = module_and_input(shape)
    (again, *_) = layer_shapes(module, given)
    assert again == shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.op + s.name)
def test_onnx_layers_compute_what_torch_layers_do(shape):
    module, given = module_and_input(shape)
    expected = module(given)
    session = onnxruntime.InferenceSession(
        onnx_layer(shape).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {session.get_inputs()[0].name: given.numpy()})
    assert found.shape == tuple(expected.shape)


@pytest.mark.parametrize("make", [TorchCpu, OnnxRuntime])
def test_time_is_what_the_clock_says(make):
    ticks = itertools.count(0.0, 0.5)
    backend = make(clock=lambda: next(ticks))
    with backend.quiet():
        assert best_of(backend.network(plain((4,)), torch.zeros(1, 1, 32, 32)), QUICK).min_s == 0.5
        assert best_of(backend.layer(SHAPES[0]), QUICK).min_s <= 0.5
    assert set(backend.provenance()) >= {"device", "versions"}


def test_settings_are_put_back():
    import gc

    backend = TorchCpu(threads=2)
    before = torch.get_num_threads()
    with backend.quiet():
        assert torch.get_num_threads() == 2
        assert not gc.isenabled()
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == before
    assert gc.isenabled()


def test_onnx_files_are_timed(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_layer(LayerShape("fc", "linear", N=1, M=3, C=2)).SerializeToString())
    assert best_of(OnnxRuntime().network(path, np.zeros((1, 2), np.float32)), QUICK).count == 2
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot load the model"):
        OnnxRuntime().network(path, np.zeros((1, 2), np.float32))


def test_a_model_that_does_not_export_is_told():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.linalg.eigvals(x)

    with pytest.raises(InputError, match="cannot be exported to ONNX"):
        OnnxRuntime().network(Odd(), torch.zeros(2, 2))


def test_a_model_that_does_not_export_leaves_no_graph_behind(capfd):
    model = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.AdaptiveAvgPool2d(3))
    with pytest.raises(InputError, match="cannot be exported to ONNX: SymbolicValueError"):
        OnnxRuntime().network(model, torch.zeros(1, 1, 8, 8))
    assert capfd.readouterr() == ("", "")
    assert model.training


def test_padding_by_other_values_is_timed_or_refused_by_name():
    model = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"))
    (shape,) = layer_shapes(model, torch.zeros(1, 4, 8, 8))
    module, given = module_and_input(shape)
    assert layer_shapes(module, given) == (shape,)
    with pytest.raises(InputError, match="layer '0': pads by 'circular'"):
        onnx_layer(shape)


@pytest.mark.parametrize("make", [TorchCpu, OnnxRuntime])
def test_no_threads(make):
    with pytest.raises(InputError, match="threads = 0"):
        make(threads=0)


def test_other_types_are_told():
    shape = layer_shapes(mobile().half(), torch.zeros(1, 1, 32, 32).half())[0]
    with pytest.raises(InputError, match="float32"):
        onnx_layer(shape)
    with pytest.raises(InputError, match="use float32"):
        module_and_input(LayerShape("q", "linear", N=1, M=1, C=1, dtype="int8"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_times_graphs():
    from chipwise.measure.latency.torch_cuda import TorchCuda

    backend = TorchCuda()
    with backend.quiet():
        assert best_of(backend.layer(SHAPES[0]), QUICK).min_s > 0
