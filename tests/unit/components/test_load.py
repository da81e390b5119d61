import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipwise.components.load import accelerator_from, gallery_names, load_accelerator
from chipwise.errors import InputError
from chipwise.hardware import gallery
from chipwise.yamlfile import parse_yaml


def test_a_name_a_file_and_a_chip_all_load(tmp_path: Path):
    eyeriss = load_accelerator("eyeriss")
    assert eyeriss is load_accelerator(eyeriss)
    assert load_accelerator("Eyeriss") == eyeriss
    file = tmp_path / "eyeriss.yaml"
    file.write_text(gallery.text("eyeriss"), encoding="utf-8")
    assert load_accelerator(file) == load_accelerator(str(file)) == eyeriss


def test_a_chip_that_names_no_table_takes_the_most_accurate_and_says_so():
    text = gallery.text("eyeriss").splitlines()
    chip = accelerator_from(parse_yaml("\n".join(line for line in text if "table:" not in line), "chip.yaml"))
    sources = {energy.source for memory in chip.memories for energy in memory.energy.values()}

    assert chip.memory("dram").energy["read"].energy_pj == 320  # half of 640 pJ per 32 b
    assert all("the most accurate estimator, as the chip names no table" in source for source in sources)
    assert any("from 45 nm 0.9 V to 65 nm 1 V (Stillmaker" in source for source in sources)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("eyeris", "a chip's name, or the path of a .yaml or .yml file. Did you mean 'eyeriss'?"),
        ("", "is not known"),
        ("chip.json", "a file must end in .yaml or .yml"),
        ("some/folder", "a file must end in .yaml or .yml"),
        ("absent.yaml", "absent.yaml: there is no such file."),
        (None, "accelerator = None cannot be loaded"),
        (3, "accelerator = 3 cannot be loaded"),
    ],
)
def test_what_names_no_chip(source, says):
    with pytest.raises(InputError) as caught:
        load_accelerator(source)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            ", mac: 1.69 pJ}",
            "}",
            "e.yaml:14: energy table 'eyeriss-normalized' counts in multiply-accumulates",
        ),
        ("eyeriss-normalized,", "eyeris,", "e.yaml:14: energy table 'eyeris' is not known"),
        ("mac: 1.69 pJ}", "mac: 1.69}", "e.yaml:14: energy.mac = 1.69 needs a unit, e.g. 0.12 pJ"),
        ("component: sram", "component: srm", "memory 'buffer': component 'srm' is not in energy table"),
        ("energy: {table", "energi: {table", "e.yaml:14: unknown key 'energi'. Did you mean 'energy'?"),
    ],
)
def test_what_is_wrong_with_the_energies(old: str, new: str, says: str):
    text = gallery.text("eyeriss")
    assert text.count(old) == 1
    with pytest.raises(InputError) as caught:
        accelerator_from(parse_yaml(text.replace(old, new), "e.yaml"))
    assert says in str(caught.value)


def _reads_or_refuses(text: str) -> None:
    """Whatever the text: a whole chip, or one message with its place."""
    said = None
    try:
        chip = accelerator_from(parse_yaml(text, "c.yaml"))
    except InputError as error:
        said = str(error)
    if said is None:
        assert chip.pes >= 1
    else:
        assert said.startswith("c.yaml:")
        assert "\n" not in said


TEXTS = {name: gallery.text(name).splitlines() for name in gallery_names()}
PHRASES = [
    "~",
    "-1",
    "0",
    "nan",
    "[]",
    "{}",
    "[a]",
    "{a: b}",
    "no",
    "'",
    "*x",
    "&x",
    "input",
    "rows",
    "reduce",
]
PHRASES += ["memory", "%", "!!int 3", "1e999 B"]
PHRASES += ["", "0 KiB", "64 b", "1e-30 pJ", "9" * 40, "multicast along", "\t", "\u0663 B", "1e999999 GB/s"]
VALUES = st.one_of(st.sampled_from(PHRASES), st.text(max_size=10))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A gallery file with lines deleted, doubled, moved, re-indented, or with another value."""
    lines = list(TEXTS[draw(st.sampled_from(sorted(TEXTS)))])
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "double", "move", "indent", "value", "value", "splice"])):
            case "delete" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "indent":
                lines[at] = "  " + lines[at] if draw(st.booleans()) else lines[at][2:]
            case "value":
                key, colon, _ = lines[at].partition(":")
                lines[at] = f"{key}{colon} {draw(VALUES)}"
            case "splice":
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(VALUES) + lines[at][cut + draw(st.integers(0, 8)) :]
    return "\n".join(lines)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_a_damaged_file_is_read_or_refused(text: str):
    _reads_or_refuses(text)


@pytest.mark.parametrize("name", gallery_names())
def test_a_file_without_any_one_line_is_read_or_refused(name: str):
    for at in range(len(TEXTS[name])):
        _reads_or_refuses("\n".join(TEXTS[name][:at] + TEXTS[name][at + 1 :]))


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_name_is_known_or_refused(name: str):
    with contextlib.suppress(InputError):
        load_accelerator(name)


def test_chips_that_name_a_table_keep_its_figures():
    """Whatever estimators there are: those of eyeriss and simple are compared with published results."""
    simple, eyeriss = load_accelerator("simple"), load_accelerator("eyeriss")
    figures = {m.name: m.energy["read"].energy_pj for m in simple.memories}
    assert figures == pytest.approx({"dram": 320, "buffer": 9.5182697, "registers": 0.625}, rel=1e-7)
    assert simple.compute.energy["mac"].energy_pj == pytest.approx(0.8874007874)
    assert simple.arrays[0].energy["transfer"].energy_pj == 0.035
    figures = {m.name: m.energy["write"].energy_pj / 1.69 for m in eyeriss.memories}
    ratios = {"dram": 200, "buffer": 6, "ifmap_spad": 1, "filter_spad": 1, "psum_spad": 1}
    assert figures == pytest.approx(ratios)
    assert all(not chip.leakage_w and not chip.parts for chip in (simple, eyeriss))
