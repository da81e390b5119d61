"""ONNX operators, one graph by hand for each make."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from chipwise.workload.load import load_network
from tests.unit.workload.importers.graphs import node, numbers, save, tensor, weights


@pytest.fixture
def load(tmp_path):
    def load(nodes, inputs, outputs, stored=(), *, opset=20, functions=(), **how):
        path = save(tmp_path / "net.onnx", nodes, inputs, outputs, stored, opset=opset, functions=functions)
        return load_network(path, **how)

    return load


def shape_of(network, name):
    return network.layer(name).kind, dict(network.layer(name).dims)


def test_a_small_network(load):
    network = load(
        [
            node("Conv", "x w b", "c", "first", strides=[2, 2], auto_pad="SAME_UPPER"),
            node("BatchNormalization", "c s s s s", "n", "norm"),
            node("Relu", "n", "r", "act"),
            node("MaxPool", "r", "p", "pool", kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", "p", "f", "flat"),
            node("Gemm", "f fc.weight fc.bias", "y", transB=1),
        ],
        [("x", (1, 3, 32, 32))],
        [("y", (1, 10))],
        [
            weights("w", 8, 3, 5, 5),
            weights("b", 8),
            weights("s", 8),
            weights("fc.weight", 10, 512),
            weights("fc.bias", 10),
        ],
    )
    assert shape_of(network, "first") == ("conv", {"N": 1, "M": 8, "C": 3, "P": 16, "Q": 16, "R": 5, "S": 5})
    assert shape_of(network, "fc") == ("fc", {"N": 1, "M": 10, "C": 512})
    assert network.fused == {"first": ("norm (BatchNormalization)", "act (Relu)")}
    assert network.free == ("flat (Flatten)",)
    assert network.sources("fc") == ("pool",)
    assert (network.name, network.input_shape) == ("net", (3, 32, 32))


@pytest.mark.parametrize(
    ("given", "x", "w", "y", "dims"),
    [
        ({"group": 4}, (2, 8, 9), (8, 2, 3), (2, 8, 7), {"N": 2, "G": 4, "M": 2, "C": 2, "P": 7, "R": 3}),
        (
            {"dilations": [2, 2]},
            (1, 3, 9, 9),
            (4, 3, 3, 3),
            (1, 4, 5, 5),
            {"N": 1, "M": 4, "C": 3, "P": 5, "Q": 5, "R": 3, "S": 3},
        ),
        (
            {"strides": [1, 2, 2]},
            (1, 2, 4, 8, 8),
            (4, 2, 1, 2, 2),
            (1, 4, 4, 4, 4),
            {"N": 1, "M": 4, "C": 2, "Z": 4, "P": 4, "Q": 4, "T": 1, "R": 2, "S": 2},
        ),
    ],
)
def test_convolutions(load, given, x, w, y, dims):
    network = load([node("Conv", "x w", "y", "c", **given)], [("x", x)], [("y", y)], [weights("w", *w)])
    assert shape_of(network, "c") == ("conv", dims)


def test_transposed_convolutions_scatter_from_the_input_plane(load):
    network = load(
        [node("ConvTranspose", "x w", "y", "up", strides=[2, 2], group=2)],
        [("x", (1, 8, 5, 5))],
        [("y", None)],
        [weights("w", 8, 3, 2, 2)],
    )
    assert shape_of(network, "up") == (
        "conv",
        {"N": 1, "G": 2, "M": 3, "C": 4, "P": 5, "Q": 5, "R": 2, "S": 2},
    )
    assert network.layer("up").notes["transposed"] == 1


@pytest.mark.parametrize(
    ("a", "b", "stored", "expected"),
    [
        ((1, 7, 8), (8, 5), True, ("fc", {"N": 7, "M": 5, "C": 8})),
        ((4, 7), (1, 7, 3), True, ("fc", {"N": 4, "M": 3, "C": 7})),
        ((2, 4, 7, 8), (2, 4, 8, 7), False, ("matmul", {"B": 8, "M": 7, "N": 7, "K": 8})),
        ((2, 7, 8), (8, 5), False, ("matmul", {"B": 1, "M": 14, "N": 5, "K": 8})),
        ((2, 7, 8), (2, 8, 5), True, ("matmul", {"B": 2, "M": 7, "N": 5, "K": 8})),
        ((8,), (8, 5), True, ("fc", {"N": 1, "M": 5, "C": 8})),
    ],
)
def test_products_of_weights_and_of_activations(load, a, b, stored, expected):
    inputs = [("a", a)] if stored else [("a", a), ("b", b)]
    network = load(
        [node("MatMul", "a b", "y", "m")], inputs, [("y", None)], [weights("b", *b)] if stored else []
    )
    assert shape_of(network, "m") == expected


def test_an_einsum(load):
    network = load(
        [node("Einsum", "a b", "y", "e", equation="bqhd,bkhd->bhqk")],
        [("a", (2, 5, 4, 8)), ("b", (2, 7, 4, 8))],
        [("y", None)],
    )
    assert shape_of(network, "e") == ("matmul", {"B": 8, "M": 5, "N": 7, "K": 8})


def test_scales_and_shifts_after_a_layer_are_in_its_weights(load):
    nodes = [
        node("MatMul", "x w", "m", "fc"),
        node("Mul", "m s", "v", "scale"),
        node("Add", "v b", "u", "shift"),
        node("Relu", "u", "r", "relu"),
        node("Add", "r b", "y", "later"),
    ]
    network = load(
        nodes, [("x", (4, 8))], [("y", None)], [weights("w", 8, 6), weights("s", 6), weights("b", 6)]
    )
    assert network.fused == {"fc": ("scale (Mul)", "shift (Add)", "relu (Relu)")}
    assert [o.name for o in network.operations] == ["later"]
    assert network.operations[0].weights == 6


def test_what_two_read_is_not_fused(load):
    nodes = [
        node("MatMul", "x w", "m", "fc"),
        node("Relu", "m", "r", "relu"),
        node("Concat", "m r", "y", "cat", axis=1),
    ]
    network = load(nodes, [("x", (4, 8))], [("y", None)], [weights("w", 8, 6)])
    assert network.fused == {}
    assert network.sources("cat") == ("fc", "relu")


def test_recurrent_layers(load):
    stored = [weights("w", 2, 64, 12), weights("r", 2, 64, 16)]
    nodes = [node("LSTM", "x w r", "y", "rnn", hidden_size=16, direction="bidirectional")]
    network = load(nodes, [("x", (9, 2, 12))], [("y", None)], stored)
    assert network.macs == 2 * 9 * 2 * 64 * (12 + 16)
    assert shape_of(network, "rnn.reverse.recurrent") == ("fc", {"N": 18, "M": 64, "C": 16})


def test_gelu_in_pieces_is_one_activation(load):
    stored = [weights("w", 8, 6)] + [
        helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("q", 1.41), ("h", 0.5), ("one", 1.0))
    ]
    nodes = [
        node("MatMul", "x w", "m", "fc"),
        node("Div", "m q", "d", "div"),
        node("Erf", "d", "e", "erf"),
        node("Add", "e one", "a", "add"),
        node("Mul", "m a", "p", "mul"),
        node("Mul", "p h", "y", "half"),
    ]
    network = load(nodes, [("x", (4, 8))], [("y", None)], stored)
    assert network.fused == {"fc": ("div (Div)", "erf (Erf)", "add (Add)", "mul (Mul)", "half (Mul)")}
    assert network.operations == ()


def test_quantised_tensors_carry_their_bits(load):
    stored = [
        weights("w", 8, 4, 1, 1, kind=np.int8),
        weights("s"),
        weights("zu", kind=np.uint8),
        weights("zi", kind=np.int8),
    ]
    nodes = [
        node("QuantizeLinear", "x s zu", "q", "qx"),
        node("DequantizeLinear", "q s zu", "dx", "dqx"),
        node("DequantizeLinear", "w s zi", "dw", "dqw"),
        node("Conv", "dx dw", "c", "conv"),
        node("Relu", "c", "r", "relu"),
        node("QuantizeLinear", "r s zu", "qc", "qc"),
        node("DequantizeLinear", "qc s zu", "y", "dqc"),
    ]
    network = load(nodes, [("x", (1, 4, 6, 6))], [("y", None)], stored)
    assert [(t.name, t.bits) for t in network.layer("conv").tensors] == [
        ("input", 8),
        ("weight", 8),
        ("output", 8),
    ]


def test_integer_operators(load):
    stored = [
        weights("w", 8, 4, 3, 3, kind=np.int8),
        weights("s"),
        weights("z", kind=np.uint8),
        weights("zi", kind=np.int8),
    ]
    nodes = [node("QLinearConv", "x s z w s zi s z", "y", "conv")]
    network = load(
        nodes, [tensor("x", (1, 4, 6, 6), TensorProto.UINT8)], [tensor("y", None, TensorProto.UINT8)], stored
    )
    assert shape_of(network, "conv") == ("conv", {"N": 1, "M": 8, "C": 4, "P": 4, "Q": 4, "R": 3, "S": 3})
    assert [t.bits for t in network.layer("conv").tensors] == [8, 8, 8]


def test_attention_as_one_operator(load):
    inputs = [("q", (2, 8, 5, 16)), ("k", (2, 2, 7, 16)), ("v", (2, 2, 7, 24))]
    network = load([node("Attention", "q k v", "y", "a")], inputs, [("y", None)], opset=23)
    assert shape_of(network, "a.scores") == ("matmul", {"B": 4, "M": 20, "N": 7, "K": 16})
    assert shape_of(network, "a.context") == ("matmul", {"B": 4, "M": 20, "N": 24, "K": 7})
    assert network.macs == 2 * 8 * 5 * 7 * (16 + 24)


def test_operators_of_onnx_runtime(load):
    stored = [
        weights("w", 32, 96),
        weights("b", 96),
        weights("g", 32),
        weights("p", 64, 1, 16, kind=np.uint8),
        weights("s", 64),
    ]
    nodes = [
        node("Attention", "x w b", "a", "attention", domain="com.microsoft", num_heads=4),
        node("SkipLayerNormalization", "a x g g", "n", "norm", domain="com.microsoft"),
        node("MatMulNBits", "n p s", "m", "few", domain="com.microsoft", K=32, N=64, bits=4, block_size=32),
        node("FastGelu", "m", "y", "gelu", domain="com.microsoft"),
    ]
    network = load(nodes, [("x", (1, 5, 32))], [("y", None)], stored)
    assert [(layer.name, layer.kind) for layer in network.layers] == [
        ("attention.in_proj", "fc"),
        ("attention.scores", "matmul"),
        ("attention.context", "matmul"),
        ("few", "fc"),
    ]
    assert [o.name for o in network.operations] == ["attention.softmax", "norm.add", "norm"]
    assert network.layer("few").tensor("weight").bits == 4
    assert network.fused == {"few": ("gelu (FastGelu)",)}


def test_a_look_up_is_an_embedding_and_a_single_place_is_free(load):
    nodes = [node("Gather", "table ids", "e", "words"), node("Gather", "e one", "y", "first", axis=1)]
    stored = [weights("table", 100, 16), numbers("one", 0)]
    network = load(nodes, [tensor("ids", (1, 7), TensorProto.INT64)], [("y", None)], stored)
    (words,) = network.operations
    assert (words.kind, words.weights, words.weight_reads) == ("embedding", 1600, 112)
    assert network.free == ("first (Gather)",)


def test_padding_before_a_convolution_is_part_of_its_plane(load):
    stored = [weights("w", 4, 3, 3, 3), numbers("pads", 0, 0, 1, 1, 0, 0, 1, 1)]
    network = load(
        [node("Pad", "x pads", "p", "pad"), node("Conv", "p w", "y", "c")],
        [("x", (1, 3, 8, 8))],
        [("y", None)],
        stored,
    )
    assert [n.name for n in network.nodes] == ["c"]
    assert network.free == ("pad (Pad)",)
    alone = load([node("Pad", "x pads", "y", "pad")], [("x", (1, 3, 8, 8))], [("y", None)], stored)
    assert [(n.name, n.kind, n.writes) for n in alone.operations] == [("pad", "shuffle", 300)]


def test_local_functions_are_put_in_place(load):
    body = [node("Relu", "a", "b"), node("MatMul", "b w", "c")]
    function = helper.make_function("own", "Layer", ["a", "w"], ["c"], body, [helper.make_opsetid("", 20)])
    nodes = [node("Layer", "x w1", "h", "one", domain="own"), node("Layer", "h w2", "y", "two", domain="own")]
    stored = [weights("w1", 8, 6), weights("w2", 6, 4)]
    network = load(nodes, [("x", (2, 8))], [("y", (2, 4))], stored, functions=[function])
    assert [dict(layer.dims) for layer in network.layers] == [
        {"N": 2, "M": 6, "C": 8},
        {"N": 2, "M": 4, "C": 6},
    ]


def test_a_branch_that_is_known_is_taken(load):
    then = helper.make_graph([node("MatMul", "x w", "t", "yes")], "then", [], [tensor("t", None)])
    other = helper.make_graph([node("Identity", "x", "o", "no")], "else", [], [tensor("o", None)])
    condition = helper.make_tensor("c", TensorProto.BOOL, [], [True])
    nodes = [node("If", "c", "y", "choice", then_branch=then, else_branch=other)]
    network = load(nodes, [("x", (2, 8))], [("y", (2, 4))], [condition, weights("w", 8, 4)])
    assert [layer.name for layer in network.layers] == ["yes"]


def test_sizes_that_the_file_computes(load):
    """As exporters with dynamic axes write a reshape: the shape's parts, halved and joined."""
    nodes = [
        node("Shape", "x", "s", "shape"),
        node("Gather", "s zero", "n", "batch"),
        node("Gather", "s two", "h", "height"),
        node("Div", "h two", "half", "halved"),
        node("Unsqueeze", "n axis", "n1"),
        node("Unsqueeze", "half axis", "h1"),
        node("Concat", "n1 h1 rest", "to", "target", axis=0),
        node("Reshape", "x to", "r", "reshape"),
        node("MatMul", "r w", "y", "fc"),
    ]
    scalars = [helper.make_tensor(n, TensorProto.INT64, [], [v]) for n, v in (("zero", 0), ("two", 2))]
    stored = [*scalars, numbers("axis", 0), numbers("rest", -1), weights("w", 48, 5)]
    network = load(nodes, [("x", ("batch", 3, "size", 8))], [("y", None)], stored, input_size={"size": 8})
    assert shape_of(network, "fc") == ("fc", {"N": 4, "M": 5, "C": 48})
    assert [o.name for o in network.operations] == []


def test_a_file_of_2018(tmp_path):
    """Weights among the inputs, no names, and attributes that later versions made inputs."""
    nodes = [
        node("Conv", "x w b", "c", kernel_shape=[5, 5]),
        node("BatchNormalization", "c b b b b", "n"),
        node("LRN", "n", "l", size=5),
        node("Upsample", "l", "u", scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
        node("GlobalAveragePool", "u", "g"),
        node("Reshape", "g to", "f"),
        node("Gemm", "f fc.weight fc.bias", "y", transB=1),
    ]
    shapes = [
        ("x", (1, 3, 32, 32)),
        ("w", (8, 3, 5, 5)),
        ("b", (8,)),
        ("fc.weight", (10, 8)),
        ("fc.bias", (10,)),
    ]
    stored = [weights(*(name, *shape)) for name, shape in shapes[1:]]
    inputs = [*shapes, tensor("to", (2,), TensorProto.INT64)]
    path = save(
        tmp_path / "old.onnx",
        nodes,
        inputs,
        [("y", (1, 10))],
        [*stored, numbers("to", 0, -1)],
        opset=8,
        ir_version=3,
    )
    network = load_network(path)
    assert [n.name for n in network.nodes] == ["c", "l", "u", "g", "fc"]
    assert network.fused == {"c": ("n (BatchNormalization)",)}
    assert network.sources("fc") == ("g",)


def test_queries_that_share_keys_with_a_cache(load):
    inputs = [
        ("q", (1, 1, 64)),
        ("k", (1, 1, 16)),
        ("v", (1, 1, 16)),
        ("pk", (1, 2, 31, 8)),
        ("pv", (1, 2, 31, 8)),
    ]
    nodes = [
        node(
            "GroupQueryAttention",
            "q k v pk pv",
            "y",
            "a",
            domain="com.microsoft",
            num_heads=8,
            kv_num_heads=2,
        ),
        node("Relu", "y", "z", "r"),
    ]
    network = load(nodes, inputs, [("z", None)])
    assert shape_of(network, "a.scores") == ("matmul", {"B": 2, "M": 4, "N": 32, "K": 8})
    assert [o.name for o in network.operations] == ["a.softmax", "r"]
