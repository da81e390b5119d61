"""No local reuse: PEs have no storage of their own; its area is the buffer's.

Inputs are multicast, weights sent to one PE each, partial sums added up across the array (section V-B 3).
Channels in the rows, filters in the columns, as the two unrolled loops of Zhang et al., FPGA 2015.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="nlr",
    title="No local reuse",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 3",
    rows=Loops(("C", "K")),
    columns=Loops(("M", "G", "B")),
    reduces=("rows",),
    shares=("input",),
)
