"""Mappings found before: the same answer, never a stale or a damaged one, and never a failure."""

import sqlite3
import subprocess
import sys
from dataclasses import replace
from itertools import product

import pytest

from chipwise.components.load import load_accelerator
from chipwise.errors import NoMappingError
from chipwise.hardware.accelerator import ActionEnergy, Compute
from chipwise.mapper import cache
from chipwise.mapper.mapspace import PLACEMENTS, Mapspace
from chipwise.workload.kinds import conv, fully_connected

LAYER = fully_connected("fc", M=24, C=36)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder of its own."""
    monkeypatch.setenv("CHIPWISE_CACHE", str(tmp_path))
    monkeypatch.delenv(cache.SWITCH)
    return tmp_path


@pytest.fixture
def searches(monkeypatch):
    """The layers that were really searched."""
    done, search = [], cache.search
    monkeypatch.setattr(cache, "search", lambda layer, *rest: done.append(layer.name) or search(layer, *rest))
    return done


def test_the_second_time_nothing_is_searched(folder, searches):
    chip = load_accelerator("eyeriss")
    first = cache.find(LAYER, chip)
    second = cache.find(replace(LAYER, name="another name"), chip)

    assert searches == ["fc"]
    assert first == second


def test_without_the_cache_everything_is(folder, searches):
    chip = load_accelerator("eyeriss")
    for _ in range(2):
        cache.find(LAYER, chip, use_cache=False)

    assert searches == ["fc", "fc"]
    assert not list(folder.iterdir())


def test_anything_that_matters_changes_the_key():
    chip = load_accelerator("eyeriss")
    dearer = Compute("mac", "int_mac", {"mac": ActionEnergy(2.0, "test")})
    space = Mapspace("uneven", "perfect")
    keys = {
        cache.key_of(LAYER, chip, "energy", space),
        cache.key_of(LAYER, chip, "latency", space),
        cache.key_of(LAYER, chip, "energy,latency", space),
        cache.key_of(LAYER, chip, "energy", Mapspace("even", "perfect")),
        cache.key_of(LAYER, chip, "energy", Mapspace("uneven", "imperfect")),
        cache.key_of(LAYER.with_batch(2), chip, "energy", space),
        cache.key_of(conv("c", M=24, C=36, P=1, Q=1, R=1, S=1), chip, "energy", space),
        cache.key_of(LAYER, replace(chip, word_bits=8), "energy", space),
        cache.key_of(LAYER, replace(chip, levels=(*chip.levels[:-1], dearer)), "energy", space),
        cache.key_of(LAYER, load_accelerator("simple"), "energy", space),
    }

    assert len(keys) == 10
    assert cache.key_of(replace(LAYER, name="x"), chip, "energy", space) in keys


def test_what_was_found_in_another_mapspace_is_another_answer(folder, searches):
    chip = load_accelerator("eyeriss")
    spaces = [Mapspace(p, f) for p, f in product(PLACEMENTS, ("perfect", "spatial"))]
    found = [cache.find(LAYER, chip, space=space) for space in spaces]

    certificates = [f.certificate for f in found]
    assert [Mapspace(c.placement, c.factors) for c in certificates] == spaces
    assert [cache.find(LAYER, chip, space=space) for space in spaces] == found
    assert searches == ["fc"] * len(spaces)


@pytest.mark.parametrize("objective", ["latency", "latency,energy", "traffic", "edp,traffic,energy"])
def test_every_objective_is_remembered_under_its_own_name(folder, searches, objective):
    chip = load_accelerator("eyeriss")
    first = cache.find(LAYER, chip, objective)

    assert cache.find(LAYER, chip, objective) == first
    assert first.certificate.objective == objective
    assert searches == ["fc"]


def test_what_was_cut_short_is_not_kept(folder, searches):
    chip = load_accelerator("eyeriss")
    with pytest.raises(NoMappingError):
        cache.find(LAYER, chip, time_limit_s=1e-6)
    assert cache.find(LAYER, chip, time_limit_s=1000.0).certificate.proven
    assert searches == ["fc", "fc"]


@pytest.mark.parametrize(
    "damage",
    [
        "not json",
        "[]",
        "{}",
        '{"nodes": [["storage", {"memory": "dram"}]], "certificate": {}}',
        '{"nodes": [["eval", {}]], "certificate": {}}',
    ],
)
def test_a_damaged_entry_is_searched_anew(folder, searches, damage):
    chip = load_accelerator("eyeriss")
    first = cache.find(LAYER, chip)
    with sqlite3.connect(folder / "mappings.sqlite") as table:
        table.execute("UPDATE found SET value = ?", (damage,))
    table.close()

    assert cache.find(LAYER, chip) == first
    assert searches == ["fc", "fc"]


def test_an_entry_that_costs_something_else_is_not_believed(folder, searches):
    chip = load_accelerator("eyeriss")
    cache.find(LAYER, chip)
    with sqlite3.connect(folder / "mappings.sqlite") as table:
        table.execute("""UPDATE found SET value = json_set(value, '$.certificate.value', 1.0)""")
    table.close()
    cache.find(LAYER, chip)

    assert searches == ["fc", "fc"]


def test_a_file_that_is_no_database_costs_only_time(folder, searches):
    (folder / "mappings.sqlite").write_bytes(b"no database" * 100)
    for _ in range(2):
        cache.find(LAYER, load_accelerator("eyeriss"))

    assert searches == ["fc", "fc"]


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path, monkeypatch, searches):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHIPWISE_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.delenv(cache.SWITCH)
    cache.find(LAYER, load_accelerator("eyeriss"))

    assert searches == ["fc"]


WRITER = """
import sys
from chipwise.components.load import load_accelerator
from chipwise.mapper import cache
from chipwise.mapper.search import search
from chipwise.workload.kinds import fully_connected
chip = load_accelerator("eyeriss")
found = search(fully_connected("fc", M=8, C=8), chip)
for i in range(100):
    cache._write(f"{sys.argv[1]}-{i}", found)
"""


def test_processes_write_side_by_side(folder):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(i)]) for i in range(2)]
    assert [writer.wait(timeout=240) for writer in writers] == [0, 0]
    with sqlite3.connect(folder / "mappings.sqlite") as table:
        (rows,) = table.execute("SELECT count(*) FROM found").fetchone()
    table.close()

    assert rows == 200
