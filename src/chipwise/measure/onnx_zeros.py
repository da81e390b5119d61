"""Zeros in an ONNX file's tensors: onnxruntime computes it with every layer's input and output as outputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any, final

import numpy as np

from chipwise.errors import InputError, MissingExtra
from chipwise.measure.densities import MeasuredDensities, Progress, provenance, sha256_of
from chipwise.measure.images import Inputs, read_inputs
from chipwise.measure.zeros import Array, LayerZeros, Zeros, checked
from chipwise.workload.importers.onnx import read_onnx
from chipwise.workload.importers.onnx_file import read_model
from chipwise.workload.layer import Layer

_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
_PRODUCTS = frozenset({"Gemm", "MatMul"})
_LINEAR = frozenset({"Add", "Sub", "Mul", "Div"})
"""With a stored operand: bias, scale, shift."""

_FOLLOWING = frozenset(
    {
        *("BatchNormalization", "Relu", "Clip", "LeakyRelu", "PRelu", "Elu", "Celu", "Selu", "Gelu", "Mish"),
        *("Swish", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Softplus", "ThresholdedRelu"),
    }
)
"""Normalisation and activations, which are fused with the layer before them."""

_TYPES = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    10: np.float16,
    11: np.float64,
}
"""Element types of ONNX that inputs may have."""


@final
@dataclass(frozen=True, slots=True)
class Site:
    """Where a layer's tensors are in the model, by their names there."""

    layer: str
    input: str
    weight: str
    output: str
    """Of the activation that alone follows the layer, if one does."""
    is_conv: bool
    weight_values: int | None
    """None for what is no stored weight."""


def measure_onnx(
    path: str | Path,
    data: str | Path,
    *,
    batch: int = 1,
    limit: int | None = None,
    normalize: str = "imagenet",
    shape: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> MeasuredDensities:
    """Densities of the weights and activations of an ONNX file, over one pass with onnxruntime.

    Layers go by the names that `load_network(path)` gives them. The output of a layer is taken after the
    activation (and normalisation) that alone follows it; padding is not counted.

    Args:
        path: the file; weights beside it are read too.
        data: a folder of images, or an .npz file with an array `input` or of the input's name.
        batch: images at once; what the file fixes stands before it.
        limit: most images.
        normalize: of images, a key of `images.NORMALIZATIONS`.
        shape: of one input, where the file leaves extents open.
        progress: told how many images are done.

    Raises:
        InputError: a model or data that cannot be read or does not fit, NaN in a tensor.
        MissingExtra: no onnx, onnxruntime or, for images, Pillow.
    """
    model = _loaded(Path(path))
    name, extents, kind = _input(Path(path), model)
    fixed, wanted = extents[0], _filled(Path(path), extents[1:], shape)
    inputs = read_inputs(
        data, name=name, shape=wanted, batch=fixed or batch, limit=limit, normalize=normalize
    )
    count = inputs.count - inputs.count % (fixed or 1)
    if count == 0:
        raise InputError(
            f"{path}: takes {fixed} images at once, and the data has {inputs.count}; export it with a free batch"
        )
    layers: dict[str, LayerZeros] = {}
    unmeasured: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    run, done = None, 0
    for values in inputs.batches():
        if done + len(values) > count:
            break
        given = values.astype(kind, copy=False)
        if run is None:
            network = read_onnx(Path(path), shapes=[given.shape], allow_unknown=True)
            sites, unmeasured = _sites(model, network.layers)
            run = _session(Path(path), model, sites)
            _count_weights(model, sites, layers)
        _count(sites, run(name, given), len(given), layers)
        done += len(given)
        if progress is not None:
            progress(done)
    return MeasuredDensities(layers, done, _provenance(Path(path), Path(data), inputs), unmeasured)


def _filled(
    path: Path, open_shape: Sequence[int | None], shape: Sequence[int] | None
) -> tuple[int | None, ...]:
    """The shape of one input, with what the file leaves open from `shape`."""
    if shape is None:
        return tuple(open_shape)
    if len(shape) != len(open_shape) or any(
        a not in (None, b) for a, b in zip(open_shape, shape, strict=True)
    ):
        shown = " x ".join("any" if extent is None else str(extent) for extent in open_shape)
        raise InputError(
            f"{path}: takes inputs of {shown}, so --input {'x'.join(map(str, shape))} does not fit"
        )
    return tuple(shape)


def _provenance(path: Path, data: Path, inputs: Inputs) -> dict[str, Any]:
    shown = data.name or str(data)
    return provenance(
        path.name, sha256_of(path), shown, ["onnx", "onnxruntime"], preprocessing=inputs.preprocessing
    )


def _loaded(path: Path) -> Any:
    """The model with its weights."""
    model = read_model(path)  # bounds and clear messages first
    import onnx  # noqa: PLC0415 - an extra, of which read_model tells
    from onnx import inliner  # noqa: PLC0415

    try:
        model = onnx.load(path)
        return inliner.inline_local_functions(model) if model.functions else model
    except Exception as error:  # the C++ parts raise whatever their bindings choose
        raise InputError(f"{path}: its weights cannot be read: {_line(error)}") from error


def _input(path: Path, model: Any) -> tuple[str, tuple[int | None, ...], Any]:
    """Name, shape with None for free axes, and type of the one input."""
    stored = {t.name for t in model.graph.initializer}
    found = [v for v in model.graph.input if v.name not in stored]
    if len(found) != 1:
        shown = ", ".join(v.name for v in found) or "none"
        raise InputError(f"{path}: has inputs {shown}; zeros are measured in models with one input")
    tensor = found[0].type.tensor_type
    if tensor.elem_type not in _TYPES:
        raise InputError(
            f"{path}: input {found[0].name!r} is of ONNX type {tensor.elem_type}, which holds no numbers"
        )
    shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)
    if not shape:
        raise InputError(f"{path}: input {found[0].name!r} has no axes; its first must count images")
    return found[0].name, shape, _TYPES[tensor.elem_type]


def _sites(model: Any, layers: Iterable[Layer]) -> tuple[tuple[Site, ...], tuple[str, ...]]:
    """Every layer's place, and the layers that have none.

    Layers stand in the order of the file's nodes. Where both are not equally many (recurrent layers, attention as
    one node), a stored weight is found by its size.
    """
    sizes = {t.name: prod(t.dims) for t in model.graph.initializer}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {v.name for v in model.graph.output}
    places = [
        _site(node, sizes, readers, outputs)
        for node in model.graph.node
        if node.op_type in _CONVOLUTIONS | _PRODUCTS
    ]
    wanted = list(layers)
    found, missing, at = [], [], 0
    for layer in wanted:
        match = next((i for i in range(at, len(places)) if _fits(layer, places[i])), None)
        # A stored weight further on of that size may be another layer's, if every layer has its place.
        if match is None or (len(places) == len(wanted) and match != at):
            missing.append(layer.name)
            at += len(places) == len(wanted)
            continue
        place = places[match]
        at = match + 1
        found.append(
            Site(layer.name, place.input, place.weight, place.output, place.is_conv, place.weight_values)
        )
    return tuple(found), tuple(missing)


def _fits(layer: Layer, place: Site) -> bool:
    if place.is_conv != (layer.kind == "conv"):
        return False
    return place.weight_values is None or place.weight_values == layer.volume("weight")


def _site(node: Any, sizes: Mapping[str, int], readers: Mapping[str, list[Any]], outputs: set[str]) -> Site:
    x, w = node.input[:2]
    if x in sizes and w not in sizes:
        x, w = w, x
    out = node.output[0]
    while out not in outputs and len(readers.get(out, [])) == 1:
        (reader,) = readers[out]
        others = [name for name in reader.input if name != out]
        linear = reader.op_type in _LINEAR and len(others) == 1 and others[0] in sizes
        if reader.op_type == "QuantizeLinear":
            # Quantisers leave out an activation that rounding to their range does as well.
            after = readers.get(reader.output[0], [])
            if len(after) != 1 or after[0].op_type != "DequantizeLinear":
                break
            out = after[0].output[0]
            continue
        if not (linear or reader.op_type in _FOLLOWING):
            break
        out = reader.output[0]
    return Site("", x, w, out, node.op_type in _CONVOLUTIONS, sizes.get(w))


def _session(path: Path, model: Any, sites: Iterable[Site]) -> Any:
    """A function that computes all tensors of the sites."""
    try:
        onnxruntime = import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "ONNX files are computed by onnxruntime: pip install 'chipwise[measure]'"
        ) from error
    import onnx  # noqa: PLC0415 - an extra

    stored = {t.name for t in model.graph.initializer}
    names = {n for s in sites for n in (s.input, s.weight, s.output)} - stored
    given = {v.name for v in model.graph.input}
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    have = {v.name for v in model.graph.output}
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names - have - given))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            extended.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has an exception of its own for every code
        raise InputError(f"{path}: onnxruntime cannot run it: {_line(error)}") from error

    def run(name: str, values: Array) -> dict[str, Array]:
        asked = sorted(names - given)
        try:
            found = dict(zip(asked, session.run(asked, {name: values}), strict=True))
        except Exception as error:  # as above
            raise InputError(f"{path}: onnxruntime fails on the data: {_line(error)}") from error
        return found | {name: values}

    return run


def _count_weights(model: Any, sites: Iterable[Site], layers: dict[str, LayerZeros]) -> None:
    from onnx import numpy_helper  # noqa: PLC0415 - an extra

    tensors = {t.name: t for t in model.graph.initializer}
    for site in sites:
        layers[site.layer] = zeros = LayerZeros()
        if site.weight in tensors:
            zeros.weight = Zeros()
            values = numpy_helper.to_array(tensors[site.weight])
            zeros.weight.add(checked(values, site.layer, "weight"), 1, 0)


def _count(
    sites: Iterable[Site], tensors: Mapping[str, Array], images: int, layers: Mapping[str, LayerZeros]
) -> None:
    for site in sites:
        zeros, axis = layers[site.layer], 1 if site.is_conv else -1
        if site.input in tensors:
            zeros.input.add(checked(tensors[site.input], site.layer, "input"), images, axis)
        zeros.output.add(checked(tensors[site.output], site.layer, "output"), images, axis)
        if site.weight in tensors:
            if zeros.weight is None:
                zeros.weight = Zeros()
            zeros.weight.add(checked(tensors[site.weight], site.layer, "weight"), 1, axis)


def _line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words[:300] or type(error).__name__
