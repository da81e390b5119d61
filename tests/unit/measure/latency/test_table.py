"""Lookup tables on a fake device whose times are known: what is kept, what is looked up, what is refused."""

import json
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from chipwise.adapt.networks import mobile, plain, residual
from chipwise.adapt.resource import Macs
from chipwise.adapt.shapes import LayerShape, layer_shapes
from chipwise.errors import InputError, Note
from chipwise.measure.latency.networks import backend_of, measure_network, shape_of_layer
from chipwise.measure.latency.table import SENTINELS, LatencyTable, key_of, shape_of
from chipwise.measure.latency.timing import Backend, Effort, best_of
from chipwise.measure.latency.validation import agreement, validate
from chipwise.workload.load import load_network

QUICK = Effort(runs=4, seconds=0, warm_up=1)
IMAGE = torch.zeros(1, 1, 32, 32)
SHAPES = layer_shapes(mobile((4, 8, 8)), IMAGE)


class Fake(Backend):
    """A layer takes 1 us and 1 ns per MAC, a network as much and `extra` of it; most runs are disturbed."""

    name = "fake"
    threads = 1

    def __init__(self, device="device a", extra=0.0):
        self.device, self.extra = device, extra
        self.built = Counter()

    def provenance(self):
        return {"device": self.device}

    def layer(self, shape):
        self.built[shape] += 1
        return self.sampler(self.truth(shape))

    def network(self, model, example):
        return self.sampler(sum(map(self.truth, layer_shapes(model, example))) * (1 + self.extra))

    def quiet(self):
        return nullcontext()

    def truth(self, shape):
        return 1e-6 + shape.macs * 1e-9

    def sampler(self, seconds):
        turns = [9, 4, 1, 5]
        calls = Counter()

        def sample():
            calls["all"] += 1
            return seconds * turns[calls["all"] % 4]

        return sample


def test_the_fastest_run_counts():
    samples = iter([0.5, 3.0, 1.0, 2.0])
    timing = best_of(lambda: next(samples), Effort(runs=3, seconds=0, warm_up=1))
    assert (timing.min_s, timing.median_s, timing.count) == (1.0, 2.0, 3)


def test_short_runs_are_repeated_until_time_is_spent():
    assert best_of(lambda: 0.1, Effort(runs=2, seconds=1.0)).count == pytest.approx(10, abs=1)
    assert best_of(lambda: 0.001, Effort(runs=2, seconds=1.0, most=50)).count == 50


def test_sum_of_layers_each_measured_once():
    backend = Fake()
    table = LatencyTable.open(None, backend, effort=QUICK)
    truth = sum(map(backend.truth, SHAPES))
    assert table.of(SHAPES) == pytest.approx(truth)
    assert table.of(SHAPES) == pytest.approx(truth)
    sentinels = set(SENTINELS)
    assert all(count == 1 for shape, count in backend.built.items() if shape not in sentinels)
    assert (table.name, table.unit, table.show(truth)) == ("latency", "s", table.show(table.of(SHAPES)))


def test_zeros_and_names_are_no_reason_to_measure_again():
    table = LatencyTable.open(None, Fake(), effort=QUICK)
    table.of_layer(SHAPES[0])
    table.of_layer(replace(SHAPES[0], name="other", weight_density=0.1, weight_bits=4))
    assert table.measured == 1


@pytest.mark.parametrize("make", [mobile, plain, residual])
def test_keys_are_read_back(make):
    for shape in layer_shapes(make(), IMAGE):
        assert shape_of(key_of(shape, 1)) == shape


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    path = tmp_path / "cpu.lut"

    def stop(done, _):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LatencyTable.open(path, Fake(), effort=QUICK, report=stop).of(SHAPES)
    assert len(json.loads(path.read_text())["entries"]) == 2
    assert list(tmp_path.iterdir()) == [path]
    table = LatencyTable.open(path, Fake(), effort=QUICK)
    total = table.of(SHAPES)
    assert table.measured == len(set(SHAPES)) - 2
    assert LatencyTable.open(path).of(SHAPES) == total


def test_improving_lowers_only():
    table = LatencyTable.open(None, Fake(), effort=QUICK)
    table.of(SHAPES)
    key = key_of(SHAPES[0], 1)
    slow = replace(table.entries[key], min_s=2 * table.entries[key].min_s)
    table.entries[key] = slow
    assert table.improve(1) == pytest.approx(0.5)
    assert table.improve(1) == 0
    assert table.of_layer(SHAPES[0]) == pytest.approx(slow.min_s / 2)


def test_sentinels_tell_of_a_machine_that_changed():
    backend = Fake()
    table = LatencyTable.open(None, backend, effort=QUICK)
    table.of(SHAPES)
    assert not table.noisy
    backend.truth = lambda _: 1.0
    table.check_sentinels()
    assert table.noisy


def test_other_devices_are_refused(tmp_path):
    path = tmp_path / "cpu.lut"
    LatencyTable.open(path, Fake(), effort=QUICK).of(SHAPES)
    with pytest.raises(InputError, match="device = device a, here it is device b"):
        LatencyTable.open(path, Fake("device b"))


def test_lookup_without_a_device(tmp_path):
    path = tmp_path / "cpu.lut"
    LatencyTable.open(path, Fake(), effort=QUICK).of(SHAPES[:1])
    with pytest.raises(InputError, match=r"no entry for layer '3' .*chipwise measure"):
        LatencyTable.open(path).of(SHAPES)
    with pytest.raises(InputError, match="nothing can be timed"):
        LatencyTable.open(path).check_sentinels()
    with pytest.raises(InputError, match=r"is not there; make it with `chipwise measure"):
        LatencyTable.open(tmp_path / "none.lut")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no such table"),
        ("[]", "is no such table"),
        ('{"schema": "chipwise.latency/2"}', "must be 'chipwise.latency/1'"),
        ('{"schema": "chipwise.latency/1"}', "is no such table"),
        (
            '{"schema": "chipwise.latency/1", "provenance": {"threads": 1}, "sentinels": {"a": [-1]}, "entries": {}}',
            r"sentinels.a\[0\] = -1 must be greater than 0",
        ),
    ],
)
def test_files_that_are_no_table(tmp_path, text, message):
    path = tmp_path / "bad.lut"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        LatencyTable.open(path)


KEY = key_of(LayerShape("fc", "linear", N=1, M=4, C=4), 1)
ENTRY = {"min_s": 1e-6, "median_s": 2e-6, "count": 30}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entries": {KEY: ENTRY | {"min_s": "1e-6"}}}, "min_s = '1e-6' must be a number"),
        ({"entries": {KEY: ENTRY | {"median_s": None}}}, "median_s has no value"),
        ({"entries": {KEY: ENTRY | {"min_s": float("nan")}}}, "min_s = nan must be"),
        ({"entries": {KEY: ENTRY | {"min_s": float("inf")}}}, "min_s = inf must be less than 1000000"),
        ({"entries": {KEY: {"min_s": 1e-6}}}, "median_s is missing"),
        ({"entries": {"conv of mine": ENTRY}}, "'conv of mine' is no key of an entry"),
        ({"entries": [ENTRY]}, "must hold `key: value` pairs"),
        ({"sentinels": {"dense": ["slow"]}}, "must be a number"),
        ({"sentinels": {"dense": []}}, "at least 1 item"),
        ({"provenance": {"threads": True}}, "threads = True must be a whole number"),
        ({"provenance": {"threads": 1, "backend": 3}}, "backend = 3 must be text"),
    ],
)
def test_damaged_tables_name_the_place(tmp_path, change, message):
    whole = {
        "schema": "chipwise.latency/1",
        "provenance": {"threads": 1, "device": "a"},
        "sentinels": {"dense": [1e-5]},
        "entries": {KEY: ENTRY},
    }
    path = tmp_path / "x.lut"
    path.write_text(json.dumps(whole))
    assert LatencyTable.open(path).entries[KEY].count == 30
    path.write_text(json.dumps(whole | change))
    with pytest.raises(InputError, match="is no such table: ") as told:
        LatencyTable.open(path)
    assert message in str(told.value)


def test_nests_without_end_are_no_table(tmp_path):
    path = tmp_path / "deep.lut"
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="is no such table"):
        LatencyTable.open(path)


def test_a_missing_entry_says_why_it_is_not_measured(tmp_path):
    from chipwise.adapt.run import resources_on

    path = tmp_path / "other.lut"
    table = LatencyTable.open(path, backend_of("torch"), effort=QUICK)
    table.of(SHAPES[:1])
    path.write_text(path.read_text().replace(json.dumps(table.provenance["device"]), '"another one"'))
    read, *_ = resources_on(str(path))
    assert read.of(SHAPES[:1]) > 0
    with pytest.raises(
        InputError, match=r"no entry for layer '3' .*none can be measured here: .*device = another"
    ):
        read.of(SHAPES)


def test_networks_that_are_timed_keep_their_mode(monkeypatch, tmp_path):
    backend = Fake()
    models = [mobile((4, 8, w)) for w in (4, 6, 8)]
    models[0].eval()
    models[1][1].eval()
    before = [[part.training for part in model.modules()] for model in models]
    seen = []
    monkeypatch.setattr(Fake, "network", lambda _, model, __: seen.append(model.training) or (lambda: 1e-3))
    validate(LatencyTable.open(None, backend, effort=QUICK), backend, models, IMAGE, rounds=1)
    LatencyTable.open(None, backend, effort=QUICK).whole(models[2], IMAGE)
    (tmp_path / "timed_net.py").write_text(
        "from chipwise.adapt.networks import mobile\nNET = mobile((4, 8))\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    measure_network(
        "torch:timed_net:NET", LatencyTable.open(None, backend, effort=QUICK), backend, inputs="1x32x32"
    )
    assert not any(seen)
    assert [[part.training for part in model.modules()] for model in models] == before
    assert sys.modules.pop("timed_net").NET.training


def test_layers_are_measured_of_networks_that_do_not_run_whole(monkeypatch):
    backend = Fake()

    def refuse(*_):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(Fake, "network", refuse)
    table = LatencyTable.open(None, backend, effort=QUICK)
    spec = "torch:chipwise.adapt.networks:mobile"
    with pytest.warns(Note, match="not measured: .*does not run as a whole with fake: RuntimeError: no such"):
        found = measure_network(spec, table, backend, inputs="1x32x32")
    assert found.whole is None
    assert found.latency_s > 0


def test_threads_are_not_dropped_for_a_gpu():
    with pytest.raises(InputError, match="takes no --threads 4"):
        backend_of("cuda", 4)


def test_validation_against_whole_networks():
    backend = Fake(extra=0.25)
    table = LatencyTable.open(None, backend, effort=QUICK)
    models = [mobile((4, 8, w)) for w in (4, 6, 8, 12)]
    found = validate(table, backend, models, IMAGE, rounds=1)
    assert found.table.scale == pytest.approx(1.25)
    assert found.table.mape == pytest.approx(0, abs=1e-12)
    assert found.table.rank_correlation == pytest.approx(1)
    assert found.macs == tuple(Macs().of(layer_shapes(m, IMAGE)) for m in models)
    with pytest.raises(InputError, match="too few"):
        validate(table, backend, models[:2], IMAGE)


def test_a_whole_network_is_timed_where_there_is_a_device():
    table = LatencyTable.open(None, Fake(extra=1.0), effort=QUICK)
    model = mobile((4, 8, 8))
    assert table.whole(model, IMAGE) == pytest.approx(2 * table.of(SHAPES))
    lookup = LatencyTable(None, None, {"provenance": {"threads": 1}, "entries": {}, "sentinels": {}})
    assert lookup.whole(model, IMAGE) is None


def test_agreement_by_hand():
    found = agreement([1.0, 2.0, 2.0], [2.0, 1.0, 3.0])
    ratios = [0.5, 2.0, 2 / 3]
    assert found.scale == pytest.approx(sum(ratios) / sum(r * r for r in ratios))
    assert found.rank_correlation == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("network", ["lenet5", "mobilenet_v2", "unet"])
def test_layers_of_the_zoo_can_be_timed(network):
    for layer in load_network(network).layers:
        shape = shape_of_layer(layer)
        assert shape is not None
        assert shape.to_layer().macs == layer.macs
        assert shape.to_layer().volume("input") == layer.volume("input")


def test_networks_that_are_no_modules():
    table = LatencyTable.open(None, Fake(), effort=QUICK)
    found = measure_network("bert_base", table, Fake())
    assert found.whole is None
    assert any("scores" in name or "attention" in name for name in found.unmeasured)
    with pytest.raises(InputError, match="give --input"):
        measure_network("torch:chipwise.adapt.networks:mobile", table, Fake())
    with pytest.raises(InputError, match="backend 'tpu' is not known"):
        backend_of("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_told():
    with pytest.raises(InputError, match="finds no GPU"):
        backend_of("cuda")


def test_the_file_says_where_it_is_from(tmp_path: Path):
    path = tmp_path / "cpu.lut"
    table = LatencyTable.open(path, backend_of("torch"), effort=QUICK)
    table.of_layer(LayerShape("fc", "linear", N=1, M=4, C=4))
    facts = json.loads(path.read_text())["provenance"]
    assert {"backend", "threads", "device", "versions", "instructions", "date"} <= set(facts)
