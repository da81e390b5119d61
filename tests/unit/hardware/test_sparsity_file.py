"""What chip files say about zeros."""

import pytest

from chipwise.components.load import load_accelerator
from chipwise.errors import InputError
from chipwise.hardware.sparsity import Sparsity
from chipwise.sparsity.formats.bitmask import Bitmask
from chipwise.sparsity.formats.run_length import EYERISS
from chipwise.sparsity.formats.spelling import CHOICES
from chipwise.sparsity.formats.uncompressed import Uncompressed
from chipwise.sparsity.saving import Saving

CHIP = """\
name: zeros
clock: 100 MHz
word: 16 b
energy: {table: horowitz-45nm}
levels:
  - memory: dram
    component: dram
    keeps: [input, weight, output]
    formats:
      input: [raw, "rle(5, 16, 3 in 64)"]
      weight: best
    energy: {read: 10 pJ, write: 10 pJ, decompress: 0.5 pJ}
  - memory: buffer
    component: sram
    capacity: 8 KiB
    keeps: [input, weight, output]
    formats: best
    occupancy: expected
    saves:
      - {when: input, skips: [weight]}
      - {when: [input, weight], gates: output, of: 2}
  - array: pes
    axes: {rows: {size: 4}}
    formats: {input: bitmask}
  - compute: mac
    component: int_mac
    saves: [{when: [input, weight], skips: compute}]
    sync: 16
    narrow: energy
"""


def read(tmp_path, text: str = CHIP):
    file = tmp_path / "zeros.yaml"
    file.write_text(text)
    return load_accelerator(file)


def test_everything_is_read(tmp_path):
    chip = read(tmp_path)
    dram, buffer = chip.memories
    assert dram.sparsity == Sparsity({"input": (Uncompressed(), EYERISS), "weight": CHOICES})
    assert dram.energy["decompress"].energy_pj == 0.5
    assert buffer.sparsity.formats == dict.fromkeys(("input", "weight", "output"), CHOICES)
    assert buffer.sparsity.expected_occupancy
    assert buffer.sparsity.saves == (
        Saving(("input",), skips=("weight",)),
        Saving(("input", "weight"), gates=("output",), of=2),
    )
    assert chip.arrays[0].sparsity.formats == {"input": (Bitmask(),)}
    assert chip.compute.sparsity == Sparsity(
        saves=(Saving(("input", "weight"), skips=("compute",)),), sync=16, narrow_saves_energy=True
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("weight: best", "weight: bitmusk", r"levels\[0\].formats.weight = 'bitmusk' is no format"),
        ("weight: best", "psum: best", r"is no tensor here"),
        ("weight: best", "weight: []", r"names no format"),
        ("{when: input, skips: [weight]}", "{when: output, skips: [weight]}", "is no operand here"),
        ("{when: input, skips: [weight]}", "{when: input, skips: [input]}", "is a leader as well"),
        ("{when: input, skips: [weight]}", "{when: input, skips: [compute]}", "is no tensor held here"),
        ("{when: input, skips: [weight]}", "{when: input}", "saves nothing"),
        (
            "{when: input, skips: [weight]}",
            "{when: input, skips: weight, gates: weight}",
            "is skipped as well",
        ),
        ("skips: compute", "skips: output", "is no follower here"),
        ("sync: 16", "sync: 0", "sync"),
        ("occupancy: expected", "occupancy: mean", "occupancy"),
    ],
)
def test_what_is_wrong_has_its_place(tmp_path, old: str, new: str, says: str):
    assert old in CHIP
    with pytest.raises(InputError, match=says) as error:
        read(tmp_path, CHIP.replace(old, new, 1))
    assert "zeros.yaml:" in str(error.value)
