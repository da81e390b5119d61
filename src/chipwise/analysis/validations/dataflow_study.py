"""The dataflows of ISCA 2016 and of the survey's Figs. 33 to 35, on AlexNet at equal area and number of PEs.

256 PEs, storage of the area of 256 x 512 B registers and 128 KiB buffer, batch 16, costs of ISCA 2016. The mappings
were found by studies/isca16_dataflows.py and stand in dataflow_study.json; here they are checked and priced anew.

    level energy [MACs] = Σ actions of the level x energy / energy of one MAC
    ratio               = energy of a dataflow / energy of row stationary, over all CONV (or FC) layers
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from chipwise.analysis.equal_area import variant
from chipwise.analysis.results import LayerResult
from chipwise.analysis.stored_mappings import Results, priced, stored
from chipwise.analysis.validation import Check
from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.model.energy import mac_energy_pj
from chipwise.workload.load import load_network
from chipwise.workload.network import Network

SOURCE = (
    "Chen, Emer, Sze, ISCA 2016, and Sze et al., Proc. IEEE 105(12), 2017, Figs. 33 to 35; Fig. 10 of ISCA 2016 as "
    "nn_dataflow's test has it"
)

BASE = "eyeriss_isca16"
BATCH = 16
FLOWS = ("rs", "ws", "os-a", "os-b", "os-c", "nlr")
LEVELS = ("ALU", "RF", "array", "buffer", "DRAM")
STORED = "dataflow_study.json"

LEAST, MOST = 1.4, 2.5
"""CONV energy of the other dataflows over that of row stationary, as printed."""


class Printed(NamedTuple):
    """Energy of row stationary in 1e9 MACs: ALU, DRAM, RF."""

    alu: float
    dram: float
    rf: float


PRINTED: Mapping[str, Printed] = MappingProxyType(
    {
        "conv1": Printed(1.69, 2.46, 6.75),
        "conv2": Printed(3.58, 2.27, 14.33),
        "conv3": Printed(2.39, 2.02, 9.57),
        "conv4": Printed(1.79, 1.57, 7.18),
        "conv5": Printed(1.20, 1.05, 4.78),
        "fc6": Printed(0.60, 7.78, 2.42),
        "fc7": Printed(0.27, 3.39, 1.07),
        "fc8": Printed(0.07, 0.84, 0.26),
    }
)


def network() -> Network:
    """AlexNet at the study's batch."""
    return load_network("alexnet").with_batch(BATCH)


def chips() -> dict[str, Accelerator]:
    """The chip of row stationary, and the others at its area of storage."""
    base = load_accelerator(BASE)
    return {name: variant(base, name) for name in FLOWS}


@lru_cache(maxsize=1)
def results() -> Results:
    """What the study found, checked for legality and priced by the model as it is now."""
    return priced(stored(STORED), chips(), network())


def by_level(result: LayerResult) -> dict[str, float]:
    """Energy by level of the hierarchy, in MACs."""
    chip = result.accelerator
    arrays = {array.name for array in chip.arrays}
    found = dict.fromkeys(LEVELS, 0.0)
    for part, energy_pj in result.cost.energy_by("component").items():
        if part == chip.compute.name:
            level = "ALU"
        elif part in arrays:
            level = "array"
        elif part == chip.memories[0].name:
            level = "DRAM"
        else:
            level = "RF" if chip.instances(part) > 1 else "buffer"
        found[level] += energy_pj / mac_energy_pj(chip)
    return found


def is_conv(layer: str) -> bool:
    """Whether a layer of AlexNet is a convolution."""
    return layer.startswith("conv")


def energy_of(results: Mapping[str, LayerResult], *, conv: bool, levels: tuple[str, ...] = LEVELS) -> float:
    """Energy of all CONV, or all FC layers in these levels, in MACs."""
    return sum(
        by_level(result)[level]
        for name, result in results.items()
        if is_conv(name) is conv
        for level in levels
    )


def ratio(results: Results, flow: str, *, conv: bool) -> float:
    """Energy of a dataflow over that of row stationary."""
    return energy_of(results[flow], conv=conv) / energy_of(results["rs"], conv=conv)


def rf_per_mac(result: LayerResult) -> float:
    """Accesses of a MAC to its registers: two operands, and the partial sum read and written.

    As in the paper's figure, which counts a read before every update; chipwise leaves out the first one's.
    """
    name = next(m.name for m in result.accelerator.memories if result.accelerator.instances(m.name) > 1)
    actions = result.cost.counts.actions
    served = (
        actions[name, "input"].reads + actions[name, "weight"].reads + 2 * actions[name, "output"].updates
    )
    return served / result.layer.macs


def operands_passing(results: Mapping[str, LayerResult], *, conv: bool) -> int:
    """Operands that reach a MAC and are in no register of its PE: each is an RF access in the paper's equation."""
    total = 0
    for name, result in results.items():
        if is_conv(name) is conv:
            chip = result.accelerator
            held = {t for m in chip.memories if chip.instances(m.name) > 1 for t in m.keeps}
            total += result.layer.macs * len({"input", "weight"} - held)
    return total


WHY_DRAM = {
    "conv1": "1.43e9 is every value moved once, the least there is: strips of rows of all filters fit the buffer. "
    "2.46e9 would read the inputs about three times; likely the blocking of the tool whose figure it is",
    "conv2": "the exact search keeps more psums in the buffer; every value once would be 0.95e9. Likely the blocking "
    "of the tool whose figure it is",
}
WHY_WS = (
    "an operand that passes a PE by is charged the array's transfer alone; the paper's equation adds an access to "
    "registers for each, with which the ratio is that of the row `energy with an RF access per operand`"
)
WHY_FC = (
    "two thirds of the energy are weights, read from DRAM once under every dataflow here, as the search is exact for "
    "each; likely the paper's others read more. By dataflow: the rows above"
)
WHY_OS = "as the search is exact for each dataflow; the paper fixed how each lays out its loops"


def checks() -> Iterator[Check]:
    """Ratios between dataflows, the shares of row stationary, and its energy layer by layer."""
    found_all = results()
    middle, half = (LEAST + MOST) / 2, (MOST - LEAST) / (MOST + LEAST)
    for flow in FLOWS[1:]:
        item = f"{flow} / rs, CONV"
        why = WHY_WS if flow == "ws" else WHY_OS
        found = ratio(found_all, flow, conv=True)
        yield Check(
            item,
            f"energy, {LEAST}-{MOST} times",
            "x",
            middle,
            found,
            half,
            "" if LEAST <= found <= MOST else why,
        )
    for flow in FLOWS[1:]:
        found = ratio(found_all, flow, conv=False)
        yield Check(f"{flow} / rs, FC", "energy, at least 1.3 times", "x", None, found)
    least = min(ratio(found_all, flow, conv=False) for flow in FLOWS[1:])
    yield Check("least other / rs, FC", "energy, 1.3 times or more", "x", 1.3, least, 0.05, WHY_FC)
    rs, ws = found_all["rs"], found_all["ws"]
    equation = (energy_of(ws, conv=True) + operands_passing(ws, conv=True)) / energy_of(rs, conv=True)
    yield Check("ws / rs, CONV", "energy with an RF access per operand", "x", None, equation)
    yield from _row_stationary(rs)


def _row_stationary(rs: Mapping[str, LayerResult]) -> Iterator[Check]:
    """Fig. 35 and Fig. 10: where row stationary's energy goes."""
    conv, fc = energy_of(rs, conv=True), energy_of(rs, conv=False)
    yield Check("rs", "share of CONV in the energy", "fraction", 0.8, conv / (conv + fc), 0.05)
    rf = energy_of(rs, conv=True, levels=("RF",))
    yield Check("rs", "share of RF in CONV energy", "fraction", None, rf / conv)
    dram = energy_of(rs, conv=False, levels=("DRAM",))
    yield Check("rs", "share of DRAM in FC energy", "fraction", None, dram / fc)
    for layer, printed in PRINTED.items():
        energy = by_level(rs[layer])
        yield Check(
            f"rs {layer}", "ALU energy", "1e9 MACs", printed.alu, energy["ALU"] / 1e9, 0.005 / printed.alu
        )
        yield Check(f"rs {layer}", "RF accesses of a MAC", "1/MAC", 4.0, rf_per_mac(rs[layer]), 0.0)
        yield Check(f"rs {layer}", "RF energy with fills and drains", "1e9 MACs", None, energy["RF"] / 1e9)
        yield Check(
            f"rs {layer}",
            "DRAM energy",
            "1e9 MACs",
            printed.dram,
            energy["DRAM"] / 1e9,
            0.1,
            WHY_DRAM.get(layer, ""),
        )
