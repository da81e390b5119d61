"""Areas of Eyeriss's parts, 65 nm, by the estimators, beside what its authors print.

The paper gives shares of the core of 12.25 mm2: scratchpads about half, 2.5 times the global buffer; multipliers and
adders 7.4 %. Two questions are asked of the estimators:

- How do the three divide their own sum? What layout adds to all of them alike (wires, gaps, clock) cancels.
- What share of the core is each? Here it does not, and nothing is added for it.

As the paper says, filters stand in an SRAM of each PE and ifmaps and psums in registers; the buffer has 27 banks.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from chipwise.analysis.validation import Check
from chipwise.components.energies import query_of
from chipwise.components.estimator import AREA
from chipwise.components.load import load_accelerator
from chipwise.components.registry import most_accurate
from chipwise.hardware.accelerator import Compute, Memory

SOURCE: Final = "Chen et al., IEEE JSSC 52(1), 2017, area breakdown"
CORE_MM2: Final = 12.25
SPADS, BUFFER, MACS = 0.5, 0.5 / 2.5, 0.074
BAND: Final = 0.2
BANKS: Final = 27
NOTE: Final = (
    "the sum holds cells and bits only: wiring, gaps between cells, control, the network and the clock tree of the "
    "core are not in it, and the model of SRAM follows large, dense arrays"
)


def areas_mm2() -> dict[str, float]:
    """Area of all scratchpads, of the buffer and of all MACs, as the most accurate estimators have it.

    >>> found = areas_mm2()
    >>> found["spads"] > found["buffer"] > found["MACs"]
    True
    """
    chip, ask = load_accelerator("eyeriss"), most_accurate()
    found = dict.fromkeys(("spads", "buffer", "MACs"), 0.0)
    parts: list[Memory | Compute] = [*chip.memories[1:], chip.compute]
    for part in parts:
        query = query_of(chip, part)
        if part.name == "filter_spad":
            query = replace(query, component="sram")
        if part.name == "buffer":
            query = replace(query, banks=BANKS)
        estimate = ask.estimate(query, AREA)
        assert estimate is not None
        name = {"buffer": "buffer", chip.compute.name: "MACs"}.get(part.name, "spads")
        found[name] += estimate.value * chip.instances(part.name)
    return found


def checks() -> Iterator[Check]:
    """Shares of the sum of the three, their ratio, and shares of the core."""
    found = areas_mm2()
    total = sum(found.values())
    published = {"spads": SPADS, "buffer": BUFFER, "MACs": MACS}
    for name, share in published.items():
        of_three = share / sum(published.values())
        yield Check(name, "share of spads, buffer and MACs", "1", of_three, found[name] / total, BAND)
    yield Check("spads", "area / that of the buffer", "1", 2.5, found["spads"] / found["buffer"], BAND)
    for name, share in published.items():
        yield Check(name, "share of the core", "1", share, found[name] / CORE_MM2, BAND, NOTE)
    yield Check("all three", "area", "mm2", None, total)
