"""The studies run, keep their points and go on from them; one short point of each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = {
    "isca16_dataflows": ("nlr", "fc8"),
    "overrated": ("rf64 buffer128", "fc8"),
    "energy_aware_pruning": ("alexnet-eap", "fc8"),
}


def study(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    only, layers = SHORT[name]
    command = [sys.executable, str(ROOT / "studies" / f"{name}.py"), "--only", only, "--layers", layers]
    command += ["--points", str(folder / "points.json"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", SHORT)
def test_a_point_is_found_kept_and_not_searched_again(name, tmp_path):
    first = study(name, tmp_path, "--json", str(tmp_path / "x.json"))
    assert first.returncode == 0, first.stderr
    assert "[1/1, " in first.stderr
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    kept = json.loads((tmp_path / "points.json").read_text(encoding="utf-8"))
    assert len(kept) == 1
    again = study(name, tmp_path)
    assert again.stdout == first.stdout


@pytest.mark.parametrize("name", SHORT)
def test_part_of_a_study_does_not_renew_documents(name, tmp_path):
    refused = study(name, tmp_path, "--write")
    assert refused.returncode == 2
    assert "--write needs all" in refused.stderr


@pytest.mark.slow
def test_netadapt_is_compared_with_uniform_width_and_macs(tmp_path):
    pytest.importorskip("torch")
    command = [
        sys.executable,
        str(ROOT / "studies" / "netadapt.py"),
        "--fast",
        "--seeds",
        "2",
        "--on",
        "nvdla_small",
    ]
    command += ["--json", str(tmp_path / "x.json"), "--points", str(tmp_path / "points.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "| NetAdapt, latency |" in done.stdout
    for seed in json.loads((tmp_path / "x.json").read_text(encoding="utf-8")):
        assert seed["NetAdapt, latency"]["latency_s"] <= 0.5 * seed["start"]["latency_s"] * (1 + 1e-9)
        assert seed["NetAdapt, MACs"]["macs"] <= seed["NetAdapt, latency"]["macs"]
        assert seed["uniform width"]["latency_s"] <= 0.5 * seed["start"]["latency_s"] * (1 + 1e-9)
