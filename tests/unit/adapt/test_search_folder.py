"""Folders of searches: kills at every write, other questions, files that somebody changed, full disks."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from chipwise.adapt.netadapt.settings import Settings
from chipwise.adapt.netadapt.uniform import uniform_width
from chipwise.adapt.netadapt.v1 import netadapt
from chipwise.adapt.netadapt.v2 import netadapt_v2
from chipwise.adapt.prune.methods import magnitude
from chipwise.adapt.resource import Energy, Latency, Macs, Weights
from chipwise.adapt.saved import load, rebuilt, save_network
from chipwise.adapt.search_folder import SearchFolder
from chipwise.adapt.task import Task, TensorSplit
from chipwise.errors import InputError

QUICK = Settings(first_step=0.2, short_steps=1, long_steps=2, supernet_steps=2, samples=2)


def split(count: int, seed: int, dtype=torch.float32) -> TensorSplit:
    labels = torch.arange(count) % 4
    noise = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return TensorSplit((noise + labels[:, None, None, None]).to(dtype), labels)


def small_task(dtype=torch.float32) -> Task:
    splits = (split(32, seed, dtype) for seed in range(3))
    return Task("steps", *splits, batch_size=16, short_steps=1, long_steps=2)


TASK = small_task()


def net(last: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, 1, 1), nn.ReLU())
    more = () if last is None else (last,)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4), *more)


def search(folder: Path, model=None, wanted=None, settings=QUICK, **options):
    model = net() if model is None else model
    keep = SearchFolder(folder, TASK.example)
    return netadapt(model, TASK, wanted or {Macs(): 0.4}, settings, folder=keep, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a search that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    search(folder).save(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files but for the seconds in them."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".json":
            data = b"\n".join(line for line in data.splitlines() if b'"seconds"' not in line)
        found[path.relative_to(folder).as_posix()] = data
    return found


class Killed(BaseException):
    """Stops a run as a kill does: nothing catches it."""


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", [netadapt, netadapt_v2, uniform_width, magnitude])
def test_after_a_kill_at_any_write_every_file_comes_out_the_same(method, every, tmp_path, monkeypatch):
    """What was being written stays beside its place, as no clean-up runs; then the same question is asked again."""
    wanted = {Weights(): 0.5} if method is magnitude else {Macs(): 0.5}
    moved = Path.replace

    def ask(folder: Path):
        keep = SearchFolder(folder, TASK.example)
        method(net(), TASK, wanted, QUICK, folder=keep).save(folder)

    ask(tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    monkeypatch.setattr("chipwise.whole_files._remove", lambda _place: None)
    for last in range(1, 200, every):
        folder, writes = tmp_path / f"kill{last}", iter(range(1, last))

        def replaced(place, target, writes=writes):
            if next(writes, None) is None:
                raise Killed
            return moved(place, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replaced)
            try:
                ask(folder)
            except Killed:
                pass
            else:
                break
        monkeypatch.undo()
        ask(folder)
        assert contents(folder) == expected, last
        shutil.rmtree(folder)
        monkeypatch.setattr("chipwise.whole_files._remove", lambda _place: None)
    assert last > 10


def test_what_kills_left_is_no_network_and_goes(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "family" / "02")
    (folder / "point.json").unlink()
    shutil.copytree(folder / "family" / "01", folder / "family" / ".02.77")
    (folder / ".run.json.77").write_text("{")
    (folder / ".start.77").mkdir()
    search(folder).save(folder)
    assert contents(folder) == contents(whole)
    assert not list(folder.rglob(".*"))


def test_a_kill_before_the_question_stands_leaves_a_folder_that_can_be_used(tmp_path):
    (tmp_path / ".run.json.77").write_text("{")
    (tmp_path / ".start.77").mkdir()
    assert search(tmp_path).final.test is not None


def test_a_rebuilt_network_lies_in_memory_as_others_do(whole):
    """Unaligned tensors, as files give them, are summed in another order."""
    assert all(value.data_ptr() % 64 == 0 for value in load(whole, net()).state_dict().values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"watch": (Weights(),)}, "its resources differ .weights: none there, 'Weights' now"),
        ({"source": "mobile"}, "its network differs .'' there, 'mobile' now"),
        ({"settings": replace(QUICK, long_steps=1)}, "its settings differ .long_steps: 2 there, 1 now"),
        ({"wanted": {Macs(): 0.41}}, "its budget differs .macs: "),
        ({"model": net(nn.Identity()).double().float()}, ""),
    ],
)
def test_another_question_is_refused_with_what_differs(whole, change, message):
    if not message:  # the same weights, and the same question
        search(whole, **change)
        return
    with pytest.raises(InputError, match="holds another search: " + message):
        search(whole, **change)


@pytest.mark.parametrize(
    ("asked", "now", "message"),
    [
        (Latency("simple"), Latency("simple", 4), "latency batch: 1 there, 4 now"),
        (Latency("simple"), Latency("eyeriss"), "latency chip: 'simple' there, 'eyeriss' now"),
        (Energy("simple"), Energy("simple", zeros="chip"), "energy-as-is: none there"),
    ],
)
def test_another_chip_or_batch_is_refused(tmp_path, asked, now, message):
    search(tmp_path, watch=(asked,), wanted={Macs(): 0.9})
    with pytest.raises(InputError, match=f"its resources differ .*{message}"):
        search(tmp_path, watch=(now,), wanted={Macs(): 0.9})


def test_where_nothing_is_kept_yet_another_question_may_be_asked(tmp_path):
    with pytest.raises(InputError, match="its forward gives a dict"):
        search(tmp_path, _Named(net()))
    (tmp_path / "run.json").write_text('{"method": "eap"}')
    assert search(tmp_path).family


class _Named(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return {"logits": self.inner(x)}


def test_networks_without_one_tensor_are_refused_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(Task, "finetune", lambda *_args, **_more: pytest.fail("trained"))
    with pytest.raises(InputError, match=r"its forward gives a dict; .* whose forward returns the tensor"):
        search(tmp_path / "run", _Named(net()))
    assert not (tmp_path / "run").exists()


def test_tied_weights_are_refused_by_name():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 4)
    )
    model[2].weight = model[1].weight
    for method in (netadapt, magnitude):
        with pytest.raises(
            InputError, match=r"'1.weight' and '2.weight' are one parameter, .* use one module"
        ):
            method(model, TASK, {Weights(): 0.5}, QUICK)


def test_one_module_in_two_places_is_saved_and_rebuilt(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 4))
    model.insert(2, model[1])
    save_network(model, tmp_path, TASK.example)
    again = rebuilt(model, tmp_path)
    assert again[1] is again[2]
    assert torch.equal(again(TASK.example), model(TASK.example))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_are_kept_and_go_on(dtype, tmp_path):
    task, model = small_task(dtype), net().to(dtype)
    results = [
        netadapt(model, task, {Macs(): 0.6}, QUICK, folder=SearchFolder(tmp_path, task.example)) for _ in "12"
    ]
    first, again = (r.model.state_dict() for r in results)
    assert all(torch.equal(value, first[name]) for name, value in again.items())
    assert again["0.weight"].dtype == dtype


def rewritten(folder: Path, name: str, change) -> None:
    """With tensors changed, and the checksum brought up to date."""
    tensors = load_file(folder / name)
    change(tensors)
    save_file(tensors, folder / name)
    arch = json.loads((folder / "arch.json").read_text())
    arch["weights_sha256"] = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    (folder / "arch.json").write_text(json.dumps(arch))


def edited(file: Path, change) -> None:
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


WEIGHTS, PROBE = "weights.safetensors", "probe.safetensors"


@pytest.mark.parametrize("where", [".", "family/01"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: edited(f / "arch.json", lambda a: a["layers"]["0"].update(groups=3)), "groups = 3 cannot be cut"),
        (lambda f: edited(f / "arch.json", lambda a: a["layers"]["0"].update(groups=0)), "groups = 0 cannot be cut"),
        (lambda f: edited(f / "arch.json", lambda a: a["layers"]["0"].update(padding=[1] * 3)), "padding = .1, 1, 1"),
        (lambda f: edited(f / "arch.json", lambda a: a["layers"]["0"].update(padding=[9**9] * 2)), "padding = "),
        (lambda f: edited(f / "arch.json", lambda a: a["layers"].update({"7": {}})), "'7' with in_features = None"),
        (lambda f: edited(f / "arch.json", lambda a: a.update(layers=1)), "holds no network of chipwise"),
        (lambda f: rewritten(f, WEIGHTS, lambda t: t.update({"0.weight": t["0.weight"][:1]})), "'0.weight' is"),
        (lambda f: rewritten(f, WEIGHTS, lambda t: t.update({"7.bias": t["7.bias"].long()})), "must be .4,. of"),
        (lambda f: rewritten(f, WEIGHTS, lambda t: t.update({"7.bias": t["7.bias"] + 1})), "are not those stored;"),
        (lambda f: rewritten(f, PROBE, lambda t: t.pop("output")), "must hold an input and its output"),
        (lambda f: rewritten(f, PROBE, lambda t: t.update(input=torch.zeros(1, 3, 8, 8))), "does not run on"),
        (lambda f: (f / WEIGHTS).write_bytes(b""), "cannot be read"),
        (lambda f: (f / WEIGHTS).unlink(), "cannot be read"),
        (lambda f: edited(f / "point.json", lambda p: p.update(needs={})), "needs: must be of macs"),
        (lambda f: edited(f / "point.json", lambda p: p["holdout"].update(metric="high")), "holdout.metric: Input"),
        (lambda f: (f / "point.json").write_text("[]"), "Input should be an object"),
        (lambda f: (f / "point.json").write_text("[" * 9999), "Invalid JSON"),
    ],
)  # fmt: skip
def test_files_that_somebody_changed_are_told_with_the_file_to_delete(
    whole, tmp_path, where, damage, message
):
    shutil.copytree(whole, tmp_path / "run")
    damage(tmp_path / "run" / where)
    with pytest.raises(InputError, match=message) as told:
        search(tmp_path / "run")
    file = tmp_path / "run" / where / "point.json"
    assert str(file) in str(told.value)
    file.unlink()
    search(tmp_path / "run").save(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(whole)


def test_a_change_of_weights_that_no_output_shows_is_found(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    tensors = load_file(tmp_path / "run" / WEIGHTS)
    tensors["7.bias"] += 1e-7
    save_file(tensors, tmp_path / "run" / WEIGHTS)
    with pytest.raises(InputError, match="SHA-256"):
        load(tmp_path / "run", net())


def test_a_start_that_is_damaged_is_told(tmp_path):
    keep = SearchFolder(tmp_path, TASK.example)
    keep.keep_start(net(), {"base steps": 2})
    assert torch.equal(keep.start(net(), {"base steps": 2})[0].weight, net()[0].weight)
    with pytest.raises(InputError, match=r"its base steps differ \(2 there, 3 now\)"):
        keep.start(net(), {"base steps": 3})
    (tmp_path / "start" / WEIGHTS).write_bytes(b"")
    with pytest.raises(InputError, match=r"delete the folder '.*/start', and it is trained again"):
        keep.start(net(), {"base steps": 2})


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "{", "[" * 9999])
def test_a_question_that_is_damaged_is_told(whole, tmp_path, text):
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run.json' is damaged .* name a new folder"):
        search(tmp_path / "run")


def test_a_full_disk_loses_nothing(whole, tmp_path, monkeypatch):
    room = iter(range(12))
    moved = Path.replace

    def full(place, target):
        if next(room, None) is None:
            raise OSError(28, "No space left on device")
        return moved(place, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(InputError, match="cannot be written: No space left on device; make room"):
            search(tmp_path / "run")
    assert (tmp_path / "run" / "family" / "00" / "point.json").is_file()
    assert not list((tmp_path / "run").rglob(".*"))
    search(tmp_path / "run").save(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(whole)


def test_a_result_is_saved_into_no_other_search(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    other = netadapt(net(), TASK, {Macs(): 0.7}, QUICK)
    with pytest.raises(InputError, match="holds another search: its budget differs"):
        other.save(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.md").write_text("my own")
    with pytest.raises(InputError, match="is not empty and holds no search"):
        other.save(tmp_path / "mine")
    assert contents(tmp_path / "run") == contents(whole)
    assert (tmp_path / "mine" / "card.md").read_text() == "my own"
    other.save(tmp_path / "new")
    before = contents(tmp_path / "new")
    other.save(tmp_path / "new")
    assert contents(tmp_path / "new") == before
    assert len(list((tmp_path / "new" / "family").iterdir())) == len(other.family)


def test_a_result_with_other_networks_is_no_other_of_the_same(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    edited(tmp_path / "run" / "family" / "01" / "point.json", lambda p: p["holdout"].update(loss=9.0))
    with pytest.raises(InputError, match=r"holds another search, of which '.*01/point.json' differs"):
        netadapt(net(), TASK, {Macs(): 0.4}, QUICK).save(tmp_path / "run")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a place where no folder can be made")
def test_a_folder_that_cannot_be_made_is_told():
    with pytest.raises(InputError, match=f"folder '/proc/{os.getpid()}/xx' cannot be used: "):
        search(Path(f"/proc/{os.getpid()}/xx"))
