"""The layer table of the energy estimation tool: there and back, and what it refuses."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.workload import kinds
from chipwise.workload.densities import Densities, with_densities
from chipwise.workload.einsum import network_of
from chipwise.workload.energy_table import (
    COLUMNS,
    parse_energy_table,
    read_energy_table,
    write_energy_table,
)
from chipwise.workload.network import Network
from chipwise.workload.operations import softmax
from chipwise.workload.zoo import alexnet

# AlexNet's first three layers as the tool's converter writes them: padding apart, groups in the filter's channels.
TABLE = """\
1,227,227,3,1,0,16,11,11,3,96,5,16,55,55,96,1,180000,16,4,4,0,0,0,0
2,27,27,96,1,30000,16,5,5,48,256,100,8,27,27,256,1,0,16,1,1,2,2,2,2
3,6,6,256,1,0,16,6,6,256,4096,0,16,1,1,4096,1,0,16,1,1,0,0,0,0
4,1,1,4096,2,0,16,1,1,4096,10,40959,16,1,1,10,2,20,16,1,1,0,0,0,0
"""


def test_a_table_becomes_layers_with_densities_and_bits():
    network = parse_energy_table(TABLE, "alexnet.txt")
    conv1, conv2, fc6, fc8 = network.layers
    assert (network.name, [layer.name for layer in network.layers]) == (
        "alexnet", ["layer1", "layer2", "layer3", "layer4"],
    )  # fmt: skip
    assert [layer.kind for layer in network.layers] == ["conv", "conv", "fc", "fc"]
    assert conv2.dims == kinds.conv("x", M=256, C=96, P=27, Q=27, R=5, S=5, groups=2).dims
    assert fc8.dims == {"N": 2, "M": 10, "C": 4096}
    assert fc6.macs == 37_748_736
    assert conv1.tensor("output").density == pytest.approx(1 - 180000 / (55 * 55 * 96))
    assert conv2.tensor("input").density == pytest.approx(1 - 30000 / (27 * 27 * 96))
    assert (conv2.tensor("weight").bits, conv2.tensor("input").bits) == (8, 16)
    assert all(tensor.density_known for layer in network.layers for tensor in layer.tensors)


def test_a_table_is_written_back_as_it_was():
    assert write_energy_table(parse_energy_table(TABLE, "t")) == TABLE


@given(zeros=st.lists(st.integers(0, 3 * 5 * 5 * 2), min_size=1, max_size=1), m=st.integers(1, 5))
def test_zeros_survive_densities(zeros, m):
    line = f"1,5,5,3,2,{zeros[0]},16,3,3,3,{m},0,4,5,5,{m},2,{m},16,1,1,1,1,1,1\n"
    assert write_energy_table(parse_energy_table(line, "t")) == line


def test_a_network_survives_the_table_but_for_its_names():
    network = with_densities(alexnet.build(), Densities({"conv2": {"input": 0.5, "weight": 0.25}}))
    back = parse_energy_table(write_energy_table(network), "alexnet.txt")
    for before, after in zip(network.layers, back.layers, strict=True):
        assert (before.kind, before.dims) == (after.kind, after.dims)
        assert [t.ranks for t in before.tensors] == [t.ranks for t in after.tensors]
    assert [t.density for t in back.layers[1].tensors] == [0.5, 0.25, 1.0]


def test_flat_convolutions_and_batches_are_written_as_planes():
    network = Network("n", (kinds.conv1d("a", M=4, C=2, P=5, R=3, stride=2, N=2), softmax("s", shape=(4,))))
    assert write_energy_table(network) == "1,11,1,2,2,0,16,3,1,2,4,0,16,5,1,4,2,0,16,2,1,0,0,0,0\n"


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (Network("n", (kinds.matmul("mm", M=2, K=2, N=2),)), "layer 'mm' (matmul) has no place"),
        (Network("n", (kinds.conv("d", M=1, C=1, P=1, Q=1, R=3, S=3, dilation=2),)), "layer 'd' (dilation)"),
        (Network("n", (kinds.transposed_conv("t", M=1, C=1, H=1, W=1, R=2, S=2),)), "layer 't' (transposed)"),
        (Network("n", (kinds.conv3d("v", M=1, C=1, Z=1, P=1, Q=1, T=1, R=1, S=1),)), "layer 'v' (3-D)"),
        (network_of("O[m] = I[c] * W[m,c]; m=1, c=1"), "layer 'einsum' (einsum)"),
        (Network("n", (softmax("s", shape=(4,)),)), "has no layer that does MACs"),
    ],
)
def test_what_the_table_cannot_hold_is_not_written(network, says):
    with pytest.raises(InputError) as caught:
        write_energy_table(network)
    assert says in str(caught.value)


GOOD = TABLE.splitlines()[1].split(",")


def changed(**columns: str) -> str:
    cells = list(GOOD)
    for column, value in columns.items():
        cells[COLUMNS.index(column.replace("_", " "))] = value
    return "\n# a comment\n" + ",".join(cells)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n1,2,3", "t.txt:2: has 3 columns, a layer table has 25"),
        (TABLE + "5,1,\n", "t.txt:5: has 3 columns"),
        (TABLE.replace("\n2,", "\n1,"), "t.txt:2: index = 1 stands twice"),
        (changed(ifmap_H="x"), "t.txt:3: ifmap H = 'x' must be a whole number of at least 1"),
        (changed(filter_bits="0"), "filter bits = '0' must be a whole number of at least 1"),
        (changed(stride_y="1.5"), "stride y = '1.5' must be a whole number"),
        (changed(padding_top="-1"), "padding top = '-1' must be a whole number of at least 0"),
        (
            changed(ofmap_W="28"),
            "t.txt:3: ofmap W = 28 does not follow from the others: (31 with padding - 5) / 1 + 1",
        ),
        (changed(ifmap_H="1", padding_top="0", padding_bottom="0"), "ofmap H = 27 does not follow"),
        (changed(filter_C="50"), "filter C = 50 must divide ifmap C = 96"),
        (changed(filter_C="32", filter_M="256"), "groups = 3 must divide M = 256"),
        (changed(ofmap_C="255"), "ofmap C = 255 and N = 1 must be the filter's M = 256"),
        (changed(ofmap_N="2"), "ofmap C = 256 and N = 2 must be"),
        (changed(ifmap_zeros="69985"), "ifmap zeros = 69985 are more than its 69984 values"),
        ("", "t.txt: holds no layer"),
        ("# only this", "t.txt: holds no layer"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(text, says):
    with pytest.raises(InputError) as caught:
        parse_energy_table(text, "t.txt")
    assert says in str(caught.value)


def test_files_are_read_by_their_path(tmp_path: Path):
    path = tmp_path / "net.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode())
    assert read_energy_table(path).macs == parse_energy_table(TABLE, "net.txt").macs
    path.write_bytes(b"1,2\n\xff")
    with pytest.raises(InputError, match=r"net.txt:2: is not UTF-8"):
        read_energy_table(path)
    path.write_bytes(b"1" * (2**20 + 1))
    with pytest.raises(InputError, match="is larger than 1024 KiB"):
        read_energy_table(path)
    for bad in (tmp_path / "none.txt", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="cannot be read"):
            read_energy_table(bad)


@given(text=st.text(alphabet="0123456789,.\n -#x", max_size=300))
def test_only_input_errors_escape(text):
    with contextlib.suppress(InputError):
        assert parse_energy_table(text, "t.txt").layers
