"""ONNX operators in the importers' words: a table for those whose shapes say all, functions for the rest."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, final

from chipwise.errors import InputError
from chipwise.workload.importers.graph import Operator, Shape, Value


@final
class Node:
    """One node: its attributes by name, its inputs by position (None where one is left out)."""

    def __init__(
        self,
        name: str,
        op_type: str,
        given: Mapping[str, Any],
        inputs: tuple[Value | None, ...],
        outputs: tuple[Value, ...],
        numbers: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.op_type = op_type
        self.given = given
        self.inputs = inputs
        self.outputs = outputs
        self._numbers = numbers

    def value(self, index: int) -> Value | None:
        """The input at a position, None if it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def values(self, *indices: int) -> tuple[Value, ...]:
        """The inputs at those positions that are there."""
        return tuple(v for i in indices if (v := self.value(i)) is not None)

    def shape(self, index: int) -> Shape:
        """The shape of an input that must have one."""
        value = self.value(index)
        if value is None or value.shape is None:
            key = value.key if value else f"input {index}"
            raise InputError(
                f"layer '{self.name} ({self.op_type})': the shape of {key!r} is not known and could not be inferred; "
                "write shapes into the file (onnx.shape_inference), or fix the sizes of its inputs"
            )
        return value.shape

    def ints(self, attribute: str, index: int | None = None) -> tuple[int, ...] | None:
        """Whole numbers that older versions give as an attribute and newer ones as a constant input."""
        if attribute in self.given:
            found = self.given[attribute]
            return tuple(found) if isinstance(found, list | tuple) else (int(found),)
        value = None if index is None else self.value(index)
        array = None if value is None else self._numbers.get(value.key)
        return None if array is None else tuple(int(v) for v in array.ravel())

    def operator(self, kind: str, inputs: tuple[Value, ...] | None = None, **facts: Any) -> Operator:
        """The operator with all its inputs, or with `inputs` instead."""
        read = self.values(*range(len(self.inputs))) if inputs is None else inputs
        return Operator(self.name, self.op_type, kind, read, self.outputs, facts)


Rule = Callable[[Node], list[Operator]]

_TABLE: dict[str, str] = {
    "view": "Reshape Transpose Flatten Squeeze Unsqueeze Identity Dropout Cast CastLike Slice Split Expand BitCast "
    "OptionalGetElement",
    "constant": "Constant ConstantOfShape Shape Size EyeLike Range RandomNormal RandomUniform RandomNormalLike "
    "RandomUniformLike HannWindow HammingWindow BlackmanWindow MelWeightMatrix",
    "activation": "Relu LeakyRelu PRelu Elu Selu Celu ThresholdedRelu Sigmoid HardSigmoid HardSwish Tanh Softplus "
    "Softsign Gelu Erf Mish Clip Shrink Swish FastGelu BiasGelu QuickGelu QLinearLeakyRelu QLinearSigmoid",
    "elementwise": "Pow Sqrt Exp Log Abs Neg Sign Floor Ceil Round Reciprocal Sin Cos Tan Asin Acos Atan Sinh Cosh "
    "Asinh Acosh Atanh Where Max Min Sum Mean Mod Equal Less Greater LessOrEqual GreaterOrEqual And Or Xor Not IsNaN "
    "IsInf BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot CumSum CumProd Trilu OneHot DynamicQuantizeLinear "
    "RotaryEmbedding BiasAdd QLinearAdd QLinearMul Bernoulli SwiGLU",
    "linear": "Add Sub Mul Div",
    "shuffle": "DepthToSpace SpaceToDepth GatherElements GatherND Scatter ScatterElements ScatterND Tile TopK "
    "ReverseSequence Compress MaxUnpool Col2Im TensorScatter CenterCropPad Unique",
    "reduction": "ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
    "ReduceSumSquare ArgMax ArgMin",
    "quantize": "QuantizeLinear DequantizeLinear",
    "concat": "Concat QLinearConcat",
    "pad": "Pad",
}

_KINDS = {name: kind for kind, names in _TABLE.items() for name in names.split()}

DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
"""Where operators of the names above mean what is said here."""


def translate(node: Node, domain: str) -> list[Operator]:
    """What a node is, in order; an operator of kind `unknown` if it is not known."""
    if domain not in DOMAINS:
        return [node.operator("unknown")]
    rule = RULES.get(node.op_type)
    if rule is not None:
        return rule(node)
    kind = _KINDS.get(node.op_type, "unknown")
    if kind == "linear":
        return [node.operator("elementwise", linear=True)]
    if kind == "constant":
        return [node.operator("constant", ())]
    if kind == "activation" and node.op_type != "PRelu":
        return [node.operator("activation", node.values(0))]
    if kind in {"view", "reduction", "pad", "quantize"}:
        return [node.operator(kind, node.values(0))]
    return [node.operator(kind)]


def _conv(node: Node, at: tuple[int, ...] = (0, 1, 2)) -> list[Operator]:
    facts = {
        "stride": node.ints("strides") or (1,),
        "dilation": node.ints("dilations") or (1,),
        "groups": node.given.get("group", 1),
        "transposed": node.op_type == "ConvTranspose",
    }
    return [node.operator("conv", node.values(*at), **facts)]


def _gemm(node: Node, at: tuple[int, ...] = (0, 1, 2)) -> list[Operator]:
    transposed = {
        "transpose_a": bool(node.given.get("transA")),
        "transpose_b": bool(node.given.get("transB")),
    }
    return [node.operator("product", node.values(*at), **transposed)]


def _few_bits(node: Node) -> list[Operator]:
    """MatMulNBits: weights in blocks of few bits, whose stored shape is not that of the matrix."""
    x = node.values(0)
    packed = node.value(1)
    shape = (int(node.given["N"]), int(node.given["K"]))
    weight = Value(
        packed.key if packed else "weight", shape, constant=True, bits=int(node.given.get("bits", 4))
    )
    return [node.operator("product", (*x, weight), transpose_b=True)]


def _einsum(node: Node) -> list[Operator]:
    equation = node.given["equation"].decode()
    if len(node.inputs) == 1:
        reads, writes = prod(node.shape(0)), prod(node.outputs[0].shape or ())
        return [node.operator("view" if reads <= writes else "reduction")]
    return [node.operator("einsum", equation=equation)]


def _recurrent(cell: str) -> Rule:
    def rule(node: Node) -> list[Operator]:
        shape, weights = node.shape(0), node.shape(1)
        batch_first = bool(node.given.get("layout"))
        steps, n = (shape[1], shape[0]) if batch_first else (shape[0], shape[1])
        return [
            node.operator(
                "recurrent",
                node.values(0, 1, 2),
                cell=cell,
                input_size=shape[2],
                hidden_size=int(node.given["hidden_size"]),
                steps=steps,
                N=n,
                bidirectional=weights[0] == 2,
                layers=1,
            )
        ]

    return rule


def _pool(*, average: bool, whole: bool = False) -> Rule:
    def rule(node: Node) -> list[Operator]:
        window = node.shape(0)[2:] if whole else node.ints("kernel_shape")
        return [node.operator("pool", node.values(0), average=average, window=window)]

    return rule


def _reduce_mean(node: Node) -> list[Operator]:
    """A mean over the whole plane is average pooling, as exporters write the one for the other."""
    shape, axes = node.shape(0), node.ints("axes", 1)
    plane = tuple(range(2, len(shape)))
    if len(plane) > 1 and axes is not None and {a % len(shape) for a in axes} == set(plane):
        return [node.operator("pool", node.values(0), average=True, window=shape[2:])]
    return [node.operator("reduction", node.values(0))]


def _normalization(scheme: str) -> Rule:
    def rule(node: Node) -> list[Operator]:
        if scheme == "lrn":
            return [node.operator("normalization", node.values(0), scheme="lrn", window=node.given["size"])]
        trained = scheme == "batch" and node.given.get("training_mode")
        return [node.operator("normalization", scheme="instance" if trained else scheme)]

    return rule


def _skip(scheme: str) -> Rule:
    """A sum with the shortcut, then the normalisation of it; later outputs are the sum."""

    def rule(node: Node) -> list[Operator]:
        total = node.outputs[3] if len(node.outputs) > 3 else Value(f"{node.outputs[0].key}.sum")
        total = Value(total.key, node.shape(0))
        add = Operator(f"{node.name}.add", node.op_type, "elementwise", node.values(0, 1), (total,))
        norm = Operator(
            node.name,
            node.op_type,
            "normalization",
            (total, *node.values(2, 3)),
            node.outputs[:1],
            {"scheme": scheme},
        )
        return [add, norm]

    return rule


def _softmax(node: Node) -> list[Operator]:
    return [node.operator("softmax", node.values(0), axis=node.given.get("axis", -1))]


def _gather(node: Node) -> list[Operator]:
    """Rows of a stored table by numbers that come in are an embedding; a single place is a part of what is there."""
    data, indices = node.values(0, 1)
    axis = node.given.get("axis", 0)
    if data.constant and axis == 0:
        return [node.operator("embedding", (data, indices))]
    if indices.constant and indices.shape is not None and prod(indices.shape) == 1:
        return [node.operator("view", (data,))]
    return [node.operator("shuffle")]


def _resize(node: Node) -> list[Operator]:
    mode = node.given.get("mode", b"nearest").decode()
    shape = node.shape(0)
    out = node.outputs[0].shape or shape
    # As many neighbours per axis that changes as the mode weighs.
    changed = sum(a != b for a, b in zip(shape, out, strict=False)) or 1
    taps = {"nearest": 1, "linear": 2, "cubic": 4}.get(mode, 1) ** changed
    return [node.operator("resize", node.values(0), taps=taps)]


def _at(rule: Callable[[Node, tuple[int, ...]], list[Operator]], *at: int) -> Rule:
    """A rule whose operands stand elsewhere, between scales and zero points."""
    return lambda node: rule(node, at)


def _renamed(kind: str, *at: int, **facts: Any) -> Rule:
    return lambda node: [node.operator(kind, node.values(*at), **facts)]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv"), _conv),
    "ConvInteger": _at(_conv, 0, 1),
    "QLinearConv": _at(_conv, 0, 3, 8),
    **dict.fromkeys(("Gemm", "MatMul", "FusedMatMul", "FusedGemm"), _gemm),
    **dict.fromkeys(("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"), _at(_gemm, 0, 1)),
    "QLinearMatMul": _at(_gemm, 0, 3),
    "QGemm": _at(_gemm, 0, 3, 6),
    "MatMulNBits": _few_bits,
    "Einsum": _einsum,
    "LSTM": _recurrent("lstm"),
    "GRU": _recurrent("gru"),
    "RNN": _recurrent("rnn"),
    "MaxPool": _pool(average=False),
    "AveragePool": _pool(average=True),
    "LpPool": _pool(average=True),
    "GlobalMaxPool": _pool(average=False, whole=True),
    "GlobalAveragePool": _pool(average=True, whole=True),
    "GlobalLpPool": _pool(average=True, whole=True),
    "QLinearGlobalAveragePool": _pool(average=True, whole=True),
    "ReduceMean": _reduce_mean,
    "BatchNormalization": _normalization("batch"),
    "LayerNormalization": _normalization("layer"),
    "InstanceNormalization": _normalization("instance"),
    "GroupNormalization": _normalization("group"),
    "LpNormalization": _normalization("rms"),
    "MeanVarianceNormalization": _normalization("layer"),
    "RMSNormalization": _normalization("rms"),
    "SimplifiedLayerNormalization": _normalization("rms"),
    "LRN": _normalization("lrn"),
    "SkipLayerNormalization": _skip("layer"),
    "SkipSimplifiedLayerNormalization": _skip("rms"),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), _softmax),
    "Gather": _gather,
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "GridSample": _renamed("resize", 0, taps=4),
}
