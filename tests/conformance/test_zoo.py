"""Every network of the zoo: it builds quickly, its graph holds together, it says what it is and where from."""

import json
import re
import time

import pytest

from chipwise.analysis.statistics import describe
from chipwise.report.listing import describe_csv, describe_text
from chipwise.workload import registry
from chipwise.workload.layer import Layer
from chipwise.workload.network import INPUT, Network, Node
from chipwise.workload.parameters import OneOf

NAMES = registry.names()
SPLITS = {"dirac_delta_net", "shufflenet_v2"}
"""Networks whose blocks read a part of the channels before them."""


def made(network: Network, name: str) -> tuple[int, ...]:
    """The shape that a node makes, channels or tokens first."""
    if name == INPUT:
        return network.input_shape
    node = next(node for node in network.nodes if node.name == name)
    if not isinstance(node, Layer):
        return node.shape
    dims = node.dims
    if node.kind == "matmul":
        return tuple(rank.extent(dims) for rank in node.output.ranks)
    channels = dims["M"] * dims.get("G", 1)
    if "P" not in dims:
        return (dims["N"], channels)
    return (channels, *(rank.extent(dims) for rank in node.output.ranks[-2 if "Q" in dims else -1 :]))


def product(shape: tuple[int, ...]) -> int:
    values = 1
    for extent in shape:
        values *= extent
    return values


@pytest.fixture(scope="module")
def zoo() -> dict[str, Network]:
    return {name: registry.build(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_and_where_it_is_from(zoo, name):
    network = zoo[name]
    assert network.name == name
    assert network.title
    assert re.search(r"\b(19|20)\d\d\b", network.source), "a source names its year"
    assert network.input_shape
    assert min(network.input_shape) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_it_is_built_quickly_and_always_the_same(zoo, name):
    start = time.process_time()
    again = registry.build(name)
    assert time.process_time() - start < 0.5
    assert again == zoo[name]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_plain(zoo, name):
    for node in zoo[name].nodes:
        assert re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", node.name), node.name


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_is_whole(zoo, name):
    """The first node reads the input, and what every node but the last makes is read."""
    network = zoo[name]
    assert INPUT in network.sources(network.nodes[0].name)
    read = {source for node in network.nodes for source in network.sources(node.name)}
    assert {node.name for node in network.nodes[:-1]} <= read


def plane_fits(node: Layer, source: tuple[int, ...]) -> bool:
    """The filter reaches over the whole plane it reads, but for what a stride skips, and over padding at most."""
    if node.notes.get("transposed"):
        return True
    for (out, window), size in zip((("P", "R"), ("Q", "S")), source[1:], strict=False):
        step = next((c for t in node.inputs for r in t.ranks for d, c in r.terms if d == out), 1)
        touched = step * (node.dims[out] - 1) + node.dims[window]
        if not size - step < touched <= size + 2 * (node.dims[window] - 1):
            return False
    return True


def reads_what_is_made(node: Node, sources: list[tuple[int, ...]], *, split: bool) -> bool:
    values = sum(map(product, sources))
    if not isinstance(node, Layer):
        # One value may be read twice, as where attention makes queries, keys and values at once.
        # The gates of a recurrent cell read its state besides.
        state = product(node.shape) if node.name.endswith(".gates") else 0
        return node.kind == "embedding" or values >= node.reads - state or len(sources) < 2
    if node.kind == "matmul":
        return True
    channels = node.dims["C"] * node.dims.get("G", 1)
    if "Q" not in node.dims:
        # Of a sequence, a layer may read some tokens or features: the last token, a gate, the state before.
        rows = node.dims["N"] * node.dims.get("P", 1)
        return rows * channels == values or (len(sources[0]) == 2 and rows * channels < values)
    return (channels <= sources[0][0] if split else channels == sources[0][0]) and plane_fits(
        node, sources[0]
    )


@pytest.mark.parametrize("name", NAMES)
def test_shapes_agree_along_the_edges(zoo, name):
    network = zoo[name]
    for node in network.nodes:
        sources = [made(network, source) for source in network.sources(node.name)]
        assert reads_what_is_made(node, sources, split=name in SPLITS), (node.name, sources)


@pytest.mark.parametrize("name", NAMES)
def test_it_takes_a_batch(zoo, name):
    network = zoo[name]
    batch = network.with_batch(3)
    assert batch.macs == 3 * network.macs
    assert describe(batch).weights == describe(network).weights


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_described(zoo, name):
    statistics = describe(zoo[name])
    assert statistics.weights > 0
    assert statistics.macs == zoo[name].macs > 0
    data = statistics.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert zoo[name].layers[0].name in describe_text(statistics)
    assert zoo[name].layers[-1].name in describe_csv(statistics)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_can_be_set(name):
    """To its default, which changes nothing, and to every value that is listed."""
    usual = registry.build(name)
    for parameter in registry.parameters(name):
        assert parameter.values.allows(parameter.default)
        assert registry.build(f"{name}@{parameter.name}={parameter.default}") == usual
        for value in (
            parameter.values.values if isinstance(parameter.values, OneOf) else (parameter.values.least,)
        ):
            network = registry.build(f"{name}@{parameter.name}={value}")
            assert network.macs > 0
            assert (network.name == name) == (value == parameter.default)
