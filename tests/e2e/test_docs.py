"""README and docs say what the commands say, and their links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pytest

import chipwise

ROOT = Path(__file__).parents[2]

_spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
refresh = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(refresh)

DOCUMENTS = refresh.documents()
TEXTS = [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


SLOW = {"metrics.md", "validation.md"}
BLOCKS = [
    pytest.param(path, id=path.name, marks=[pytest.mark.slow] * (path.name in SLOW)) for path in DOCUMENTS
]


@pytest.mark.parametrize("path", BLOCKS)
def test_every_block_is_what_its_command_says(path):
    """`python docs/refresh.py` writes them anew."""
    written, now = path.read_text(encoding="utf-8"), refresh.refreshed(path)
    if path.name == "validation.md":
        # Thousands of digits: how many figures each group has, and how many are right, is what must not be stale.
        written, now = (text.partition("\n## ")[0] for text in (written, now))
    assert written == now


@pytest.mark.slow
def test_pictures_are_what_commands_draw():
    for name, drawn in refresh.pictures().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == drawn, name


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    targets = re.findall(r'\]\(([^)#\s]+)(?:#[^)"]*)?(?: "[^"]*")?\)', path.read_text(encoding="utf-8"))
    here = [target for target in targets if "://" not in target]
    assert [target for target in here if not (path.parent / target).exists()] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_from_the_readme_to_the_energy_of_dram_in_three_clicks():
    how = ROOT / "docs" / "how-it-works.md"
    assert "(docs/how-it-works.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    file, line = re.search(
        r"\(\.\./(src/chipwise/model/cost\.py)#L(\d+) \"self\.count", how.read_text("utf-8")
    ).groups()
    text = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert text.strip() == "return self.count * self.energy_pj_each"


def test_a_stale_document_is_noticed(tmp_path):
    path = tmp_path / "x.md"
    path.write_text("```console\n$ chipwise --version\nchipwise 0.0.0\n```\n", encoding="utf-8")
    assert f"chipwise {chipwise.__version__}\n" in refresh.refreshed(path)
    path.write_text("```python\n>>> 1 + 1\n3\n>>> print('a')\n>>> x = 1\n```\n", encoding="utf-8")
    assert refresh.refreshed(path) == "```python\n>>> 1 + 1\n2\n>>> print('a')\na\n>>> x = 1\n```\n"


def test_the_example_mapping_is_legal():
    text = (ROOT / "examples" / "fc.map").read_text(encoding="utf-8")
    layer = chipwise.fully_connected("fc", M=4, C=6)
    assert chipwise.evaluate_mapping(layer, "simple", text).layer.macs == 24
