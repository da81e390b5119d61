"""A systolic array cycle by cycle: registers between PEs, operands that move one PE a cycle, sums that are checked.

It knows no formula. A fold starts when the one before it is done, as in SCALE-Sim; the cycles are counted until the
last sum of the last fold is made (output stationary) or leaves at the bottom (weight stationary).
Input stationary is weight stationary with the operands exchanged.
"""

import numpy as np

EMPTY = -(2**62)
"""No operand."""


def run(
    left: np.ndarray, right: np.ndarray, dataflow: str, rows: int, columns: int
) -> tuple[np.ndarray, int]:
    """The product left · right as the array computes it, and the cycles that it takes."""
    if dataflow == "is":
        found, cycles = run(right.T, left.T, "ws", rows, columns)
        return found.T, cycles
    result = np.zeros((left.shape[0], right.shape[1]), dtype=np.int64)
    cycles = 0
    inner, outer = (left.shape[0], right.shape[1]) if dataflow == "os" else right.shape
    for j in range(0, outer, columns):
        for i in range(0, inner, rows):
            if dataflow == "os":
                part, spent = _output_stationary(left[i : i + rows], right[:, j : j + columns], rows, columns)
                result[i : i + rows, j : j + columns] = part
            else:
                tile = right[i : i + rows, j : j + columns]
                part, spent = _weight_stationary(left[:, i : i + rows], tile, rows, columns)
                result[:, j : j + columns] += part
            cycles += spent
    return result, cycles


def _output_stationary(a: np.ndarray, b: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, int]:
    """Rows of `a` enter from the left, columns of `b` from the top, each one cycle after its neighbour."""
    depth = a.shape[1]
    padded_a, padded_b = np.zeros((rows, depth), dtype=np.int64), np.zeros((depth, columns), dtype=np.int64)
    padded_a[: a.shape[0]], padded_b[:, : b.shape[1]] = a, b
    east = np.full((rows, columns), EMPTY, dtype=np.int64)
    south = east.copy()
    sums, done = np.zeros((rows, columns), dtype=np.int64), np.zeros((rows, columns), dtype=np.int64)
    cycle = 0
    while done.min() < depth:
        east[:, 1:], south[1:] = east[:, :-1].copy(), south[:-1].copy()
        for i in range(rows):
            east[i, 0] = padded_a[i, cycle - i] if 0 <= cycle - i < depth else EMPTY
        for j in range(columns):
            south[0, j] = padded_b[cycle - j, j] if 0 <= cycle - j < depth else EMPTY
        busy = east != EMPTY
        assert (busy == (south != EMPTY)).all(), "operands of one product must meet"
        sums[busy] += east[busy] * south[busy]
        done += busy
        cycle += 1
    return sums[: a.shape[0], : b.shape[1]], cycle


def _weight_stationary(a: np.ndarray, w: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, int]:
    """Weights are shifted in from the top, then rows of `a` enter from the left and sums leave at the bottom."""
    times = a.shape[0]
    weights = np.zeros((rows, columns), dtype=np.int64)
    source = np.zeros((rows, columns), dtype=np.int64)
    source[: w.shape[0], : w.shape[1]] = w
    cycle = 0
    for step in range(rows):
        weights[1:] = weights[:-1].copy()
        weights[0] = source[rows - 1 - step]
        cycle += 1
    assert (weights == source).all()
    inputs = np.zeros((times, rows), dtype=np.int64)
    inputs[:, : a.shape[1]] = a
    east = np.full((rows, columns), EMPTY, dtype=np.int64)
    sums = east.copy()
    left: list[list[int]] = [[] for _ in range(columns)]
    start = cycle
    while min(len(column) for column in left) < times:
        above = np.vstack([np.zeros((1, columns), dtype=np.int64), sums[:-1]])
        east[:, 1:] = east[:, :-1].copy()
        for i in range(rows):
            now = cycle - start - i
            east[i, 0] = inputs[now, i] if 0 <= now < times else EMPTY
        busy = east != EMPTY
        assert (above[busy] != EMPTY).all(), "an input must meet the sum from above"
        sums = np.where(busy, above + np.where(busy, east, 0) * weights, EMPTY)
        for j in range(columns):
            if sums[-1, j] != EMPTY:
                left[j].append(int(sums[-1, j]))
        cycle += 1
    return np.array(left, dtype=np.int64).T[:, : w.shape[1]], cycle
