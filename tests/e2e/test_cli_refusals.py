"""Every kind of bad input: one line on stderr that says what, where and how to mend it; exit code 2, or 1."""

from pathlib import Path

import pytest

from chipwise.cli import options
from chipwise.cli.main import main
from chipwise.mapper import mapspace
from chipwise.mapper.objectives import KINDS

ROOT = Path(__file__).parents[2]
NETWORK_FILE = ROOT / "examples" / "tiny-network.yaml"
CHIP_FILE = ROOT / "examples" / "tiny-chip.yaml"
NETWORK, CHIP = str(NETWORK_FILE), str(CHIP_FILE)


def refusal(capsys, code: int, *arguments: str) -> str:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert "Error" not in err.split(": ")[0]
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_choices_are_those_of_the_mapper():
    assert tuple(KINDS) == options.OBJECTIVES
    assert options.PLACEMENTS == mapspace.PLACEMENTS
    assert options.FACTORS == mapspace.FACTORS
    assert options.SHOW not in options.PLACEMENTS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "alexnt", "--on", "eyeriss"], "Did you mean 'alexnet'?"),
        (["evaluate", "alexnet", "--on", "eyeris"], "Did you mean 'eyeriss'?"),
        (["evaluate", "absent.yaml", "--on", "eyeriss"], "absent.yaml: there is no such file."),
        (["evaluate", "alexnet", "--on", "absent.yml"], "absent.yml: there is no such file."),
        (["evaluate", "alexnet", "--on", "eyeriss", "--objective", "enrgy"], "Did you mean 'energy'?"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--objective", "energy,trafic"], "Did you mean 'traffic'?"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--objective", "edp,energy,edp"], "names 'edp' twice"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--mapspace", "evn"], "--mapspace 'evn' is not known. Did you"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--factors", "prefect"], "Did you mean 'perfect'?"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--batch", "0"], "--batch 0: must be a whole number from 1"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--batch", "65537"], "from 1 to 65536"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--batch", "1.5"], "--batch 1.5: must be a whole number"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--batch", "9" * 30], "must be a whole number"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--jobs", "-1"], "--jobs -1: must be a whole number from 1"),
        (["map", "alexnet:conv9", "--on", "eyeriss"], "no layer 'conv9'. Did you mean 'conv5'?"),
        (["map", "conv9", "--network", "alexnet", "--on", "eyeriss"], "Did you mean 'conv5'?"),
        (["map", "alexnet", "--on", "eyeriss"], "has 8 layers; say which one, as alexnet:conv1 (conv1, conv2"),
        (["map", NETWORK, "--on", "eyeriss"], "has 3 layers; say which one"),
        (["map", "conv2", "--on", "eyeriss"], "give NETWORK:LAYER (alexnet:conv2)"),
        (["map", "alexnt:conv2", "--on", "eyeriss"], "Did you mean 'alexnet'?"),
        (["map", "cnv:M=4,C=4", "--on", "eyeriss"], "'cnv' is no kind of layer. Did you mean 'conv'?"),
        (["map", "fc:M=4", "--on", "eyeriss"], "layer 'fc:M=4': C is missing; add it\n"),
        (["map", "fc:M=4,C=4,M=5", "--on", "eyeriss"], "M is given twice"),
        (["map", "fc:M=4,C", "--on", "eyeriss"], "'C' must be NAME=NUMBER"),
        (["map", "fc:M=-4,C=4", "--on", "eyeriss"], "'M=-4' must be NAME=NUMBER"),
        (["map", "fc:M=0,C=4", "--on", "eyeriss"], "M = 0 must be greater than or equal to 1"),
        (["map", "fc:M=2147483648,C=4", "--on", "eyeriss"], "less than or equal to 2147483647"),
        (["map", "fc:M=2147483647,C=2147483647", "--on", "eyeriss"], "more than 2^53"),
        (["map", "fc:M=4,C=4,strid=2", "--on", "eyeriss"], "unknown key 'strid'"),
        (["map", "conv:M=4,C=3,H=5,W=5,R=7,S=7", "--on", "eyeriss"], "the filter reaches over 7 values of H"),
        (["map", "matmul:M=4,K=4,N=4", "--on", "eyeriss", "--batch", "2"], "has no batch dimension"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--mapping", "absent"], "No such file or directory"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--mapping", "."], "is a folder"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--mapping", "m", "--objective", "edp"], "drop one of them"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--objective", "energy,ltency"], "Did you mean 'latency'?"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--objective", "energy;latency"], "'energy;latency' is not known"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--objective", "latency,"], "--objective '' is not known"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--objective", ""], "--objective '' is not known"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--objective", "energy,energy"], "names 'energy' twice"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--mapspace", "unevn"], "Did you mean 'uneven'?"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--mapspace="], "--mapspace '' is not known"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--factors", "imprefect"], "Did you mean 'imperfect'?"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--pareto", "--objective", "energy"], "drop --objective"),
        (["map", "fc:M=4,C=4", "--on", "eyeriss", "--pareto", "--mapping", "m"], "drop --mapping"),
        (["describe", "resnet"], "Did you mean 'resnet50'?"),
        (["describe", "alexnet", "--json", "-", "--csv", "-"], "would mix"),
        (["show", "simpel"], "Did you mean 'simple'?"),
        (["validate", "table-iii"], "Did you mean 'table-ii'?"),
    ],
)  # fmt: skip
def test_arguments(capsys, monkeypatch, tmp_path, arguments, says):
    monkeypatch.chdir(tmp_path)
    assert says in refusal(capsys, 2, *arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evalate", "alexnet"], "No such command 'evalate'. Did you mean 'evaluate'"),
        (["evaluate", "alexnet", "--on", "eyeriss", "--bach", "2"], "--batch"),
        (["evaluate", "alexnet"], "Missing option '--on'"),
        (["evaluate"], "Missing argument 'NETWORK'"),
        (["networks", "all"], "unexpected extra argument"),
    ],
)
def test_commands_and_flags(capsys, arguments, says):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert "Traceback" not in err


NETWORK_MISTAKES = [
    ("name: tiny", "name: tiny\nname: other", ":2: the key 'name' stands twice (first in line 1)"),
    ("stride: 2", "strid: 2", ":5: unknown key 'strid' in layers[1].conv. Did you mean 'stride'?"),
    ("R: 3, S: 3, padding: 1", "R: 35, S: 3, padding: 1", ":4: layer 'conv1': the filter reaches over 35 values of H"),
    ("M: 10", "M: -10", ":6: layers[2].fc.M = -10 must be greater than or equal to 1"),
    ("C: 8192", "C: 99999999999", ":6: layers[2].fc.C = 99999999999 must be less than or equal to 2147483647"),
    ("M: 10, C: 8192", "M: 2147483647, C: 2147483647", ":6: layer 'fc': 4.61e+18 MACs are more than 2^53"),
    ("name: conv2", "name: conv1", ":5: name = 'conv1' is already a layer's"),
    ("{name: fc,", "{name: fc, inputs: [conv3],", "Did you mean 'conv2'?"),
    ("layers:", "layers: [", "is not valid YAML"),
]  # fmt: skip
CHIP_MISTAKES = [
    ("16 KiB", "16", ":7: levels[1].capacity = 16 needs a unit, e.g. 108 KiB"),
    ("16 KiB", "-16 KiB", ":7: levels[1].capacity = '-16 KiB' must not be negative"),
    ("16 KiB", "1e30 GiB", "'1e30 GiB' is too large to be meant"),
    ("16 KiB", "16 KB", "write kB for 1000 bytes or KiB for 1024 bytes"),
    ("capacity: 16 KiB", "capacty: 16 KiB", ":7: unknown key 'capacty' in levels[1]. Did you mean 'capacity'?"),
    ("clock: 100 MHz", "clock: 100 MHz\nclock: 200 MHz", ":3: the key 'clock' stands twice (first in line 2)"),
    ("component: sram", "component: sramm", "Did you mean 'sram'?"),
    ("keeps: [input, output]", "keeps: [inputs, output]", "Did you mean 'input'?"),
    ("size: 4,", "size: 0,", "size = 0 must be greater than or equal to 1"),
    ("horowitz-45nm", "horowitz", "Did you mean 'horowitz-45nm'?"),
]  # fmt: skip


def mistaken(file: Path, right: str, wrong: str, folder: Path) -> str:
    text = file.read_text(encoding="utf-8")
    assert right in text
    path = folder / file.name
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("right", "wrong", "says"), NETWORK_MISTAKES)
def test_network_files(capsys, tmp_path, right, wrong, says):
    path = mistaken(NETWORK_FILE, right, wrong, tmp_path)
    for command in (
        ["describe", path],
        ["evaluate", path, "--on", CHIP],
        ["map", f"{path}:fc", "--on", CHIP],
    ):
        message = refusal(capsys, 2, *command)
        assert path in message
        assert says in message


@pytest.mark.parametrize(("right", "wrong", "says"), CHIP_MISTAKES)
def test_chip_files(capsys, tmp_path, right, wrong, says):
    path = mistaken(CHIP_FILE, right, wrong, tmp_path)
    for command in (["evaluate", NETWORK, "--on", path], ["map", "fc:M=4,C=4", "--on", path]):
        message = refusal(capsys, 2, *command)
        assert path in message
        assert says in message


MAPPING = """dram       input weight output
| for M in 4
buffer     input, output
|   for C in 2
pes        rows C 4
registers  input weight output
mac
"""


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("", "", None),
        ("|   for C in 2\npes        rows C 4", "pes        rows C 8", "axis 'rows'"),
        ("| for M in 4\n", "", "M"),
        ("rows C 4", "columns C 4", "axis 'columns'"),
        ("for M in 4", "for M in 5", "line 2"),
        ("for M in 4", "for X in 4", "line 2: layer 'fc' has no dimension 'X'"),
        ("buffer     input, output\n", "", "buffer"),
        ("registers", "regsters", "line 6: chip 'tiny' has no part 'regsters'. Did you mean 'registers'?"),
        ("mac\n", "", "is it cut off?"),
    ],
)
def test_mappings(capsys, tmp_path, right, wrong, says):
    path = tmp_path / "fc.map"
    path.write_text(MAPPING.replace(right, wrong, 1) if right else MAPPING, encoding="utf-8")
    arguments = ["map", "fc:M=4,C=8", "--on", CHIP, "--mapping", str(path)]
    if says is None:
        assert main(arguments) == 0
        capsys.readouterr()
    else:
        assert says in refusal(capsys, 2, *arguments)


def test_a_mapping_that_is_no_text(capsys, tmp_path):
    path = tmp_path / "fc.map"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in refusal(
        capsys, 2, "map", "fc:M=4,C=8", "--on", CHIP, "--mapping", str(path)
    )
    path.write_bytes(b" " * (2**20 + 1))
    assert "is larger than" in refusal(capsys, 2, "map", "fc:M=4,C=8", "--on", CHIP, "--mapping", str(path))


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("loops: [C, R]}", "loops: [C, R], full: [R]}", "axis 'rows' must hold all of R, which is 5 here"),
        ("16 KiB", "1 B", "'conv' fits 'tiny'"),
    ],
)
def test_what_fits_no_way_is_exit_code_1(capsys, tmp_path, right, wrong, says):
    path = mistaken(CHIP_FILE, right, wrong, tmp_path)
    shape = "conv:M=4,C=4,P=4,Q=4,R=5,S=5"
    message = refusal(capsys, 1, "map", shape, "--on", path)
    assert says in message
    network = tmp_path / "network.yaml"
    network.write_text(
        "name: n\nlayers: [{name: conv, conv: {M: 4, C: 4, P: 4, Q: 4, R: 5, S: 5}}]", encoding="utf-8"
    )
    assert refusal(capsys, 1, "evaluate", str(network), "--on", path) == message
