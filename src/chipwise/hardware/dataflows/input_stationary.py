"""Input stationary: an input stays in its PE for all the filters that use it.

The mirror image of weight stationary: weights are broadcast, partial sums are added up along the rows, which
take channels; the columns take places. The survey names it for SCNN (section VII), whose PE keeps a tile of
inputs, so that taps and places may iterate inside. The axes are this tool's choice.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="is",
    title="Input stationary",
    source="Sze et al., Proc. IEEE 105(12), 2017, on SCNN; Parashar et al., ISCA 2017",
    rows=Loops(("C", "K")),
    columns=Loops(("P", "Q", "N", "Z")),
    keeps=("input",),
    inside=Loops(("M", "R", "S", "T", "P", "Q", "Z")),
    reduces=("rows",),
    slides=True,
)
