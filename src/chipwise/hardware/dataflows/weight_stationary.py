"""Weight stationary: a weight stays in its PE for all the MACs that use it.

Inputs are broadcast, partial sums move through the array, where they are added up, and to the buffer
(section V-B 1). Channels and taps stand in the rows, which add up, filters in the columns. The PE holds the one
weight it works with, as in the comparison of ISCA 2016; which of the loops stand on which axis is not
published there.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="ws",
    title="Weight stationary",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 1",
    rows=Loops(("C", "R", "S", "T", "K")),
    columns=Loops(("M", "G", "B")),
    keeps=("weight",),
    inside=Loops(("N", "P", "Q", "Z")),
    reduces=("rows",),
)
