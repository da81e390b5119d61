"""How large register files and buffer should be: the study "DNN dataflow choice is overrated" (Interstellar).

AlexNet, batch 16, on 16 x 16 PEs that take channels and taps in the rows, filters and places in the columns;
energies of 28 nm: a register file's access doubles with its size, a buffer's grows by half with each doubling. One
size after the other is swept. The mappings were found by studies/overrated.py and stand in interstellar.json.

    saving = 1 - energy / energy of the best chip with one register file per PE
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

from chipwise.analysis.results import LayerResult
from chipwise.analysis.stored_mappings import Results, priced, stored
from chipwise.analysis.validation import Check
from chipwise.components.load import accelerator_from
from chipwise.hardware.accelerator import Accelerator
from chipwise.workload.load import load_network
from chipwise.workload.network import Network
from chipwise.yamlfile import parse_yaml

SOURCE = (
    "Yang et al., 'DNN dataflow choice is overrated', arXiv:1809.04070v1, as quoted by Keutzer, 'Co-design of DNNs "
    "and NN accelerators', 2019"
)

STORED: Final = "interstellar.json"
BATCH: Final = 16
RF_BYTES: Final = (32, 64, 128, 256, 512)
BUFFER_KIB: Final = (32, 64, 128, 256, 512)
LEVELS: Final = ((16, 128), (16, 256))
"""Register files of two levels, bytes: the inner one and the outer, 8 and 16 times as large."""
RF, BUFFER = 64, 128
"""What is held while the other is swept: those that the study recommends."""

ABOUT = 0.2
"""Band of figures that the source gives as "about"."""

_CHIP = """
name: {name}
clock: 400 MHz
word: 16 b
technology: {{node: 28 nm, voltage: 0.9 V}}
energy: {{table: interstellar-28nm}}
levels:
  - {{memory: dram, component: dram, keeps: [input, weight, output]}}
  - {{memory: buffer, component: sram, capacity: {buffer} KiB, keeps: [input, weight, output]}}
  - array: pes
    axes: {{rows: {{size: 16, loops: [C, R, S, K]}}, columns: {{size: 16, loops: [M, P, Q, N]}}}}
    network: {{input: multicast, weight: multicast, output: reduce along rows}}
{registers}
  - {{compute: mac, component: int_mac}}
"""
_REGISTERS = (
    "  - {{memory: rf{bytes}, component: register_file, capacity: {bytes} B, keeps: [input, weight, output]}}"
)


def chip(registers: tuple[int, ...], buffer_kib: int) -> Accelerator:
    """The array with register files of these sizes, bytes, outermost first, and this buffer.

    >>> chip((256, 16), 128).instances("rf16")
    256
    """
    text = "\n".join(_REGISTERS.format(bytes=size) for size in registers)
    name = name_of(registers, buffer_kib)
    return accelerator_from(
        parse_yaml(_CHIP.format(name=name, buffer=buffer_kib, registers=text), f"{name}.yaml")
    )


def name_of(registers: tuple[int, ...], buffer_kib: int) -> str:
    """A chip's name: `rf256-16 buffer128`."""
    return f"rf{'-'.join(map(str, registers))} buffer{buffer_kib}"


def chips() -> dict[str, Accelerator]:
    """All chips of the study, by name."""
    sizes: list[tuple[tuple[int, ...], int]] = [((rf,), BUFFER) for rf in RF_BYTES]
    sizes += [((RF,), kib) for kib in BUFFER_KIB]
    sizes += [((outer, inner), BUFFER) for inner, outer in LEVELS]
    return {name_of(*size): chip(*size) for size in sizes}


def network() -> Network:
    """AlexNet at the study's batch."""
    return load_network("alexnet").with_batch(BATCH)


@lru_cache(maxsize=1)
def results() -> Results:
    """What the study found, checked for legality and priced by the model as it is now."""
    return priced(stored(STORED), chips(), network())


def energy_per_mac_pj(own: Mapping[str, LayerResult], *, kind: str = "", without_mac: bool = False) -> float:
    """Energy per MAC of the layers whose names start with `kind`, pJ; perhaps without that of the MACs themselves."""
    chosen = [result for name, result in own.items() if name.startswith(kind)]
    energy = sum(result.energy_pj for result in chosen)
    if without_mac:
        energy -= sum(result.cost.energy_by("component")["mac"] for result in chosen)
    return energy / sum(result.layer.macs for result in chosen)


def best_single(found: Results) -> str:
    """The chip with one register file and the study's buffer that needs the least energy."""
    return min((name_of((rf,), BUFFER) for rf in RF_BYTES), key=lambda name: energy_per_mac_pj(found[name]))


WHY_RF = (
    "the source as quoted names neither the network nor the size it compares with; 512 B, as the row-stationary "
    "design has, and AlexNet at batch 16 are taken, of which FC layers wait for DRAM whatever the registers; CONV "
    "alone, and both without MACs, which are not in the source's table, are in the rows around this one"
)
WHY_LEVEL = (
    "the source as quoted does not say which sizes it compares with. Here it is the best single register file, 64 B, "
    "whose accesses and misses to the buffer are two fifths of the energy; the rows `over 256 B` compare with a single "
    "file as large as the outer level"
)


def checks() -> Iterator[Check]:
    """The ratio between register files, what a second level and a larger buffer save; then the sweep."""
    found = results()
    small, large = (found[name_of((rf,), BUFFER)] for rf in (RF, 512))
    quantity = f"energy with 512 B / {RF} B registers"
    for kind, item, printed in (("", "AlexNet", 2.6), ("conv", "AlexNet CONV", None)):
        band, why = (ABOUT, WHY_RF) if printed else (None, "")
        ratio = energy_per_mac_pj(large, kind=kind) / energy_per_mac_pj(small, kind=kind)
        yield Check(item, quantity, "x", printed, ratio, band, why)
        bare = [energy_per_mac_pj(own, kind=kind, without_mac=True) for own in (large, small)]
        yield Check(item, f"{quantity}, no MACs", "x", None, bare[0] / bare[1])
    yield from _second_level(found)
    for before, after in pairwise(BUFFER_KIB):
        less, more = (energy_per_mac_pj(found[name_of((RF,), kib)]) for kib in (before, after))
        yield Check("AlexNet", f"saving of buffer {before} to {after} KiB", "fraction", None, 1 - more / less)
    for rf in RF_BYTES:
        energy = energy_per_mac_pj(found[name_of((rf,), BUFFER)])
        yield Check("AlexNet", f"energy with {rf} B registers", "pJ/MAC", None, energy)


def _second_level(found: Results) -> Iterator[Check]:
    """Registers of two levels beside the best single file, and beside one as large as the outer level."""
    for (inner, outer), kind, printed in (
        (LEVELS[1], "", 0.25),
        (LEVELS[1], "conv", 0.30),
        (LEVELS[0], "", None),
        (LEVELS[0], "conv", None),
    ):
        item = "AlexNet CONV" if kind else "AlexNet"
        both = energy_per_mac_pj(found[name_of((outer, inner), BUFFER)], kind=kind)
        single = energy_per_mac_pj(found[best_single(found)], kind=kind)
        band, why = (ABOUT, WHY_LEVEL) if printed else (None, "")
        what = f"saving of {inner} + {outer} B registers"
        yield Check(item, what, "fraction", printed, 1 - both / single, band, why)
        alike = energy_per_mac_pj(found[name_of((outer,), BUFFER)], kind=kind)
        yield Check(item, f"{what} over {outer} B", "fraction", None, 1 - both / alike)
