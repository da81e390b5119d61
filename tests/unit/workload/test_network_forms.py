"""Every form of a network file, against its constructor; joining, cycles, and what a form refuses."""

from pathlib import Path

import pytest

from chipwise.errors import InputError
from chipwise.workload import blocks, kinds, operations
from chipwise.workload.network import Network
from chipwise.workload.network_file import FORMS, parse_network, read_network

ROOT = Path(__file__).parents[3]
CASES = [
    ("conv: {M: 4, C: 2, P: 8, R: 3, stride: 2}", kinds.conv1d("x", M=4, C=2, P=8, R=3, stride=2)),
    (
        "conv: {M: 4, C: 2, H: 8, R: 3, padding: 1, dilation: 2}",
        kinds.conv1d("x", M=4, C=2, P=6, R=3, dilation=2),
    ),
    (
        "conv: {M: 4, C: 2, D: 4, H: 6, W: 8, T: 3, R: 3, S: 3, padding: [1, 0, 1], stride: [1, 1, 2]}",
        kinds.conv3d("x", M=4, C=2, Z=4, P=4, Q=4, T=3, R=3, S=3, stride=(1, 1, 2)),
    ),
    (
        "conv: {M: 4, C: 2, H: 5, W: 5, R: 2, S: 2, stride: 2, transposed: true}",
        kinds.transposed_conv("x", M=4, C=2, H=5, W=5, R=2, S=2, stride=2),
    ),
    (
        "depthwise: {C: 8, H: 8, W: 8, R: 3, S: 3, padding: 1, multiplier: 2, stride: 2}",
        kinds.depthwise("x", C=8, P=4, Q=4, R=3, S=3, multiplier=2, stride=2),
    ),
    ("fc: {M: 3, C: 4, N: 5}", kinds.fully_connected("x", M=3, C=4, N=5)),
    ("linear: {M: 3, C: 4, N: 5}", kinds.fully_connected("x", M=3, C=4, N=5)),
    ("matmul: {M: 3, K: 4, N: 5, batch: 1}", kinds.matmul("x", M=3, K=4, N=5, batch=1)),
    ("matmul: {M: 3, K: 4, N: 5}", kinds.matmul("x", M=3, K=4, N=5)),
    (
        "pool: {input: [4, 8, 8], window: 2}",
        operations.pool("x", shape=(4, 4, 4), input_shape=(4, 8, 8), window=(2, 2)),
    ),
    (
        "pool: {input: [4, 8, 7], window: 3, stride: [2, 1], padding: 1, average: true}",
        operations.pool("x", shape=(4, 4, 7), input_shape=(4, 8, 7), window=(3, 3), average=True),
    ),
    ("pool: {input: [4, 8, 7], average: true}", operations.global_pool("x", input_shape=(4, 8, 7))),
    ("activation: {shape: [4, 8]}", operations.activation("x", shape=(4, 8))),
    ("normalization: {shape: [4, 8, 8]}", operations.normalization("x", shape=(4, 8, 8))),
    (
        "normalization: {shape: [4, 8], scheme: rms, scales: 0}",
        operations.normalization("x", shape=(4, 8), scheme="rms", scales=0),
    ),
    (
        "normalization: {shape: [4, 8, 8], scheme: local}",
        operations.local_response_normalization("x", shape=(4, 8, 8)),
    ),
    ("add: {shape: [4, 8], operands: 3}", operations.elementwise("x", shape=(4, 8), operands=3)),
    (
        "multiply: {shape: [4, 8], input_shapes: [[4, 8], [4, 1]]}",
        operations.elementwise("x", shape=(4, 8), input_shapes=[(4, 8), (4, 1)]),
    ),
    ("softmax: {shape: [10], N: 2}", operations.softmax("x", shape=(10,), N=2)),
    ("concat: {shape: [4, 8]}", operations.concat("x", shape=(4, 8))),
    ("shuffle: {shape: [4, 8]}", operations.shuffle("x", shape=(4, 8))),
    ("shift: {shape: [4, 8]}", operations.shift("x", shape=(4, 8))),
    ("embedding: {rows: 9, features: 4, tokens: 3}", operations.embedding("x", rows=9, features=4, tokens=3)),
    (
        "resize: {input: [4, 2, 2], shape: [4, 8, 8], mode: linear}",
        operations.resize("x", shape=(4, 8, 8), input_shape=(4, 2, 2), taps=4),
    ),
    ("unknown: {shape: [4], input_shapes: [[5], [6]]}", operations.unknown("x", shape=(4,), input_shapes=[(5,), (6,)])),
]  # fmt: skip

BLOCKS = """\
name: blocks
layers:
  - {name: q, linear: {M: 8, C: 8, N: 4}, inputs: [input]}
  - {name: k, linear: {M: 8, C: 8, N: 4}, inputs: [input]}
  - {name: v, linear: {M: 8, C: 8, N: 4}, inputs: [input]}
  - {name: heads, attention: {heads: 2, head_dim: 4, query_length: 4}, inputs: [q, k, v]}
  - {name: r, lstm: {input_size: 8, hidden_size: 5, steps: 4, bidirectional: true}}
  - {name: cat, concat: {shape: [10, 4]}}
  - {name: g, gru: {input_size: 10, hidden_size: 5, steps: 4}, inputs: [cat]}
  - {name: out, fc: {M: 2, C: 5}, inputs: [g.gates]}
"""


def one(form: str) -> Network:
    return parse_network(f"name: t\nlayers:\n  - name: x\n    {form}\n", "net.yaml")


@pytest.mark.parametrize(("form", "node"), CASES, ids=[form for form, _ in CASES])
def test_a_form_gives_what_its_constructor_gives(form, node):
    assert one(form).nodes == (node,)


def test_every_form_is_tested_here():
    tested = {form.partition(":")[0] for form, _ in CASES}
    assert tested | {"einsum", "attention", "lstm", "gru"} == set(FORMS)


def test_blocks_become_nodes_that_read_what_they_should():
    network = parse_network(BLOCKS, "blocks.yaml")
    heads = blocks.attention("heads", heads=2, head_dim=4, query_length=4)
    assert network.nodes[3:6] == heads
    assert network.sources("heads.scores") == ("q", "k")
    assert network.sources("heads.softmax") == ("heads.scores",)
    assert network.sources("heads.context") == ("heads.softmax", "v")
    assert network.sources("r.input") == network.sources("r.reverse.input") == ("heads.context",)
    assert network.sources("r.gates") == ("r.input", "r.recurrent")
    assert network.sources("cat") == ("r.gates", "r.reverse.gates")
    assert network.sources("g.input") == ("cat",)
    assert network.sources("out") == ("g.gates",)


def test_attention_reads_one_source_for_all_three():
    network = parse_network(
        "name: t\nlayers:\n  - {name: qkv, linear: {M: 24, C: 8, N: 4}}\n"
        "  - {name: a, attention: {heads: 2, kv_heads: 1, head_dim: 4, query_length: 1, key_length: 9}}\n",
        "t.yaml",
    )
    assert network.sources("a.scores") == ("qkv",)
    assert network.sources("a.context") == ("a.softmax", "qkv")
    assert network.layer("a.scores").dims == {"B": 1, "M": 2, "N": 9, "K": 4}


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("conv: {M: 1, C: 1, R: 3, T: 3, H: 4, W: 4}", "net.yaml:4: layer 'x': conv has T but no S"),
        ("conv: {M: 1, C: 1, R: 3, P: 4, Q: 4}", "conv has P, Q; give P (the output plane), or H (the input plane"),
        ("conv: {M: 1, C: 1, T: 1, R: 3, S: 3, H: 4, W: 4}", "give Z, P and Q (the output plane), or D, H and W"),
        ("conv: {M: 1, C: 1, R: 2, S: 2, P: 4, Q: 4, transposed: true}", "a transposed one takes H and W"),
        ("conv: {M: 1, C: 1, R: 2, S: 2, H: 4, W: 4, padding: 1, transposed: true}", "padding only crops the output"),
        ("conv: {M: 1, C: 1, R: 2, S: 2, H: 4, W: 4, transposed: 1}", "transposed = 1 must be true or false"),
        ("depthwise: {C: 4, R: 3, S: 3, P: 2, Q: 2, groups: 2}", "unknown key 'groups' in layers[0].depthwise."),
        ("pool: {input: [4, 8, 8], stride: 2}", "pool has a stride or padding but no window"),
        ("pool: {input: [4, 8, 8], window: [2, 2, 2]}", "window = [2, 2, 2] must have one value or 2"),
        ("pool: {input: [4, 2, 2], window: 3}", "the filter reaches over 3 values of input[1] but"),
        ("normalization: {shape: [4], scheme: weight}", "scheme = 'weight' must be 'batch', 'layer'"),
        ("normalization: {shape: [4], window: 5}", "window goes with scheme: local"),
        ("normalization: {shape: [4], scheme: local, scales: 4}", "local normalisation has no scales"),
        ("resize: {input: [4, 2], shape: [3, 4]}", "equally many extents and the same channels"),
        ("add: {shape: []}", "shape = []: must have 1 to 6 entries, has 0"),
        ("attention: {heads: 3, kv_heads: 2, head_dim: 4, query_length: 4}", "kv_heads = 2 must divide heads = 3"),
        ("activation: {shape: [2147483647, 2147483647]}", "must be between 0 and 2^53"),
    ],
)  # fmt: skip
def test_a_form_says_what_is_wrong(form, says):
    with pytest.raises(InputError) as caught:
        one(form)
    assert says in str(caught.value)
    assert str(caught.value).startswith("net.yaml:")


def joined(*inputs: str) -> str:
    """What is said of layers a, b, c with these `inputs`, in lines 3, 4 and 5."""
    lines = [
        f"  - {{name: {name}, fc: {{M: 1, C: 1}}{given and f', inputs: [{given}]'}}}"
        for name, given in zip("abc", inputs, strict=True)
    ]
    with pytest.raises(InputError) as caught:
        parse_network("name: t\nlayers:\n" + "\n".join(lines), "net.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (("a", "", ""), "net.yaml:3: layer 'a' reads 'a': a cycle, and layers run in order"),
        (("c", "", "b"), "net.yaml:3: layer 'a' reads 'c', which reads 'b', which reads 'a': a cycle"),
        (("", "c", "a"), "net.yaml:4: layer 'b' reads 'c', which stands later (line 5)"),
        (("input", "a", "aa"), "net.yaml:5: layer 'c' reads 'aa', which is neither an earlier layer nor 'input'"),
    ],
)  # fmt: skip
def test_references_backwards_and_in_cycles_are_refused(inputs, says):
    assert says in joined(*inputs)


def test_names_of_the_nodes_of_a_block_must_be_free():
    text = (
        "name: t\nlayers:\n  - {name: a.scores, fc: {M: 1, C: 1}}\n"
        "  - {name: a, attention: {heads: 1, head_dim: 4, query_length: 1}}\n"
    )
    with pytest.raises(InputError, match=r"t.yaml:4: name = 'a.scores' is already a layer's"):
        parse_network(text, "t.yaml")


def test_the_example_has_all_kinds_of_nodes():
    network = read_network(ROOT / "examples" / "attention.yaml")
    assert [layer.kind for layer in network.layers] == ["fc", "matmul", "matmul", "fc", "fc", "fc"]
    assert {operation.kind for operation in network.operations} >= {"embedding", "softmax", "normalization"}
    assert network.with_batch(2).macs == 2 * network.macs
