"""Where the cycles go: every one once, in the page and in the text."""

from pathlib import Path

import pytest

import chipwise
from chipwise.report.html.blocks import Table
from chipwise.report.html.speed import time
from chipwise.report.timing import timing_text

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def result():
    return chipwise.evaluate(EXAMPLES / "tiny-network.yaml", EXAMPLES / "tiny-chip.yaml")


def number(cell):
    return float(cell.replace(",", ""))


def test_columns_of_a_row_add_up_to_the_last(result):
    lines = timing_text(result).splitlines()[3:]
    layers = [line.split() for line in lines[:-2]]
    assert [cells[0] for cells in layers] == list(result.layers)
    parts = len(result.breakdown)
    for cells in [*layers, lines[-1].split()]:
        values = list(map(number, cells[1 : parts + 2]))
        assert sum(values[:-1]) == pytest.approx(values[-1], abs=parts)


def test_the_page_has_the_same_cycles(result):
    table = next(
        block for block in time(result).blocks if isinstance(block, Table) and "spent" in block.caption
    )
    for row in (*(row.cells for row in table.rows), table.foot):
        values = list(map(float, row[1:]))
        assert sum(values[:-1]) == pytest.approx(values[-1], rel=1e-4)
    assert list(table.head[1:-1]) == sorted(result.breakdown, key=lambda name: -result.breakdown[name])
