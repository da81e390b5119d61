"""`chipwise roofline` as a person runs it."""

import json


def test_table_json_and_chart(run, small, tmp_path):
    assert "ridge" in run("roofline", small, "--on", "simple")
    told = json.loads(run("roofline", small, "--on", "simple", "--json", "-"))
    assert told["schema"] == "chipwise.roofline/1"
    assert all(
        p["achieved_macs_per_cycle"] <= p["attainable_macs_per_cycle"] * 1.000001 for p in told["layers"]
    )
    file = tmp_path / "roof.svg"
    run("roofline", small, "--on", "simple", "--svg", str(file))
    assert file.read_text().startswith("<svg")


def test_refusals(run_fails, small, tmp_path):
    assert "mix" in run_fails(2, "roofline", small, "--on", "simple", "--json", "-", "--svg", "-")
    assert "no folder" in run_fails(
        2, "roofline", small, "--on", "simple", "--svg", str(tmp_path / "no" / "r.svg")
    )
    assert "did you mean" in run_fails(2, "roofline", "alexnt", "--on", "simple").lower()
