"""Columns side by side: relative figures, columns without a mapping, dataflows at equal area."""

import pytest

import chipwise
from chipwise.analysis.compare import FIGURES, MORE_IS_BETTER
from chipwise.analysis.equal_area import DEFAULT_DATAFLOWS, RF_AREA, at_equal_area, variant
from chipwise.components.load import accelerator_from
from chipwise.hardware.dataflow import dataflow_names
from chipwise.workload.network import Network
from chipwise.yamlfile import parse_yaml

SMALL = Network(
    "small",
    (
        chipwise.conv("conv", M=8, C=4, P=4, Q=4, R=3, S=3),
        chipwise.fully_connected("fc", M=10, C=12),
    ),
)

# One word of registers holds no tile of three tensors.
TOO_SMALL = """
name: cramped
clock: 1 MHz
word: 16 b
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - {memory: buffer, component: sram, capacity: 1 words, keeps: [input, weight, output]}
  - {compute: mac, component: int_mac}
"""


def cramped():
    return accelerator_from(parse_yaml(TOO_SMALL, "cramped.yaml"))


def test_a_column_says_what_evaluate_says():
    found = chipwise.compare(SMALL, ["simple", "eyeriss"], batch=2)
    alone = chipwise.evaluate(SMALL, "eyeriss", 2)
    figures = found.columns[1].figures()
    totals = alone.totals()
    assert {name: figures[name] for name in FIGURES if name in totals} == {
        name: totals[name] for name in FIGURES if name in totals
    }
    assert figures["tops_per_w"] == pytest.approx(2 * alone.macs / alone.energy_pj)


def test_relative_to_the_first_and_to_the_best():
    first = chipwise.compare(SMALL, ["simple", "eyeriss"])
    assert all(value in (1.0, None) for value in first.relative()[0].values())
    energies = [c.figures()["energy_pj"] for c in first.columns]
    assert first.relative()[1]["energy_pj"] == energies[1] / energies[0]
    best = chipwise.compare(SMALL, ["simple", "eyeriss"], reference="best").relative()
    for name in FIGURES:
        ratios = [column[name] for column in best if column[name] is not None]
        limit = max if name in MORE_IS_BETTER else min
        assert limit(ratios) == 1.0


def test_a_chip_that_fits_nothing_keeps_its_place():
    found = chipwise.compare(SMALL, [cramped(), "simple"])
    assert [c.accelerator for c in found.failures] == ["cramped"]
    assert "cramped" in found.columns[0].failure
    assert set(found.columns[0].figures().values()) == {None}
    assert found.relative()[1]["energy_pj"] == 1.0  # the first that fits


def test_a_chip_for_other_layers_keeps_its_place():
    found = chipwise.compare(SMALL, ["eie", "simple"])
    assert "runs fc layers only" in found.failures[0].failure
    assert found.columns[1].result is not None


def test_all_networks_on_all_chips_with_progress():
    seen = []
    other = Network("other", SMALL.layers[1:])
    found = chipwise.compare(
        [SMALL, other], ["simple", cramped()], progress=lambda done, total, _: seen.append((done, total))
    )
    assert [(c.network, c.accelerator) for c in found.columns] == [
        ("small", "simple"), ("small", "cramped"), ("other", "simple"), ("other", "cramped"),
    ]  # fmt: skip
    assert seen[-1] == (6, 6)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"chips": "simpel"}, "simple"),
        ({"chips": []}, "nothing to compare"),
        ({"chips": "simple", "reference": "frist"}, "first"),
        ({"chips": "simple", "dataflows": ["wss"]}, "ws"),
        ({"chips": ["simple", "eyeriss"], "objective": "enrgy"}, "energy"),
        ({"chips": ["simple", "eyeriss"], "mapspace": "evn"}, "even"),
        ({"chips": "eie"}, "runs fc layers only"),
    ],
)
def test_bad_input_is_refused_before_anything_is_mapped(arguments, words):
    with pytest.raises(chipwise.InputError, match=words):
        chipwise.compare(SMALL, **arguments)


def storage_area(chip) -> float:
    total = 0.0
    for memory in chip.memories[1:]:
        copies = chip.instances(memory.name)
        total += copies * memory.capacity_bits * (RF_AREA if copies > 1 else 1)
    return total


@pytest.mark.parametrize("owner", ["simple", "eyeriss"])
@pytest.mark.parametrize("name", dataflow_names())
def test_storage_has_the_same_area_under_every_dataflow(owner, name):
    chip = chipwise.load_accelerator(owner)
    made = variant(chip, name)
    assert made.pes == chip.pes
    assert storage_area(made) <= storage_area(chip)
    assert storage_area(made) == pytest.approx(storage_area(chip), abs=chip.word_bits)


def test_weights_without_room_in_the_pes_may_stay_in_the_buffer():
    """Eyeriss's filters stream past its buffer to their scratchpads, which NLR has not."""
    assert variant(chipwise.load_accelerator("eyeriss"), "nlr").memory("buffer").may_keep == ("weight",)


def test_the_published_differences_between_buffers():
    """2.6 times the buffer and up to 80 kB more storage where there is no register file (ISCA 2016)."""
    chip = chipwise.load_accelerator("simple")
    nlr = variant(chip, "nlr")
    assert nlr.memory("buffer").capacity_bits == pytest.approx(
        2.6 * chip.memory("buffer").capacity_bits, rel=1e-4
    )
    more = (nlr.memory("buffer").capacity_bits - 2 * chip.memory("buffer").capacity_bits) / 8
    assert 70e3 < more < 80e3


@pytest.mark.parametrize("name", ["os-a", "os-b", "os-c"])
def test_a_partial_sum_leaves_its_pe_complete(name):
    chip = variant(chipwise.load_accelerator("simple"), name)
    layer = chipwise.conv("conv", M=32, C=16, P=13, Q=13, R=3, S=3)
    found = chipwise.find_mapping(layer, chip)
    assert found.cost.counts.actions["buffer", "output"].updates == layer.volume("output")


def test_every_dataflow_is_compared_by_default():
    assert sorted(DEFAULT_DATAFLOWS) == sorted(dataflow_names())


def test_without_a_buffer_there_is_nothing_to_trade():
    chip = accelerator_from(
        parse_yaml(TOO_SMALL.replace("1 words", "unlimited, energy: {read: 1 pJ, write: 1 pJ}"), "x.yaml")
    )
    with pytest.raises(chipwise.InputError, match="no memory of limited capacity"):
        at_equal_area(chip, ["nlr"])
