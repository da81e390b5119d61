import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import chipwise.hardware
from chipwise.hardware import gallery
from chipwise.hardware.chip_schema import accelerator_schema
from chipwise.yamlfile import parse_yaml
from tests.unit.hardware.test_chip_file import CHIP, RULES, changed

FILE = Path(chipwise.hardware.__file__).parent / "accelerator.schema.json"


def test_the_committed_schema_is_the_generated_one():
    assert json.loads(FILE.read_text(encoding="utf-8")) == accelerator_schema()


def test_the_schema_is_one():
    Draft202012Validator.check_schema(accelerator_schema())
    assert "prefixItems" not in json.dumps(accelerator_schema())  # editors of today do not know it


@pytest.mark.parametrize("text", [CHIP, *(gallery.text(name) for name in gallery.names())])
def test_good_chips_pass(text: str):
    Draft202012Validator(accelerator_schema()).validate(parse_yaml(text, "c.yaml").data)


@pytest.mark.parametrize(
    "rule", ["no unit", "misspelt key", "misspelt level", "no level", "no name", "no instances", "buffering"]
)
def test_an_editor_sees_what_is_wrong(rule: str):
    data = parse_yaml(changed(*RULES[rule][0]), "c.yaml").data
    assert not Draft202012Validator(accelerator_schema()).is_valid(data)
