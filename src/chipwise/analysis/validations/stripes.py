"""Stripes on AlexNet's convolutions: bits of the inputs by layer in, speed-up over 16 bits out.

The bits are those widely quoted from the paper (9-8-5-5-7), which were not read there; the survey says that
the most is 9, and the speed-up.
"""

from collections.abc import Iterator

from chipwise.analysis.engines.registry import engine
from chipwise.analysis.engines.run import run_engine
from chipwise.analysis.validation import Check
from chipwise.workload import registry
from chipwise.workload.bits import published_bits, with_bits

SOURCE = "Judd et al., Stripes, MICRO 2016; speed-up as in Sze et al., Proc. IEEE 105(12), 2017"

SPEEDUP = 2.24
EFFICIENCY = 1.57
"""In the mean of the paper's networks, which gain 1.92 times in speed."""

_ENERGY = (
    "serial units pay for transposing inputs, wide adder trees and leakage, which are not modelled; reading weights "
    "once for 16 windows saves most here"
)


def checks() -> Iterator[Check]:
    """All convolutions, and each."""
    network = with_bits(registry.build("alexnet"), published_bits("alexnet"))
    run = run_engine(network, engine("stripes"))
    layers = [layer for layer in run.layers if layer.work.kind == "conv"]
    plain = sum(layer.plain.cycles for layer in layers)
    cycles = sum(layer.cost.cycles for layer in layers)
    yield Check("alexnet, convolutions", "speed-up", "", SPEEDUP, plain / cycles, 0.1)
    energy = sum(layer.plain.energy_pj for layer in layers) / sum(layer.cost.energy_pj for layer in layers)
    yield Check("alexnet, convolutions", "energy efficiency", "", EFFICIENCY, energy, 0.15, _ENERGY)
    macs = sum(layer.work.macs for layer in layers)
    serial = sum(layer.work.macs * layer.work.input_bits / 16 for layer in layers)
    yield Check("alexnet, time as MACs x bits", "speed-up", "", SPEEDUP, macs / serial, 0.1)
    # The survey asks for it: the widest layer has 9 bits, and one could build for those.
    yield Check("alexnet, against 9 b throughout", "speed-up", "", None, plain / cycles * 9 / 16)
    for layer in layers:
        item = f"alexnet {layer.work.name}, {layer.work.input_bits} b"
        yield Check(item, "speed-up", "", None, layer.plain.cycles / layer.cost.cycles)
