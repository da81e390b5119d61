"""Chips that choose a dataflow by layer, and chips that run some layers only."""

from dataclasses import replace

import pytest

import chipwise
from chipwise.errors import InputError, NoMappingError
from chipwise.hardware.accelerator import Memory
from chipwise.hardware.dataflow import with_dataflow
from chipwise.report.evaluation import evaluation_text
from chipwise.workload.network import Network

CONV = chipwise.conv("conv", M=8, C=4, P=16, Q=16, R=3, S=3)
FC = chipwise.fully_connected("fc", M=32, C=32)
BOTH = Network("both", (CONV, FC))


def hybrid():
    return chipwise.load_accelerator("squeezelerator")


@pytest.mark.parametrize("objective", ["energy", "latency", "edp", "traffic", "latency,energy"])
@pytest.mark.parametrize("layer", [CONV, FC], ids=lambda layer: layer.name)
def test_a_hybrid_takes_the_better_dataflow(layer, objective):
    chip = hybrid()
    best = chipwise.find_mapping(layer, chip, objective, factors="perfect")
    alone = [
        chipwise.find_mapping(layer, with_dataflow(chip, name), objective, factors="perfect")
        for name in chip.dataflows
    ]
    first = objective.split(",")[0]
    value = {
        "energy": lambda r: r.energy_pj,
        "latency": lambda r: r.latency_cycles,
        "edp": lambda r: r.energy_pj * r.latency_cycles,
        "traffic": lambda r: r.off_chip_bytes,
    }[first]
    assert value(best) == min(map(value, alone))
    assert best.accelerator.dataflow in chip.dataflows
    assert best.certificate.proven
    assert best.certificate.gap == 0


def test_a_front_takes_points_of_either_dataflow():
    """No point of it is beaten by one of a dataflow alone, and each is one of those."""
    chip = hybrid()
    points = [(p.energy_pj, p.latency_cycles) for p in chipwise.find_front(CONV, chip, factors="perfect")]
    alone = [
        (p.energy_pj, p.latency_cycles)
        for name in chip.dataflows
        for p in chipwise.find_front(CONV, with_dataflow(chip, name), factors="perfect")
    ]
    assert points == sorted(
        p for p in set(alone) if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in alone)
    )


def test_an_evaluation_tells_what_was_chosen():
    result = chipwise.evaluate(BOTH, hybrid(), factors="perfect")
    flows = {name: layer.accelerator.dataflow for name, layer in result.layers.items()}
    assert set(flows) == {"conv", "fc"}
    text = evaluation_text(result)
    assert "dataflow of each layer" in text
    for name, flow in flows.items():
        assert f"  {flow}" in text, name
    assert "dataflow of each layer" not in evaluation_text(
        chipwise.evaluate(BOTH, "simple", factors="perfect")
    )


def test_a_dataflow_that_fits_nowhere_leaves_the_other():
    """Registers of one word hold a weight, but no row with its sum."""
    chip = hybrid()
    levels = tuple(
        replace(m, keeps=("input", "weight", "output"), capacity_bits=16)
        if isinstance(m, Memory) and m.name == "registers"
        else m
        for m in chip.levels
    )
    with pytest.raises(NoMappingError):
        chipwise.find_mapping(CONV, replace(chip, levels=levels, dataflows=("rs",)), factors="perfect")
    found = chipwise.find_mapping(
        CONV, replace(chip, levels=levels, dataflows=("rs", "ws")), factors="perfect"
    )
    assert found.accelerator.dataflow == "ws"


def test_a_chip_refuses_what_it_does_not_run():
    with pytest.raises(InputError) as error:
        chipwise.evaluate(BOTH, "eie")
    assert str(error.value).startswith("chip 'eie' runs fc layers only, not conv (conv); choose another chip")
    with pytest.raises(InputError, match="runs fc layers only"):
        chipwise.find_mapping(CONV, "eie")
    assert chipwise.find_mapping(FC, "eie").layer is FC


def test_a_refusal_names_a_few_layers():
    with pytest.raises(InputError, match="and 1 more"):
        chipwise.evaluate("alexnet", "eie")
