"""Row stationary: a PE slides a row of a filter along a row of the input, for several channels and filters.

Rows of the filter stand in the rows of the array, rows of the output in its columns; an input row is shared
along a diagonal, a filter row along a row, and the partial sums of an output row are added up along a column
(section V-B 4, Figs. 27 to 29). *Folding*: an output plane higher than the array is wide takes several passes,
loops over P above the array. *Replication*: what a set of R x P PEs leaves free takes more channels and filters.
Both as in Fig. 32. A row slides in the loop over Q right above the array: the filter row rests, the input moves
by one.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="rs",
    title="Row stationary",
    source="Sze et al., Proc. IEEE 105(12), 2017, section V-B 4",
    rows=Loops(("R", "C", "M", "K"), ("R",)),
    columns=Loops(("P", "M")),
    keeps=("input", "weight", "output"),
    inside=Loops(("S", "C", "M", "K"), ("S",)),
    reduces=("rows",),
    slides=True,
)
