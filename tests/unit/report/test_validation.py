"""Published figures beside ours, as text and Markdown."""

from chipwise.analysis.validation import Row
from chipwise.report.validation import validation_markdown, validation_text


def row(item, computed, within, note=""):
    return Row("g", "S", item, "q|r", "x", 2.0, computed, computed / 2 - 1, 0.1, within, note)


ROWS = [row("a", 2.0, True), row("b", 3.0, False, "why"), row("c", 4.0, False)]


def test_a_document_counts_and_numbers_reasons():
    text = validation_markdown(ROWS)
    assert "| **all** | 3 | 3 | 1 | 1 | 1 |" in text
    assert "| [g](#g) | 3 | 3 | 1 | 1 | 1 |" in text
    assert "| b | q\\|r | x | 2 | 3 | +50.0 % | 10 % | no (1) |" in text
    assert text.endswith("1. why\n")


def test_the_terminal_tells_unexplained_deviations_apart():
    lines = validation_text(ROWS).splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["yes", "no", "NO"]
    assert lines[-1] == "1 of 3 within their band (33.3 %), 1 outside for a reason given above"
