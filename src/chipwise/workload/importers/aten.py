"""PyTorch's operators in the importers' words: a table for those whose shapes say all, functions for the rest."""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, final

from chipwise.errors import InputError
from chipwise.workload.importers.graph import Operator, Shape, Value


@final
class Call:
    """One call of an operator, its arguments by name; tensors among them are `Value`s."""

    def __init__(
        self, name: str, source: str, arguments: Mapping[str, Any], outputs: tuple[Value, ...]
    ) -> None:
        self.name = name
        self.source = source
        self.arguments = arguments
        self.outputs = outputs

    def __getitem__(self, argument: str) -> Any:
        return self.arguments.get(argument)

    @property
    def tensors(self) -> tuple[Value, ...]:
        """All tensors among the arguments, in order."""
        return tuple(_values(self.arguments.values()))

    def shape(self, argument: str) -> Shape:
        """Shape of a tensor argument."""
        value = self.arguments.get(argument)
        if not isinstance(value, Value) or value.shape is None:
            raise InputError(f"layer '{self.name} ({self.source})': the shape of {argument!r} is not known")
        return value.shape

    def operator(self, kind: str, inputs: tuple[Value, ...] | None = None, **facts: Any) -> Operator:
        """The operator with its tensors, or with `inputs` instead."""
        read = self.tensors if inputs is None else inputs
        return Operator(self.name, self.source, kind, read, self.outputs, facts)


def _values(items: Any) -> list[Value]:
    found: list[Value] = []
    for item in items:
        if isinstance(item, Value):
            found.append(item)
        elif isinstance(item, list | tuple):
            found += _values(item)
    return found


_TABLE: dict[str, str] = {
    "view": "view reshape transpose permute t numpy_T matrix_H mT mH adjoint flatten unflatten squeeze unsqueeze "
    "contiguous clone detach alias expand expand_as slice select split split_with_sizes chunk tensor_split hsplit "
    "vsplit unbind narrow movedim moveaxis swapaxes swapdims view_as reshape_as unsafe_chunk unsafe_split "
    "_unsafe_view _reshape_alias as_strided to _to_copy type_as float half double dropout feature_dropout "
    "alpha_dropout native_dropout lift_fresh_copy lift_fresh diagonal positive identity atleast_1d atleast_2d "
    "atleast_3d broadcast_to view_as_complex view_as_real real imag squeeze_copy rename refine_names resolve_conj "
    "resolve_neg detach_copy view_copy expand_copy permute_copy unsqueeze_copy slice_copy select_copy "
    "split_with_sizes_copy _conj ravel",
    "constant": "arange full zeros ones empty scalar_tensor eye linspace logspace tril_indices triu_indices rand randn "
    "randint randperm zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full "
    "new_empty empty_strided sym_size hann_window hamming_window blackman_window",
    "activation": "relu relu6 gelu silu sigmoid tanh hardswish hardsigmoid hardtanh leaky_relu elu selu celu mish "
    "softplus softsign log_sigmoid prelu rrelu threshold clamp clamp_min clamp_max hardshrink softshrink tanhshrink "
    "erf _prelu_kernel log_sigmoid_forward clip rrelu_with_noise",
    "elementwise": "pow sqrt rsqrt reciprocal square exp exp2 expm1 log log2 log10 log1p neg abs sign sgn floor ceil "
    "round trunc frac sin cos tan asin acos atan sinh cosh asinh acosh atanh atan2 where masked_fill maximum minimum "
    "fmax fmin max_other min_other remainder fmod floor_divide true_divide eq ne lt le gt ge logical_and logical_or "
    "logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor isnan isinf isfinite addcmul addcdiv lerp "
    "tril triu bernoulli normal_functional logaddexp erfc erfinv nan_to_num dist rsub copy fill fill_ __and__ __or__ "
    "heaviside hypot xlogy logit sinc deg2rad gcd complex polar angle cumsum_ bitwise_left_shift bitwise_right_shift "
    "nextafter copysign floor_divide_ square_ masked_scatter bucketize quantize_per_tensor dequantize one_hot "
    "softmax_backward_data fake_quantize_per_tensor_affine fake_quantize_per_channel_affine isin",
    "shuffle": "roll flip rot90 index index_select gather take take_along_dim scatter scatter_add scatter_reduce "
    "index_put index_add index_copy index_fill repeat repeat_interleave tile pixel_shuffle pixel_unshuffle "
    "channel_shuffle native_channel_shuffle im2col col2im unfold topk sort argsort masked_select nonzero meshgrid "
    "slice_scatter select_scatter diag_embed diag block_diag fliplr flipud sort_stable msort unique max_unpool2d "
    "max_unpool3d _unsafe_index as_strided_scatter unfold_copy",
    "reduction": "sum prod amax amin argmax argmin any all cumsum cumprod logsumexp max min nansum median "
    "count_nonzero logcumsumexp cummax cummin histc bincount searchsorted _is_all_true _is_any_true",
    "concat": "cat concat concatenate stack hstack vstack dstack",
}
_PAIRED = {"add": 1, "sub": 1, "mul": 1, "div": 1}
"""Elementwise operators that weights can hold when the other operand is a parameter."""

_KINDS = {name: kind for kind, names in _TABLE.items() for name in names.split()}


def translate(call: Call, operator_name: str) -> Operator:
    """The operator that a call of `aten.<operator_name>` is; of kind `unknown` if there is none.

    In-place variants (`add_`) are what they are without the underscore.
    """
    name = operator_name if operator_name in _KINDS or operator_name in _RULES else operator_name.rstrip("_")
    rule = _RULES.get(name)
    if rule is not None:
        return rule(call)
    if name in _PAIRED:
        return call.operator("elementwise", linear=True)
    if name in {"max", "min"} and len(call.tensors) == 2:
        return call.operator("elementwise")
    return call.operator(_KINDS.get(name, "unknown"))


def _conv(call: Call) -> Operator:
    read = (call["input"], call["weight"], *([call["bias"]] if call["bias"] is not None else []))
    facts = {k: _tuple(call[k]) for k in ("stride", "dilation") if call[k] is not None}
    transposed = bool(call["transposed"]) or "transpose" in call.source
    groups = 1 if call["groups"] is None else call["groups"]
    return call.operator("conv", read, **facts, groups=groups, transposed=transposed)


def _tuple(value: Any) -> tuple[int, ...]:
    return (int(value),) if isinstance(value, int) else tuple(int(v) for v in value)


def _linear(call: Call) -> Operator:
    return call.operator("product", transpose_b=True, weights=True)


def _matmul(call: Call) -> Operator:
    other = next(k for k in ("other", "mat2", "vec", "tensor") if call[k] is not None)
    return call.operator("product", (call["self"], call[other]))


def _addmm(call: Call) -> Operator:
    pairs = (("mat1", "mat2"), ("batch1", "batch2"), ("mat", "vec"))
    a, b = next(pair for pair in pairs if call[pair[0]] is not None)
    return call.operator("product", (call[a], call[b], call["self"]))


def _experts(call: Call) -> Operator:
    """Rows that each go through the weights of one expert, taken as spread evenly: as many experts as divide them."""
    rows, weights = call.shape("self"), call.shape("mat2")
    if (len(rows), len(weights)) != (2, 3):
        return call.operator("unknown")
    experts, inner, columns = weights
    busy = max(n for n in range(1, experts + 1) if rows[0] % n == 0)
    shapes = ((busy, rows[0] // busy, inner), (busy, inner, columns))
    read = (
        Value(v.key, shape, v.constant) for v, shape in zip((call["self"], call["mat2"]), shapes, strict=True)
    )
    return call.operator("product", tuple(read))


def _einsum(call: Call) -> Operator:
    tensors = call.tensors
    equation = str(call["equation"])
    if len(tensors) == 1:
        reads, writes = prod(tensors[0].shape or ()), prod(call.outputs[0].shape or ())
        return call.operator("view" if reads <= writes else "reduction")
    return call.operator("einsum", equation=equation)


def _attention(call: Call) -> Operator:
    q, k, v = (call.shape(name) for name in ("query", "key", "value"))
    heads, shared = (q[-3] if len(q) > 2 else 1), (k[-3] if len(k) > 2 else 1)
    # Where heads are few and shared without being said (broadcast), each still has a product of its own.
    shared = shared if shared and heads % shared == 0 else heads
    return call.operator(
        "attention",
        (call["query"], call["key"], call["value"]),
        N=prod(q[:-3]),
        heads=heads,
        kv_heads=shared,
        head_dim=q[-1],
        value_dim=v[-1],
        query_length=q[-2],
        key_length=k[-2],
    )


def _normalization(scheme: str) -> Callable[[Call], Operator]:
    def rule(call: Call) -> Operator:
        x = call["input"] if call["input"] is not None else call["self"]
        weights = (call[k] for k in ("weight", "bias", "running_mean", "running_var") if call[k] is not None)
        if scheme == "batch" and call["training"]:
            return call.operator("normalization", (x, *weights), scheme="instance")
        return call.operator("normalization", (x, *weights), scheme=scheme)

    return rule


def _pool(*, average: bool) -> Callable[[Call], Operator]:
    def rule(call: Call) -> Operator:
        kernel = call["kernel_size"]
        return call.operator(
            "pool", call.tensors[:1], average=average, window=_tuple(kernel) if kernel is not None else None
        )

    return rule


def _mean(call: Call) -> Operator:
    """A mean over the whole plane is average pooling, as exporters write the one for the other."""
    shape, axes = call.shape("self"), call["dim"]
    plane = tuple(range(2, len(shape)))
    if len(plane) > 1 and axes is not None and {a % len(shape) for a in _tuple(axes)} == set(plane):
        return call.operator("pool", average=True, window=shape[2:])
    return call.operator("reduction")


def _variance(call: Call) -> Operator:
    return call.operator("reduction", operations=3)


def _softmax(call: Call) -> Operator:
    return call.operator("softmax", call.tensors[:1], axis=call["dim"])


def _embedding(call: Call) -> Operator:
    table, indices = call["weight"], call["indices"]
    if call["indices"] is None:
        indices = call["input"]
    return call.operator("embedding", (table, indices))


def _resize(taps: int) -> Callable[[Call], Operator]:
    return lambda call: call.operator("resize", call.tensors[:1], taps=taps)


def _pad(call: Call) -> Operator:
    return call.operator("pad", call.tensors[:1])


def _recurrent(cell: str, *, single: bool = False) -> Callable[[Call], Operator]:
    def rule(call: Call) -> Operator:
        x = call["input"]
        batch_first = bool(call["batch_first"])
        shape = call.shape("input")
        weights = call["params"] if not single else [call["w_ih"], call["w_hh"]]
        recurrent = weights[1].shape
        if single:
            steps, n = 1, (shape[0] if len(shape) > 1 else 1)
        elif len(shape) == 2:
            steps, n = shape[0], 1
        else:
            steps, n = (shape[1], shape[0]) if batch_first else (shape[0], shape[1])
        gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
        if recurrent[0] != gates * recurrent[1]:
            raise InputError(
                f"layer '{call.name} ({call.source})': its states are projected (proj_size), which is not read; "
                "write the projection as a linear layer"
            )
        return call.operator(
            "recurrent",
            (x, *weights),
            cell=cell,
            input_size=shape[-1],
            hidden_size=recurrent[1],
            steps=steps,
            N=n,
            bidirectional=bool(call["bidirectional"]),
            layers=1 if single else call["num_layers"],
        )

    return rule


_RULED: tuple[tuple[Callable[[Call], Operator], tuple[str, ...]], ...] = (
    (
        _conv,
        (
            "conv1d conv2d conv3d convolution _convolution conv_transpose1d conv_transpose2d",
            "conv_transpose3d convolution_overrideable _convolution_mode conv_depthwise3d _conv_depthwise2d",
        ),
    ),
    (_linear, ("linear",)),
    (_matmul, ("matmul mm bmm mv dot inner",)),
    (_addmm, ("addmm baddbmm addmv addbmm",)),
    (_experts, ("_grouped_mm",)),
    (_einsum, ("einsum",)),
    (
        _attention,
        (
            "scaled_dot_product_attention _scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention",
            "_scaled_dot_product_attention_math _scaled_dot_product_attention_math_for_mps",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
    ),
    (
        _normalization("batch"),
        (
            "batch_norm native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training",
            "cudnn_batch_norm _batch_norm_impl_index _batch_norm_with_update",
        ),
    ),
    (_normalization("layer"), ("layer_norm native_layer_norm",)),
    (_normalization("group"), ("group_norm native_group_norm",)),
    (_normalization("instance"), ("instance_norm",)),
    (_normalization("rms"), ("rms_norm _fused_rms_norm",)),
    (
        _pool(average=False),
        (
            "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
            "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices fractional_max_pool2d",
            "fractional_max_pool3d",
        ),
    ),
    (
        _pool(average=True),
        (
            "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d",
            "_adaptive_avg_pool2d _adaptive_avg_pool3d",
        ),
    ),
    (_mean, ("mean",)),
    (_variance, ("var std var_mean std_mean norm linalg_vector_norm frobenius_norm",)),
    (_softmax, ("softmax log_softmax _softmax _log_softmax _safe_softmax",)),
    (_embedding, ("embedding embedding_bag",)),
    (
        _resize(1),
        (
            "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d",
            "_upsample_nearest_exact2d _upsample_nearest_exact3d",
        ),
    ),
    (_resize(2), ("upsample_linear1d",)),
    (_resize(4), ("upsample_bilinear2d _upsample_bilinear2d_aa grid_sampler_2d grid_sampler",)),
    (_resize(8), ("upsample_trilinear3d",)),
    (_resize(16), ("upsample_bicubic2d _upsample_bicubic2d_aa",)),
    (
        _pad,
        (
            "pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d",
            "replication_pad2d replication_pad3d",
        ),
    ),
    (_recurrent("lstm"), ("lstm",)),
    (_recurrent("gru"), ("gru",)),
    (_recurrent("rnn"), ("rnn_tanh rnn_relu",)),
    (_recurrent("lstm", single=True), ("lstm_cell",)),
    (_recurrent("gru", single=True), ("gru_cell",)),
    (_recurrent("rnn", single=True), ("rnn_tanh_cell rnn_relu_cell",)),
)

_RULES = {name: rule for rule, lines in _RULED for line in lines for name in line.split()}
