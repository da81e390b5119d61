import contextlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Discriminator, Field, Tag, field_validator

from chipwise.errors import InputError
from chipwise.yamlfile import FileModel, load_yaml, parse_yaml, validated


class Spad(FileModel):
    memory: str
    capacity: str = ""


class Mac(FileModel):
    compute: str


class Sizes(FileModel):
    rows: int = Field(ge=1)
    mode: Literal["single", "double"] = "single"
    wide: int = Field(default=1, alias="width")


class Chip(FileModel):
    name: str
    clock: str = "1 MHz"
    sizes: dict[str, Sizes] = Field(default_factory=dict)
    levels: list[
        Annotated[
            Annotated[Spad, Tag("spad-level")] | Annotated[Mac, Tag("mac-level")],
            Discriminator(lambda d: "spad-level" if "memory" in d else "mac-level"),
        ]
    ] = Field(default_factory=list)

    @field_validator("clock")
    @classmethod
    def _clock(cls, value: str) -> str:
        if not value.endswith("Hz"):
            raise ValueError("needs a unit, e.g. 200 MHz")
        return value


class Anything(FileModel, extra="allow"):
    pass


def message(text: str, model: type[FileModel] = Anything) -> str:
    with pytest.raises(InputError) as caught:
        validated(parse_yaml(text, "c.yaml"), model)
    found = str(caught.value)
    assert "\n" not in found
    assert "pydantic" not in found
    assert "Input should" not in found
    return found


def test_values_follow_yaml_1_2():
    text = (
        "a: no\nb: 0o17\nc: 1e3\nd: ~\ne: '5'\nf: 12:30\ng: 0x1F\nh: .5\ni: |\n  5\nj: [on, True, -3]\n1: {}"
    )
    assert parse_yaml(text, "c.yaml").data == {
        "a": "no", "b": 15, "c": 1000.0, "d": None, "e": "5", "f": "12:30", "g": 31, "h": 0.5, "i": "5\n",
        "j": ["on", True, -3], "1": {},
    }  # fmt: skip


def test_every_value_knows_its_line():
    document = parse_yaml("a: 1\nb:\n  - x: 2\n    y: 3\n  - 4\n", "c.yaml")
    assert document.where() == "c.yaml:1"
    assert document.where("b", 0, "y") == "c.yaml:4"
    assert document.where("b", 1) == "c.yaml:5"
    assert document.where("b", 0, "absent", "deeper") == "c.yaml:3"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "is empty"),
        ("# nothing\n", 1, "is empty"),
        ("- a\n- b\n", 1, "holds a list at the top"),
        ("\n\njust text\n", 3, "single value 'just text'"),
        ("a: 1\nb: [1,\nc", 3, "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice (first in line 1)"),
        ("a: {x: 1, x: 2}\n", 1, "'x' stands twice"),
        ("a: &x 1\nb: *x\n", 2, "`*x` is an alias"),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "python/object"),
        ("!!python/name:os.system a: 1\n", 1, "key must be plain text"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("? [x, y]\n: 1\n", 1, "key must be plain text"),
        ("a: .inf\n", 1, ".inf is not a finite number"),
        ("a: -.nan\n", None, None),
        ("x: 1\na: 1e999\n", 2, "too large for a number"),
        ("a: " + "9" * 5000, 1, "5000 digits"),
        ("a: " + "[" * 50 + "]" * 50, 1, "30 levels"),
        ("a: " + "{b: " * 50 + "}" * 50, 1, "30 levels"),
        ("a: 1\nb: \x07\n", 2, "control character '\\x07'"),
        ('a: "\\UFFFFFFFF"\n', 1, "not valid YAML"),
        ('a: "\\ud800"\n', 1, "surrogate"),
        ("a: b: c\n", 1, "mapping values are not allowed here"),
        ("a: x\n\tb: y\n", 2, "not valid YAML"),
        ("a: " + "x" * 2**20, None, "larger than 1024 KiB"),
    ],
)
def test_bad_files_are_refused_with_their_line(text: str, line: int | None, says: str | None):
    if says is None:
        assert parse_yaml(text, "c.yaml").data == {"a": "-.nan"}  # by YAML 1.2 a signed nan is text
        return
    found = message(text)
    assert says in found
    assert found.startswith("c.yaml:" if line is None else f"c.yaml:{line}: ")


def test_an_alias_bomb_costs_nothing():
    levels = "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 30))
    assert "is an alias" in message("x0: &x0 lol\n" + levels)


RULES = {
    "naem: x\nsizes: {}": "1: unknown key 'naem'. Did you mean 'name'? (and 1 more problem in this file)",
    "sizes: {}": "1: name is missing; add it",
    "name: 5": "1: name = 5 must be text",
    "name:\nclock: 1 Hz": "1: name has no value; give one or delete the line",
    "name: x\nclock: 200": "2: clock = 200 must be text",
    "name: x\nclock: '200'": "2: clock = '200': needs a unit, e.g. 200 MHz",
    "name: x\nlevels: 3": "2: levels = 3 must be a list, as in [a, b]",
    "name: x\nlevels:\n- {}": "3: levels[0].compute is missing; add it",
    "name: x\nlevels:\n- compute: mac\n- {memory: m, capcity: 1}": (
        "4: unknown key 'capcity' in levels[1]. Did you mean 'capacity'?"
    ),
    "name: x\nsizes: {a: 4}": "2: sizes.a = 4 must hold `key: value` pairs",
    "name: x\nsizes:\n  a:\n    rows: '5'": "4: sizes.a.rows = '5' must be a whole number",
    "name: x\nsizes: {a: {rows: true}}": "2: sizes.a.rows = True must be a whole number",
    "name: x\nsizes: {a: {rows: 0}}": "2: sizes.a.rows = 0 must be greater than or equal to 1",
    "name: x\nsizes: {a: {rows: 1, widht: 2}}": ("2: unknown key 'widht' in sizes.a. Did you mean 'width'?"),
    "name: x\nsizes: {a: {rows: 1, mode: duble}}": (
        "2: sizes.a.mode = 'duble' must be 'single' or 'double'. Did you mean 'double'?"
    ),
}


@pytest.mark.parametrize("text", RULES)
def test_a_broken_rule_is_one_sentence(text: str):
    assert message(text, Chip) == f"c.yaml:{RULES[text]}"


def test_what_is_right_comes_through():
    chip = validated(parse_yaml("name: x\nsizes: {a: {rows: 3, width: 2}}", "c.yaml"), Chip)
    assert (chip.name, chip.sizes["a"].rows, chip.sizes["a"].wide) == ("x", 3, 2)


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "chip.yaml").write_text("a: 1")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"a: " + b"\xff" * 2**20)
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    cases = {
        "chp.yaml": "there is no such file. Did you mean 'chip.yaml'?",
        "": "is a folder",
        "latin.yaml": "latin.yaml:2: is not UTF-8 text",
        "large.yaml": "larger than",
        "nul\0": "no such file",
        "x" * 5000: "x",
        "no/such/folder.yaml": "no such file",
    }
    for name, says in cases.items():
        with pytest.raises(InputError, match=re.escape(says)):
            load_yaml(tmp_path / name)
    assert load_yaml(tmp_path / "bom.yaml").data == {"a": 1}
    with pytest.raises(InputError, match="not a regular file"):
        load_yaml(Path("/dev/null"))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30) + 1, 10**30 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1), json_values, min_size=1))
def test_reads_json_as_it_is(data: dict[str, Any]):
    assert parse_yaml(json.dumps(data), "c.yaml").data == data


words = "name : :  - [ ] { } ' &a *a !!int %YAML --- ... | > # 1 0x .nan e9 ~ levels memory sizes ? ,"
fragments = st.sampled_from([*words.split(" "), '"', "\\", "\n", "\t", "  ", ": ", "- ", "\x85", "\ud800"])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(fragments, max_size=25).map("".join)))
def test_garbage_is_either_read_or_refused(text: str):
    with contextlib.suppress(InputError):
        validated(parse_yaml(text, "c.yaml"), Chip)
