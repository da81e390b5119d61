"""The command line: what it prints, where it writes, and how it refuses."""

import csv
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

import chipwise
from chipwise.cli.main import main

ROOT = Path(__file__).parents[2]
NETWORK = str(ROOT / "examples" / "tiny-network.yaml")
CHIP = str(ROOT / "examples" / "tiny-chip.yaml")
COMMAND = [sys.executable, "-m", "chipwise"]


# evaluate


def test_evaluate_says_what_it_costs_and_why(run, small):
    lines = run("evaluate", small, "--on", CHIP, "--batch", "2").splitlines()
    assert lines[0] == (
        "small on tiny: 32 PEs (4 x 8) at 100 MHz; buffer 16 KiB; per PE registers 64 B; batch 2"
    )
    assert [line.split()[0] for line in lines[2:5]] == ["layer", "conv", "fc"]
    result = chipwise.evaluate(small, CHIP, batch=2)
    total = next(line for line in lines if line.startswith("total")).split()
    assert total[1] == "9.46k"
    assert total[4] == f"{result.energy_pj / result.macs:.3g}"
    for head in ("energy by component", "what takes the time", "most costly layers", "mappings"):
        assert head in lines
    assert "  each one taken is proven to need the least energy there (gap 0)" in lines
    assert "per batch of 2: " in lines[8]
    assert "TOPS/W" in lines[8]


def test_what_is_printed_has_no_colours_and_no_trailing_blanks(run, small):
    text = run("evaluate", small, "--on", CHIP)
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_why_gives_every_energy_its_source(run, small):
    text = run("evaluate", small, "--on", CHIP, "--why")
    assert text.startswith(run("evaluate", small, "--on", CHIP))
    table = text.partition("where the energies come from\n")[2]
    result = chipwise.evaluate(small, CHIP)
    for item in {(i.component, i.action): i for r in result.layers.values() for i in r.cost.energy}.values():
        assert f"] {item.source}\n" in table
        row = next(line for line in table.splitlines() if line.split()[:2] == [item.component, item.action])
        assert row.split()[2] == f"{item.energy_pj_each:.4g}"


@pytest.mark.parametrize("objective", ["energy", "latency", "edp", "traffic", "latency,traffic"])
def test_json_to_the_terminal_is_json_and_nothing_else(run, small, objective):
    written = json.loads(
        run("evaluate", small, "--on", CHIP, "--json", "-", "--objective", objective, "--why")
    )
    assert written == chipwise.evaluate(small, CHIP, objective=objective).to_dict()
    assert written["objective"] == objective


def test_json_to_a_file_comes_beside_the_table(run, small, tmp_path):
    file = tmp_path / "result.json"
    file.write_text("old", encoding="utf-8")
    assert run("evaluate", small, "--on", CHIP, "--json", str(file), "--jobs", "1").startswith(
        "small on tiny"
    )
    assert json.loads(file.read_text(encoding="utf-8"))["totals"]["macs"] == 4728
    assert list(tmp_path.iterdir()) == [file]


# map


def test_map_prints_what_it_reads(run, small, tmp_path):
    arguments = ("map", f"{small}:conv", "--on", CHIP)
    found = run(*arguments)
    file = tmp_path / "conv2.map"
    file.write_text(found, encoding="utf-8")
    again = run(*arguments, "--mapping", str(file))
    assert again.splitlines()[:-1] == found.splitlines()[:-1]
    assert "proven" in found.splitlines()[-1]
    assert again.splitlines()[-1] == "# optimum   not searched: the mapping was given"


def test_map_takes_json(run):
    written = json.loads(run("map", "fc", "--network", NETWORK, "--on", CHIP, "--json", "-", "--batch", "3"))
    assert written["layer"]["dims"] == {"N": 3, "M": 10, "C": 8192}
    assert written["certificate"]["proven"] is True
    assert written["objective"] == "energy"
    assert written["layer"]["energy_pj"] == pytest.approx(written["certificate"]["value"])


def test_map_reads_a_mapping_from_stdin():
    arguments = [*COMMAND, "map", "fc:M=4,C=6", "--on", CHIP]
    found = subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    again = subprocess.run(
        [*arguments, "--mapping", "-"],
        input=found,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout
    assert again.splitlines()[:-1] == found.splitlines()[:-1]


@pytest.mark.parametrize(
    ("spec", "dims"),
    [
        ("conv:M=4,C=3,P=6,Q=5,R=3,S=2,stride=2x1", {"N": 1, "M": 4, "C": 3, "P": 6, "Q": 5, "R": 3, "S": 2}),
        (
            "conv: M=4, C=3, H=6, W=6, R=3, S=3, padding=1",
            {"N": 1, "M": 4, "C": 3, "P": 6, "Q": 6, "R": 3, "S": 3},
        ),
        ("fc:M=4,C=6", {"N": 1, "M": 4, "C": 6}),
        ("matmul:M=4,K=6,N=2", {"M": 4, "N": 2, "K": 6}),
        (f"{NETWORK}:fc", {"N": 1, "M": 10, "C": 8192}),
    ],
)
def test_ways_to_name_a_layer(run, spec, dims):
    assert json.loads(run("map", spec, "--on", "simple", "--json", "-"))["layer"]["dims"] == dims


def test_a_file_with_one_layer_needs_no_name(run, tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text("name: one\nlayers: [{name: only, fc: {M: 4, C: 6}}]", encoding="utf-8")
    assert run("map", str(file), "--on", CHIP).startswith("# only on tiny")


# describe, networks, chips, show, schema, validate


def test_describe(run, tmp_path):
    text = run("describe", "alexnet")
    assert text.startswith("alexnet, input 3 x 227 x 227\n")
    assert "conv  5 layers, 2.33M weights, 666M MACs; filter sizes 3, 5, 11, channels 3-256" in text
    written = json.loads(run("describe", "alexnet", "--json", "-"))
    assert set(written) == {"network", "input", "totals", "layers", "operations", "free"}
    assert written["totals"]["macs"] == 724406816
    file = tmp_path / "layers.csv"
    assert run("describe", "alexnet", "--csv", str(file)) == text
    assert run("describe", "alexnet", "--csv", "-") == file.read_text(encoding="utf-8")
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["macs"]) for row in rows] == [layer["macs"] for layer in written["layers"]]
    assert (rows[0]["filter_size"], rows[0]["stride"], rows[0]["P"], rows[6]["P"]) == (
        "11x11",
        "4x4",
        "55",
        "",
    )


def test_networks_are_listed(run):
    entries = {entry["name"]: entry for entry in json.loads(run("networks", "--json", "-"))["networks"]}
    assert {"alexnet", "vgg16", "resnet50"} <= set(entries)
    text = run("networks")
    assert [line.split()[0] for line in text.split("\n\n")[0].splitlines()[1:]] == list(entries)
    assert re.search(r"\nmobilenet_v1 .* 569M  Howard 2017 +width=1,resolution=224\n", text)
    assert entries["mobilenet_v1"]["parameters"] == [
        {"name": "width", "default": 1.0, "values": [0.25, 0.5, 0.75, 1.0]},
        {"name": "resolution", "default": 224, "least": 32, "most": 2048},
    ]
    assert entries["alexnet"]["parameters"] == []


def test_a_network_takes_its_parameters_in_every_command(run, run_fails):
    name = "MobileNet-V1@width=0.5,resolution=160"
    data = json.loads(run("describe", name, "--json", "-"))
    assert (data["network"], data["input"]) == ("mobilenet_v1@width=0.5,resolution=160", [3, 160, 160])
    assert "Conv2d_0" in run("map", f"{name}:Conv2d_0", "--on", "simple", "--no-cache").splitlines()[0]
    assert "width = 0.6 must be 0.25, 0.5, 0.75 or 1" in run_fails(2, "describe", "mobilenet_v1@width=0.6")


def test_chips_are_listed(run):
    found = json.loads(run("chips", "--json", "-"))["chips"]
    assert next(chip for chip in found if chip["name"] == "eyeriss")["pes"] == 168
    table, hint = run("chips").split("\n\n")
    assert [line.split()[0] for line in table.splitlines()[1:]] == [chip["name"] for chip in found]
    assert "chipwise show CHIP" in hint


def test_a_shown_chip_is_a_chip_file(run, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(run("show", "Eyeriss", "--yaml"), encoding="utf-8")
    assert chipwise.load_accelerator(file) == chipwise.load_accelerator("eyeriss")


def test_the_schema_is_the_one_in_the_package(run):
    shipped = ROOT / "src" / "chipwise" / "hardware" / "accelerator.schema.json"
    assert json.loads(run("schema")) == json.loads(shipped.read_text(encoding="utf-8"))


def test_validate(run):
    text = run("validate", "table-ii")
    assert "NO" not in text
    written = json.loads(run("validate", "--json", "-"))
    assert written["schema"] == "chipwise.validation/1"
    keys = ["group", "source", "item", "quantity", "unit", "published", "computed", "error", "band", "within"]
    assert all(list(row) == [*keys, "note"] for row in written["rows"])
    assert "\ngooglenet CONV MACs; googlenet total MACs: " in text
    assert {"table-ii", "isca16-energy"} <= {row["group"] for row in written["rows"]}


def test_a_figure_outside_its_band_is_a_failure(capsys, monkeypatch):
    from chipwise.analysis.validations import table_ii

    monkeypatch.setattr(table_ii, "rounding", lambda _: 1e-9)
    assert main(["validate", "table-ii"]) == 1
    assert "NO" in capsys.readouterr().out


# Around the commands


def test_version_help_and_module(run):
    assert run("--version") == f"chipwise {chipwise.__version__}\n"
    assert "evaluate" in run("--help")
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"chipwise {chipwise.__version__}\n"


def test_help_is_quick():
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*COMMAND, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The processor's time, and the best of several: other work on the machine is no fault of ours.
    assert min(seconds() for _ in range(5)) < 0.35


def test_help_imports_nothing_that_computes():
    code = """
import sys
import time
from chipwise.cli.main import main
assert main(sys.argv[1:]) == 0
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""
    for command in ([], ["evaluate"], ["map"], ["describe"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True
        )
        heavy = {"numpy", "numba", "torch", "onnx", "google", "ruamel", "jinja2", "rich"}
        assert heavy.isdisjoint(done.stderr.split()), heavy & set(done.stderr.split())


def test_a_terminal_without_such_characters_gets_replacements():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*COMMAND, "map", "fc:M=4,C=6", "--on", "eyeriss"], env=environment, capture_output=True, check=True
    )
    assert b"?" in done.stdout
    assert done.stderr == b""


def test_a_closed_pipe_is_quiet():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "networks"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_progress_bar_shows_for_who_waits(monkeypatch):
    import io

    from chipwise.cli import progress

    shown = io.StringIO()
    console = progress.Console(file=shown, force_terminal=True, force_interactive=True, width=100)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with progress.progress_bar(3) as report:
        report(1, 3, "conv1")
        time.sleep(0.3)
    assert "conv1" in shown.getvalue()
    assert "1/3" in shown.getvalue()


def test_nobody_watches_a_pipe():
    from chipwise.cli.progress import progress_bar

    with progress_bar(3) as report:
        assert report is None


# Where results cannot go


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("", "needs the name of a file"),
        (".", "is a folder"),
        ("absent/x.json", "no folder 'absent'"),
        ("a\0b", "needs the name of a file"),
    ],
)
def test_a_target_is_refused_before_the_work(run_fails, target, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("chipwise.analysis.evaluate.evaluate", None)
    assert says in run_fails(2, "evaluate", NETWORK, "--on", CHIP, "--json", target)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_the_old_file(run_fails, monkeypatch, tmp_path):
    file = tmp_path / "x.json"
    file.write_text("old", encoding="utf-8")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left on device" in run_fails(2, "networks", "--json", str(file))
    assert [f.read_text(encoding="utf-8") for f in tmp_path.iterdir()] == ["old"]


def test_a_device_is_written_to_and_not_replaced(run):
    run("networks", "--json", os.devnull)
    assert not Path(os.devnull).is_file()


def test_a_link_stays_a_link(run, tmp_path):
    file, link = tmp_path / "file.json", tmp_path / "link.json"
    link.symlink_to(file)
    run("networks", "--json", str(link))
    assert link.is_symlink()
    assert file.is_file()


# What goes wrong inside


def test_a_mistake_of_ours_is_one_line_that_asks_for_a_report(run_fails, monkeypatch):
    monkeypatch.delenv("CHIPWISE_DEBUG", raising=False)

    def broken(source):
        raise KeyError("a\nb")

    monkeypatch.setattr("chipwise.workload.load.load_network", broken)
    message = run_fails(70, "describe", "alexnet")
    assert "KeyError" in message
    assert "please report it" in message
    assert "CHIPWISE_DEBUG=1" in message
    monkeypatch.setenv("CHIPWISE_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["describe", "alexnet"])
