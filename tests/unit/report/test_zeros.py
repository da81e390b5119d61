"""Zeros of a chip in `show`, and of a result in its page."""

from dataclasses import replace

from chipwise import evaluate, load_accelerator
from chipwise.report.hierarchy import hierarchy_dict, hierarchy_text
from chipwise.report.html.page import html_text
from chipwise.workload.kinds import fully_connected
from chipwise.workload.network import Network
from tests.unit.hardware.test_sparsity_file import read


def test_a_chip_shows_what_it_makes_of_zeros(tmp_path):
    chip = read(tmp_path)
    text = hierarchy_text(chip)
    assert "stores input as raw or rle(5, 16, 3 in 64); weight as best\n" in text
    assert "stores input, weight, output as best; room for the average tile\n" in text
    assert "where input is zero: weight skipped\n" in text
    assert "where input or weight is zero (2 values): output gated\n" in text
    assert "carries input as bitmask\n" in text
    assert "where input or weight is zero: MAC skipped\n" in text
    assert "PEs wait for each other after 16 MACs\n" in text
    levels = hierarchy_dict(chip)["levels"]
    assert levels[0]["zeros"]["formats"]["input"] == ["raw", "rle(5, 16, 3 in 64)"]
    assert levels[1]["zeros"]["occupancy"] == "expected"
    assert levels[3]["zeros"] == {
        "formats": {},
        "saves": [{"when": ["input", "weight"], "gates": [], "skips": ["compute"], "of": 1}],
        "occupancy": "worst",
        "sync": 16,
        "narrow": "energy",
    }
    assert "zeros" not in hierarchy_dict(load_accelerator("simple"))["levels"][0]


def test_the_page_has_the_gain_and_the_overhead(tmp_path):
    layer = fully_connected("fc", M=16, C=32)
    tensors = tuple(replace(t, density=0.25) for t in layer.tensors)
    known = evaluate(Network("n", (replace(layer, tensors=tensors),)), read(tmp_path), use_cache=False)
    page = html_text(known)
    assert "x less energy" in page
    assert "on dense data they cost" in page
