"""Densities kept beside a network: read, written, applied, and refused in words."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.sparsity.densities.structured import Structured
from chipwise.workload import densities as d
from chipwise.workload import registry
from chipwise.workload.kinds import fully_connected
from chipwise.workload.network import Network
from chipwise.workload.operations import softmax

NETWORK = Network(
    "n", (fully_connected("fc1", M=2, C=3), fully_connected("fc2", M=2, C=2), softmax("p", shape=(2,)))
)
FILE = "schema: chipwise.densities/1\nsource: by hand\nlayers:\n"


def test_densities_stand_at_their_tensors_and_are_known_there_only(tmp_path: Path):
    path = tmp_path / "d.yaml"
    path.write_text(FILE + "  fc1: {weight: 0.5, input: 1}\n", encoding="utf-8")
    read = d.read_densities(path)
    assert (read.source, read.layers) == ("by hand", {"fc1": {"weight": 0.5, "input": 1.0}})
    known = d.with_densities(NETWORK, read)
    fc1, fc2 = known.layers
    assert [(t.density, t.density_known) for t in fc1.tensors] == [(1.0, True), (0.5, True), (1.0, False)]
    assert fc2 == NETWORK.layers[1]
    assert not any(t.density_known for t in fc2.tensors)


def test_a_known_density_of_one_is_the_same_shape():
    known = d.with_densities(NETWORK, d.Densities({"fc1": {"weight": 1.0}}))
    assert known.layers[0].shape_key == NETWORK.layers[0].shape_key


@given(
    layers=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(str.isprintable),
        st.dictionaries(st.sampled_from(["input", "weight", "output"]), st.floats(0, 1), min_size=1),
        min_size=1,
    ),
    source=st.text(max_size=20).filter(str.isprintable),
)
def test_what_is_written_is_read_back(layers, source):
    written = d.Densities(layers, source)
    assert d.parse_densities(d.write_densities(written), "d.json") == written
    assert json.loads(d.write_densities(written))["schema"] == "chipwise.densities/1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE + "  fc1: {weight: 1.5}", "d.yaml:4: layers.fc1.weight = 1.5 must be less than or equal to 1"),
        (FILE + "  fc1: {weight: -0.1}", "layers.fc1.weight = -0.1 must be greater than or equal to 0"),
        (FILE + "  fc1: {weight: half}", "layers.fc1.weight = 'half' is no density"),
        (FILE + "  fc1: 0.5", "layers.fc1 = 0.5 must hold `key: value` pairs"),
        ("schema: chipwise.densities/2\nlayers: {}", "d.yaml:1: schema = 'chipwise.densities/2' must be"),
        ("layers: {}", "schema is missing"),
        ("schema: chipwise.densities/1", "layers is missing"),
        ("schema: chipwise.densities/1\nlayer: {}", "unknown key 'layer'. Did you mean 'layers'?"),
    ],
)
def test_a_file_of_another_form_is_refused(text, says):
    with pytest.raises(InputError) as caught:
        d.parse_densities(text, "d.yaml")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        (
            "  fc1: {input: 1}\n  fc3: {input: 1}",
            "d.yaml:5: densities: network 'n' has no layer 'fc3'. Did you mean",
        ),
        (
            "  fc1:\n    weights: 1",
            "d.yaml:5: densities: layer 'fc1' has no tensor 'weights'. Did you mean 'weight'?",
        ),
        ("  p: {input: 1}", "d.yaml:4: densities: 'p' is a softmax and does no MACs"),
    ],
)
def test_what_the_network_does_not_have_is_refused_with_its_line(layers, says):
    with pytest.raises(InputError) as caught:
        d.with_densities(NETWORK, d.parse_densities(FILE + layers, "d.yaml"))
    assert says in str(caught.value)


@pytest.mark.parametrize("density", [-0.1, 1.1, float("nan")])
def test_densities_from_code_are_checked_as_well(density):
    with pytest.raises(InputError, match="must be between 0 and 1"):
        d.with_densities(NETWORK, d.Densities({"fc1": {"weight": density}}))


def test_a_pattern_says_where_nonzeros_lie():
    text = (
        'schema: chipwise.densities/1\nlayers: {fc6: {weight: "2:4"}, fc7: {weight: 0.1 in blocks of 8}, '
        '"*": {weight: 0.5, input: "1:2"}}'
    )
    read = d.parse_densities(text, "d.yaml")
    assert d.parse_densities(d.write_densities(read), "d.json").patterns == read.patterns
    network = d.with_densities(registry.build("alexnet"), read)
    assert network.layer("fc6").tensor("weight").pattern == Structured(2, 4)
    assert network.layer("fc6").tensor("input").density == 1  # named, so * does not hold
    assert network.layer("fc7").tensor("weight").density == 0.1
    assert network.layer("conv1").tensor("weight").density == 0.5
    assert network.layer("conv1").tensor("input").pattern == Structured(1, 2)


@pytest.mark.parametrize(
    "text", ["dense", "5:4", ". in blocks of 8", "2 in blocks of 8", "0.5 in blocks of 0"]
)
def test_no_pattern(text: str):
    with pytest.raises(InputError, match=r"d\.yaml:2: layers\.fc6\.weight = "):
        d.parse_densities(f'schema: chipwise.densities/1\nlayers: {{fc6: {{weight: "{text}"}}}}', "d.yaml")
