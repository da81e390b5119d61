"""Every rule has a mapping that breaks it, and nothing but it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Loops, Memory
from chipwise.mapping.legality import check, node_text, utilisation
from chipwise.mapping.mapping import Mapping, Spatial, Storage, Temporal
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer, Rank, Tensor
from tests.oracle.strategies import Case, cases
from tests.unit.mapping.chips import CHIP, KIB, LAYER, MAPPING, NODES, WORD, edited


def refusal(mapping: Mapping, layer: Layer = LAYER, chip: Accelerator = CHIP) -> str:
    with pytest.raises(InputError) as caught:
        check(layer, chip, mapping)
    return str(caught.value).removeprefix(f"mapping of layer {layer.name!r}: ")


def test_the_example_is_legal():
    check(LAYER, CHIP, MAPPING)


@given(cases())
def test_generated_mappings_are_legal(case: Case):
    check(case.layer, case.chip, case.mapping)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (edited(put={3: Temporal("K", 1)}), "node 3: the layer has no dimension 'K'."),
        (edited(put={4: Storage("bufer", "input")}), "has no memory 'bufer'. Did you mean 'buffer'?"),
        (edited(put={4: Storage("buffer", "wieght")}), "has no tensor 'wieght'. Did you mean 'weight'?"),
        (edited(put={7: Spatial("row", "C", 1)}), "chip 'tiny' has no axis 'row'. Did you mean 'rows'?"),
        (Mapping((*NODES, "mac")), "node 16 is 'mac'; a node is"),  # type: ignore[arg-type]
    ],
)
def test_names(mapping: Mapping, message: str):
    assert message in refusal(mapping)


@pytest.mark.parametrize("tile", [0, -1, 15, 2.0, True, "2"])
def test_a_tile_is_a_whole_number_up_to_the_extent_above(tile: object):
    loop = Temporal("P", tile)  # type: ignore[arg-type]
    assert refusal(edited(put={7: loop})).startswith(
        f"node 7 (for P) leaves {tile!r}; tiles are whole numbers from 1 to 14"
    )


def test_the_mac_takes_one_iteration():
    assert "no loop runs over Q = 5; add `for Q in 5`" in refusal(edited(drop=(10,)))
    unfinished = edited(drop=(15,), put={15: Temporal("M", 3)})
    assert refusal(unfinished) == (
        "node 15 (for M in 2 of 3) is the innermost loop over M and leaves tiles of 3, "
        "but the MAC takes one value; add `for M in 3` below it"
    )


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            edited(put={6: Storage("psum_spad", "weight")}),
            "node 6 (psum_spad weight) is not allowed: psum_spad of",
        ),
        (edited(put={6: Storage("buffer", "input")}), "node 6 (buffer input) repeats node 4;"),
        (
            edited(drop=(1,), put={4: Storage("dram", "weight")}),
            "node 3 (dram weight) stands below node 2 (for C in 2)",
        ),
        (edited(drop=(1,)), "dram of chip 'tiny' must keep weight; add `dram weight`"),
        (edited(drop=(13,)), "psum_spad of chip 'tiny' must keep output; add `psum_spad output`"),
        (edited(drop=(4,)), "buffer of chip 'tiny' must keep input; add `buffer input`"),
        (
            edited(drop=(4,), put={12: Storage("buffer", "input")}),
            "node 11 (buffer input) stands below node 10 (ifmap_spad input), but buffer is further out",
        ),
        (
            edited(put={12: Storage("filter_spad", "input")}),
            "node 12 (filter_spad input) and node 11 (ifmap_spad input) are parallel memories;",
        ),
    ],
)
def test_storage(mapping: Mapping, message: str):
    assert refusal(mapping).startswith(message)


def test_a_tensor_that_the_chip_does_not_know_has_no_place():
    out = Tensor("result", (Rank("M", (("M", 1),)),), is_output=True)
    layer = Layer("sum", "sum", {"M": 4}, (out,))
    assert "tensor 'result' has no place on chip 'tiny'" in refusal(Mapping((Temporal("M", 1),)), layer)


def test_what_may_be_kept_may_be_left_out_and_kept_anywhere_in_its_level():
    check(LAYER, CHIP, edited(put={4: Storage("buffer", "weight")}))
    check(LAYER, CHIP, edited(put={7: Storage("buffer", "weight")}))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            edited(put={8: Temporal("M", 2)}),
            "node 8 (for M in 2) stands between the spatial loops of array 'pes'",
        ),
        (
            edited(put={8: Storage("buffer", "weight")}),
            "node 8 (buffer weight) stands between the spatial loops of array 'pes'",
        ),
        (
            edited(put={10: Storage("buffer", "weight")}),
            "node 10 (buffer weight) must stand above array 'pes', so above node 7 (rows R 3)",
        ),
        (
            edited(drop=(13,), put={6: Storage("psum_spad", "output")}),
            "node 6 (psum_spad output) must stand below array 'pes', so below node 10 (columns P 14)",
        ),
    ],
)
def test_arrays(mapping: Mapping, message: str):
    assert refusal(mapping).startswith(message)


def two_arrays() -> tuple[Layer, Accelerator]:
    chip = Accelerator(
        "clusters",
        (
            Memory("dram", "dram", keeps=("input", "weight", "output")),
            Array("clusters", (Axis("cluster", 4),)),
            Memory("buffer", "sram", keeps=("input",)),
            Array("pes", (Axis("pe", 4),)),
            Memory("register", "register_file", keeps=("input",)),
            Compute("mac", "int_mac"),
        ),
        clock_hz=1e9,
    )
    return fully_connected("fc", M=4, C=4), chip


def test_arrays_stand_in_the_order_of_the_chip():
    layer, chip = two_arrays()
    top = tuple(Storage("dram", t.name) for t in layer.tensors)
    outer, inner = Spatial("cluster", "M", 1), Spatial("pe", "C", 1)
    buffer, register = Storage("buffer", "input"), Storage("register", "input")
    check(layer, chip, Mapping((*top, outer, buffer, inner, register)))
    swapped = refusal(Mapping((*top, inner, outer, buffer, register)), layer, chip)
    assert swapped.startswith(
        "node 3 (pe C 4) must stand below array 'clusters', so below node 4 (cluster M 4)"
    )


def test_an_array_without_loops_keeps_its_place():
    """Else giving one PE more work could make a mapping illegal."""
    layer, chip = fully_connected("fc", M=4, C=4), two_arrays()[1]
    pads = replace(chip.memory("register"), keeps=("input", "output"))
    chip = replace(chip, levels=(*chip.levels[:4], pads, chip.levels[-1]))
    top = tuple(Storage("dram", t.name) for t in layer.tensors)
    below = (Storage("register", "output"), Storage("buffer", "input"), Storage("register", "input"))
    message = refusal(Mapping((*top, *below, Temporal("M", 1), Temporal("C", 1))), layer, chip)
    assert message.startswith("node 3 (register output) is inside array 'pes', so it must stand below node 4")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            edited(drop=(15,), put={9: Spatial("rows", "M", 1)}),
            "node 9 (rows M 4) is not allowed: axis 'rows' of",
        ),
        (
            edited(drop=(3,), put={3: ()}),
            "node 7 (rows C 4) does not fit: axis 'rows' has 6 instances, the loops need 3 x 4 = 12",
        ),
        (
            edited(drop=(6,)),
            "node 8 (columns P 27) does not fit: axis 'columns' has 14 instances, the loops need 27",
        ),
        (
            edited(drop=(7,), put={10: Temporal("R", 1)}),
            "node 9 (for R in 3) is not allowed: axis rows takes all R: write `rows R 3`",
        ),
        (edited(put={3: Temporal("R", 2)}), "node 3 (for R in 2) is not allowed: axis rows takes all R"),
    ],
)
def test_axes(mapping: Mapping, message: str):
    assert refusal(mapping).startswith(message)


def test_a_full_dimension_longer_than_the_axis_is_told_as_such():
    layer = conv("tall", M=4, C=4, P=27, Q=5, R=7, S=3)
    assert refusal(MAPPING, layer).startswith("node 7 (rows R 7) does not fit")
    folded = edited(drop=(8,), put={7: Temporal("R", 4), 14: Temporal("C", 1)})
    rule = "axis 'rows' of chip 'tiny' takes all of R at once, but R is 7 and the axis has 6 instances"
    assert refusal(folded, layer).startswith(rule)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            edited(drop=(8,), put={14: Temporal("C", 1)}),
            "node 13 (for C in 2) is not allowed: inside filter_spad of 'tiny' loops run over S, M",
        ),
        (
            edited(put={3: Temporal("S", 2)}),
            "node 3 (for S in 2) is not allowed: all of S stands below filter_spad",
        ),
    ],
)
def test_loops_inside_a_memory(mapping: Mapping, message: str):
    assert refusal(mapping).startswith(message)


def with_loops(memory: str, *allowed: str) -> Accelerator:
    """CHIP with the temporal loops inside one memory limited."""
    level = next(i for i, m in enumerate(CHIP.levels) if isinstance(m, Memory) and m.name == memory)
    limited = replace(CHIP.memory(memory), inner_loops=Loops(allowed))
    return replace(CHIP, levels=(*CHIP.levels[:level], limited, *CHIP.levels[level + 1 :]))


def test_a_loop_answers_to_the_level_above_it_only():
    """C stands in dram, P and Q in the buffer (on both sides of the array), S and M in the scratchpads."""
    check(LAYER, with_loops("dram", "C"), MAPPING)
    check(LAYER, with_loops("buffer", "P", "Q"), MAPPING)
    message = "node 10 (for Q in 5) is not allowed: inside buffer of 'tiny' loops run over P"
    assert refusal(MAPPING, chip=with_loops("buffer", "P")) == message


def test_a_loop_between_the_nodes_of_a_level_answers_to_the_level_further_out():
    """Else a constraint could be dodged by moving one tensor's node up."""
    uneven = edited(drop=(10,), put={5: Temporal("Q", 1)})
    check(LAYER, with_loops("dram", "C", "Q"), uneven)
    check(LAYER, with_loops("buffer", "P"), uneven)
    message = "node 5 (for Q in 5) is not allowed: inside dram of 'tiny' loops run over C"
    assert refusal(uneven, chip=with_loops("dram", "C")) == message


def test_constraints_bind_loops_that_iterate_only():
    check(LAYER, CHIP, edited(put={14: Temporal("C", 1)}))
    check(LAYER, CHIP, edited(put={10: Spatial("rows", "M", 4)}))
    check(LAYER, CHIP, edited(put={3: (Temporal("S", 3), Temporal("R", 3))}))


def test_constraints_on_what_the_layer_lacks_are_ignored():
    layer = fully_connected("fc", M=4, C=4)
    nodes = [n for n in NODES if isinstance(n, Storage) or n.dim in layer.dims]
    check(layer, CHIP, Mapping(tuple(nodes)))


def test_capacity_names_the_memory_its_room_and_the_tiles():
    small = replace(CHIP.memory("buffer"), capacity_bits=KIB)
    chip = replace(CHIP, levels=(CHIP.levels[0], small, *CHIP.levels[2:]))
    assert refusal(MAPPING, chip=chip) == (
        "buffer holds 1 KiB, the tiles need 1.85 KiB (input 812 B, output 1.05 KiB), 868 B too much; "
        "cut the loops above it into more iterations"
    )


def test_a_double_buffered_memory_has_room_for_half():
    layer = conv("wide", M=12, C=4, P=27, Q=5, R=3, S=3)
    assert "filter_spad holds 48 B (96 B shared by 2 buffers), the tiles need 72 B" in refusal(MAPPING, layer)


def test_utilisation_counts_the_box_of_the_largest_tile():
    used = utilisation(LAYER, CHIP, MAPPING)
    assert list(used) == ["dram", "buffer", "ifmap_spad", "filter_spad", "psum_spad"]
    assert used["dram"]["input"] == 4 * 29 * 7 * WORD
    assert used["buffer"] == {"input": 2 * 29 * 7 * WORD, "output": 4 * 27 * 5 * WORD}
    assert used["ifmap_spad"] == {"input": 3 * WORD}


def test_utilisation_takes_the_width_of_the_tensor():
    narrow = replace(LAYER, tensors=tuple(replace(t, bits=8) for t in LAYER.tensors))
    assert utilisation(narrow, CHIP, MAPPING)["ifmap_spad"] == {"input": 3 * 8}


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_loop_s_text_gives_back_its_tile(extent: int, tile: int):
    tile = min(tile, extent)
    words = node_text(Temporal("P", tile), extent).split()
    count = int(words[3])
    assert count == -(-extent // tile)
    assert tile == (int(words[5]) if len(words) > 4 else -(-extent // count))
