"""ONNX files that are damaged, too large, without sizes, or hold what is not known."""

import contextlib
import re

import pytest
from onnx import TensorProto, helper

from chipwise.errors import InputError
from chipwise.workload.importers import assemble as assembling
from chipwise.workload.importers import onnx_file
from chipwise.workload.load import load_network
from tests.unit.workload.importers.graphs import node, save, tensor, weights


@pytest.fixture
def model(tmp_path):
    """A convolution and an fc, with weights of half a MiB."""
    return save(
        tmp_path / "net.onnx",
        [node("Conv", "x w", "c", "conv"), node("Flatten", "c", "f"), node("Gemm", "f v", "y", "fc")],
        [("x", ("batch", 3, "height", 8))],
        [("y", ("batch", 128))],
        [weights("w", 16, 3, 3, 3), weights("v", 16 * 6 * 6, 128)],
    )


def refused(source, *says, **how):
    with pytest.raises(InputError) as caught:
        load_network(source, **how)
    message = str(caught.value)
    assert "\n" not in message
    for words in says:
        assert words in message
    return message


def test_the_same_file_is_read(model):
    network = load_network(model, input_size={"height": 8})
    assert [layer.name for layer in network.layers] == ["conv", "fc"]
    assert network.macs == 16 * 36 * 27 + 16 * 36 * 128


def test_weights_are_not_read(model):
    kept = onnx_file.read_model(model)
    assert model.stat().st_size > 2**18
    assert kept.ByteSize() < 2**13
    assert [list(t.dims) for t in kept.graph.initializer] == [[16, 3, 3, 3], [576, 128]]


def test_weights_beside_the_file_need_not_be_there(tmp_path):
    stored = TensorProto(
        name="w", dims=[8, 4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    stored.external_data.add(key="location", value="nowhere.bin")
    path = save(
        tmp_path / "net.onnx", [node("MatMul", "x w", "y", "fc")], [("x", (2, 8))], [("y", (2, 4))], [stored]
    )
    assert load_network(path).macs == 64


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short(model, share):
    content = model.read_bytes()
    model.write_bytes(content[: int(len(content) * share)])
    refused(
        model, "net.onnx: is cut short: a part of it should be longer than the file; copy or export it again"
    )


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 a zip", b"\x00" * 64, b"hello, world", b"\xff" * 64, b"\x08\x07"]
)
def test_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    message = refused(path, "net.onnx: ")
    assert re.search("no ONNX|cut short|damaged", message)


def test_damage_anywhere_is_a_mistake_of_the_files(model):
    content = bytearray(model.read_bytes())
    for at in range(0, 400, 7):
        broken = bytearray(content)
        broken[at] ^= 0xFF
        model.write_bytes(broken)
        with contextlib.suppress(InputError):
            load_network(model, input_size={"height": 8})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda _: None, "there is no such file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), "is empty"),
    ],
)
def test_no_file(tmp_path, make, says):
    path = tmp_path / "absent.onnx"
    make(path)
    refused(path, says)


def test_a_file_beyond_what_protobuf_can_hold(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(2**31)
    refused(path, "has 2,147,483,648 bytes, an ONNX file has fewer than 2 GiB")


@pytest.mark.parametrize("depth", [40, 200])
def test_graphs_within_graphs(tmp_path, depth):
    """Deeper than protobuf reads, and as large at every depth as what is skipped."""
    filler = b"\x0a" + b"\xff\x80\x02" + b"a" * 0x7FFF  # a name of 32 KiB: field 1, length 32767
    message = b""
    for _ in range(depth):
        message = _field(1, _field(5, _field(6, message + filler)))
    path = tmp_path / "deep.onnx"
    path.write_bytes(_field(7, message))
    refused(path, "deep.onnx: ", "deep")


def _field(number, content):
    return bytes([number << 3 | 2]) + onnx_file._encoded(len(content)) + content


def test_too_many_nodes(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_NODES", 10)
    nodes = [node("Relu", f"v{i}", f"v{i + 1}") for i in range(20)]
    path = save(tmp_path / "net.onnx", nodes, [("v0", (1, 2))], [("v20", None)])
    refused(path, "has 20 nodes, the limit is 10; import a part of it")
    assert assembling.MAX_NODES == 20_000


def _functions(*bodies):
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    return [helper.make_function("own", f"F{i}", ["a"], ["b"], body, opsets) for i, body in enumerate(bodies)]


def test_functions_that_double_each_other_are_not_expanded(tmp_path):
    bodies = [[node("Relu", "a", "b")]] + [
        [node(f"F{i}", "a", "c", domain="own"), node(f"F{i}", "c", "b", domain="own")] for i in range(40)
    ]
    nodes = [node("F40", "x", "y", domain="own")]
    path = save(tmp_path / "net.onnx", nodes, [("x", (1, 2))], [("y", None)], functions=_functions(*bodies))
    refused(path, "nodes, the limit is 20,000")


def test_a_function_that_calls_itself(tmp_path):
    bodies = [[node("F1", "a", "b", domain="own")], [node("F0", "a", "b", domain="own")]]
    nodes = [node("F0", "x", "y", domain="own")]
    path = save(tmp_path / "net.onnx", nodes, [("x", (1, 2))], [("y", None)], functions=_functions(*bodies))
    refused(path, "calls itself")


def test_an_axis_without_a_size_is_named_with_its_option(model):
    refused(
        model,
        "net.onnx: input 'x': axis 2 ('height') has no size; give one, e.g. --input-size height=224",
        "input_size={'height': 224}",
    )


def test_an_axis_without_a_name(tmp_path):
    path = save(tmp_path / "net.onnx", [node("Relu", "x", "y", "r")], [("x", (None, 3, None))], [("y", None)])
    refused(path, "input 'x': axis 0 has no size; give one, e.g. --input-size x.0=224")
    refused(path, "input 'x': axis 2 has no size; give one, e.g. --input-size x.2=224", input_size={"x.0": 1})
    assert load_network(path, input_size={"x.0": 1, "x.2": 4}).operations[0].writes == 12


def test_a_batch_without_a_size_is_one(model):
    assert load_network(model, input_size={"height": 8}).layer("fc").dims["N"] == 1
    assert load_network(model, input_size="height=8,batch=3").layer("fc").dims["N"] == 3


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (
            {"input_size": {"heigth": 8}},
            "--input-size heigth=8: no input has an axis 'heigth'. Did you mean 'height'?",
        ),
        ({"input_size": {"height": 0}}, "--input-size height=0: must be at least 1"),
        ({"input_size": "height"}, "--input-size 'height': must be AXIS=SIZE"),
        ({"input_size": "height=8,height=9"}, "--input-size: height is given twice; keep one"),
        ({"example_input": "3x8"}, "--input 3x8: input 'x' has 4 axes"),
        ({"example_input": "3x8x9"}, "input 'x' is fixed to 8 where 9 is given"),
        ({"example_input": "3x8x8,4"}, "--input: 2 shapes are given, the network has 1 inputs"),
        ({"example_input": 3.5}, "example_input = 3.5 must be a shape such as (1, 3, 224, 224)"),
        ({"example_input": "3x4x8"}, "layer 'fc"),
    ],
)
def test_sizes_that_do_not_fit(model, how, says):
    refused(model, says, **how)


def test_an_input_without_a_shape(tmp_path):
    path = save(
        tmp_path / "net.onnx",
        [node("MatMul", "x w", "y", "fc")],
        [("x", None)],
        [("y", None)],
        [weights("w", 8, 4)],
    )
    refused(path, "input 'x' has no shape in the file; give it, e.g. --input 3x224x224")
    assert load_network(path, example_input=(2, 8)).macs == 64


def test_a_shape_that_cannot_be_inferred(tmp_path):
    nodes = [node("Reshape", "x s", "r", "cut"), node("MatMul", "r w", "y", "fc")]
    path = save(
        tmp_path / "net.onnx",
        nodes,
        [("x", (2, 8)), tensor("s", (2,), TensorProto.INT64)],
        [("y", None)],
        [weights("w", 8, 4)],
    )
    refused(
        path,
        "layer 'fc (MatMul)': the shape of 'r' is not known and could not be inferred; write shapes into",
    )


def test_an_unknown_operator(tmp_path):
    nodes = [node("Strange", "x", "s", "odd", domain="own"), node("Relu", "s", "y", "r")]
    value = helper.make_graph([], "g", [], [], value_info=[tensor("s", (1, 4))]).value_info
    path = save(tmp_path / "net.onnx", nodes, [("x", (1, 4))], [*value, ("y", (1, 4))])
    refused(path, "layer 'odd': operator Strange is not known; --allow-unknown")
    network = load_network(path, allow_unknown=True)
    assert [(o.name, o.kind, o.reads, o.writes) for o in network.operations] == [
        ("odd", "unknown", 4, 4),
        ("r", "activation", 4, 4),
    ]


def test_a_loop_is_refused_by_name(tmp_path):
    body = helper.make_graph(
        [node("Identity", "c", "k"), node("Relu", "v", "w")],
        "body",
        [tensor("i", [], TensorProto.INT64), tensor("c", [], TensorProto.BOOL), tensor("v", (1, 4))],
        [tensor("k", [], TensorProto.BOOL), tensor("w", (1, 4))],
    )
    stored = [
        helper.make_tensor("n", TensorProto.INT64, [], [3]),
        helper.make_tensor("t", TensorProto.BOOL, [], [True]),
    ]
    path = save(
        tmp_path / "net.onnx",
        [node("Loop", "n t x", "y", "again", body=body)],
        [("x", (1, 4))],
        [("y", None)],
        stored,
    )
    refused(path, "layer 'again (Loop)': what runs depends on values that are not known before the run")


def test_a_graph_that_computes_nothing(tmp_path):
    path = save(tmp_path / "net.onnx", [node("Identity", "x", "y", "same")], [("x", (1, 4))], [("y", (1, 4))])
    refused(path, "network 'net' has no operator that computes or moves anything")


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([node("Softmax", "x", "y", "s", axis=7)], "shapes cannot be inferred|do not fit the operator"),
        (
            [node("LSTM", "x w w", "y", "l")],
            "layer 'l .LSTM.': its attributes or inputs do not fit the operator",
        ),
        (
            [node("Einsum", "x x", "y", "e")],
            "layer 'e .Einsum.': its attributes or inputs do not fit the operator",
        ),
        ([node("Relu", "x", "y", "r", domain="elsewhere")], "No opset import"),
    ],
    ids=["axis", "recurrent", "einsum", "domain"],
)
def test_nodes_that_contradict_themselves(tmp_path, nodes, says):
    path = save(
        tmp_path / "net.onnx", nodes, [("x", (1, 2, 4))], [("y", (1, 2, 4))], [weights("w", 1, 16, 4)]
    )
    assert re.search(says, refused(path))
