"""Row stationary plus: as row stationary, with batch, channels and groups on either axis, and rows in pieces.

Extends row stationary "to include batch & channel dimensions for increased parallelism" with room for several
rows and channels in the PE (Keutzer, slide on RS and RS+). So layers with few rows or channels, such as
depthwise ones, still fill the array. Which axis takes what is this tool's choice: either.
"""

from chipwise.hardware.accelerator import Loops
from chipwise.hardware.dataflow import Dataflow

DATAFLOW = Dataflow(
    name="rs+",
    title="Row stationary plus",
    source="Keutzer, Co-design of DNNs and NN accelerators, 2019; Chen et al., Eyeriss v2, JETCAS 2019",
    rows=Loops(("R", "C", "M", "K", "N", "G", "B")),
    columns=Loops(("P", "C", "M", "N", "G", "B")),
    keeps=("input", "weight", "output"),
    inside=Loops(("S", "C", "M", "K", "N")),
    reduces=("rows", "columns"),
    slides=True,
)
