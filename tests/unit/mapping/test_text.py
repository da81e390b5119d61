"""What is printed is what is read; any other text is read as well or refused with an InputError."""

import re
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.mapping.text import MAX_CHARACTERS, MAX_LINES, parse, render
from chipwise.workload.kinds import fully_connected
from chipwise.workload.layer import Layer, Rank, Tensor
from tests.oracle.strategies import Case, cases, random_case
from tests.unit.mapping.chips import CHIP, LAYER, MAPPING, NODES, TEXT, edited


def refusal(text: str, layer: Layer = LAYER) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, layer, CHIP)
    return str(caught.value)


def round_trip(mapping: Mapping) -> str:
    text = render(LAYER, CHIP, mapping)
    assert parse(text, LAYER, CHIP) == mapping
    return text


def test_the_example_prints_and_reads():
    assert render(LAYER, CHIP, MAPPING) == TEXT
    assert parse(TEXT, LAYER, CHIP) == MAPPING


@given(cases())
def test_print_then_read_is_the_identity(case: Case):
    text = render(case.layer, case.chip, case.mapping)
    mapping = parse(text, case.layer, case.chip)
    assert mapping == case.mapping
    assert render(case.layer, case.chip, mapping) == text


def test_what_is_written_for_the_reader_is_not_read():
    bare = re.sub(r" +([(#].*)?\n", "\n", TEXT)
    bare = re.sub(r"[0-9.]+ (words|B|KiB),?", "", bare).replace("| ", "", 1)
    assert bare.count("\n") == TEXT.count("\n")
    assert "%" not in bare
    assert "words" not in bare
    assert parse("\ufeff\n # by hand\n" + bare + "\n\n", LAYER, CHIP) == MAPPING


def test_a_tile_that_the_count_does_not_imply_is_written_out():
    text = round_trip(edited(drop=(6,), put={6: Temporal("P", 20), 7: Temporal("P", 14)}))
    assert "|   for P in 2 of 20" in text
    assert "# 27 = 20 + 7" in text
    assert "columns P 2 of 8, P 8  " in round_trip(edited(put={9: Spatial("columns", "P", 8)}))
    assert "# P: 14 = 8 + 6" in round_trip(edited(put={9: Spatial("columns", "P", 8)}))


def test_a_memory_may_stand_on_several_lines():
    lines = round_trip(edited(drop=(5,), put={7: Storage("buffer", "output")})).splitlines()
    assert re.fullmatch(r"buffer +input 812 B", lines[2])
    assert re.fullmatch(r"buffer +output .*% of 4 KiB\)", lines[4])


def test_scratchpads_apart_stand_on_lines_of_their_own():
    lines = round_trip(edited(drop=(13,), put={16: Storage("psum_spad", "output")})).splitlines()
    assert re.match(r"ifmap_spad +input 3 words · filter_spad weight 12 words ", lines[6])
    assert re.match(r"psum_spad +output 1 words", lines[9])


def test_an_axis_may_stand_twice_and_an_array_be_idle():
    rows_again = edited(drop=(8,), put={10: Spatial("rows", "C", 1)})
    assert "rows R 3 | columns P 14 | rows C 2" in round_trip(rows_again)
    fewer = Mapping(tuple(n for n in NODES if not isinstance(n, Spatial)))
    assert re.search(r"^pes +\(1 of 84 PEs\)$", round_trip(fewer), re.MULTILINE)


def test_a_loop_of_one_iteration_stays():
    assert "for M in 1\n" in round_trip(edited(put={3: Temporal("M", 4)}))
    assert "rows R 3, M 1, C 2" in round_trip(edited(put={8: Spatial("rows", "M", 4)}))


def test_a_tensor_may_be_called_like_a_unit():
    a, b, o = (Tensor(n, (Rank("M", (("M", 1),)),), is_output=n == "words") for n in ("B", "KiB", "words"))
    layer = Layer("odd", "einsum", {"M": 4}, (a, b, o))
    memory = replace(CHIP.levels[1], keeps=("B", "KiB", "words"))
    top = replace(CHIP.levels[0], keeps=("B", "KiB", "words"))
    chip = replace(CHIP, levels=(top, memory, CHIP.levels[-1]), tensors=("B", "KiB", "words"))
    nodes = tuple(Storage(m, t) for m in ("dram", "buffer") for t in ("words", "B", "KiB"))
    mapping = Mapping((*nodes, Temporal("M", 1)))
    assert parse(render(layer, chip, mapping), layer, chip) == mapping


@pytest.mark.parametrize("name", ["a b", "for", "3", "", "x,y", "p|q", "n#", "k·l", "f(x)"])
def test_a_name_that_the_text_cannot_carry_is_refused(name: str):
    layer = fully_connected("fc", M=4, C=4)
    odd = replace(layer, tensors=(replace(layer.tensors[0], name=name), *layer.tensors[1:]))
    with pytest.raises(InputError, match="cannot stand in a printed mapping"):
        render(odd, CHIP, Mapping(()))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dram ", "drum ", "line 1: chip 'tiny' has no part 'drum'. Did you mean 'dram'?"),
        ("weight output", "wait output", "line 1: layer 'conv' has no tensor 'wait'. Did you mean 'weight'?"),
        (
            "input weight output",
            "  # nothing",
            "line 1: dram keeps no tensor here; name one, as `dram output`",
        ),
        ("for C in 2", "for K in 2", "line 2: layer 'conv' has no dimension 'K'."),
        ("for C in 2", "for C 2", "line 2: expected `for DIMENSION in COUNT`, found 'for C 2'"),
        ("for C in 2", "for C in", "line 2: expected COUNT or COUNT of TILE after C, found ''"),
        ("for C in 2", "for C in 2 by 2", "line 2: expected COUNT or COUNT of TILE after C, found '2 by 2'"),
        ("for C in 2", "for C in two", "line 2: 'two' for C must be a whole number from 1 to 4"),
        ("for C in 2", "for C in 5", "line 2: '5' for C must be a whole number from 1 to 4"),
        ("for C in 2", "for C in -1", "line 2: '-1' for C must be a whole number from 1 to 4"),
        ("for C in 2", "for C in 2 of 9", "line 2: '9' for C must be a whole number from 1 to 4"),
        ("for C in 2", "for C in 3", "line 2: C is 4 here, which 3 iterations do not cut: tiles of 2 make 2"),
        (
            "for C in 2",
            "for C in 3 of 1",
            "line 2: C is 4 here, which 3 iterations do not cut: tiles of 1 make 4",
        ),
        ("columns P", "column P", "line 5: array 'pes' has no axis 'column'. Did you mean 'columns'?"),
        ("C 2 |", "|", "line 5: expected a dimension and a count on axis rows, as `rows P 2`; found nothing"),
        ("C 2 |", "C 2 | |", "line 5: array 'pes' has no axis ''."),
        ("· filter_spad", "· filterspad", "line 7: chip 'tiny' has no memory 'filterspad'. Did you mean"),
        ("· filter_spad", "· · filter_spad", "line 7: chip 'tiny' has no memory ''."),
        ("mac\n", "mac 3\n", "line 10: mac takes nothing after it; remove '3'"),
        ("mac\n", "mac\nmac\n", "line 11: 'mac' stands below mac, which ends the mapping; remove it"),
        ("mac\n", "", "the text ends without the compute; is it cut off? End it with `mac`"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong_and_what_would_be_right(old: str, new: str, message: str):
    assert old in TEXT
    assert message in refusal(TEXT.replace(old, new, 1))


def test_input_in_a_message_is_cut_and_escaped():
    message = refusal("\x1b[31m" + "x" * 5000)
    assert len(message) < 250
    assert "\x1b" not in message


def test_too_much_text_is_refused_before_it_is_read():
    assert "100001 characters are too many" in refusal("x" * (MAX_CHARACTERS + 1))
    assert "2001 lines are too many" in refusal("?\n" * (MAX_LINES + 1))


@given(st.text())
def test_garbage_is_an_input_error(text: str):
    refusal(text)


_WORDS = [*TEXT.split(), "\n", "\n|", "of", "0", "9" * 30, "٣", "·", ",", "|", "(", ")", "#"]


@given(st.lists(st.sampled_from(_WORDS)).map(" ".join))
def test_its_own_words_in_any_order_read_or_are_refused(text: str):
    try:
        mapping = parse(text, LAYER, CHIP)
    except InputError:
        return
    round_trip(mapping)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([*"| \n·,#()0127fP", ""]))
def test_a_damaged_mapping_reads_or_is_refused(seed: int, place: int, instead: str):
    case = random_case(Random(seed))
    text = render(case.layer, case.chip, case.mapping)
    place %= len(text)
    try:
        mapping = parse(text[:place] + instead + text[place + 1 :], case.layer, case.chip)
    except InputError:
        return
    assert parse(render(case.layer, case.chip, mapping), case.layer, case.chip) == mapping
