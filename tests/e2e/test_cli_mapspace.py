"""The command line's mapspaces, tile sizes, orders of objectives and the Pareto front."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

import chipwise
from chipwise.cli.main import main, with_values
from chipwise.cli.options import FACTORS, PLACEMENTS

ROOT = Path(__file__).parents[2]
CHIP = str(ROOT / "examples" / "tiny-chip.yaml")
FC = chipwise.fully_connected("fc", M=10, C=12)
MAP = ("map", "fc:M=10,C=12", "--on", CHIP)


# --mapspace


def test_without_a_value_the_mapspace_is_shown(run):
    text = run(*MAP, "--mapspace")
    assert text.startswith("fc (M 10, C 12) on tiny: 32 PEs")
    for line in ("dram                    keeps input, weight, output", "| rows x 4              spatial C"):
        assert line in text.splitlines()
    for name in (*PLACEMENTS, *FACTORS):
        assert f"  {name:9}  " in text
    told = json.loads(run(*MAP, "--mapspace", "--json", "-"))
    for placement in PLACEMENTS:
        sizes = [f"{told['mappings'][placement][factors]:.3g}" for factors in FACTORS]
        row = next(line for line in text.splitlines() if line.startswith(f"--mapspace {placement}"))
        assert row.split() == ["--mapspace", placement, *sizes]


def test_the_mapspace_as_json(run, tmp_path):
    told = json.loads(run(*MAP, "--mapspace", "--json", "-"))
    assert told["schema"] == "chipwise.mapspace/1"
    assert (told["layer"], told["dims"], told["accelerator"]) == ("fc", {"N": 1, "M": 10, "C": 12}, "tiny")
    assert (told["bypass_choices"], told["node_orders"]) == (1, 2 * 6)  # input and output; three registers
    for placement in PLACEMENTS:
        assert list(told["mappings"][placement]) == list(FACTORS)
        for few, many in pairwise(FACTORS):
            assert 0 < told["mappings"][placement][few] <= told["mappings"][placement][many]
    for factors in FACTORS:
        result = chipwise.find_mapping(FC, CHIP, mapspace="even", factors=factors)
        assert result.certificate.mapspace == told["mappings"]["even"][factors]
    file = tmp_path / "mapspace.json"
    assert run(*MAP, "--mapspace", "--json", str(file)) == run(*MAP, "--mapspace")
    assert json.loads(file.read_text(encoding="utf-8")) == told


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", "--mapspace", "fc:M=10,C=12", "--on", CHIP),
        ("map", "fc:M=10,C=12", "--mapspace", "--on", CHIP),
        ("map", "fc:M=10,C=12", "--on", CHIP, "--mapspace", "--batch", "1"),
    ],
)
def test_the_value_may_be_missing_anywhere(run, arguments):
    assert run(*arguments) == run(*MAP, "--mapspace")


def test_only_a_missing_value_is_filled_in():
    assert with_values(["map", "x", "--mapspace", "even"]) == ["map", "x", "--mapspace", "even"]
    assert with_values(["map", "x", "--mapspace=even"]) == ["map", "x", "--mapspace=even"]
    assert with_values([]) == []


@pytest.mark.parametrize("given", [("--mapspace", "even"), ("--mapspace=even",)])
def test_an_even_mapping_has_one_boundary_for_all_tensors(run, given):
    text = run(*MAP, *given)
    assert "proven: none of the even mapspace's" in text.splitlines()[-1]
    named = [line.split()[0] for line in text.splitlines() if line and line[0] not in "#| "]
    assert named == ["dram", "buffer", "pes", "registers", "mac"]  # each level once
    certificate = json.loads(run(*MAP, *given, "--json", "-"))["certificate"]
    assert certificate["placement"] == "even"


def test_even_with_residuals_on_the_axes_is_the_default(run):
    assert run(*MAP) == run(*MAP, "--mapspace", "even", "--factors", "spatial")
    assert "of the even mapspace's" in run(*MAP)


def test_evaluate_takes_a_mapspace(run, small):
    even = run("evaluate", small, "--on", CHIP, "--mapspace", "even", "--factors", "spatial")
    assert "in the even mapspace, for 2 distinct shapes of 2 layers" in even
    written = json.loads(run("evaluate", small, "--on", CHIP, "--mapspace", "even", "--json", "-"))
    assert written == chipwise.evaluate(small, CHIP, mapspace="even").to_dict()
    uneven = chipwise.evaluate(small, CHIP, mapspace="uneven")
    assert uneven.energy_pj <= chipwise.evaluate(small, CHIP, mapspace="even").energy_pj


def test_evaluate_needs_a_value(run_fails, small):
    assert "Known: even, uneven." in run_fails(2, "evaluate", small, "--on", CHIP, "--mapspace")


# --factors


@pytest.mark.parametrize("factors", FACTORS)
def test_factors(run, factors):
    written = json.loads(run(*MAP, "--factors", factors, "--mapspace", "even", "--json", "-"))
    assert written["certificate"]["factors"] == factors
    assert written["certificate"]["proven"] is True
    result = chipwise.find_mapping(FC, CHIP, mapspace="even", factors=factors)
    assert written["layer"] == result.to_dict() | {"name": written["layer"]["name"]}


def test_more_factors_are_no_worse(run):
    cycles = [
        json.loads(
            run(*MAP, "--mapspace", "even", "--objective", "latency", "--factors", factors, "--json", "-")
        )["layer"]["latency_cycles"]
        for factors in FACTORS
    ]
    assert cycles == sorted(cycles, reverse=True)


# --objective


def test_objectives_in_the_order_in_which_they_decide(run):
    energy = json.loads(run(*MAP, "--objective", "energy", "--json", "-"))
    both = json.loads(run(*MAP, "--objective", "energy,latency", "--json", "-"))
    other = json.loads(run(*MAP, "--objective", "latency,energy", "--json", "-"))
    assert both["objective"] == both["certificate"]["objective"] == "energy,latency"
    assert both["layer"]["energy_pj"] == pytest.approx(energy["layer"]["energy_pj"])
    assert both["layer"]["latency_cycles"] <= energy["layer"]["latency_cycles"]
    assert other["layer"]["latency_cycles"] <= both["layer"]["latency_cycles"]
    assert "has less energy,latency (gap 0)" in run(*MAP, "--objective", "energy,latency")


def test_traffic_is_what_leaves_the_chip(run):
    written = json.loads(run(*MAP, "--objective", "traffic", "--json", "-"))
    assert written["certificate"]["value"] == 8 * written["layer"]["off_chip_bytes"]
    assert written["layer"]["off_chip_bytes"] == 10 * 12 + 10 + 12  # everything once


def test_evaluate_takes_several_objectives(run, small):
    text = run("evaluate", small, "--on", CHIP, "--objective", "traffic,latency")
    assert "proven to need the least off-chip traffic there (gap 0)" in text
    written = json.loads(
        run("evaluate", small, "--on", CHIP, "--objective", "traffic,latency", "--json", "-")
    )
    assert written["objective"] == "traffic,latency"


# --pareto


def test_the_front_runs_from_least_energy_to_least_time(run):
    text = run(*MAP, "--pareto")
    told = json.loads(run(*MAP, "--pareto", "--json", "-"))
    assert (told["schema"], told["accelerator"], told["batch"]) == ("chipwise.front/1", "tiny", 1)
    points = [(p["layer"]["energy_pj"], p["layer"]["latency_cycles"]) for p in told["points"]]
    assert len(points) > 1
    assert all(a < b and c > d for (a, c), (b, d) in pairwise(points))
    assert all(p["certificate"]["proven"] for p in told["points"])
    results = chipwise.find_front(FC, CHIP)
    assert points == [(r.energy_pj, r.latency_cycles) for r in results]
    assert f"# {len(points)} mappings between least energy and least time; proven:" in text
    assert text.count("\nmac\n") == 2
    assert [line.split()[2] for line in text.splitlines()[3 : 3 + len(points)]] == [
        f"{c:.10g}" for _, c in points
    ]


def test_the_ends_of_the_front_are_mapping_files(run, tmp_path):
    ends = run(*MAP, "--pareto").split("# least ")[1:]
    told = json.loads(run(*MAP, "--pareto", "--json", "-"))["points"]
    for end, point in zip(ends, (told[0], told[-1]), strict=True):
        file = tmp_path / "end.map"
        file.write_text(end.partition("\n")[2], encoding="utf-8")
        priced = json.loads(run(*MAP, "--mapping", str(file), "--json", "-"))["layer"]
        assert priced["energy_pj"] == pytest.approx(point["layer"]["energy_pj"])
        assert priced["latency_cycles"] == point["layer"]["latency_cycles"]


def test_the_front_of_a_mapspace(run, tmp_path):
    file = tmp_path / "front.json"
    arguments = (*MAP, "--pareto", "--mapspace", "even", "--factors", "spatial", "--batch", "2")
    text = run(*arguments, "--json", str(file))
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told["batch"] == 2
    assert {p["certificate"]["placement"] for p in told["points"]} == {"even"}
    assert {p["certificate"]["factors"] for p in told["points"]} == {"spatial"}
    assert text == run(*arguments)
    assert "batch 2" in text.splitlines()[0]


def test_a_front_of_one_point_shows_it_once(run):
    text = run("map", "fc:M=1,C=1", "--on", CHIP, "--pareto")
    assert "# 1 mappings" in text or "# 1 mapping " in text
    assert text.count("\nmac\n") == 1


@pytest.mark.parametrize("option", [(), ("--pareto",)])
def test_too_little_time_is_exit_code_1(capsys, option):
    assert (
        main(["map", "conv:M=64,C=64,P=28,Q=28,R=3,S=3", "--on", "simple", "--time-limit", "1e-6", *option])
        == 1
    )
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "allow more time" in err
