"""Output stationary B: a partial sum stays in its PE; the array works on several channels and several places.

Between A and C (section V-B 2 and Fig. 26): channels in the rows, places in the columns. Neighbours share inputs
as in A.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="os-b",
    title="Output stationary, many channels, many places",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 2, Fig. 26",
    rows=Loops(("M", "G", "B")),
    columns=Loops(("P", "Q", "N", "Z")),
    keeps=("output",),
    may_keep=("input",),
    inside=Loops(("C", "R", "S", "T", "K")),
    slides=True,
)
