"""How many mappings the compiled kernel evaluates exactly per second, and how many the readable form does.

    python benchmarks/kernel.py [--seconds S]

A mapping here is a full set of tile sizes with its best loop orders: `leaf` covers all orders at once.
The ratio of the two rates is what to compare between machines and versions.
"""

import argparse
import time
from collections.abc import Callable
from random import Random

import numpy as np

from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.objectives import objective_for
from chipwise.mapper.question import Clock, Question
from chipwise.mapper.search import search
from chipwise.mapping.mapping import Mapping
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network

DRAWS = 2000
"""Sets of tile sizes, drawn once: the kernel remembers the moves of those it meets again, as in a search."""


def rate(evaluate: Callable[[], int], seconds: float) -> float:
    """Mappings per second, where `evaluate` returns how many it has done."""
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        done += evaluate()
    return done / (time.perf_counter() - begin)


def leaves(layer: Layer, chip: Accelerator, space: Mapspace) -> Callable[[], int]:
    """Evaluates random tile sizes of the most promising class of a mapspace."""
    question = Question(layer, chip, objective_for(chip, "energy"), space, Clock(None))
    _, r, i = question.ordered[0]
    run = question.runs[r]
    template, arrays, work = run.templates[i], run.arrays, run.work
    lowered, rng = template.lower(), Random(0)  # noqa: S311 - draws tile sizes
    draws = [
        np.array([t.first_id + rng.randrange(len(t)) for t in template.tables], np.int64)
        for _ in range(DRAWS)
    ]
    order = np.full((arrays.n_blocks, len(run.problem.dims)), -1, np.int64)
    keys = np.empty(1)
    arrays.memo_row[:-1] = -1
    arrays.memo_row[-1] = 0

    def evaluate() -> int:
        for chosen in draws:
            kernel.leaf(arrays, lowered, chosen, work, order, np.inf, keys)
        return DRAWS

    evaluate()  # compiles, and fills the memo as a search would
    return evaluate


def one_mapping(layer: Layer, chip: Accelerator, mapping: Mapping) -> Callable[[], int]:
    """Evaluates a mapping by the readable closed forms."""

    def evaluate() -> int:
        cost(layer, chip, mapping)
        return 1

    return evaluate


def main() -> None:
    """Measure a layer of ResNet-50 on Eyeriss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    chip = load_accelerator("eyeriss")
    layer = load_network("resnet50").layer("layer3.0.conv2")
    for placement in ("even", "uneven"):
        space = Mapspace(placement)
        compiled = rate(leaves(layer, chip, space), seconds)
        readable = rate(one_mapping(layer, chip, search(layer, chip, space=space).mapping), seconds)
        print(f"{placement + ' kernel:':15}{compiled:12,.0f} mappings/s, each over all loop orders")
        print(f"readable form: {readable:12,.0f} mappings/s, one loop order")
        print(f"ratio:         {compiled / readable:12,.0f}")


if __name__ == "__main__":
    main()
