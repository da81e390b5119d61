"""ONNX Runtime on the processor: each layer is a small ONNX model of its own."""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import cycle
from pathlib import Path
from typing import Any, final

import numpy as np

from chipwise.adapt.shapes import POOL, LayerShape
from chipwise.errors import InputError, MissingExtra, first_line
from chipwise.measure.latency.device import cpu_provenance
from chipwise.measure.latency.timing import Backend, Sampler, best_of
from chipwise.workload.importers.own_code import told

try:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ModuleNotFoundError as missing:  # pragma: no cover - the extra is installed where this is tested
    raise MissingExtra("timing with ONNX Runtime needs it: pip install 'chipwise[measure]'") from missing

OPSET = 20
"""The first with Gelu."""

IR_VERSION = 9

INPUTS = 16
"""Different inputs that take turns."""

MIN_S = 1e-7
"""Of a layer: a run that is no longer than an empty one is some time all the same."""

ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "relu": ("Relu", {}),
    "hardswish": ("HardSwish", {}),
    "gelu": ("Gelu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
}


@final
class OnnxRuntime(Backend):
    """ONNX Runtime with all its graph optimisations: normalisation is folded into weights, activations are fused."""

    name = "onnxruntime"
    threads = 1

    def __init__(self, threads: int = 1, clock: Callable[[], float] = time.perf_counter) -> None:
        if threads < 1:
            raise InputError(f"threads = {threads} must be at least 1")
        self.threads = threads
        self._clock = clock
        self._empty: float | None = None

    def provenance(self) -> Mapping[str, Any]:
        """Processor and ONNX Runtime's version."""
        return cpu_provenance(("onnxruntime",))

    def layer(self, shape: LayerShape) -> Sampler:
        """As `Backend.layer`."""
        extents = (shape.N, shape.C) if shape.op == "linear" else (shape.N, shape.C, shape.H, shape.W)
        given = np.random.default_rng(0).standard_normal(extents, dtype=np.float32)
        timed = self._sampler(onnx_layer(shape).SerializeToString(), [given])
        empty = self._empty_s()

        def sample() -> float:
            # Each call of a session costs microseconds, which a network pays once and its layers would each.
            return max(timed() - empty, MIN_S)

        return sample

    def network(self, model: Any, example: Any) -> Sampler:
        """As `Backend.network`; `model` is an .onnx file or a torch.nn.Module, which is exported."""
        arguments = example if isinstance(example, tuple) else (example,)
        given = [np.asarray(value) for value in arguments]
        if isinstance(model, str | Path):
            return self._sampler(str(model), given)
        return self._sampler(_exported(model, arguments), given)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Threads are each session's own, so there is nothing to set."""
        yield

    def _empty_s(self) -> float:
        """Seconds of a session that does next to nothing, measured once."""
        if self._empty is None:
            tiny = LayerShape("empty", "linear", N=1, M=1, C=1)
            timed = self._sampler(onnx_layer(tiny).SerializeToString(), [np.zeros((1, 1), np.float32)])
            self._empty = best_of(timed).min_s
        return self._empty

    def _sampler(self, model: str | bytes, given: list[Any]) -> Sampler:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has a class of its own for each way to fail
            raise InputError(f"ONNX Runtime cannot load the model: {first_line(error)}") from error
        rng = np.random.default_rng(0)
        names = [wanted.name for wanted in session.get_inputs()]
        turns = cycle(
            {
                # As with PyTorch, new values each time: those that come again are pooled in half the time.
                name: rng.standard_normal(value.shape, dtype=np.float32)
                if value.dtype == np.float32
                else value
                for name, value in zip(names, given, strict=True)
            }
            for _ in range(INPUTS)
        )
        clock = self._clock

        def sample() -> float:
            feed = next(turns)
            start = clock()
            session.run(None, feed)
            return clock() - start

        return sample


def onnx_layer(shape: LayerShape) -> Any:
    """The ONNX model of one layer and what is fused to it.

    Raises:
        InputError: another data type than float32, or padding by other values than zeros.
    """
    if shape.dtype != "float32":
        raise InputError(f"layer {shape.name!r}: ONNX Runtime layers are timed in float32, not {shape.dtype}")
    if shape.padding_mode != "zeros":
        raise InputError(
            f"layer {shape.name!r}: pads by {shape.padding_mode!r}, which is not timed with ONNX Runtime, where it is "
            "a node of its own; use --backend torch"
        )
    rng = np.random.default_rng(0)
    group = shape.C // shape.G
    if shape.op == "linear":
        operator, extents = "Gemm", [shape.N, shape.C]
        size: tuple[int, ...] = (shape.M, shape.C)
        how: dict[str, Any] = {"transB": 1}
    else:
        transposed = shape.op == "conv_transpose2d"
        operator = "ConvTranspose" if transposed else "Conv"
        channels = (shape.C, shape.M // shape.G) if transposed else (shape.M, group)
        size, extents = (*channels, shape.R, shape.S), [shape.N, shape.C, shape.H, shape.W]
        how = {
            "strides": shape.stride,
            "pads": (*shape.padding, *shape.padding),
            "dilations": shape.dilation,
            "group": shape.G,
        }
    constants = {"weight": rng.standard_normal(size, dtype=np.float32)}
    # Folded normalisation leaves a bias.
    if shape.bias or "batch_norm" in shape.fused:
        constants["bias"] = rng.standard_normal(shape.M, dtype=np.float32)
    nodes = [helper.make_node(operator, ["input", *constants], ["value"], **how)]
    for word in shape.fused:
        before = nodes[-1].output[0]
        if word == "silu":
            nodes.append(helper.make_node("Sigmoid", [before], [f"{before}s"]))
            nodes.append(helper.make_node("Mul", [before, f"{before}s"], [f"{before}a"]))
        elif word == "relu6":
            constants |= {"least": np.array(0, np.float32), "most": np.array(6, np.float32)}
            nodes.append(helper.make_node("Clip", [before, "least", "most"], [f"{before}a"]))
        elif word in ACTIVATIONS:
            operator, attributes = ACTIVATIONS[word]
            nodes.append(helper.make_node(operator, [before], [f"{before}a"], **attributes))
        elif (pool := POOL.fullmatch(word)) is not None:
            kernel, stride, padding = (int(extent) for extent in pool.groups()[1:4])
            how = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
            how["ceil_mode"] = int(bool(pool[5]))
            operator = "MaxPool" if pool[1] == "max" else "AveragePool"
            nodes.append(helper.make_node(operator, [before], [f"{before}a"], **how))
        elif word == "global_avg_pool":
            nodes.append(helper.make_node("GlobalAveragePool", [before], [f"{before}a"]))
    made = [shape.N, shape.M] if shape.op == "linear" else [shape.N, shape.M, None, None]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, extents)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, made)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _exported(module: Any, arguments: tuple[Any, ...]) -> bytes:
    from chipwise.adapt.extra import torch  # noqa: PLC0415 - .onnx files are timed without PyTorch
    from chipwise.adapt.trace import evaluating  # noqa: PLC0415 - as above

    target = io.BytesIO()
    what = f"network {type(module).__name__!r}: cannot be exported to ONNX: "
    with told(what, "; use --backend torch"), evaluating(module), _silent(torch):
        # The newer exporter takes seconds for each network, and a package more.
        torch.onnx.export(module, arguments, target, dynamo=False)
    return target.getvalue()


@contextmanager
def _silent(torch: Any) -> Iterator[None]:
    """An exporter that fails prints the whole graph, from C++ to standard output, where results go."""
    log = torch._C._jit_onnx_log  # noqa: SLF001 - its switch is turned on again by the exporter itself
    torch._C._jit_onnx_log = lambda *_: None  # noqa: SLF001
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch._C._jit_onnx_log = log  # noqa: SLF001
