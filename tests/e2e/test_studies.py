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


def run(name: str, *arguments: str) -> str:
    pytest.importorskip("torch")
    command = [sys.executable, str(ROOT / "studies" / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_netadapt_is_compared_with_uniform_width_and_macs(tmp_path):
    asked = ("--fast", "--seeds", "0,1", "--on", "nvdla_small", "--points", str(tmp_path))
    told = run("netadapt", *asked)
    assert "| 15%: NetAdapt, latency |" in told
    for seed in (0, 1):
        kept = json.loads(
            (tmp_path / f"netadapt-nvdla_small-inverted-{seed}.json").read_text(encoding="utf-8")
        )
        found = kept["networks"]["value"]
        most = {share: share * found["start"]["latency_s"] * (1 + 1e-9) for share in (0.5, 0.35, 0.25, 0.15)}
        for share, latency_s in most.items():
            by_latency = found[f"{share:.0%}: NetAdapt, latency"]
            assert by_latency["latency_s"] <= latency_s
            assert found[f"{share:.0%}: uniform width"]["latency_s"] <= latency_s
            assert found[f"{share:.0%}: NetAdapt, MACs"]["macs"] <= by_latency["macs"]
    assert run("netadapt", *asked) == told


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_lookup_tables_are_compared_with_whole_networks(backend):
    told = run("lookup_table", "--networks", "2", "--rounds", "1", "--backend", backend)
    assert "| both, lookup table |" in told
    assert "| both, MACs |" in told


def test_pruning_is_compared_at_equal_accuracy(tmp_path):
    """Of points on straight lines: EAP needs 0.6 of the dense energy one point below it, `global` 0.8, in each seed."""
    for seed in (0, 1):
        points = {"dense": {"test": 0.95, "energy_pj": 100.0, "weights": 1.0, "macs": 1.0}}
        for name, energy_pj in (("EAP 3.0", 20.0), ("reverse 3.0", 20.0), ("global 0.05", 60.0)):
            for steps in (60, 300):
                points[f"{steps}: {name}"] = {**points["dense"], "test": 0.93, "energy_pj": energy_pj}
        points["300: gradual 0.05"] = points["300: global 0.05"]
        for name in ("magnitude", "+ restoring", "+ least squares", "both", "both, by filter"):
            for density in (0.3, 0.2):
                points[f"local {density} {name}"] = {"test": 0.2 if name == "magnitude" else 0.9}
        kept = {name: {"key": "1", "value": value} for name, value in points.items()}
        (tmp_path / f"pruning_{seed}.json").write_text(json.dumps(kept), encoding="utf-8")
    told = run("pruning", "--points", str(tmp_path))
    assert "| 1 below dense, EAP | 0.600 ± 0.000 |  | 2 of 2 |" in told
    assert "| 1 below dense, global | 0.800 ± 0.000 | 1.333 ± 0.000 | 2 of 2 |" in told
    assert "| both | 90.0 ± 0.0 | 90.0 ± 0.0 | 70.0 ± 0.0 |" in told
