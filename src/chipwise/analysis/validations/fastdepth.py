"""MACs of FastDepth after its pruning by NetAdapt, as its authors list them."""

from collections.abc import Iterator

from chipwise.analysis.validation import Check
from chipwise.analysis.validations.table_ii import rounding
from chipwise.workload import registry

SOURCE = "dwofk/fast-depth, README, comparison against prior work; Wofk et al., ICRA 2019"


def checks() -> Iterator[Check]:
    """The pruned network; what it was before, for comparison."""
    yield Check("fastdepth", "MACs", "MACs", 0.37e9, registry.build("fastdepth").macs, rounding(0.37))
    yield Check(
        "fastdepth before pruning", "MACs", "MACs", None, registry.build("fastdepth@pruned=false").macs
    )
