"""`chipwise adapt` and `chipwise.adapt`, with a network and a task of the user's own."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

import chipwise
from chipwise.adapt.search_folder import SearchFolder
from chipwise.cli.main import main

CODE = """
import torch
from torch import nn
from chipwise.adapt.task import Task, TensorSplit

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU(),
                         nn.Conv2d(8, 12, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4))

def recurrent():
    return nn.Sequential(nn.Flatten(2), nn.LSTM(64, 4))

def broken():
    raise RuntimeError("no weights here")

def split(count, seed, bad):
    noise = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    x = torch.randn(count, 1, 8, 8, generator=noise) + labels[:, None, None, None] * (float("nan") if bad else 1.0)
    return TensorSplit(x, labels)

def task(seed, bad=False):
    return Task("steps", split(64, seed, bad), split(32, seed + 1, False), split(32, seed + 2, False), batch_size=16,
                short_steps=2, long_steps=3, base_steps=5, seed=seed)

def nan_task(seed):
    return task(seed, bad=True)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "my_nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_nets", None)


def adapt(*more: str) -> int:
    return main(["adapt", "my_nets:net", "--task", "my_nets:task", "--step", "0.2", *more])


def shortly(model: str, *more: str) -> list[str]:
    """A search that is over after an iteration or two."""
    return ["adapt", model, "--task", "my_nets:task", "--budget", "macs=0.7", "--step", "0.3", *more]


def test_a_budget_on_a_chip_is_met_and_written(own, capsys):
    assert (
        adapt("--on", "nvdla_small", "--budget", "latency=0.6,weights=0.9", "--out", "result", "--json", "-")
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "chipwise.adapted/1"
    final = found["networks"][-1]
    assert all(final["needs"][x["resource"]] <= x["most"] for x in found["budget"])
    assert {"latency", "energy", "macs", "weights"} <= final["needs"].keys()
    folder = own / "result"
    names = (
        "arch.json",
        "weights.safetensors",
        "history.json",
        "card.md",
        "front-latency.svg",
        "benchmark-card.md",
    )
    for name in names:
        assert (folder / name).is_file()
    import my_nets

    from chipwise.adapt.saved import load

    assert sum(p.numel() for p in load(folder, my_nets.net).parameters()) < sum(
        p.numel() for p in my_nets.net().parameters()
    )


def test_a_finished_folder_is_not_searched_again(own, capsys):
    assert adapt("--budget", "macs=0.6", "--out", "result") == 0
    first = capsys.readouterr().out
    made = (own / "result" / "family" / "01" / "point.json").stat().st_mtime_ns
    assert adapt("--budget", "macs=0.6", "--out", "result") == 0
    assert capsys.readouterr().out == first
    assert (own / "result" / "family" / "01" / "point.json").stat().st_mtime_ns == made
    assert adapt("--budget", "macs=0.6", "--out", "result", "--method", "uniform") == 2
    assert "holds another search: its method differs" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("method", ["netadapt", "netadapt-v2", "uniform"])
def test_a_killed_command_goes_on_to_the_same_weights(own, method):
    """Killed by the system as soon as the first iteration is kept, against a run that nobody disturbs."""
    command = [
        sys.executable,
        "-m",
        "chipwise",
        "adapt",
        "my_nets:net",
        "--task",
        "my_nets:task",
        "--budget",
        "macs=0.4",
    ]
    command += ["--step", "0.1", "--short-steps", "40", "--long-steps", "400", "--method", method, "--out"]
    killed = subprocess.Popen([*command, "killed"], stdout=subprocess.DEVNULL)
    while not Path("killed/family/01/point.json").is_file():
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not Path("killed/arch.json").is_file()
    for folder in ("killed", "whole"):
        subprocess.run([*command, folder], check=True, stdout=subprocess.DEVNULL)
    for name in ("weights.safetensors", "probe.safetensors", "arch.json", "card.md"):
        assert Path("killed", name).read_bytes() == Path("whole", name).read_bytes()


class Killed(BaseException):
    """As a kill: nothing catches it."""


def killed_at(monkeypatch, name: str, *arguments: str) -> None:
    """The command, ended when the file or folder of this name would be moved into its place."""
    moved = Path.replace

    def replaced(place, target):
        if Path(target).name == name:
            raise Killed
        return moved(place, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replaced)
        patch.setattr("chipwise.whole_files._remove", lambda _place: None)
        with pytest.raises(Killed):
            main(list(arguments))


@pytest.mark.parametrize("method", ["netadapt", "netadapt-v2", "uniform"])
@pytest.mark.parametrize("name", ["start", "run.json", "01", "history.json"])
def test_a_command_that_is_killed_at_a_write_goes_on(own, monkeypatch, capsys, method, name):
    arguments = shortly("mobile:width=0.5", "--method", method, "--out")
    killed_at(monkeypatch, name, *arguments, "killed")
    assert [p for p in own.joinpath("killed").rglob(".*") if p.name != ".lock"]
    assert main([*arguments, "killed"]) == 0
    assert main([*arguments, "whole"]) == 0
    names = [sorted(p.relative_to(f).as_posix() for p in Path(f).rglob("*")) for f in ("killed", "whole")]
    assert names[0] == names[1]
    for file in ("weights.safetensors", "probe.safetensors", "arch.json", "card.md", "run.json"):
        assert Path("killed", file).read_bytes() == Path("whole", file).read_bytes()


def test_two_commands_in_one_folder_keep_out_of_each_others_way(own, capsys):
    arguments = shortly("mobile:width=0.25", "--out", "r")
    with SearchFolder("r", None).alone():
        assert main(arguments) == 2
        assert "folder 'r' is in use: another search is at work in it" in capsys.readouterr().err
    assert main(arguments) == 0


def test_another_question_in_a_folder_is_refused(own, capsys):
    arguments = shortly("mobile:width=0.25", "--out", "r")
    assert main([*arguments, "--base-steps", "2"]) == 0
    capsys.readouterr()
    for more, message in (
        (["--base-steps", "3"], "its base steps differ (2 there, 3 now)"),
        (
            ["--base-steps", "2", "--on", "simple"],
            "its resources differ (latency: none there, 'Latency', 'simple' now)",
        ),
        (["--base-steps", "2", "--seed", "1"], "its task differs (seed: 0 there, 1 now)"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err
    arguments[1] = "mobile:width=0.5"
    assert main([*arguments, "--base-steps", "2"]) == 2
    assert "its network differs ('mobile:width=0.25," in capsys.readouterr().err


@pytest.mark.parametrize("model", ["my_nets:net", "mobile"])
def test_a_folder_is_looked_at_before_anything_is_trained(own, capsys, monkeypatch, model):
    from chipwise.adapt.task import Task

    monkeypatch.setattr(Task, "finetune", lambda *_args, **_more: pytest.fail("trained"))
    (own / "full").mkdir()
    (own / "full" / "mine").touch()
    command = ["adapt", model, "--task", "my_nets:task", "--budget", "macs=0.7", "--out"]
    for folder, message in (("/proc/xx", "cannot be used"), ("full", "is not empty and holds no search")):
        assert main([*command, folder]) == 2
        assert message in capsys.readouterr().err


def test_files_that_may_not_grow_end_in_one_message(own, capsys):
    """As on a full disk: a limit of the system on the size of files, under which the weights are too large."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    command = shortly("mobile:width=2")
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        assert main([*command, "--out", "r"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "'r' cannot be written: " in capsys.readouterr().err
    assert main([*command, "--out", "r"]) == 0


def test_the_card_of_a_pruned_network_tells_both_energies(own, capsys):
    for method, budget, both in (
        ("magnitude", "weights=0.5", True),
        ("uniform", "macs=0.7", False),
        ("uniform", "energy-as-is=0.9", True),
    ):
        assert adapt("--on", "simple", "--budget", budget, "--method", method) == 0
        shown = capsys.readouterr().out
        assert "energy, estimated" in shown
        assert ("energy-as-is, estimated" in shown) is both
        assert ("what they save on the chip as its file describes it" in shown) is both


def test_uniform_width(own, capsys):
    assert adapt("--budget", "macs=0.6", "--method", "uniform", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    (row,) = found["history"]
    shares = [width / size for width, size in row["kept"].values()]
    assert max(shares) - min(shares) < 0.15


def test_together_tries_all_layers_at_once(own, capsys):
    assert adapt("--budget", "macs=0.7", "--step", "0.2", "--together", "--json", "-") == 0
    first = json.loads(capsys.readouterr().out)["history"][0]
    *single, joint = [proposal["kept"] for proposal in first["proposals"]]
    assert all(len(kept) == 1 for kept in single)
    assert len(joint) == len(single)


def test_a_lookup_table_tells_estimated_and_measured_latency(own, capsys):
    assert adapt("--on", "cpu.lut", "--budget", "latency=1", "--out", "result", "--json", "r.json") == 0
    assert "latency, measured" in capsys.readouterr().out
    found = json.loads(Path("r.json").read_text())
    final = found["networks"][-1]
    assert final["measured"]["latency"] > 0
    assert final["needs"]["latency"] == pytest.approx(found["networks"][0]["needs"]["latency"])
    assert json.loads(Path("cpu.lut").read_text())["entries"]


def test_the_lookup_table_of_another_device_is_only_read(own, capsys):
    assert adapt("--on", "cpu.lut", "--budget", "latency=1") == 0
    table = json.loads(Path("cpu.lut").read_text())
    table["provenance"]["device"] = "another one"
    Path("other.lut").write_text(json.dumps(table))
    capsys.readouterr()
    assert adapt("--on", "other.lut", "--budget", "latency=0.9") == 2
    assert "has no entry for layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "budget"), [("magnitude", "weights=0.5"), ("eap", "energy=0.9"), ("netadapt-v2", "macs=0.7")]
)
def test_other_methods_meet_their_budgets(own, capsys, method, budget):
    arguments = ["--on", "eyeriss", "--batch", "4", "--budget", budget, "--method", method, "--out", "result"]
    assert adapt(*arguments, "--json", "first.json") == 0
    shown = capsys.readouterr().out
    found = json.loads(Path("first.json").read_text())
    (asked,) = found["budget"]
    assert found["networks"][-1]["needs"][asked["resource"]] <= asked["most"]
    assert adapt(*arguments, "--json", "second.json") == 0
    assert Path("second.json").read_text() == Path("first.json").read_text()
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--budget", "macs=100"], 1, "the least that can be reached is"),
        (["--budget", "macs=0.5", "--task", "my_nets:nan_task"], 1, "Try a lower learning rate"),
        (["--budget", "latency=0.5"], 2, "unknown resource. Known: bops, macs, size, weights."),
        (["--budget", "macs"], 2, "must be resource=value"),
        (["--budget", "macs=0.5", "--task", "my_nets:tusk"], 2, "has no attribute 'tusk'"),
        (["--budget", "macs=0.5", "--task", "digit"], 2, "Did you mean 'digits'?"),
        (["--budget", "macs=0.5", "--task", "images:nowhere"], 2, "nowhere"),
        (["--budget", "macs=0.5", "--on", "eyeris"], 2, "Did you mean 'eyeriss'"),
        (["--budget", "macs=0.5", "--method", "netadap"], 2, "Did you mean 'netadapt'"),
        (["--budget", "macs=0.5", "--method", "eap"], 2, "name a chip, as --on eyeriss"),
        (["--budget", "macs=0.5", "--method", "magnitude"], 1, "the least that can be reached is"),
        (["--budget", "macs=0.5", "--step", "2"], 2, "--step 2: must be a number above 0"),
        (
            ["--budget", "macs=0.5", "--short-steps", "-1"],
            2,
            "--short-steps -1: must be a whole number from 0",
        ),
        (["--budget", "macs=0.5", "--out", "-"], 2, "a result is a folder"),
        (["--budget", "macs=0.5", "--out", "my_nets.py"], 2, "cannot be used"),
    ],
)
def test_bad_input_says_what_to_do(own, capsys, arguments, code, message):
    assert adapt(*arguments) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("my_nets:recurrent", "module '1' is a LSTM"),
        ("my_nets:broken", "RuntimeError: no weights here"),
        ("my_nets:task", "TypeError"),
        ("mobil", "Did you mean 'mobile'?"),
        ("mobile:widht=2", "Did you mean 'width'?"),
        ("mobile:width", "must be name=number"),
    ],
)
def test_bad_networks_say_what_to_do(own, capsys, model, message):
    assert main(["adapt", model, "--task", "my_nets:task", "--budget", "macs=0.5"]) == 2
    assert message in capsys.readouterr().err


def test_the_python_door(own):
    import my_nets

    result = chipwise.adapt(my_nets.net(), task=my_nets.task(0), budget={"macs": 0.7}, method="uniform")
    assert result.budget.met(result_shapes(result))
    assert [p.name for p in result.front("macs")]
    assert "| final |" in result.report()


def result_shapes(result):
    from chipwise.adapt.shapes import layer_shapes

    return layer_shapes(result.model, result.example)


def test_a_network_of_chipwise_is_trained_first_and_rebuilt_by_name(own, capsys):
    from chipwise.adapt.saved import load

    arguments = shortly("mobile", "--out", "r")
    assert main(arguments) == 0
    arch = json.loads(Path("r/arch.json").read_text())
    assert arch["source"] == "mobile:classes=4,channels=1"
    assert load("r")[0].out_channels <= 16
    capsys.readouterr()
