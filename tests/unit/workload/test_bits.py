"""Bits of tensors: files, published ones, and what is refused."""

import pytest

from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.bits import Bits, find_bits, parse_bits, read_bits, uniform_bits, with_bits

ALEXNET = registry.build("alexnet")


def test_a_file_names_what_changes(tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text("schema: chipwise.bits/1\nlayers: {conv2: {input: 6, weight: 4}}\n", encoding="utf-8")
    network = with_bits(ALEXNET, read_bits(path))
    assert [network.layer("conv2").tensor(t).bits for t in ("input", "weight", "output")] == [6, 4, None]
    assert network.layer("conv1") == ALEXNET.layer("conv1")
    assert find_bits(str(path), ALEXNET) == read_bits(path)


def test_one_width_is_for_every_tensor():
    network = with_bits(ALEXNET, find_bits("8", ALEXNET))
    assert {tensor.bits for layer in network.layers for tensor in layer.tensors} == {8}
    assert uniform_bits(ALEXNET, 8) == find_bits("8", ALEXNET)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers: {conv9: {input: 8}}", "b.yaml:2: bits: network 'alexnet' has no layer 'conv9'"),
        ("layers: {conv1: {inputs: 8}}", "has no tensor 'inputs'. Did you mean 'input'"),
        ("layers: {conv1: {input: 0}}", "b.yaml:2"),
        ("layers: {conv1: {input: 65}}", "b.yaml:2"),
        ("layers: {conv1: {input: 4.5}}", "b.yaml:2"),
    ],
)
def test_mistakes_have_their_place(text, said):
    with pytest.raises(InputError) as error:
        with_bits(ALEXNET, parse_bits(f"schema: chipwise.bits/1\n{text}\n", "b.yaml"))
    assert said in str(error.value)


@pytest.mark.parametrize("spec", ["0", "65", "99999", "eight"])
def test_other_widths_are_refused(spec):
    with pytest.raises(InputError, match="--bits"):
        find_bits(spec, ALEXNET)


def test_widths_given_in_python_are_checked_too():
    with pytest.raises(InputError, match="from 1 to 64"):
        with_bits(ALEXNET, Bits({"conv1": {"input": 0}}))


def test_networks_without_published_bits_say_which_have_some():
    with pytest.raises(InputError, match="only for alexnet"):
        find_bits("published", registry.build("lenet5"))
