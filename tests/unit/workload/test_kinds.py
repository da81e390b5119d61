"""Layers and operations by constructor, against counts by hand and against PyTorch's counter."""

from math import prod

import pytest

from chipwise.errors import InputError
from chipwise.workload import blocks, kinds, operations
from chipwise.workload.network import Network


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("plane", "window", "stride", "dilation"),
    [
        ((9,), (3,), (2,), (1,)),
        ((6, 5), (3, 2), (2, 1), (1, 2)),
        ((3, 4, 5), (2, 3, 1), (1, 2, 1), (1, 1, 1)),
    ],
)
def test_convolutions_count_as_pytorch_does(plane, window, stride, dilation, groups, transposed):
    torch = pytest.importorskip("torch")
    flop_counter = pytest.importorskip("torch.utils.flop_counter")
    layer = kinds.convolution(
        "c",
        M=8,
        C=4,
        plane=plane,
        window=window,
        N=2,
        stride=stride,
        dilation=dilation,
        groups=groups,
        transposed=transposed,
    )
    given = layer.tensor("input").ranks[-len(plane) :]
    data = torch.zeros(2, 4, *(rank.extent(layer.dims) for rank in given))
    name = f"Conv{'Transpose' if transposed else ''}{len(plane)}d"
    module = getattr(torch.nn, name)(
        4, 8, window, stride=stride, dilation=dilation, groups=groups, bias=False
    )
    with flop_counter.FlopCounterMode(display=False) as counter, torch.no_grad():
        result = module(data)
    assert layer.macs == counter.get_total_flops() / 2
    assert layer.volume("input") == data.numel()
    assert layer.volume("output") == result.numel()
    assert layer.volume("weight") == module.weight.numel()


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: kinds.convolution("c", M=1, C=1, plane=(1,) * 4, window=(1,) * 4), "one to three extents"),
        (lambda: kinds.convolution("c", M=1, C=1, plane=(1, 1), window=(1,)), "equally many"),
        (
            lambda: kinds.convolution("c", M=1, C=1, plane=(2,), window=(1,), stride=(1, 2)),
            "must have 1 values",
        ),
        (lambda: kinds.conv1d("c", M=3, C=2, P=1, R=1, groups=2), "groups = 2 must divide M = 3"),
        (
            lambda: blocks.attention("a", heads=12, kv_heads=5, head_dim=64, query_length=8),
            "must divide heads",
        ),
        (
            lambda: operations.normalization("n", shape=(4, 2), scheme="weight"),
            "scheme = 'weight' must be one of",
        ),
        (lambda: operations.elementwise("e", shape=(4,), operands=0), "at least one operand"),
        (lambda: operations.concat("e", shape=(4, 0)), r"shape = \(4, 0\) must have extents of at least 1"),
    ],
)
def test_senseless_shapes_are_refused(build, says):
    with pytest.raises(InputError, match=says):
        build()


def test_the_usual_shapes_are_special_cases():
    flat = kinds.conv1d("x", M=4, C=2, P=10, R=3, stride=2, dilation=2, N=3)
    assert (flat.volume("input"), flat.dims) == (3 * 2 * 23, {"N": 3, "M": 4, "C": 2, "P": 10, "R": 3})
    assert kinds.conv3d("x", M=4, C=2, Z=2, P=3, Q=4, T=2, R=3, S=1).macs == 4 * 2 * 2 * 3 * 4 * 2 * 3
    assert kinds.depthwise("x", C=8, P=4, Q=4, R=3, S=3) == kinds.conv(
        "x", M=8, C=8, P=4, Q=4, R=3, S=3, groups=8
    )
    assert kinds.depthwise("x", C=8, P=4, Q=4, R=3, S=3, multiplier=2).volume("output") == 16 * 16
    up = kinds.transposed_conv("x", M=4, C=2, H=5, W=6, R=3, S=2, stride=2)
    assert (up.macs, up.volume("output"), up.notes["transposed"]) == (4 * 2 * 30 * 6, 4 * 11 * 12, 1)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_shared_heads_keep_macs_and_shrink_the_keys(kv_heads: int):
    scores, softmax, context = blocks.attention(
        "a", heads=4, kv_heads=kv_heads, head_dim=8, query_length=3, key_length=5
    )
    assert scores.macs == context.macs == 4 * 3 * 5 * 8
    assert (scores.volume("weight"), context.volume("weight")) == (kv_heads * 5 * 8, kv_heads * 5 * 8)
    assert (softmax.reads, softmax.writes, softmax.operations) == (60, 60, 12 * 23)


def test_a_batch_multiplies_attention_by_its_products():
    nodes = blocks.attention("a", heads=1, head_dim=8, query_length=4)
    network = Network("n", nodes).with_batch(3)
    assert [layer.dims["B"] for layer in network.layers] == [3, 3]
    assert network.macs == 3 * sum(layer.macs for layer in nodes if hasattr(layer, "macs"))
    assert network.operations[0].reads == 3 * 16
    assert network.nodes == blocks.attention("a", heads=1, head_dim=8, query_length=4, N=3)


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
def test_recurrent_cells_hold_the_weights_that_pytorch_gives_them(cell: str, gates: int):
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, cell.upper())(6, 5, bias=False, bidirectional=True)
    nodes = getattr(blocks, cell)("r", input_size=6, hidden_size=5, steps=7, bidirectional=True, N=2)
    layers = Network("n", nodes).layers
    assert [node.name for node in nodes[3:]] == ["r.reverse.input", "r.reverse.recurrent", "r.reverse.gates"]
    assert sum(layer.volume("weight") for layer in layers) == sum(w.numel() for w in module.parameters())
    assert sum(layer.macs for layer in layers) == 2 * gates * 5 * (6 + 5) * 7 * 2
    assert nodes[2].reads == {"lstm": 9, "gru": 7}[cell] * 5 * 7 * 2


def test_operations_count_what_they_read_write_and_do():
    pooled = operations.pool("p", shape=(2, 3, 3), input_shape=(2, 7, 7), window=(3, 3), average=True, N=2)
    assert (pooled.operations, pooled.reads, pooled.writes) == (2 * 18 * 9, 2 * 98, 2 * 18)
    assert operations.global_pool("g", input_shape=(8, 7, 7), average=False).operations == 8 * 48
    assert operations.activation("a", shape=(5,), operations_per_value=3).operations == 15
    layer, rms = (operations.normalization("n", shape=(10, 16), scheme=s, N=2) for s in ("layer", "rms"))
    assert (layer.operations, layer.weights, layer.weight_reads) == (2 * 7 * 160, 32, 32)
    assert (rms.operations, rms.weights) == (2 * 4 * 160, 16)
    assert operations.normalization("n", shape=(16, 3, 3), scales=0).weights == 0
    assert operations.elementwise("s", shape=(4,), operands=1).operations == 4
    assert operations.elementwise("s", shape=(4,), operands=3, N=2).reads == 24
    assert operations.resize("r", shape=(1, 4, 4), input_shape=(1, 2, 2)).operations == 0
    moved = operations.unknown("u", shape=(10,), input_shapes=[(4,), (3, 2)], N=2)
    assert (moved.kind, moved.operations, moved.reads, moved.writes) == ("unknown", 0, 20, 20)


def test_batch_reads_more_rows_of_a_table_but_the_same_scales():
    table = operations.embedding("e", rows=100, features=8, tokens=4).with_batch(3)
    assert (table.weights, table.weight_reads, table.writes) == (800, 3 * 32, 3 * 32)
    assert table == operations.embedding("e", rows=100, features=8, tokens=4, N=3)
    scales = operations.normalization("n", shape=(16, 2, 2)).with_batch(3)
    assert scales.weight_reads == 32
    assert scales.reads == 3 * prod(scales.shape)
