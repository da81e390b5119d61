"""A dual-side sparse tensor core: latency by densities of both operands of a product of 4096 x 4096 matrices.

One parameter, the cycles of an outer product that no zero saves, is fitted to the five latencies with B dense. Those
with B at 0.4 were not shown to the fit. The figures were read off a plot by Sparseloop's authors.
"""

from collections.abc import Iterator, Mapping

from chipwise.analysis.engines.designs.dual_side import fitted
from chipwise.analysis.validation import Check

SOURCE = "Wang et al., Dual-side sparse tensor core, ISCA 2021, fig. 21, as read for Sparseloop (MICRO 2022)"

LATENCY: Mapping[tuple[float, float], float] = {
    (1.0, 1.0): 4600,
    (0.9, 1.0): 4163,
    (0.7, 1.0): 3300,
    (0.5, 1.0): 2690,
    (0.3, 1.0): 1930,
    (1.0, 0.4): 2500,
    (0.9, 0.4): 2300,
    (0.7, 0.4): 1820,
    (0.5, 0.4): 1480,
    (0.3, 0.4): 1100,
}
"""By densities of A and B."""


def checks() -> Iterator[Check]:
    """Latency relative to dense, and what the plain product of densities would say."""
    core = fitted({at: value for at, value in LATENCY.items() if at[1] == 1.0})
    dense = core.step_cycles(1.0, 1.0)
    yield Check("fitted to B dense", "overhead of an outer product", "cycles", None, core.overhead)
    for (a, b), value in LATENCY.items():
        published = value / LATENCY[1.0, 1.0]
        item = f"density {a:g} of A, {b:g} of B"
        yield Check(item, "latency / dense", "", published, core.step_cycles(a, b) / dense, 0.1)
        yield Check(item, "product of densities", "", published, a * b)
