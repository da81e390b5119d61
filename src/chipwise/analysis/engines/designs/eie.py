"""EIE: fully-connected layers from compressed columns, held on the chip in 64 interleaved parts.

Row i of the weights belongs to PE i mod 64. In a PE the weights of a column are pairs of 4 bits: the count of zeros
before a weight, and which of 16 shared values it has. More than 15 zeros take an entry that is itself zero. Each
non-zero input is broadcast to the queues of all PEs (8 deep), one a cycle; a PE takes a cycle per entry of the column,
one at least. No queue may be full when an input is broadcast:

    broadcast(j) = max(broadcast(j - 1) + 1, slowest end(j - 8))
    end(pe, j)   = max(end(pe, j - 1), broadcast(j)) + max(1, entries(pe, j))

The theoretical time divides all entries by the PEs. Source: Han et al., ISCA 2016, arXiv:1602.01528.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import final

import numpy as np
from numpy.typing import NDArray

from chipwise.analysis.engines.chance import Integers, by_size, relative_index_entries, shares, uniforms
from chipwise.analysis.engines.engine import Engine, EngineCost, Mask, dram, item, products_of
from chipwise.analysis.engines.work import Work

WEIGHT_BITS = 16
POINTER_BITS = 16


def entries_of(weights: NDArray[np.bool_], pes: int, reach: int = 15) -> Integers:
    """Stored entries of each PE and column on actual data [columns, PEs].

    Args:
        weights: which are not zero [rows, columns].
        pes: among which rows are interleaved.
        reach: most zeros that an entry counts.

    >>> column = np.zeros((40, 1), bool)
    >>> column[[0, 39]] = True
    >>> entries_of(column, 1).tolist()  # 38 zeros between: two entries of zero
    [[4]]
    """
    found = np.zeros((weights.shape[1], pes), dtype=np.int64)
    for pe in range(pes):
        part = weights[pe::pes]
        column, row = np.nonzero(part.T)
        first = np.concatenate([[True], column[1:] != column[:-1]]) if column.size else np.zeros(0, bool)
        before = np.where(first, -1, np.concatenate([[0], row[:-1]]))
        np.add.at(found[:, pe], column, 1 + (row - before - 1) // (reach + 1))
    return found


def queued_cycles(entries: Integers, depth: int) -> int:
    """Cycles until the last PE ends, for entries [broadcast inputs, PEs].

    >>> queued_cycles(np.array([[3, 1], [1, 3]]), 8), queued_cycles(np.array([[3, 1], [1, 3]]), 1)
    (4, 6)
    """
    columns, pes = entries.shape
    end = np.zeros(pes, dtype=np.int64)
    slowest = np.zeros(columns, dtype=np.int64)
    broadcast = -1
    taken = np.maximum(entries, 1)
    for j in range(columns):
        broadcast = max(broadcast + 1, int(slowest[j - depth]) if j >= depth else 0)
        end = np.maximum(end, broadcast) + taken[j]
        slowest[j] = end.max()
    return int(end.max()) if columns else 0


@final
@dataclass(frozen=True, slots=True)
class Eie(Engine):
    """64 PEs at 800 MHz."""

    pes: int = 64
    depth: int = 8
    index_bits: int = 4
    shared_bits: int = 4
    spmat_bits: int = 128 * 8192
    pointer_bits: int = 32 * 8192
    node_nm: float = 45.0

    @property
    def name(self) -> str:
        """As commands name it."""
        return "eie"

    @property
    def title(self) -> str:
        """What it is."""
        return "EIE: fully-connected layers with shared weights in compressed columns, zero inputs never sent"

    @property
    def source(self) -> str:
        """Who published it."""
        return "Han et al., EIE, ISCA 2016, arXiv:1602.01528"

    @property
    def counterpart(self) -> str:
        """Without the mechanism."""
        return "64 PEs that fetch every weight, of 16 b, from DRAM"

    @property
    def area(self) -> str:
        """As the paper says."""
        return "40.8 mm2 for 64 PEs, 93 % of it memory"

    @property
    def clock_hz(self) -> float:
        """800 MHz."""
        return 800e6

    def refusal(self, work: Work) -> str:
        """Matrix times vector only."""
        return "" if work.is_vector else "runs fully-connected layers only"

    def cost(self, work: Work) -> EngineCost:
        """One draw of uniformly random zeros; inputs of a batch one after the other."""
        columns = round(work.taps * work.input_density)
        reach = (1 << self.index_bits) - 1
        sizes = shares(work.filters, self.pes)
        drawn = by_size(
            sizes,
            uniforms(work.taps, self.pes, of="weight").T[:, :columns],
            partial(relative_index_entries, density=work.weight_density, reach=reach),
        ).T
        products = work.weights * work.weight_density * columns / work.taps * work.batch
        return self._cost(work, [drawn] * work.batch, products)

    def actual(self, work: Work, inputs: Mask, weights: Mask) -> EngineCost:
        """Inputs of a batch one after the other."""
        reach = (1 << self.index_bits) - 1
        every = [entries_of(weights[0][:, vector], self.pes, reach) for vector in inputs[0]]
        return self._cost(work, every, products_of(inputs, weights))

    def _cost(self, work: Work, batch: Sequence[Integers], products: float) -> EngineCost:
        total = sum(int(entries.sum()) for entries in batch)
        # A draw stands for all inputs of a batch and is played once.
        once = batch[0] is batch[-1]
        played = [queued_cycles(entries, self.depth) for entries in (batch[:1] if once else batch)]
        cycles = sum(played) * (work.batch if once else 1)
        columns = sum(len(entries) for entries in batch)
        node = self.node_nm
        pair = self.index_bits + self.shared_bits
        items = (
            item("mac", total, "int_mac", "mac", WEIGHT_BITS, node),
            # A word of 64 b brings the next eight entries.
            item("weights", total * pair / 64, "sram", "read", 64, node, self.spmat_bits),
            item("pointers", 2 * columns * self.pes, "sram", "read", POINTER_BITS, node, self.pointer_bits),
            item("codebook", total, "register_file", "read", WEIGHT_BITS, node, 16 * WEIGHT_BITS),
            item("sums", total, "register_file", "read", WEIGHT_BITS, node, 64 * WEIGHT_BITS),
            item("sums", total, "register_file", "write", WEIGHT_BITS, node, 64 * WEIGHT_BITS),
            item("queues", columns * self.pes, "fifo", "write", WEIGHT_BITS, node, self.depth * WEIGHT_BITS),
        )
        theoretical = total / self.pes
        return EngineCost(
            cycles,
            items,
            {
                "theoretical_cycles": theoretical,
                "padding": 1 - products / total if total else 0.0,
                "busy": theoretical / cycles if cycles else 0.0,
            },
        )

    def plain(self, work: Work) -> EngineCost:
        """Every weight of every column."""
        cycles = work.batch * work.taps * ceil(work.filters / self.pes)
        node = self.node_nm
        items = (
            item("mac", work.macs, "int_mac", "mac", WEIGHT_BITS, node),
            dram("dram", work.weights * WEIGHT_BITS),
            item("sums", work.macs, "register_file", "read", WEIGHT_BITS, node, 64 * WEIGHT_BITS),
            item("sums", work.macs, "register_file", "write", WEIGHT_BITS, node, 64 * WEIGHT_BITS),
        )
        return EngineCost(cycles, items)


ENGINE = Eie()
