"""A small row-stationary chip, a layer and a legal mapping, which the tests here change bit by bit."""

from chipwise.hardware.accelerator import Accelerator, Array, Axis, Compute, Loops, Memory, Parallel
from chipwise.hardware.buffering import Buffering
from chipwise.mapping.mapping import Mapping, Node, Spatial, Storage, Temporal
from chipwise.workload.kinds import conv

KIB = 8 * 1024
WORD = 16

CHIP = Accelerator(
    "tiny",
    (
        Memory("dram", "dram", keeps=("input", "weight", "output")),
        Memory("buffer", "sram", keeps=("input", "output"), may_keep=("weight",), capacity_bits=4 * KIB),
        Array(
            "pes",
            (
                Axis("rows", 6, Loops(("R", "C"), full=("R",))),
                Axis("columns", 14, Loops(("P", "M"))),
            ),
        ),
        Parallel(
            (
                Memory("ifmap_spad", "register_file", keeps=("input",), capacity_bits=12 * WORD),
                Memory(
                    "filter_spad",
                    "sram",
                    keeps=("weight",),
                    may_keep=("input",),
                    capacity_bits=48 * WORD,
                    buffering=Buffering.DOUBLE,
                    inner_loops=Loops(("S", "M"), full=("S",)),
                ),
                Memory("psum_spad", "register_file", keeps=("output",), capacity_bits=8 * WORD),
            )
        ),
        Compute("mac", "int_mac"),
    ),
    clock_hz=1e9,
)

LAYER = conv("conv", M=4, C=4, P=27, Q=5, R=3, S=3)

NODES: tuple[Node, ...] = (
    Storage("dram", "input"),  # 0
    Storage("dram", "weight"),
    Storage("dram", "output"),
    Temporal("C", 2),  # 3
    Storage("buffer", "input"),  # 4
    Storage("buffer", "output"),  # 5
    Temporal("P", 14),  # 6
    Spatial("rows", "R", 1),  # 7
    Spatial("rows", "C", 1),  # 8
    Spatial("columns", "P", 1),  # 9
    Temporal("Q", 1),  # 10
    Storage("ifmap_spad", "input"),  # 11
    Storage("filter_spad", "weight"),  # 12
    Storage("psum_spad", "output"),  # 13
    Temporal("S", 1),  # 14
    Temporal("M", 1),  # 15
)

MAPPING = Mapping(NODES)

TEXT = """\
dram          input weight output
| for C in 2
buffer        input 812 B, output 1.05 KiB            (46 % of 4 KiB)
|   for P in 2                                        # 27 = 14 + 13
pes           rows R 3, C 2 | columns P 14            (84 of 84 PEs)
|     for Q in 5
ifmap_spad    input 3 words · filter_spad weight 12 words · psum_spad output 4 words  (25 %, 50 %, 50 %)
|       for S in 3
|         for M in 4
mac
"""


def edited(*, drop: tuple[int, ...] = (), put: dict[int, Node | tuple[Node, ...]] | None = None) -> Mapping:
    """MAPPING with nodes left out, and with nodes put before the ones of the indices given."""
    nodes: list[Node] = []
    for i in range(len(NODES) + 1):
        new = (put or {}).get(i, ())
        nodes += new if isinstance(new, tuple) else (new,)
        if i < len(NODES) and i not in drop:
            nodes.append(NODES[i])
    return Mapping(tuple(nodes))
