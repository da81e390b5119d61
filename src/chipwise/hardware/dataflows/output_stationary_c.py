"""Output stationary C: a partial sum stays in its PE; the array works on one place of many output channels.

For fully-connected layers, whose channels have one output each (section V-B 2 and Fig. 26). The input is
broadcast.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="os-c",
    title="Output stationary, many channels, one place",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 2, Fig. 26",
    rows=Loops(("M", "G", "B")),
    columns=Loops(("M", "G", "B")),
    keeps=("output",),
    inside=Loops(("C", "R", "S", "T", "K")),
)
