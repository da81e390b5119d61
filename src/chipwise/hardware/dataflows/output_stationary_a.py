"""Output stationary A: a partial sum stays in its PE; the array works on one output channel at a time.

Places of the output plane stand on both axes, so that weights are broadcast and neighbours share inputs, which
their delay registers keep for as long as they are needed (section V-B 2 and Fig. 26; ShiDianNao). Layers
without a plane lay the batch there.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="os-a",
    title="Output stationary, one channel, many places",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 2, Fig. 26",
    rows=Loops(("P", "N", "Z")),
    columns=Loops(("Q", "N")),
    keeps=("output",),
    may_keep=("input",),
    inside=Loops(("C", "R", "S", "T", "K")),
    slides=True,
)
