import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.workload.network import Network
from chipwise.workload.network_file import parse_network, read_network

EVERY_FORM = """\
name: tiny
title: Every form once
source: made for this test
input: [3, 32, 32]
layers:
  - name: conv1
    conv: {M: 96, C: 3, P: 55, Q: 55, R: 11, S: 11, stride: 4}
    inputs: [input]
  - name: conv2
    conv: {M: 8, C: 4, H: 32, W: 33, R: 3, S: 5, padding: [1, 2], stride: [1, 2], groups: 2, N: 2}
  - name: fc1
    fc: {M: 10, C: 4096}
  - name: mm
    matmul: {M: 128, K: 64, N: 128, batch: 12}
    inputs: [conv1, fc1]
  - name: own
    einsum: "O[n,m,p] = I[n,c,p+r] * W[m,c,r]"
    dims: {n: 1, m: 16, c: 8, p: 32, r: 3}
"""


def message(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_network(text, "net.yaml")
    found = str(caught.value)
    assert found.startswith("net.yaml:")
    assert "\n" not in found
    assert len(found) < 500
    return found


def refused(layer: str) -> str:
    """What is said about a network whose second layer holds `layer`, in line 5."""
    return message(f"name: t\nlayers:\n  - {{name: a, fc: {{M: 1, C: 1}}}}\n  - name: b\n    {layer}\n")


def test_every_form_of_layer_is_read():
    network = parse_network(EVERY_FORM, "tiny.yaml")
    assert (network.name, network.title) == ("tiny", "Every form once")
    assert network.source == "made for this test"
    assert network.input_shape == (3, 32, 32)
    assert [layer.kind for layer in network.layers] == ["conv", "conv", "fc", "matmul", "einsum"]
    assert network.layer("conv1").macs == 105_415_200
    assert network.layer("mm").macs == 12_582_912
    assert network.layer("own").macs == 16 * 8 * 32 * 3
    assert network.sources("mm") == ("conv1", "fc1")
    assert network.sources("fc1") == ("conv2",)


def test_the_output_plane_follows_from_input_plane_padding_and_stride():
    # (32 + 2·1 − 3)/1 + 1 = 32 and floor((33 + 2·2 − 5)/2) + 1 = 17
    dims = parse_network(EVERY_FORM, "tiny.yaml").layer("conv2").dims
    assert dims == {"N": 2, "G": 2, "M": 4, "C": 2, "P": 32, "Q": 17, "R": 3, "S": 5}


def test_a_dilated_filter_reaches_further():
    # reach 2·(3 − 1) + 1 = 5, so 10 − 5 + 1 = 6
    text = "name: t\nlayers: [{name: a, conv: {M: 1, C: 1, H: 10, W: 10, R: 3, S: 3, dilation: 2}}]"
    assert parse_network(text, "t.yaml").layers[0].dims["P"] == 6


def test_a_file_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "tiny.yaml"
    path.write_text(EVERY_FORM, encoding="utf-8")
    assert read_network(path) == parse_network(EVERY_FORM, "tiny.yaml")


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (
            "conv: {M: 1, C: 1, H: 8, W: 20, R: 11, S: 11}",
            "net.yaml:5: layer 'b': the filter reaches over 11",
        ),
        ("conv: {M: 1, C: 1, H: 8, P: 8, R: 1, S: 1}", "conv has P, H; give P and Q (the output plane), or"),
        ("conv: {M: 1, C: 1, R: 1, S: 1}", "conv has no plane; give P and Q"),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, H: 1, W: 1, R: 1, S: 1}", "conv has P, Q, H, W; give"),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, padding: 1}", "padding goes with H and W"),
        ("conv: {M: 1, C: 1, H: 1, W: 1, R: 1, S: 1, padding: -1}", "padding = -1: must be a whole number"),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, stride: 0}", "stride = 0: must be a whole number of at"),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, stride: 1.5}", "stride = 1.5: must be a whole number"),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, stride: true}", "stride = True: must be a whole number"),
        (
            "conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, stride: [1, 2, 3]}",
            "layer 'b': stride = [1, 2, 3] must have one value or 2",
        ),
        ("conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, dilation: 5000}", "dilation = 5000 must be between 1"),
        ("conv: {M: 4, C: 3, P: 1, Q: 1, R: 1, S: 1, groups: 2}", "groups = 2 must divide M = 4 and C = 3"),
        (
            "conv: {M: 1, C: 1, P: 0, Q: 1, R: 1, S: 1}",
            "layers[1].conv.P = 0 must be greater than or equal to 1",
        ),
        (
            "conv: {M: 1, C: 1, P: 1, Q: 1, R: 1, S: 1, strid: 2}",
            "unknown key 'strid' in layers[1].conv. Did you",
        ),
        ("fc: {M: 1}", "layers[1].fc.C is missing; add it"),
        ('fc: {M: "1", C: 1}', "layers[1].fc.M = '1' must be a whole number"),
        ("fc: {M: 1e3, C: 1}", "layers[1].fc.M = 1000.0 must be a whole number"),
        ("fc: {M: 9999999999, C: 1}", "layers[1].fc.M = 9999999999 must be less than or equal to"),
        ("fc: {M: 2147483647, C: 2147483647}", "net.yaml:5: layer 'b': 4.61e+18 MACs are more than 2^53"),
        ("pol: {M: 1, C: 2}", "net.yaml:5: unknown key 'pol' in layers[1]. Did you mean 'pool'?"),
        ("inputs: [a]", "needs exactly one of conv, depthwise, fc, linear, matmul, einsum,"),
        ("einsum: 'O[n] = I[n] * W[n]'", "einsum and dims go together"),
        ("dims: {n: 1}", "needs exactly one of"),
        ("{fc: {M: 1, C: 1}, dims: {n: 1}}", "is not valid YAML"),
    ],
)
def test_a_bad_layer_is_refused_with_its_line_field_and_rule(layer, says):
    assert says in refused(layer)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("    dims: {n: 1}", "einsum and dims go together"),
        (
            "    matmul: {M: 1, K: 1, N: 1}",
            "resize, unknown; it has fc and matmul",
        ),
        (
            "    inputs: [aa]",
            "net.yaml:6: layer 'b' reads 'aa', which is neither an earlier layer nor 'input'.",
        ),
        ("    inputs: [b]", "net.yaml:6: layer 'b' reads 'b'"),
        ("    inputs: []", "layers[1].inputs = []: must have 1 to 10000 entries, has 0"),
        ("    inputs: a", "layers[1].inputs = 'a' must be a list"),
        ("  - {name: a, fc: {M: 1, C: 1}}", "net.yaml:6: name = 'a' is already a layer's; choose another"),
        ("  - {name: input, fc: {M: 1, C: 1}}", "net.yaml:6: name = 'input' stands for the network's input"),
        ("  - {name: '', fc: {M: 1, C: 1}}", "must be one line of visible characters"),
        ('  - {name: "c\\nd", fc: {M: 1, C: 1}}', "must be one line of visible characters"),
        ("  - {name: 3, fc: {M: 1, C: 1}}", "layers[2].name = 3 must be text"),
        ("input: [1, 2, 3, 4, 5]", "input = [1, 2, 3, 4, 5]: must have 1 to 4 entries, has 5"),
        ("input: [0]", "input[0] = 0 must be greater"),
    ],
)
def test_what_surrounds_a_layer_is_checked_as_well(more, says):
    assert says in refused(f"fc: {{M: 1, C: 1}}\n{more}")


def test_an_error_in_an_einsum_has_line_and_column():
    found = refused("einsum: 'O[n] = I[n'\n    dims: {n: 1}")
    assert found.startswith("net.yaml:5: layer 'b': einsum 'O[n] = I[n', column 11: expected")


@pytest.mark.parametrize("text", ["", "- 1", "3", "name: t", "name: t\nlayers:", "name: t\nlayers: []"])
def test_a_file_without_layers_is_refused(text):
    message(text)


def test_the_number_of_layers_is_limited():
    layers = [{"name": f"l{i}", "fc": {"M": 1, "C": 1}} for i in range(10_001)]
    assert "must have 1 to 10000 entries, has 10001" in message(json.dumps({"name": "t", "layers": layers}))


# Property: whatever a file holds, a network or an InputError comes out.

_KEYS = [
    *("name", "title", "source", "input", "layers", "conv", "fc", "matmul", "einsum", "dims", "inputs"),
    *("batch", "stride", "padding", "dilation", "groups", *"MCPQRSHWNK", *"nmcpr"),
]
_leaves = (
    st.none() | st.booleans() | st.integers(-3, 64) | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["a", "input", "O[n,m] = I[n,c] * W[m,c]", *_KEYS])
)  # fmt: skip
_keys = st.sampled_from(_KEYS) | st.text(max_size=4)
_structures = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=8),
    max_leaves=30,
)
# Mostly right, so that what comes after the schema is reached as well.
_extent = st.sampled_from([*[1, 2, 3, 4, 6, 8] * 10, 0, -1, 2**31 - 1, 2**31, 10**20])
_step = _extent | st.lists(_extent, min_size=2, max_size=2)


def _with(required: str, **optional: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries(dict.fromkeys(required, _extent), optional=optional)


_conv_options = {"N": _extent, "stride": _step, "dilation": _step, "groups": _extent}
_forms = st.one_of(
    st.fixed_dictionaries({"conv": _with("MCRSPQ", **_conv_options)}),
    st.fixed_dictionaries({"conv": _with("MCRSHW", padding=_step, **_conv_options)}),
    st.fixed_dictionaries({"fc": _with("MC", N=_extent)}),
    st.fixed_dictionaries({"matmul": _with("MKN", batch=_extent)}),
    st.fixed_dictionaries(
        {"einsum": st.sampled_from(["O[n,m] = I[n,c] * W[m,c]", "O[n,m] = I[n,2m+c] * W[c]", "O[n] = I[m]"]),
         "dims": _with("nmc", r=_extent)}
    ),
)  # fmt: skip
_layers = st.tuples(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abcdef")},
        optional={"inputs": st.lists(st.sampled_from(["input", *"abc"]), max_size=2)},
    ),
    _forms,
).map(lambda parts: parts[0] | parts[1])
_networks = st.fixed_dictionaries(
    {"name": st.just("t"), "layers": st.lists(_layers, min_size=1, max_size=3)},
    optional={"input": st.lists(_extent, min_size=1, max_size=4), "title": st.text(max_size=3)},
)


def only_input_errors(text: str) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(parse_network(text, "t.yaml"), Network)


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_only_input_errors_escape_from_garbage(text):
    only_input_errors(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=_networks | _structures)
def test_only_input_errors_escape_from_any_structure(data):
    only_input_errors(json.dumps(data))


@settings(deadline=None)
@given(data=st.data())
def test_only_input_errors_escape_from_a_mutated_file(data):
    text = EVERY_FORM
    junk = st.sampled_from([*"{}[]:,-'\"\n #&*!|>%@`0123456789nN", "", "  ", "null", "1e9", "-1", "x: y"])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(junk | st.text(max_size=3)) + text[at + cut :]
    only_input_errors(text)
