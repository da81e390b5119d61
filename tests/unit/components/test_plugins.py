"""Estimators from outside: installed packages, CACTI, hwcomponents, a user's table, compound components."""

import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from chipwise.components import registry
from chipwise.components.compounds import LIBRARY, Compounded
from chipwise.components.csv_table import parse_csv_table
from chipwise.components.estimator import AREA, LATENCY, LEAKAGE, Query
from chipwise.components.load import accelerator_from, load_accelerator
from chipwise.components.registry import answers, energy_table, installed, most_accurate
from chipwise.components.tables.cacti import Cacti
from chipwise.components.tables.hwcomponents import HwComponents
from chipwise.errors import InputError
from chipwise.hardware.accelerator import Compound, Piece
from chipwise.yamlfile import parse_yaml

KIB = 8192

GOOD = """
from dataclasses import dataclass
from chipwise.components.estimator import AbstractEstimator, Estimate, Query


@dataclass(frozen=True, slots=True)
class Lab(AbstractEstimator):
    name: str = "lab"
    components: tuple[str, ...] = ("int_mac",)
    range: str = "our own chips"

    def estimate(self, query: Query, figure: str) -> Estimate | None:
        if query.component == "int_mac" and figure == "mac":
            return Estimate(0.125, 99, "lab: measured")
        return None
"""
BROKEN = {
    "absent": ("no_such_package_of_ours:Estimator", "cannot be loaded: ModuleNotFoundError"),
    "raises": ("lab_estimators:raises", "cannot be loaded: ZeroDivisionError"),
    "other": ("lab_estimators:other", "is no AbstractEstimator"),
}

CHIP = """\
name: toy
clock: 100 MHz
word: 16 b
technology: {node: 45 nm, voltage: 0.9 V}
levels:
  - {memory: dram, component: lpddr4, keeps: [input, weight, output]}
  - {memory: buffer, component: sram, capacity: 64 KiB, keeps: [input, weight, output]}
  - {compute: mac, component: int_mac}
"""


@pytest.fixture(autouse=True)
def _nothing_left_out(monkeypatch):
    monkeypatch.setattr(registry, "_broken", {})


@pytest.fixture
def package(tmp_path: Path, monkeypatch):
    """Install a package with these entry points, as an installer would: a module and its metadata."""

    def install(*lines: str, module: str = GOOD) -> None:
        folder = tmp_path / "site"
        info = folder / "lab_estimators-1.0.dist-info"
        info.mkdir(parents=True)
        (folder / "lab_estimators.py").write_text(module + _EXTRA)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-estimators\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[chipwise.estimators]\n" + "\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "lab_estimators", raising=False)

    yield install
    sys.modules.pop("lab_estimators", None)


_EXTRA = """

def raises():
    return 1 / 0


def other():
    return 42


@dataclass(frozen=True, slots=True)
class Sick(AbstractEstimator):
    name: str = "sick"
    components: tuple[str, ...] = ("int_mac",)
    range: str = "none"

    def estimate(self, query, figure):
        if figure == "mac":
            raise KeyError("table")
        return Estimate(float("nan"), 99, "sick")
"""


def test_an_installed_estimator_is_found_and_used(package, tmp_path):
    package("lab = lab_estimators:Lab")
    assert "lab" in installed()
    assert answers(Query("int_mac", 16), "mac")[0].estimator == "lab"
    file = tmp_path / "toy.yaml"
    file.write_text(CHIP)
    mac = load_accelerator(file).compute.energy["mac"]
    assert mac.energy_pj == 0.125
    assert mac.source.startswith("lab: measured")
    file.write_text(CHIP.replace("levels:", "energy: {table: lab}\nlevels:"))
    assert load_accelerator(file).compute.energy["mac"].energy_pj == 0.125


@pytest.mark.parametrize("name", BROKEN)
def test_one_that_cannot_be_had_is_named_and_left_out(name, package, caplog, tmp_path):
    target, why = BROKEN[name]
    package(f"{name} = {target}", "lab = lab_estimators:Lab")
    file = tmp_path / "toy.yaml"
    file.write_text(CHIP)
    with caplog.at_level(logging.WARNING, "chipwise.estimators"):
        assert load_accelerator(file).compute.energy["mac"].energy_pj == 0.125
        load_accelerator(file)
    assert len(caplog.messages) == 1
    assert f"estimator {name} ({target}) is left out: {why}" in caplog.messages[0]
    assert list(registry.broken()) == [f"{name} ({target})"]


def test_one_that_fails_when_asked_is_named_and_left_out(package, caplog):
    package("sick = lab_estimators:Sick")
    with caplog.at_level(logging.WARNING, "chipwise.estimators"):
        found = answers(Query("int_mac", 16), "mac")
    assert found[0].estimator == "horowitz-45nm"
    assert "estimator sick is left out: fails for int_mac: KeyError" in caplog.messages[0]
    registry._broken.clear()
    assert "sick" not in {a.estimator for a in answers(Query("int_mac", 16), AREA)}
    assert "gives no usable area_mm2 of int_mac" in registry.broken()["sick"]


# A user's table

TABLE = "component,action,value,bits,capacity,accuracy,source\n"


def test_a_csv_beside_the_chip_file_is_its_table(tmp_path, monkeypatch):
    (tmp_path / "my.csv").write_text(
        TABLE + "sram,read write,6.5,16,64 KiB,,measured on our board\nint_mac,mac,0.75,16,,,\n"
    )
    file = tmp_path / "toy.yaml"
    file.write_text(CHIP.replace("levels:", "energy: {table: my.csv}\nlevels:"))
    monkeypatch.chdir("/")  # relative to the file, wherever one stands
    chip = load_accelerator(file)
    assert chip.memory("buffer").energy["read"].energy_pj == 6.5
    assert "measured on our board" in chip.memory("buffer").energy["write"].source
    assert chip.compute.energy["mac"].energy_pj == 0.75
    assert chip.memory("dram").energy["read"].energy_pj == 8 * 16  # not in the table: the most accurate


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("component,action\n", "t.csv:1: there is no column 'value'"),
        ("component,acton,value\n", "t.csv:1: unknown column 'acton'. Did you mean 'action'?"),
        (TABLE, "has no row below"),
        (TABLE + "srm,read,1\n", "t.csv:2: component 'srm' is not known. Did you mean 'sram'?"),
        (TABLE + "sram,mac,1\n", "t.csv:2: 'sram' has no action 'mac'"),
        (TABLE + "sram,read,-1\n", "t.csv:2: value = '-1' must be a number of at least 0"),
        (TABLE + "sram,read,nan\n", "t.csv:2: value = 'nan' must be a number of at least 0"),
        (TABLE + "sram,read,1,0\n", "t.csv:2: bits = '0' must be a whole number of at least 1"),
        (TABLE + "sram,read,1,16,64\n", "t.csv:2: capacity = '64' needs a unit"),
        ("component,action,value\nsram,read,1,2,3\n", "t.csv:2: has more cells than"),
    ],
)
def test_what_is_wrong_with_a_table(text, says):
    with pytest.raises(InputError) as caught:
        parse_csv_table(text, "t.csv", "t.csv")
    assert says in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(CHIP.replace("levels:", "energy: {table: gone.csv}\nlevels:"))
    with pytest.raises(InputError, match=r"gone\.csv: energy table cannot be read: No such file"):
        load_accelerator(file)


def test_a_chip_that_is_no_file_reads_none():
    text = CHIP.replace("levels:", "energy: {table: my.csv}\nlevels:")
    with pytest.raises(
        InputError, match=r"c\.yaml:5: energy table 'my\.csv' is a file, and this chip is none"
    ):
        accelerator_from(parse_yaml(text, "c.yaml"))


def test_a_bus_adds_where_values_meet(tmp_path):
    array = "  - {array: pes, component: multicast_bus, hop: 0.1 mm, axes: {rows: {size: 4}}}\n  - {compute"
    energy = load_accelerator_of(CHIP.replace("  - {compute", array), tmp_path).arrays[0].energy
    assert energy["transfer"].source.startswith("wires: 16 b x 0.1 mm")
    assert energy["reduce"].energy_pj == 0.05
    free = array.replace("component: multicast_bus, hop: 0.1 mm, ", "")
    text = CHIP.replace("  - {compute", free).replace("levels:", "energy: {table: horowitz-45nm}\nlevels:")
    assert load_accelerator_of(text, tmp_path).arrays[0].energy["transfer"].energy_pj == 0
    hop = load_accelerator_of(text.replace("array: pes,", "array: pes, hop: 1 mm,"), tmp_path)
    assert hop.arrays[0].energy["transfer"].source.startswith("wires: 16 b x 1 mm")


# CACTI and hwcomponents, with stand-ins that answer as they do

FAKE_CACTI = """\
#!/bin/sh
cat > "$2.out" <<'END'
HEAD
45, 0.5, 0.01, 0.012, 2.5, 0.25
END
""".replace(
    "HEAD",
    "Tech node (nm), Access time (ns), Dynamic read energy (nJ), Dynamic write energy (nJ), "
    "Standby leakage per bank(mW), Area (mm2)",
)


@pytest.fixture
def cacti(tmp_path):
    program = tmp_path / "cacti"
    program.write_text(FAKE_CACTI)
    program.chmod(0o755)
    return Cacti(str(program))


def test_cacti_is_asked_where_its_user_names_it(cacti, monkeypatch):
    query = Query("sram", 16, 64 * KIB, width_bits=64, banks=2, node_nm=45)
    values = {f: cacti.estimate(query, f).value for f in ("read", "write", LEAKAGE, AREA, LATENCY)}
    assert values == pytest.approx({"read": 2.5, "write": 3, LEAKAGE: 5e-3, AREA: 0.25, LATENCY: 0.5})
    assert cacti.estimate(Query("sram", 16, 64 * KIB, node_nm=7), "read") is None  # below its technologies
    assert cacti.estimate(Query("sram", 16, 128, node_nm=45), "read") is None
    monkeypatch.setenv("CHIPWISE_CACTI", cacti.program)
    assert "cacti" in {a.estimator for a in answers(query, "read")}
    monkeypatch.delenv("CHIPWISE_CACTI")
    assert "cacti" not in {a.estimator for a in answers(query, "read")}


def test_a_cacti_that_fails_is_named(tmp_path, monkeypatch, caplog):
    program = tmp_path / "cacti"
    program.write_text("#!/bin/sh\necho no valid organization >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("CHIPWISE_CACTI", str(program))
    with caplog.at_level(logging.WARNING, "chipwise.estimators"):
        assert answers(Query("sram", 16, 64 * KIB, node_nm=45), "read")[0].estimator == "analytical"
    assert "no valid organization" in caplog.messages[0]
    assert os.environ["CHIPWISE_CACTI"] in caplog.messages[0]


def test_hwcomponents_is_asked_in_its_own_units():
    asked = []

    def get_energy(name, attributes, action, arguments):
        asked.append((name, attributes, action, arguments))
        return SimpleNamespace(value=3e-12, model_name="SRAM of cacti")

    def no_model(*_):
        raise RuntimeError("no model")

    package = SimpleNamespace(
        get_energy=get_energy, get_area=lambda *_: SimpleNamespace(value=2e-7), get_leak_power=no_model
    )
    estimator = HwComponents(package)
    query = Query("sram", 16, 64 * KIB, node_nm=65)
    found = estimator.estimate(query, "read")
    assert found.value == pytest.approx(3)
    assert found.source == "hwcomponents: SRAM by SRAM of cacti"
    name, attributes, action, arguments = asked[0]
    assert (name, action, arguments) == ("SRAM", "read", {"bits_per_action": 16})
    assert attributes == {
        "tech_node": pytest.approx(65e-9), "width": 16, "depth": 4 * KIB, "n_rw_ports": 1, "n_banks": 1,
    }  # fmt: skip
    assert estimator.estimate(query, AREA).value == pytest.approx(0.2)
    assert estimator.estimate(query, LEAKAGE) is None
    assert HwComponents(None).components == ()


# Compound components


@pytest.mark.parametrize("name", LIBRARY)
def test_compounds_that_come_along_are_known_in_full(name):
    made = Compounded(most_accurate(), LIBRARY)
    query = Query(name, 16, 64 * KIB, node_nm=45, voltage_v=0.9)
    for action in LIBRARY[name].actions:
        assert made.estimate(query, action).value > 0
    assert made.estimate(query, AREA).value > 0


def test_a_compound_is_the_sum_of_its_pieces():
    pieces = {"storage": Piece("sram"), "address": Piece("counter", count=2, width_bits=12)}
    actions = {"read": {("storage", "read"): 1, ("address", "count"): 3}}
    made = Compounded(most_accurate(), {"smart": Compound(pieces, actions), "double": _twice("smart")})
    query = Query("smart", 16, 64 * KIB, node_nm=45, voltage_v=0.9)
    storage, count, areas = (
        most_accurate().estimate(q, f).value
        for q, f in (
            (Query("sram", 16, 64 * KIB, node_nm=45, voltage_v=0.9), "read"),
            (Query("counter", 12, node_nm=45, voltage_v=0.9), "count"),
            (Query("counter", 12, node_nm=45, voltage_v=0.9), AREA),
        )
    )
    assert made.estimate(query, "read").value == pytest.approx(storage + 3 * count)
    sram_area = most_accurate().estimate(Query("sram", 16, 64 * KIB, node_nm=45, voltage_v=0.9), AREA).value
    assert made.estimate(query, AREA).value == pytest.approx(sram_area + 2 * areas)
    nested = Query("double", 16, 64 * KIB, node_nm=45, voltage_v=0.9)
    assert made.estimate(nested, "read").value == pytest.approx(2 * (storage + 3 * count))
    assert made.estimate(query, "write") is None


def _twice(component: str) -> Compound:
    return Compound({"half": Piece(component, count=2)}, {"read": {("half", "read"): 2}})


@pytest.mark.parametrize(
    ("compound", "says"),
    [
        (_twice("bad"), "component 'bad' contains itself: bad > bad; make it of others"),
        (_twice("srm"), "piece 'half' is a 'srm', which is not known. Did you mean 'sram'?"),
        (_twice("int_mac"), "piece 'half', a int_mac, has no action 'read'; it has mac"),
        (_twice("ddr4"), "no estimator knows read of piece 'half', a ddr4"),
    ],
)
def test_what_is_wrong_with_a_compound(compound, says):
    with pytest.raises(InputError) as caught:
        Compounded(most_accurate(), {"bad": compound}).estimate(Query("bad", 16, KIB), "read")
    assert says in str(caught.value)


def test_a_chip_file_makes_its_own_components(tmp_path):
    text = CHIP.replace(
        "levels:",
        "components:\n"
        "  indexed:\n"
        "    parts: {storage: {component: sram}, address: {component: counter, width: 12 b, count: 2}}\n"
        "    actions: {read: [storage.read, address.count], write: [storage.write, 2 x address.count]}\n"
        "levels:",
    ).replace("component: sram, capacity", "component: indexed, capacity")
    file = tmp_path / "toy.yaml"
    file.write_text(text)
    buffer = load_accelerator(file).memory("buffer")
    plain = load_accelerator_of(CHIP, tmp_path).memory("buffer")
    count = most_accurate().estimate(Query("counter", 12, node_nm=45, voltage_v=0.9), "count").value
    assert buffer.energy["read"].energy_pj == pytest.approx(plain.energy["read"].energy_pj + count)
    assert buffer.energy["write"].energy_pj == pytest.approx(plain.energy["write"].energy_pj + 2 * count)
    assert buffer.area_mm2 > plain.area_mm2
    for old, new, says in (
        ("storage.read,", "storag.read,", "names no piece of this component. Did you mean 'storage'?"),
        ("storage.read,", "storage read,", "write PIECE.ACTION, e.g. storage.read or 2 x add.add"),
        ("component: counter", "component: countr", "toy.yaml:"),
    ):
        file.write_text(text.replace(old, new))
        with pytest.raises(InputError, match=r"toy\.yaml") as caught:
            load_accelerator(file)
        assert says in str(caught.value)


def load_accelerator_of(text: str, folder: Path):
    file = folder / "plain.yaml"
    file.write_text(text)
    return load_accelerator(file)


def test_scaled_is_for_tables_that_tell_their_technology(tmp_path):
    def mac(energy: str) -> float:
        text = CHIP.replace("45 nm", "65 nm").replace("levels:", f"energy: {energy}\nlevels:")
        return load_accelerator_of(text, tmp_path).compute.energy["mac"].energy_pj

    printed = energy_table("horowitz-45nm").estimate(Query("int_mac", 16), "mac").value
    assert mac("{table: horowitz-45nm}") == printed
    assert mac("{table: horowitz-45nm, scaled: true}") == mac("{table: most-accurate}") > printed


def test_a_named_estimator_that_fails_is_told_with_its_place(package, tmp_path):
    package("sick = lab_estimators:Sick")
    text = CHIP.replace("levels:", "energy: {table: sick}\nlevels:")
    with pytest.raises(InputError) as caught:
        load_accelerator_of(text, tmp_path)
    assert "plain.yaml:9: energy table 'sick' fails for int_mac: KeyError: 'table'" in str(caught.value)
