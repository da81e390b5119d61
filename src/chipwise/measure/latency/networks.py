"""Networks to be timed: PyTorch modules, and the layers of whatever else chipwise reads."""

import warnings
from dataclasses import dataclass
from typing import Any, final

from chipwise.adapt.shapes import LayerShape, layer_shapes
from chipwise.errors import InputError, Note
from chipwise.measure.latency.table import LatencyTable, whole
from chipwise.measure.latency.timing import Backend, Timing
from chipwise.workload.importers.inputs import parse_inputs
from chipwise.workload.importers.torch import module_of
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network

TORCH = "torch:"

BACKENDS = ("torch", "onnxruntime", "cuda")


@final
@dataclass(frozen=True, slots=True)
class MeasuredNetwork:
    """A network's layers with their entries, and the network timed as a whole where it can be run."""

    name: str
    layers: tuple[tuple[LayerShape, Timing], ...]
    unmeasured: tuple[str, ...]
    """Layers with MACs that no entry can be of."""
    whole: Timing | None
    drift: float
    noisy: bool

    @property
    def latency_s(self) -> float:
        """The sum of the entries."""
        return sum(timing.min_s for _, timing in self.layers)


def backend_of(name: str, threads: int = 1) -> Backend:
    """The back end called `name`.

    Raises:
        InputError: none of that name, no GPU, threads for a GPU. MissingExtra: its package is not installed.
    """
    if name == "torch":
        from chipwise.measure.latency.torch_cpu import TorchCpu  # noqa: PLC0415 - each needs an extra of its own

        return TorchCpu(threads)
    if name == "onnxruntime":
        from chipwise.measure.latency.onnx_runtime import OnnxRuntime  # noqa: PLC0415

        return OnnxRuntime(threads)
    if name == "cuda":
        if threads != 1:
            raise InputError(
                f"backend cuda: takes no --threads {threads}, as its layers run on the GPU; leave it out"
            )
        from chipwise.measure.latency.torch_cuda import TorchCuda  # noqa: PLC0415

        return TorchCuda()
    raise InputError(f"backend {name!r} is not known; there are {', '.join(BACKENDS)}")


def measure_network(
    spec: str,
    table: LatencyTable,
    backend: Backend,
    *,
    inputs: str | None = None,
    batch: int = 1,
    rounds: int = 2,
) -> MeasuredNetwork:
    """Fill `table` with the layers of a network.

    Args:
        spec: `torch:package.module:callable`, whose code is run, or whatever `load_network` reads.
        table: keeps the entries; those that it has already are timed again, in the later rounds.
        backend: the table's.
        inputs: shape of one input of a PyTorch model, as 3x224x224.
        batch: inputs at once.
        rounds: how often each entry is timed, in turns.

    Raises:
        InputError: no such network, no input shape where one is needed, nothing in it that can be timed.
    """
    model, example = None, None
    if spec.startswith(TORCH):
        model, example = _module(spec, inputs, batch)
        shapes = layer_shapes(model, example)
        unmeasured: tuple[str, ...] = ()
        name = type(model).__name__
    else:
        network = load_network(spec).with_batch(batch)
        of = {layer.name: shape_of_layer(layer) for layer in network.layers}
        shapes = tuple(shape for shape in of.values() if shape is not None)
        unmeasured = tuple(layer for layer, shape in of.items() if shape is None)
        name = network.name
    if not shapes:
        raise InputError(
            f"network {name!r} has no 2-D convolution and no linear layer, so nothing can be timed"
        )
    for shape in shapes:
        table.timing(shape)
    if rounds > 1:
        table.improve(rounds - 1)
    table.check_sentinels()
    table.save()
    run = None
    if model is not None:
        try:
            run = whole(backend, model, example)
        except InputError as error:  # the layers are measured all the same
            warnings.warn(f"the whole network is not measured: {error}", Note, stacklevel=2)
    entries = tuple((shape, table.timing(shape)) for shape in shapes)
    return MeasuredNetwork(name, entries, unmeasured, run, table.drift, table.noisy)


def _module(spec: str, inputs: str | None, batch: int) -> tuple[Any, Any]:
    if inputs is None:
        raise InputError(
            f"network {spec!r}: a PyTorch model needs the shape of an input; give --input 3x224x224"
        )
    model = module_of(spec.removeprefix(TORCH))
    from chipwise.adapt.extra import torch  # noqa: PLC0415 - an extra

    wanted = parse_inputs(inputs)
    kinds = [torch.int64 if one.whole else torch.float32 for one in wanted]
    return model, tuple(torch.zeros((batch, *o.shape), dtype=k) for o, k in zip(wanted, kinds, strict=True))


def shape_of_layer(layer: Layer) -> LayerShape | None:
    """A layer of the algebra as one that can be timed; None for what is no 2-D convolution or linear layer.

    Padding is part of the input plane, as it is in the algebra.
    """
    dims = dict(layer.dims)
    if layer.kind == "fc" and set(dims) == {"N", "M", "C"}:
        return LayerShape(layer.name, "linear", N=dims["N"], M=dims["M"], C=dims["C"], bias=True)
    if set(dims) - {"G"} != set("NMCPQRS") or layer.kind not in {"conv", "fc"}:
        return None
    groups = dims.get("G", 1)
    transposed = bool(layer.notes.get("transposed"))
    sliding = layer.tensor("output" if transposed else "input")
    ranks = {rank.name: rank for rank in sliding.ranks}
    (_, down), (_, tall) = ranks["H"].terms
    (_, across), (_, wide) = ranks["W"].terms
    plane = (ranks["H"].extent(dims), ranks["W"].extent(dims))
    places = (dims["P"], dims["Q"])
    (H, W), (P, Q) = (places, plane) if transposed else (plane, places)
    return LayerShape(
        layer.name,
        "conv_transpose2d" if transposed else "conv2d",
        N=dims["N"],
        M=dims["M"] * groups,
        C=dims["C"] * groups,
        G=groups,
        H=H,
        W=W,
        P=P,
        Q=Q,
        R=dims["R"],
        S=dims["S"],
        stride=(down, across),
        dilation=(tall, wide),
        bias=True,
    )
