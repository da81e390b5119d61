"""How many mappings the compiled kernel evaluates exactly per second, and how many the readable form does.

    python benchmarks/kernel.py [--seconds S]

A mapping here is a full set of tile sizes with its best loop orders: `leaf` covers all orders at once.
The ratio of the two rates is what to compare between machines and versions.
"""

import argparse
import time
from itertools import pairwise
from random import Random

import numpy as np

from chipwise.components.load import load_accelerator
from chipwise.mapper.lowering import lower, work_for
from chipwise.mapper.mapspace import all_chains, keepings, skeleton
from chipwise.mapper.problem import make_problem
from chipwise.mapper.search import search
from chipwise.model.cost import cost
from chipwise.model.kernels import search as kernel
from chipwise.workload.load import load_network


def main() -> None:
    """Measure a layer of ResNet-50 on Eyeriss."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    chip = load_accelerator("eyeriss")
    layer = load_network("resnet50").layer("layer3.0.conv2")
    frame = skeleton(chip)
    keeping = keepings(layer, frame)[0]
    problem = make_problem(layer, chip, frame, keeping, all_chains(layer, frame, keeping), "energy")
    arrays, work = lower(problem).arrays, work_for(problem)
    order = np.full((problem.n_stages - 1, len(layer.dims)), -1, np.int64)
    rng = Random(0)  # noqa: S311 - draws tile sizes
    starts = problem.entry_start
    draws = [np.array([rng.randrange(a, b) for a, b in pairwise(starts)]) for _ in range(2000)]
    for chosen in draws:  # compiles, and fills the memo as a search would
        kernel.leaf(arrays, chosen, work, order)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for chosen in draws:
            kernel.leaf(arrays, chosen, work, order)
        done += len(draws)
    compiled = done / (time.perf_counter() - begin)
    mapping = search(layer, chip).mapping
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        cost(layer, chip, mapping)
        done += 1
    readable = done / (time.perf_counter() - begin)
    print(f"kernel:        {compiled:12,.0f} mappings/s, each over all loop orders")
    print(f"readable form: {readable:12,.0f} mappings/s, one loop order")
    print(f"ratio:         {compiled / readable:12,.0f}")


if __name__ == "__main__":
    main()
