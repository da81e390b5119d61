"""`chipwise eyexam` as a person runs it."""

import json


def test_table_json_and_csv(run, small, tmp_path):
    text = run("eyexam", small, "--on", "simple")
    assert "active PEs" in text
    assert "network" in text
    told = json.loads(run("eyexam", small, "--on", "simple", "--json", "-"))
    active = list(told["active_pes"].values())
    assert active == sorted(active, reverse=True)
    file = tmp_path / "e.csv"
    run("eyexam", small, "--on", "simple", "--csv", str(file), "--batch", "2")
    assert file.read_text().startswith("layer,macs,active_pes_shape")


def test_refusals(run_fails, small):
    assert "did you mean" in run_fails(2, "eyexam", small, "--on", "simpel").lower()
    assert "mix" in run_fails(2, "eyexam", small, "--on", "simple", "--json", "-", "--csv", "-")
    assert "perfect" in run_fails(2, "eyexam", small, "--on", "simple", "--factors", "perfect")
