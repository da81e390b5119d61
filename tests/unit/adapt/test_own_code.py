"""Networks and tasks by name, the user's own code that ends the process, and what happens without an extra."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.networks import bypass, plain
from chipwise.adapt.sources import make_network
from chipwise.adapt.tasks.load import load_task
from chipwise.cli.main import main
from chipwise.errors import InputError
from chipwise.workload.importers.own_code import told
from chipwise.workload.importers.torch import module_of

CODE = """
import sys
from torch import nn

def leaving(seed=0):
    sys.exit(0)

def stopped(seed=0):
    raise KeyboardInterrupt

def task(seed):
    import torch
    from chipwise.adapt.task import Task, TensorSplit
    noise = torch.Generator().manual_seed(seed)
    labels = torch.arange(32) % 4
    part = TensorSplit(torch.randn(32, 1, 8, 8, generator=noise), labels)
    return Task("t", part, part, part, batch_size=16, short_steps=1, long_steps=1, base_steps=1, seed=seed)

def unexportable():
    return nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(3),
                         nn.Flatten(), nn.Linear(36, 4))
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "leaving_code.py").write_text(CODE)
    (tmp_path / "leaving_module.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("leaving_code", None)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("read", [make_network, module_of, load_task])
def test_code_that_ends_the_process_is_an_error(read):
    for spec in ("leaving_code:leaving", "leaving_module:net"):
        with pytest.raises(InputError, match=rf"{spec}': SystemExit: 0: it ends the process"):
            read(spec)
    with pytest.raises(KeyboardInterrupt):
        read("leaving_code:stopped")


@pytest.mark.usefixtures("own")
def test_commands_fail_where_the_users_code_ends_the_process(capsys):
    task = ["--task", "leaving_code:task"]
    assert main(["adapt", "leaving_code:leaving", "--budget", "macs=0.6", *task]) == 2
    assert main(["adapt", "mobile", "--budget", "macs=0.6", "--task", "leaving_code:leaving"]) == 2
    assert main(["measure", "torch:leaving_code:leaving", "--input", "1x8x8", "--out", "x.lut"]) == 2
    assert capsys.readouterr().err.count("SystemExit: 0: it ends the process") == 3
    assert main(["adapt", "mobile:classes=3", "--budget", "macs=0.6", *task]) == 2
    assert "has 4 classes, and network 'Sequential' has 3 outputs" in capsys.readouterr().err


def test_a_result_is_kept_when_the_network_does_not_run_whole(own, capsys):
    pytest.importorskip("onnxruntime")
    from chipwise.measure.latency.onnx_runtime import OnnxRuntime
    from chipwise.measure.latency.table import LatencyTable

    LatencyTable.open("x.lut", OnnxRuntime()).save()
    command = ["adapt", "leaving_code:unexportable", "--task", "leaving_code:task", "--budget", "latency=1"]
    assert main([*command, "--on", "x.lut", "--out", "result"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("note: latency of whole networks is not measured: network 'Sequential': ")
    assert shown.err.count("\n") == 1
    assert "latency, measured" not in shown.out
    assert (own / "result" / "history.json").is_file()
    assert (own / "result" / "card.md").is_file()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mobile:width=nan", "'width=nan' must be a finite number above 0"),
        ("mobile:width=inf", "'width=inf' must be a finite number above 0"),
        ("mobile:classes=-1", "'classes=-1' must be a finite number above 0"),
        ("bypass:kernel=2.5", "'kernel=2.5' must be a whole number"),
        ("bypass:kernel=4", "kernel = 4 must be odd"),
        ("plain:side=1", "halves the image 3 times, so its side = 1 must be at least 8"),
    ],
)
def test_numbers_out_of_range(spec, message):
    with pytest.raises(InputError, match=message):
        make_network(spec)


def test_the_smallest_networks_run():
    assert bypass((4,), kernel=1)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert plain(side=8)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_errors_of_chipwise_pass():
    with pytest.raises(InputError, match=r"^as it is$"), told("network: "):
        raise InputError("as it is")


def test_without_torch_the_install_line_is_given(tmp_path):
    code = """
import sys
sys.modules["torch"] = None
from chipwise.cli.main import main
for command in (
    ["adapt", "mobile", "--budget", "macs=0.5"],
    ["measure", "torch:a.b:c", "--input", "3", "--out", "x.lut"],
    ["measure", "lenet5", "--out", "x.lut"],
):
    print(main(command))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["2", "2", "2"]
    assert done.stderr.count("pip install 'chipwise[torch]'") == 3
    assert "Traceback" not in done.stderr
