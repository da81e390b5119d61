"""Timeloop's counts on the stored cases, and the command on files of the same format that are unlike them."""

import gzip
import json
from pathlib import Path

import pytest

from tests.oracle.walk import walk
from tests.reference.timeloop import differences, main, read_cases

STORED = Path(__file__).parent / "data" / "timeloop_dense.json.gz"


def record(**changes):
    """A matrix-vector product, M = 4 on two MACs, C = 3: DRAM straight to the MACs."""
    tensors = {
        "Inputs": {"reads": 6.0, "fills": 0.0, "updates": 0.0, "utilized_capacity": 3.0},
        "Weights": {"reads": 12.0, "fills": 0.0, "updates": 0.0, "utilized_capacity": 12.0},
        "Outputs": {"reads": 8.0, "fills": 0.0, "updates": 12.0, "utilized_capacity": 4.0},
    }
    return {
        "id": 7,
        "layer": {"N": 1, "M": 4, "C": 3, "P": 1, "Q": 1, "R": 1, "S": 1, "stride": 1, "dilation": 1},
        "levels": 1,
        "mapping": [
            {"level": 0, "kind": "t", "factors": {"M": 2, "C": 3}, "order_inner_to_outer": "MC"},
            {"level": 0, "kind": "y", "factors": {"M": 2}, "order_inner_to_outer": "NMCPQRS"},
        ],
        "keep": {"0": "IWO"},
        "halo": False,
        "timeloop": {"cycles": 6, "levels": {"L0": tensors}},
        **changes,
    }


def run(tmp_path, capsys, content):
    path = tmp_path / "cases.json.gz"
    path.write_bytes(content)
    status = main([str(path)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def test_stored_cases_without_halo_are_exact(capsys):
    status = main([str(STORED)])
    last = capsys.readouterr().out.splitlines()[-1]
    assert status == 0
    assert last.startswith("318 exact, 0 mismatches; with halo: 82 compared, ")


def test_the_oracle_agrees_with_timeloop_too():
    small = [case for case in read_cases(STORED) if case.layer.macs <= 1000 and not case.has_halo]
    assert len(small) > 50
    assert [difference for case in small for difference in differences(case, walk)] == []


def test_one_level_and_plain_text(tmp_path, capsys):
    status, out, _ = run(tmp_path, capsys, json.dumps(record()).encode())
    assert (status, out) == (0, ["1 exact, 0 mismatches; with halo: 0 compared, 0 differ"])


def test_a_wrong_number_is_a_mismatch(tmp_path, capsys):
    changed = record()
    changed["timeloop"]["cycles"] = 5
    lines = [json.dumps(record()), "", json.dumps(changed)]
    status, out, _ = run(tmp_path, capsys, gzip.compress("\n".join(lines).encode()))
    assert status == 1
    assert out == [
        "case 7: cycles: ours 6, Timeloop's 5",
        "1 exact, 1 mismatches; with halo: 0 compared, 0 differ",
    ]


def test_a_tensor_that_is_missing_is_a_mismatch(tmp_path, capsys):
    changed = record()
    del changed["timeloop"]["levels"]["L0"]["Inputs"]
    status, out, _ = run(tmp_path, capsys, json.dumps(changed).encode())
    assert status == 1
    assert "case 7: L0 input reads: ours 6, Timeloop's None" in out


def test_halo_is_found_where_the_file_does_not_say(tmp_path, capsys):
    sliding = record(layer={**record()["layer"], "M": 1, "C": 1, "P": 4, "R": 3})
    sliding["mapping"] = [
        {"level": 0, "kind": "t", "factors": {"P": 4, "R": 3}, "order_inner_to_outer": "PR"}
    ]
    del sliding["halo"]
    status, out, _ = run(tmp_path, capsys, json.dumps(sliding).encode())
    assert status == 0
    assert out[-1] == "0 exact, 0 mismatches; with halo: 1 compared, 1 differ"
    assert out[0].startswith("case 7 (halo): L0 input ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no case"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (gzip.compress(json.dumps(record()).encode())[:-9], "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"not json", ":1: is not JSON"),
        (b"[" * 100_000, ":1: is not JSON"),
        (b"[1, 2]", "must be an object"),
        (b"{}", "'id' is missing"),
    ],
)
def test_an_unusable_file_is_one_line(tmp_path, capsys, content, message):
    status, _, err = run(tmp_path, capsys, content)
    assert status == 2
    assert len(err) == 1
    assert message in err[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": 0}, "'levels' = 0"),
        ({"levels": 10**9}, "at most"),
        ({"levels": True}, "wrong type"),
        ({"layer": {**record()["layer"], "M": 5}}, "factors of M"),
        ({"layer": {**record()["layer"], "M": 8}}, "factors of M"),
        ({"layer": {**record()["layer"], "M": 10**400}}, "must be between"),
        ({"layer": {**record()["layer"], "C": 2.5}}, "wrong type"),
        ({"mapping": [*record()["mapping"], record()["mapping"][0]]}, "there twice"),
        ({"mapping": [{**record()["mapping"][0], "kind": "z"}]}, "unknown"),
        ({"mapping": [{**record()["mapping"][0], "order_inner_to_outer": "C"}]}, "order 'C'"),
        ({"mapping": ["t"]}, "must be an object"),
        ({"keep": {"0": "X"}, "levels": 2}, "keep 'X'"),
        ({"timeloop": {"cycles": float("inf"), "levels": {}}}, "must be a number"),
        ({"timeloop": {"cycles": 6, "levels": {"L0": {"Psums": {}}}}}, "'Psums'"),
        ({"timeloop": {"cycles": 6, "levels": {"L0": {"Inputs": {"reads": 1}}}}}, "'fills' is missing"),
    ],
)
def test_a_bad_case_is_one_line_that_says_where(tmp_path, capsys, changes, message):
    lines = [json.dumps(record()), json.dumps(record(**changes))]
    status, _, err = run(tmp_path, capsys, "\n".join(lines).encode())
    assert status == 2
    assert len(err) == 1
    assert f"{tmp_path / 'cases.json.gz'}:2: " in err[0]
    assert message in err[0]


def test_a_missing_file_and_missing_arguments(tmp_path, capsys):
    assert main([str(tmp_path / "absent.json.gz")]) == 2
    assert main([]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
