"""Component classes: what parts of chips are made of, and what each of them does (its actions)."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class ComponentClass:
    """What a class does, and whether its energy follows the chip's technology.

    `scales` is false for what is a chip of its own, as DRAM is, or analog: smaller digital transistors do
    little for either, and no published table says how little.
    """

    actions: tuple[str, ...]
    what: str
    scales: bool = True


_READ_WRITE = ("read", "write")

CLASSES: dict[str, ComponentClass] = {
    "dram": ComponentClass(_READ_WRITE, "off-chip DRAM of no particular kind", scales=False),
    "ddr3": ComponentClass(_READ_WRITE, "DDR3 SDRAM", scales=False),
    "ddr4": ComponentClass(_READ_WRITE, "DDR4 SDRAM", scales=False),
    "lpddr": ComponentClass(_READ_WRITE, "low-power DDR SDRAM, first generations", scales=False),
    "lpddr4": ComponentClass(_READ_WRITE, "low-power DDR4 SDRAM", scales=False),
    "gddr5": ComponentClass(_READ_WRITE, "graphics DDR5 SDRAM", scales=False),
    "hbm": ComponentClass(_READ_WRITE, "high-bandwidth memory, second generation", scales=False),
    "hmc": ComponentClass(_READ_WRITE, "hybrid memory cube", scales=False),
    "edram": ComponentClass(_READ_WRITE, "DRAM on the chip"),
    "sram": ComponentClass(_READ_WRITE, "static RAM"),
    "register_file": ComponentClass(_READ_WRITE, "small multi-ported storage beside its user"),
    "register": ComponentClass(_READ_WRITE, "one word of flip-flops"),
    "fifo": ComponentClass(_READ_WRITE, "queue: storage and two pointers"),
    "int_mac": ComponentClass(("mac",), "integer multiply-accumulate, the sum twice as wide"),
    "fp_mac": ComponentClass(("mac",), "floating-point multiply-accumulate"),
    "int_adder": ComponentClass(("add",), "integer adder"),
    "int_multiplier": ComponentClass(("multiply",), "integer multiplier"),
    "fp_adder": ComponentClass(("add",), "floating-point adder"),
    "fp_multiplier": ComponentClass(("multiply",), "floating-point multiplier"),
    "comparator": ComponentClass(("compare",), "integer comparator"),
    "counter": ComponentClass(("count",), "register and incrementer, as an address generator has"),
    "network": ComponentClass(("transfer", "reduce"), "what carries values to and between PEs"),
    "wire": ComponentClass(("transfer",), "wires of the width of a word, of some length"),
    "multicast_bus": ComponentClass(("transfer", "reduce"), "wires past all PEs of an axis"),
    "router": ComponentClass(("transfer", "reduce"), "router of a packet network"),
    "crossbar": ComponentClass(("transfer", "reduce"), "switch from any of its ports to any other"),
    "adder_tree": ComponentClass(("add",), "adders that make one sum of many values"),
    "adc": ComponentClass(("convert",), "analog-to-digital converter", scales=False),
    "dac": ComponentClass(("convert",), "digital-to-analog converter", scales=False),
    "shift_add": ComponentClass(("shift_add",), "shifts and adds partial results of a few bits"),
    "sram_cell": ComponentClass(("read", "write", "mac"), "one bit of SRAM that computes", scales=False),
    "rram_cell": ComponentClass(("read", "write", "mac"), "one resistive cell", scales=False),
    "pcm_cell": ComponentClass(("read", "write", "mac"), "one cell of phase-change memory", scales=False),
    "control": ComponentClass(("cycle",), "what decides, by cycle of the chip"),
    "clock": ComponentClass(("cycle",), "clock network, by cycle of the chip"),
}
"""By the names that chip files use."""

ACTIONS: dict[str, tuple[str, ...]] = {name: found.actions for name, found in CLASSES.items()}
"""Actions of every class."""

MEMORIES = tuple(name for name, found in CLASSES.items() if found.actions[:2] == _READ_WRITE)
