import re

import pytest

from chipwise.errors import InputError
from chipwise.hardware.accelerator import Array, Loops, Parallel, Port, Route
from chipwise.hardware.buffering import Buffering
from chipwise.hardware.chip_file import read_chip
from chipwise.yamlfile import parse_yaml

CHIP = """\
name: toy
clock: 100 MHz
word: 8 b
levels:
  - {memory: dram, component: dram, keeps: [input, weight, output]}
  - memory: buffer
    component: sram
    capacity: 4 KiB
    keeps: [input]
    may_keep: [output]
  - array: pes
    axes: {rows: {size: 4}, columns: {size: 2, loops: [P, R], full: [R]}}
  - parallel:
      - {memory: a, component: sram, capacity: 8 words, keeps: [input]}
      - {memory: b, component: sram, capacity: 64 b, keeps: [weight], loops: [C]}
    loops: [S, C]
    full: [S]
  - {compute: mac, component: int_mac}
"""


def read(text: str):
    return read_chip(parse_yaml(text, "c.yaml"))


def changed(*pairs: tuple[str, str]) -> str:
    text = CHIP
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def refused(*pairs: tuple[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        read(changed(*pairs))
    return str(caught.value)


def test_parts_come_out_as_written():
    chip = read(CHIP).accelerator
    assert [m.name for m in chip.memories] == ["dram", "buffer", "a", "b"]
    buffer = chip.memory("buffer")
    assert (buffer.capacity_bits, buffer.buffering, buffer.keeps) == (4096 * 8, Buffering.ROLLING, ("input",))
    assert buffer.may_keep == ("output",)
    assert (chip.clock_hz, chip.word_bits, chip.pes) == (1e8, 8, 8)
    assert chip.memory("a").capacity_bits == chip.memory("b").capacity_bits == 64
    rows, columns = chip.arrays[0].axes
    assert (rows.size, rows.loops) == (4, Loops())
    assert (columns.size, columns.loops) == (2, Loops(("P", "R"), ("R",)))
    assert isinstance(chip.levels[3], Parallel)


def test_loop_rules_of_a_group_hold_for_members_that_have_none():
    chip = read(CHIP).accelerator
    assert chip.memory("a").inner_loops == Loops(("S", "C"), ("S",))
    assert chip.memory("b").inner_loops == Loops(("C",))
    assert chip.memory("buffer").inner_loops == Loops(None, ())


def test_no_loops_is_not_any_loop():
    chip = read(changed(("keeps: [input]\n    may", "keeps: [input]\n    loops: []\n    may"))).accelerator
    assert chip.memory("buffer").inner_loops == Loops(())


@pytest.mark.parametrize(
    ("bandwidth", "ports"),
    [
        ("{shared: 0.8 GB/s}", [Port("buffer", 64)]),
        (
            "{read: 4 words/cycle, write: 2 B/cycle}",
            [Port("buffer read", 32, writes=False), Port("buffer write", 16, reads=False)],
        ),
        (
            "{output: {read: 8 B/cycle, write: 1 b/cycle}, input: {shared: 1 B/cycle}}",
            [
                Port("buffer output read", 64, ("output",), writes=False),
                Port("buffer output write", 1, ("output",), reads=False),
                Port("buffer input", 8, ("input",)),
            ],
        ),
    ],
)
def test_bandwidths_become_ports(bandwidth: str, ports: list[Port]):
    chip = read(changed(("    may_keep", f"    bandwidth: {bandwidth}\n    may_keep"))).accelerator
    assert chip.memory("buffer").ports == tuple(ports)


@pytest.mark.parametrize(
    ("tensor", "phrase", "route"),
    [
        ("input", "unicast", Route()),
        ("input", "multicast", Route(frozenset({"rows", "columns"}))),
        ("weight", "multicast along columns", Route(frozenset({"columns"}))),
        ("input", "multicast  overlapping along rows", Route(frozenset({"rows"}), overlapping=True)),
        ("output", "reduce along rows, columns", Route(frozenset({"rows", "columns"}))),
        ("output", "reduce", Route(frozenset({"rows", "columns"}))),
    ],
)
def test_network_phrases(tensor: str, phrase: str, route: Route):
    text = changed(("  - array: pes\n", f"  - array: pes\n    network: {{{tensor}: '{phrase}'}}\n"))
    array = read(text).accelerator.arrays[0]
    assert array.route(tensor) == route
    assert array.route("weight" if tensor == "input" else "input") == Route()


def test_energies_given_in_the_file_carry_their_place():
    text = changed(
        ("component: int_mac}", "component: int_mac, energy: {mac: 5 fJ}, source: paper X}"),
        ("name: toy\n", "name: toy\nenergy: {table: t, mac: 2 pJ}\n"),
    )
    found = read(text)
    assert (found.table, found.mac_pj, found.energy_place) == ("t", 2.0, "c.yaml:2")
    assert found.accelerator.compute.energy["mac"].energy_pj == 0.005
    assert found.accelerator.compute.energy["mac"].source == "given in c.yaml:19: paper X"
    assert found.places["buffer"] == "c.yaml:7"


def test_a_memory_without_limit_says_so():
    chip = read(changed(("4 KiB", "unlimited"))).accelerator
    assert chip.memory("buffer").capacity_bits is None


def test_levels_may_be_arrays_of_arrays():
    text = changed(("  - parallel:", "  - {array: inner, axes: {lanes: {size: 3}}}\n  - parallel:"))
    chip = read(text).accelerator
    assert [a.name for a in chip.arrays if isinstance(a, Array)] == ["pes", "inner"]
    assert chip.pes == 24


BUFFER = "    component: sram\n    capacity: 4 KiB\n    keeps: [input]\n    may_keep: [output]\n"
DRAM = "  - {memory: dram, component: dram, keeps: [input, weight, output]}\n"
RULES: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "no unit": ((("4 KiB", "4096"),), "c.yaml:8: levels[1].capacity = 4096 needs a unit, e.g. 108 KiB"),
    "zero": ((("4 KiB", "0 KiB"),), "c.yaml:8: levels[1].capacity = '0 KiB' must be more than zero"),
    "no value": (
        (("capacity: 4 KiB", "capacity:"),),
        "c.yaml:8: levels[1].capacity has no value; give one or delete the line",
    ),
    "no capacity": (
        (("    capacity: 4 KiB\n", ""),),
        (
            "c.yaml:6: levels[1] memory 'buffer' needs a capacity, e.g. `capacity: 108 KiB`; write "
            "`capacity: unlimited` if it has no limit"
        ),
    ),
    "less than a word": (
        (("capacity: 4 KiB", "capacity: 8 b\n    buffering: double"),),
        "c.yaml:8: levels[1].capacity = '8 b' is less than one word of 8 bits (two with double buffering)",
    ),
    "outermost capacity": (
        (("component: dram,", "component: dram, capacity: 1 GiB,"),),
        (
            "c.yaml:5: levels[0].capacity = '1 GiB' is too much: the outermost memory holds whole tensors; "
            "delete the line"
        ),
    ),
    "outermost keeps": (
        (("[input, weight, output]}", "[input, weight]}"),),
        "c.yaml:5: levels[0] is outermost, so `keeps` must list every tensor; add output",
    ),
    "misspelt key": (
        (("may_keep", "may_kep"),),
        "c.yaml:10: unknown key 'may_kep' in levels[1]. Did you mean 'may_keep'?",
    ),
    "misspelt level": (
        (("memory: buffer", "memroy: buffer"),),
        (
            "c.yaml:6: unknown key 'memroy' in levels[1]. Did you mean 'memory'? "
            "(and 1 more problem in this file)"
        ),
    ),
    "no level": (
        (("{compute: mac, component: int_mac}", "{mac: 1}"),),
        "c.yaml:18: levels[4] = {'mac': 1} must have one of the keys memory, array, parallel or compute",
    ),
    "unknown tensor": (
        (("keeps: [input]\n", "keeps: [inputs]\n"),),
        "c.yaml:9: levels[1].keeps[0] = 'inputs' is no tensor here. Did you mean 'input'?",
    ),
    "listed twice": (
        (("keeps: [input]\n", "keeps: [input, input]\n"),),
        "c.yaml:9: levels[1].keeps = 'input' is listed twice; delete one",
    ),
    "kept twice": (
        (("may_keep: [output]", "may_keep: [input]"),),
        "c.yaml:10: levels[1].may_keep = 'input' stands in `keeps` as well; keep it in one of them",
    ),
    "kept side by side": (
        (("keeps: [weight], loops", "keeps: [weight, input], loops"),),
        (
            "c.yaml:15: levels[3].parallel[1] 'b' and 'a' stand side by side, so only one of them may keep "
            "'input'"
        ),
    ),
    "keeps nothing": (
        (("    keeps: [input]\n    may_keep: [output]\n", ""),),
        "c.yaml:6: levels[1] memory 'buffer' keeps nothing; add `keeps: [...]`, or delete it",
    ),
    "names differ": (
        (("memory: b,", "memory: buffer,"),),
        (
            "c.yaml:15: levels[3].parallel[1].memory = 'buffer' names a second part, after c.yaml:6; "
            "names must differ"
        ),
    ),
    "name of a tensor": (
        (("compute: mac", "compute: output"),),
        "c.yaml:18: levels[4].compute = 'output' is a tensor's name; call the part something else",
    ),
    "no name": (
        (("memory: buffer", "memory: L2 buffer"),),
        (
            "c.yaml:6: levels[1].memory = 'L2 buffer': must be a name: up to 64 letters, digits and _, "
            "not starting with a digit"
        ),
    ),
    "below the compute": (
        (("component: int_mac}\n", "component: int_mac}\n  - {array: x, axes: {y: {size: 2}}}\n"),),
        "c.yaml:19: levels[5] stands below the compute, which must be the last level",
    ),
    "no compute": (
        (("  - {compute: mac, component: int_mac}\n", ""),),
        "c.yaml:13: levels[3] is the last level but no compute; end the list with `compute: mac`",
    ),
    "array outermost": (
        ((f"{DRAM}  - memory: buffer\n{BUFFER}", ""),),
        "c.yaml:5: levels[0] is the outermost level, so it must be a memory that keeps every tensor",
    ),
    "full without loop": (
        (("loops: [P, R], full: [R]", "loops: [P], full: [R]"),),
        "c.yaml:12: levels[2].axes.columns.full = 'R' is not in `loops`, so it cannot be whole here; add R",
    ),
    "no instances": (
        (("rows: {size: 4}", "rows: {size: 0}"),),
        "c.yaml:12: levels[2].axes.rows.size = 0 must be greater than or equal to 1",
    ),
    "too many instances": (
        (("rows: {size: 4}", "rows: {size: 16777216}"), ("size: 2,", "size: 10000,")),
        "c.yaml:4: levels have 167772160000 instances of the compute; at most 2147483647 are counted",
    ),
    "wide word": ((("word: 8 b", "word: 1 KiB"),), "c.yaml:3: word = '1 KiB' must be at most 4096 b"),
    "clock": (
        (("100 MHz", "100 Mhz"),),
        "c.yaml:2: clock = '100 Mhz' has the unknown unit 'Mhz'. Did you mean 'MHz'?",
    ),
    "buffering": (
        (("    may_keep", "    buffering: triple\n    may_keep"),),
        "c.yaml:10: levels[1].buffering = 'triple' must be 'rolling', 'single' or 'double'.",
    ),
    "node": (
        (("clock:", "technology: {node: 65}\nclock:"),),
        "c.yaml:2: technology.node = 65 needs a unit, e.g. 65 nm",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_wrong_is_said_with_its_place(rule: str):
    pairs, expected = RULES[rule]
    assert refused(*pairs) == expected


@pytest.mark.parametrize(
    ("bandwidth", "says"),
    [
        ("{shared: 8}", "bandwidth.shared = 8 needs a unit, e.g. 8 B/cycle or 0.48 GB/s"),
        ("{raed: 8 B/cycle}", "bandwidth.raed 'raed' is no key here. Did you mean 'read'?"),
        ("{weight: {read: 8 B/cycle}}", "bandwidth.weight 'weight' is no key here"),
        ("{input: 8 B/cycle}", "bandwidth.input = '8 B/cycle' must say for what"),
        ("{read: {read: 8 B/cycle}}", "bandwidth.read `read` takes one quantity"),
        (
            "{input: {reed: 8 B/cycle}}",
            "unknown key 'reed' in levels[1].bandwidth.input. Did",
        ),
        ("8 B/cycle", "levels[1].bandwidth = '8 B/cycle' must hold `key: value` pairs"),
    ],
)
def test_bandwidths_that_are_none(bandwidth: str, says: str):
    assert says in refused(("    may_keep", f"    bandwidth: {bandwidth}\n    may_keep"))


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("{inptu: multicast}", "network.inptu 'inptu' is no tensor here. Did you mean 'input'?"),
        (
            "{input: multcast}",
            "is no way to travel; write unicast, bus, multicast, multicast overlapping",
        ),
        ("{input: multcast}", "Did you mean 'multicast'?"),
        ("{input: reduce}", "= 'reduce' only 'output', the output, is reduced; write multicast for an input"),
        ("{output: multicast}", "an output is not multicast; write `reduce` or `reduce along AXIS`"),
        ("{output: reduce along row}", "'row' is no axis here. Did you mean 'rows'?"),
        ("{output: reduce along}", "is no way to travel"),
        ("{input: unicast along rows}", "shares nothing along an axis; write `unicast` alone"),
        ("{input: 5}", "levels[2].network.input = 5 must be text"),
    ],
)
def test_networks_that_are_none(network: str, says: str):
    found = refused(("  - array: pes\n", f"  - array: pes\n    network: {network}\n"))
    assert found.startswith("c.yaml:12: ")
    assert says in found


def test_messages_are_one_line_each():
    for pairs, _ in RULES.values():
        assert re.fullmatch(r"c\.yaml:\d+: [^\n]+", refused(*pairs))


@pytest.mark.parametrize(
    ("phrase", "route"),
    [
        ("bus", Route(frozenset({"rows", "columns"}))),
        ("forward along rows", Route(frozenset({"rows"}), delay_cycles=3)),
        ("forward", Route(frozenset({"rows", "columns"}), delay_cycles=4)),
        ("mesh", Route(frozenset({"rows", "columns"}))),
    ],
)
def test_topologies_of_inputs(phrase: str, route: Route):
    found = read(changed(("  - array: pes\n", f"  - array: pes\n    network: {{input: {phrase}}}\n")))
    assert found.accelerator.arrays[0].route("input") == route


@pytest.mark.parametrize(
    ("phrase", "delay"), [("reduce", 0), ("reduce chain", 4), ("reduce tree along rows", 2)]
)
def test_topologies_of_outputs(phrase: str, delay: int):
    found = read(changed(("  - array: pes\n", f"  - array: pes\n    network: {{output: {phrase}}}\n")))
    assert found.accelerator.arrays[0].route("output").delay_cycles == delay


@pytest.mark.parametrize(
    ("network", "bandwidth", "limits"),
    [
        ("multicast", "8 b/cycle", (8.0, None)),
        ("multicast", "{link: 8 b/cycle}", (None, 8.0)),
        ("multicast", "{network: 2 words/cycle, link: 0.1 GB/s}", (16.0, 8.0)),
        ("mesh", "8 b/cycle", (64.0, 8.0)),
        ("mesh", "{link: 8 b/cycle, network: 9 b/cycle}", (9.0, 8.0)),
    ],
)
def test_bandwidths_of_networks(network: str, bandwidth: str, limits: tuple[float | None, float | None]):
    new = f"  - array: pes\n    network: {{input: {network}}}\n    bandwidth: {{input: {bandwidth}}}\n"
    route = read(changed(("  - array: pes\n", new))).accelerator.arrays[0].route("input")
    assert (route.bits_per_cycle, route.link_bits_per_cycle) == limits


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("bandwidth: {inputs: 8 b/cycle}", "'inputs' is no tensor here. Did you mean 'input'?"),
        ("bandwidth: {input: 8}", "levels[2].bandwidth.input"),
        ("bandwidth: {input: {both: 8 b/cycle}}", "both"),
        ("network: {output: bus}", "an output is not bus; write `reduce`"),
        ("network: {input: mesh along rows}", "shares nothing along an axis; write `mesh` alone"),
    ],
)
def test_networks_and_bandwidths_that_are_refused(lines: str, says: str):
    assert says in refused(("  - array: pes\n", f"  - array: pes\n    {lines}\n"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("configuration: 5", "configuration = 5"),
        ("configuration: 5 pJ", "configuration"),
        ("prefetch: maybe", "prefetch"),
    ],
)
def test_what_comes_before_a_layer_is_a_time(line: str, says: str):
    assert says in refused(("levels:\n", f"{line}\nlevels:\n"))
